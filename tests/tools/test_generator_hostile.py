"""tests/tools/test_generator_hostile.py: Tests of protoc-gen-gw with malformed input."""
import os
import random

import generator
from generator import GeneratorTest, HEAD, HERE, STAGES, packet

MUTATION_COUNT = 400

# With a sanitizer, or under Wine, each run is slow: there one value in so many is tried.
ONE_IN = int(os.environ.get("GW_ONE_IN", "1"))


def field(number, content):
    """A length-delimited field of a packed message."""
    length = len(content)
    varint = b""
    while length > 0x7F:
        varint += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + varint + bytes([length]) + content


def nested(depth):
    """A descriptor set of one file whose messages nest `depth` deep."""
    message = field(1, b"A")
    for _ in range(depth - 1):
        message = field(1, b"A") + field(3, message)
    return field(1, field(1, b"test.proto") + field(2, b"test") + field(12, b"proto3") +
                 field(4, message))


def chain(count):
    """A schema of messages that each contain the next; the last contains the first."""
    messages = "".join(f"message M{i} {{ M{(i + 1) % count} m = 1; }}\n" for i in range(count))
    return HEAD + messages + packet("A", 'id: 300 from: CLIENT stages: "GREETED"', "M0 m = 1;")


class Hostile(GeneratorTest):
    def survives(self, content, name="test.proto", opt=None):
        """Runs the plugin, which must exit without a signal. Returns its output."""
        path = self.folder / "hostile.bin"
        path.write_bytes(content)
        result = self.by_hand(path, name, opt)
        self.assertIn(result.returncode, (0, 1), result.stderr)
        self.assertNotIn("Sanitizer", result.stderr)
        self.assertNotIn("runtime error", result.stderr)
        return result.stderr

    def test_input_that_is_no_descriptor_set_is_refused(self):
        for content in b"\x0a", b"\xff" * 100, b"\x0a\x05abc", b"hello, world":
            self.assertIn("is not a set of descriptors", self.survives(content))
        self.assertIn("is not among the files that were given", self.survives(b""))
        self.assertIn("cannot be read", self.by_hand(self.folder / "nothing").stderr)

    def test_a_malformed_request_of_protoc_is_refused(self):
        path = self.folder / "stdin.bin"
        for content in b"", b"\x0a", b"\xff" * 100, b"hello, world":
            path.write_bytes(content)
            with path.open() as stdin:
                result = generator.run([generator.arguments.plugin], stdin=stdin)
            self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_messages_nest_at_most_as_deep_as_protobuf_reads(self):
        self.assertIn("has no packet", self.survives(nested(98)))
        self.assertIn("nests more than 100 deep", self.survives(nested(99)))
        self.assertIn("nests more than 100 deep", self.survives(nested(20000)))

    def test_a_long_cycle_of_messages_is_found_without_recursion(self):
        problems = self.problems(chain(3000))
        self.assertEqual(len(problems), 1)
        self.assertTrue(problems[0].endswith("test.M2998 > test.M2999 > test.M0"))

    def test_a_name_that_is_no_identifier_is_refused(self):
        good = (HEAD + STAGES + packet("Chat", 'id: 300 from: CLIENT stages: "MENU"'))
        self.write(good)
        content = self.descriptor_set().read_bytes()
        for old, new, said in (
                (b"Chat", b"C()t", '"test.C()t" is not a name'),
                (b"Chat", b"\"\n*/", '"test."\n*/" is not a name'),
                (b"Chat", b"9bot", '"test.9bot" is not a name'),
                (b"Chat", b"a..b", '"test.a..b" is not a name'),
                (b"MENU", b"{{}}", '"{{}}" is not a name'),
                (b"\x12\x04test", b"\x12\x04te/t", "must say its package")):
            self.assertIn(said, self.survives(content.replace(old, new)))

    def test_nothing_is_written_outside_of_the_output_folder(self):
        self.write(HEAD + packet("A", "id: 300 from: SERVER"), "abcd/efgh.proto")
        content = self.descriptor_set("abcd/efgh.proto").read_bytes()
        for path in "../a/efgh.proto", "/tmp/efgh.proto", "abc*/efgh.proto", 'abc"/efgh.proto':
            said = self.survives(content.replace(b"abcd/efgh.proto", path.encode()), path)
            self.assertIn("a path may have letters, digits", said)

    def test_malformed_policies_are_handled(self):
        self.write(HEAD + packet("A", 'id: 300 from: CLIENT stages: "AAAAAAAAAAAAAAAA"'))
        content = self.descriptor_set().read_bytes()
        place = content.index(b"A" * 16) - 8
        for value in range(0, 256, ONE_IN):
            for offset in range(24):
                if (value * 24 + offset) % 16 == 0:
                    mutant = bytearray(content)
                    mutant[place + offset] = value
                    self.survives(bytes(mutant))

    def test_mutants_of_a_schema_are_handled(self):
        schema = self.descriptor_set("small/small.proto", HERE / "schemas").read_bytes()
        (self.out / "small").mkdir()
        rng = random.Random(1)
        for _ in range(MUTATION_COUNT // ONE_IN):
            mutant = bytearray(schema)
            for _ in range(rng.randint(1, 8)):
                place = rng.randrange(len(mutant))
                kind = rng.randrange(4)
                if kind == 0:
                    mutant[place] = rng.randrange(256)
                elif kind == 1:
                    mutant[place] ^= 1 << rng.randrange(8)
                elif kind == 2:
                    del mutant[place:place + rng.randint(1, 16)]
                else:
                    other = rng.randrange(len(mutant))
                    mutant[place:place] = mutant[other:other + rng.randint(1, 64)]
            self.survives(bytes(mutant), "small/small.proto",
                          rng.choice((None, "control", f"lock={self.lock}")))


if __name__ == "__main__":
    generator.main()
