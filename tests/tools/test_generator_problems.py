"""tests/tools/test_generator_problems.py: what protoc-gen-gw says of schemas with mistakes."""
import pathlib
import subprocess

import generator
from generator import GeneratorTest, HEAD, STAGES, packet


class Problems(GeneratorTest):
    def says(self, text, *lines):
        self.assertEqual(self.problems(HEAD + STAGES + text), list(lines))

    def passes(self, text):
        self.says(text)

    def test_a_schema_without_mistakes_passes(self):
        self.passes(packet("Chat", 'id: 300 from: CLIENT stages: "HALL"', "string text = 1;"))

    def test_all_mistakes_are_told_in_one_run_by_line(self):
        self.says(
            packet("A", 'from: CLIENT stages: "HALL"') +
            packet("B", "id: 301") +
            packet("C", 'id: 302 from: CLIENT stages: "NOWHERE"') +
            packet("D", "id: 302 from: SERVER", "optional int32 x = 1;") +
            packet("E", 'id: 303 from: CLIENT stages: "HALL"', "E e = 1;"),
            "test.proto:3: A has no id: write one that nobody has or had, from 256 to 32767",
            "test.proto:4: B does not say who sends it: write from: CLIENT, SERVER or BOTH",
            'test.proto:5: C names the stage "NOWHERE"; there are CONNECTED, GREETED, HALL, TABLE',
            "test.proto:6: test.D.x is `optional`, which protobuf-c cannot do in proto3: leave the "
            "word out, or put the field into a message of its own",
            "test.proto:6: D and C (line 5) both have id 302: give one of them another",
            "test.proto:7: E may come from a client, and nests without end: test.E > test.E")

    def test_the_line_is_that_of_the_option(self):
        self.says("message A {\n  string text = 1;\n  option (gw.packet) = { from: SERVER };\n}\n",
                  "test.proto:5: A has no id: write one that nobody has or had, from 256 to 32767")

    def test_ids_of_a_game_are_256_to_32767(self):
        for good in 256, 32767:
            self.passes(packet("A", f"id: {good} from: SERVER"))
        for bad in 1, 63, 64, 255, 32768, 65535, 65536 + 300, 4294967295:
            self.says(packet("A", f"id: {bad} from: SERVER"),
                      f"test.proto:3: A has id {bad}, which is not from 256 to 32767")

    def test_ids_of_control_packets_are_1_to_63(self):
        (self.out / "session").mkdir()
        for good in 1, 63:
            self.write(HEAD + packet("A", f"id: {good} from: SERVER"))
            self.assertEqual(self.generate("control").returncode, 0)
        for bad in 64, 256:
            self.write(HEAD + packet("A", f"id: {bad} from: SERVER"))
            self.assertIn(f"test.proto:2: A has id {bad}, which is not from 1 to 63",
                          self.generate("control").stderr)

    def test_what_a_client_sends_says_at_which_stages(self):
        for sender in "CLIENT", "BOTH":
            self.says(packet("A", f"id: 300 from: {sender}"),
                      "test.proto:3: A may come from a client: write at which stages, as in "
                      'stages: "GREETED"')
        self.passes(packet("A", "id: 300 from: SERVER"))

    def test_a_stage_is_number_0_to_30(self):
        enum = "enum Stage { option (gw.stages) = true; FIRST = 0;\nLAST = %d; }\n"
        chat = packet("Chat", 'id: 300 from: CLIENT stages: "LAST"')
        self.assertEqual(self.problems(HEAD + enum % 30 + chat), [])
        for bad in 31, -1, 2147483647, -2147483648:
            self.assertEqual(
                self.problems(HEAD + enum % bad + chat),
                [f"test.proto:3: stage LAST is number {bad}: a game has at most 31 stages, 0 to "
                 "30"])

    def test_the_names_of_the_frameworks_stages_are_taken(self):
        enum = "enum Stage { option (gw.stages) = true; %s = 0; }\n"
        for name in "CONNECTED", "GREETED":
            self.assertEqual(
                self.problems(HEAD + enum % name + packet("A", "id: 300 from: SERVER")),
                [f"test.proto:2: stage {name} has a name that is the framework's own: find "
                 "another"])

    def test_a_game_has_one_enum_of_stages(self):
        self.says("enum Zone { option (gw.stages) = true; A = 0; }\n" +
                  packet("Chat", "id: 300 from: SERVER"),
                  "test.proto:3: test.Zone and test.Stage (line 2) both say (gw.stages): a game "
                  "has one such enum")

    def test_an_enum_that_says_no_is_no_enum_of_stages(self):
        self.passes("enum Zone { option (gw.stages) = false; A = 0; }\n" +
                    packet("Chat", 'id: 300 from: CLIENT stages: "HALL"'))

    def test_max_bytes_is_at_most_what_a_frame_can_carry(self):
        limits = (("from: SERVER", 65536, "from a server"),
                  ('from: CLIENT stages: "HALL"', 4096, "from a client"),
                  ('from: BOTH stages: "HALL"', 4096, "from a client"),
                  ('from: CLIENT stages: "CONNECTED" stages: "HALL"', 4096, "from a client"),
                  ('from: CLIENT stages: "CONNECTED"', 1024, "before the greeting"))
        for policy, limit, whose in limits:
            self.passes(packet("A", f"id: 300 {policy} max_bytes: {limit}"))
            self.says(packet("A", f"id: 300 {policy} max_bytes: {limit + 1}"),
                      f"test.proto:3: A has max_bytes {limit + 1}, but no body {whose} is longer "
                      f"than {limit}")

    def test_a_rate_fits_into_16_bits(self):
        self.passes(packet("A", "id: 300 from: SERVER rate: 65535 burst: 65535"))
        for policy in "rate: 65536", "burst: 65536":
            self.says(packet("A", f"id: 300 from: SERVER {policy}"),
                      "test.proto:3: A has a rate or burst above 65535")

    def test_unlimited_and_a_rate_contradict_each_other(self):
        for policy in "rate: 1", "burst: 1":
            self.says(packet("A", f"id: 300 from: SERVER unlimited: true {policy}"),
                      "test.proto:3: A is unlimited, and has a rate: take one of them away")

    def test_what_is_dropped_comes_from_a_client_and_has_a_rate(self):
        self.passes(packet("A", 'id: 300 from: BOTH stages: "HALL" droppable: true'))
        self.says(packet("A", "id: 300 from: SERVER droppable: true") +
                  packet("B", 'id: 301 from: CLIENT stages: "HALL" droppable: true unlimited: true'),
                  "test.proto:3: A is droppable, which is about what clients send: take the word "
                  "away",
                  "test.proto:4: B is droppable, and unlimited, so never dropped: take one of them "
                  "away")

    def test_what_a_slow_reader_may_lose_comes_from_a_server(self):
        self.passes(packet("A", 'id: 300 from: BOTH stages: "HALL" coalesce: true'))
        self.says(packet("A", 'id: 300 from: CLIENT stages: "HALL" coalesce: true'),
                  "test.proto:3: A says coalesce, which is about what a server sends: take the "
                  "word away")

    def test_a_reply_is_a_packet_of_the_other_side(self):
        ask = packet("Ask", 'id: 300 from: CLIENT stages: "HALL" reply: "Answer"')
        self.passes(ask + packet("Answer", "id: 301 from: SERVER"))
        self.passes(ask.replace('"Answer"', '"test.Answer"') +
                    packet("Answer", 'id: 301 from: BOTH stages: "HALL"'))
        self.passes(packet("Ask", 'id: 300 from: SERVER reply: "Answer"') +
                    packet("Answer", 'id: 301 from: CLIENT stages: "HALL"'))
        self.says(ask, 'test.proto:3: Ask is answered by "Answer", and there is no such packet in '
                  "this schema")
        same_side = ("test.proto:3: Ask is answered by Answer (line 4), which comes from the same "
                     "side: the reply to a packet from CLIENT is from SERVER, and the other way "
                     "round")
        self.says(ask + packet("Answer", 'id: 301 from: CLIENT stages: "HALL"'), same_side)
        self.says(ask.replace("CLIENT", "BOTH") + packet("Answer", "id: 301 from: SERVER"),
                  same_side)

    def test_a_request_is_not_dropped_and_its_reply_is_not_lost(self):
        self.says(packet("Ask", 'id: 300 from: CLIENT stages: "HALL" reply: "Answer" '
                         "droppable: true") +
                  packet("Answer", "id: 301 from: SERVER coalesce: true"),
                  "test.proto:3: Ask is droppable, and has a reply, which would not come: take one "
                  "of them away",
                  "test.proto:4: Answer says coalesce, and answers Ask (line 3), which would lose "
                  "its answer: take one of them away")

    def test_a_client_packet_does_not_contain_itself_through_others(self):
        self.says("message Leaf { Twig twig = 1; }\n"
                  "message Twig { repeated Leaf leaves = 1; }\n" +
                  packet("Tree", 'id: 300 from: CLIENT stages: "HALL"', "Leaf leaf = 1;") +
                  packet("Bush", 'id: 301 from: BOTH stages: "HALL"', "map<int32, Twig> t = 1;") +
                  packet("Wood", "id: 302 from: SERVER", "Wood wood = 1;"),
                  "test.proto:5: Tree may come from a client, and nests without end: "
                  "test.Tree > test.Leaf > test.Twig > test.Leaf",
                  "test.proto:6: Bush may come from a client, and nests without end: "
                  "test.Bush > test.Bush.TEntry > test.Twig > test.Leaf > test.Twig")

    def test_a_message_may_be_part_of_many(self):
        self.passes("message Part { int32 a = 1; }\nmessage Pair { Part a = 1; Part b = 2; }\n" +
                    packet("A", 'id: 300 from: CLIENT stages: "HALL"', "Part p = 1; Pair q = 2;"))

    def test_what_is_said_of_a_field_fits_its_type(self):
        fields = ("string s = 1 [(gw.field) = { max_length: 9 utf8: OFF }];"
                  "bytes b = 2 [(gw.field).max_length = 9];"
                  "repeated int32 i = 3 [(gw.field) = { max_count: 9 range: { min: -1 max: 1 } }];"
                  "float f = 4 [(gw.field) = { finite: OFF range: { min: -0.5 max: 0.5 } }];"
                  "map<string, float> m = 5 [(gw.field) = { max_count: 1 max_length: 1 finite: ON "
                  "range: { max: 1.5 } }];"
                  "Stage e = 6 [(gw.field).known = OFF];"
                  "uint64 u = 7 [(gw.field).range = { max: 9007199254740991 }];")
        self.passes(packet("A", 'id: 300 from: CLIENT stages: "HALL"', fields))
        wrong = (
            ("int32 x = 1 [(gw.field).max_length = 9];",
             "has a max_length, and is neither string nor bytes"),
            ("bytes x = 1 [(gw.field).utf8 = ON];", "says utf8, and is no string"),
            ("int32 x = 1 [(gw.field).known = ON];", "says known, and is no enum"),
            ("int32 x = 1 [(gw.field).finite = ON];",
             "says finite, and is neither float nor double"),
            ("bool x = 1 [(gw.field).range = { max: 1 }];", "has a range, and is no number"),
            ("A2 x = 1 [(gw.field).range = { max: 1 }];", "has a range, and is no number"),
            ("int32 x = 1 [(gw.field).max_count = 9];", "has a max_count, and is not repeated"),
            ("string x = 1 [(gw.field).max_length = 4097];",
             "has max_length 4097, but no body from a client is longer than 4096"),
            ("repeated bool x = 1 [(gw.field).max_count = 4097];",
             "has max_count 4097, but no body from a client is longer than 4096"),
            ("int32 x = 1 [(gw.field).range = { min: 2 max: 1 }];",
             "has a range from 2 to 1, where nothing is"),
            ("float x = 1 [(gw.field).range = { min: nan max: 1 }];",
             "has a range from nan to 1, where nothing is"),
            ("int32 x = 1 [(gw.field).range = { min: 0.5 max: 1 }];",
             "has a range from 0.5 to 1: write whole numbers below 2^53"),
            ("int64 x = 1 [(gw.field).range = { max: 9007199254740992 }];",
             "has a range from 0 to 9007199254740992: write whole numbers below 2^53"))
        for text, said in wrong:
            self.says("message A2 {}\n" +
                      packet("A", 'id: 300 from: CLIENT stages: "HALL"', text),
                      f"test.proto:4: test.A.x {said}")

    def test_the_line_is_that_of_the_field(self):
        self.says("message Part {\n  int32 a = 2;\n  int32 b = 1 [(gw.field).utf8 = ON];\n}\n" +
                  packet("A", 'id: 300 from: CLIENT stages: "HALL"', "Part p = 1;"),
                  "test.proto:5: test.Part.b says utf8, and is no string")

    def test_what_is_said_of_a_field_has_an_effect(self):
        self.says("message Part { string s = 1 [(gw.field).max_length = 9]; }\n" +
                  packet("A", "id: 300 from: SERVER", "Part p = 1;"),
                  "test.proto:3: test.Part.s has (gw.field), which is about what clients send, and "
                  "is in no packet from CLIENT: take it away")

    def test_a_client_packet_nests_at_most_8_deep(self):
        parts = "".join(f"message P{i} {{ P{i + 1} p = 1; }}\n" for i in range(1, 8))
        chat = packet("A", 'id: 300 from: CLIENT stages: "HALL"', "P%d p = 1; P5 q = 2;")
        self.passes(parts + "message P8 { int32 x = 1; }\n" + chat % 2)
        self.says(parts + "message P8 { int32 x = 1; }\n" + chat % 1,
                  "test.proto:11: A may come from a client, and nests more than 8 deep")
        self.passes(parts + "message P8 { int32 x = 1; }\n" +
                    packet("A", "id: 300 from: SERVER", "P1 p = 1;"))

    def test_a_client_packet_has_at_most_32_counted_fields(self):
        fields = " ".join(f"repeated int32 x{i} = {i};" for i in range(1, 33))
        self.passes(packet("A", 'id: 300 from: CLIENT stages: "HALL"', fields + "int32 y = 99;"))
        self.says("message Part {}\n" +
                  packet("A", 'id: 300 from: CLIENT stages: "HALL"', fields + "Part p = 99;"),
                  "test.proto:4: test.A may come from a client, and has 33 fields that are "
                  "repeated or messages: 32 may be, put some of them into a message of their own")

    def test_handlers_have_names_of_their_own(self):
        self.says(packet("ChatLine", "id: 300 from: SERVER") +
                  packet("Chat_Line", "id: 301 from: SERVER") +
                  "message Chat { message Line { option (gw.packet) = { id: 302 from: SERVER };"
                  " } }\n",
                  "test.proto:4: Chat_Line and ChatLine (line 3) would both be answered by "
                  "test_on_chat_line(): rename one",
                  "test.proto:5: Chat.Line and Chat_Line (line 4) would both be answered by "
                  "test_on_chat_line(): rename one")

    def test_optional_is_refused_in_every_message(self):
        self.says("message Part { message Inner {\noptional string a = 1;\n} }\n" +
                  packet("A", "id: 300 from: SERVER"),
                  "test.proto:4: test.Part.Inner.a is `optional`, which protobuf-c cannot do in "
                  "proto3: leave the word out, or put the field into a message of its own")

    def test_a_schema_has_packets(self):
        self.says("message A {}\n", "test.proto: has no packet: no message in it has the option "
                  "(gw.packet)")

    def test_a_schema_has_a_package_and_is_proto3(self):
        self.assertEqual(
            self.problems('syntax = "proto2"; import "gw/options.proto";\n' +
                          packet("A", "id: 300 from: SERVER")),
            ['test.proto: must say: syntax = "proto3";',
             "test.proto: must say its package: the names of all that is generated begin with it"])

    def test_packets_of_an_imported_file_are_not_forgotten_silently(self):
        self.write(HEAD.replace("test", "other") + packet("B", "id: 301 from: SERVER"),
                   "other.proto")
        self.assertEqual(
            self.problems(HEAD + 'import "other.proto"; import "gw/control.proto";\n' +
                          packet("A", "id: 300 from: SERVER", "other.B b = 1; gw.Error e = 2;")),
            ["test.proto: imports other.proto, which makes other.B a packet: packets belong into "
             "the schema itself"])


class Parameters(GeneratorTest):
    def test_an_unknown_parameter_is_an_error(self):
        self.write(HEAD + packet("A", "id: 300 from: SERVER"))
        self.assertIn('the option "lokc=x" is not known: lock=PATH, control',
                      self.generate("lokc=x").stderr)

    def test_what_headers_are_included_by_is_a_path(self):
        self.write(HEAD + packet("A", "id: 300 from: SERVER"))
        for prefix in "", "/", "../", 'a"', "a>\n", "a b":
            self.assertIn("is not known: lock=PATH, control, include=PREFIX",
                          self.generate(f"include={prefix}").stderr)

    def test_schemas_come_one_at_a_time(self):
        self.write(HEAD + packet("A", "id: 300 from: SERVER"))
        self.write(HEAD.replace("test", "b") + packet("B", "id: 300 from: SERVER"), "b.proto")
        result = generator.run(
            [generator.arguments.protoc, f"-I{self.folder}", f"-I{generator.ROOT / 'proto'}",
             f"--plugin=protoc-gen-gw={generator.arguments.plugin}", f"--gw_out={self.out}",
             "test.proto", "b.proto"])
        self.assertIn("one schema at a time, please", result.stderr)

    def test_without_sense_on_the_command_line_it_says_how(self):
        for words in ["--out"], ["--file", "x"]:
            result = generator.run([generator.arguments.plugin, *words])
            self.assertEqual(result.returncode, 2)
            self.assertIn("usage: protoc-gen-gw --descriptor-set FILE", result.stderr)
        result = generator.run([generator.arguments.plugin, "--help"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("usage: protoc-gen-gw --descriptor-set FILE", result.stdout)

    def test_what_cannot_be_written_is_a_failure(self):
        if pathlib.Path(generator.arguments.plugin).read_bytes()[:4] != b"\x7fELF":
            self.skipTest("/dev/full is Linux's")
        self.write(HEAD + packet("A", "id: 300 from: SERVER"))
        by_hand = ["--descriptor-set", self.descriptor_set(), "--file", "test.proto", "--out", self.out,
                   "--opt", "do=list"]
        with open("/dev/full", "w", encoding="ascii") as full:
            for words, request in (["--help"], b""), (by_hand, b""), ([], b""):
                done = subprocess.run([generator.arguments.plugin, *words], input=request, stdout=full,
                                      stderr=subprocess.PIPE, timeout=100, check=False)
                self.assertEqual(done.returncode, 1, words)
                self.assertIn(b"protoc-gen-gw: cannot write: No space left on device", done.stderr)


if __name__ == "__main__":
    generator.main()
