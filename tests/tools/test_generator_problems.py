"""tests/tools/test_generator_problems.py: Tests of the errors that protoc-gen-gw reports."""
import pathlib
import subprocess

import re

import generator
from generator import GeneratorTest, HEAD, STAGES, packet


class Problems(GeneratorTest):
    def says(self, text, *lines):
        self.assertEqual(self.problems(HEAD + STAGES + text), list(lines))

    def passes(self, text):
        self.says(text)

    def test_a_schema_without_errors_passes(self):
        self.passes(packet("Chat", 'id: 300 from: CLIENT stages: "MENU"', "string text = 1;"))

    def test_all_errors_are_reported_in_one_run_by_line(self):
        self.says(
            packet("A", 'from: CLIENT stages: "MENU"') +
            packet("B", "id: 301") +
            packet("C", 'id: 302 from: CLIENT stages: "NOWHERE"') +
            packet("D", "id: 302 from: SERVER", "optional int32 x = 1;") +
            packet("E", 'id: 303 from: CLIENT stages: "MENU"', "E e = 1;"),
            "test.proto:3: A has no id: write one that was never used, from 256 to 32767",
            "test.proto:4: B has no sender: write from: CLIENT, SERVER or BOTH",
            'test.proto:5: C names the stage "NOWHERE"; there are CONNECTED, GREETED, MENU, TABLE',
            "test.proto:6: test.D.x is `optional`, which protobuf-c cannot do in proto3: leave the "
            "word out, or put the field into a message of its own",
            "test.proto:6: D and C (line 5) both have id 302: give one of them another",
            "test.proto:7: E may come from a client, and nests without end: test.E > test.E")

    def test_the_line_is_that_of_the_option(self):
        self.says("message A {\n  string text = 1;\n  option (gw.packet) = { from: SERVER };\n}\n",
                  "test.proto:5: A has no id: write one that was never used, from 256 to 32767")

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

    def test_a_client_packet_has_stages(self):
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

    def test_the_names_of_the_frameworks_stages_are_reserved(self):
        enum = "enum Stage { option (gw.stages) = true; %s = 0; }\n"
        for name in "CONNECTED", "GREETED":
            self.assertEqual(
                self.problems(HEAD + enum % name + packet("A", "id: 300 from: SERVER")),
                [f"test.proto:2: stage {name} has a name that is the framework's own: find "
                 "another"])

    def test_a_game_has_one_enum_of_stages(self):
        self.says("enum Zone { option (gw.stages) = true; A = 0; }\n" +
                  packet("Chat", "id: 300 from: SERVER"),
                  "test.proto:3: test.Zone and test.Stage (line 2) both have (gw.stages): a game "
                  "has one such enum")

    def test_an_enum_with_stages_false_is_no_enum_of_stages(self):
        self.passes("enum Zone { option (gw.stages) = false; A = 0; }\n" +
                    packet("Chat", 'id: 300 from: CLIENT stages: "MENU"'))

    def test_max_bytes_is_at_most_what_a_frame_can_carry(self):
        limits = (("from: SERVER", 65536, "from a server"),
                  ('from: CLIENT stages: "MENU"', 65536, "from a client"),
                  ('from: BOTH stages: "MENU"', 65536, "from a client"),
                  ('from: CLIENT stages: "CONNECTED" stages: "MENU"', 65536, "from a client"),
                  ('from: CLIENT stages: "CONNECTED"', 1024, "before the greeting"))
        for policy, limit, whose in limits:
            self.passes(packet("A", f"id: 300 {policy} max_bytes: {limit}"))
            self.says(packet("A", f"id: 300 {policy} max_bytes: {limit + 1}"),
                      f"test.proto:3: A has max_bytes {limit + 1}, but no body {whose} is longer "
                      f"than {limit}")

    def test_a_rate_fits_into_16_bits(self):
        chat = 'id: 300 from: CLIENT stages: "MENU"'
        self.passes(packet("A", f"{chat} rate: 65535 burst: 65535"))
        for policy in "rate: 65536", "burst: 65536":
            self.says(packet("A", f"{chat} {policy}"),
                      "test.proto:3: A has a rate or burst above 65535")

    def test_unlimited_and_a_rate_contradict_each_other(self):
        for policy in "rate: 1", "burst: 1":
            self.says(packet("A", f'id: 300 from: CLIENT stages: "MENU" unlimited: true {policy}'),
                      "test.proto:3: A is unlimited, and has a rate: remove one of them")

    def test_a_droppable_packet_comes_from_a_client_and_has_a_rate(self):
        self.passes(packet("A", 'id: 300 from: BOTH stages: "MENU" droppable: true'))
        self.says(packet("A", "id: 300 from: SERVER droppable: true") +
                  packet("B", 'id: 301 from: CLIENT stages: "MENU" droppable: true unlimited: true'),
                  "test.proto:3: A is droppable, which applies only to packets from clients: remove the word",
                  "test.proto:4: B is droppable, and unlimited, so never dropped: remove one of them")

    def test_a_coalescing_packet_comes_from_a_server(self):
        self.passes(packet("A", 'id: 300 from: BOTH stages: "MENU" coalesce: true'))
        self.says(packet("A", 'id: 300 from: CLIENT stages: "MENU" coalesce: true'),
                  "test.proto:3: A says coalesce, which applies only to packets from a server: remove the word")

    def test_a_reply_is_a_packet_of_the_other_side(self):
        ask = packet("Ask", 'id: 300 from: CLIENT stages: "MENU" reply: "Answer"')
        self.passes(ask + packet("Answer", "id: 301 from: SERVER"))
        self.passes(ask.replace('"Answer"', '"test.Answer"') +
                    packet("Answer", 'id: 301 from: BOTH stages: "MENU"'))
        self.passes(packet("Ask", 'id: 300 from: SERVER reply: "Answer"') +
                    packet("Answer", 'id: 301 from: CLIENT stages: "MENU"'))
        self.says(ask, 'test.proto:3: Ask is answered by "Answer", and there is no such packet in '
                  "this schema")
        same_side = ("test.proto:3: Ask is answered by Answer (line 4), which comes from the same "
                     "side: the reply to a packet from CLIENT is from SERVER, and the other way "
                     "round")
        self.says(ask + packet("Answer", 'id: 301 from: CLIENT stages: "MENU"'), same_side)
        self.says(ask.replace("CLIENT", "BOTH") + packet("Answer", "id: 301 from: SERVER"),
                  same_side)

    def test_a_request_is_not_droppable_and_its_reply_does_not_coalesce(self):
        self.says(packet("Ask", 'id: 300 from: CLIENT stages: "MENU" reply: "Answer" '
                         "droppable: true") +
                  packet("Answer", "id: 301 from: SERVER coalesce: true"),
                  "test.proto:3: Ask is droppable, and has a reply, which would not come: remove one of them",
                  "test.proto:4: Answer says coalesce, and answers Ask (line 3), which would lose "
                  "its answer: remove one of them")

    def test_a_client_packet_does_not_contain_itself_through_others(self):
        self.says("message Leaf { Twig twig = 1; }\n"
                  "message Twig { repeated Leaf leaves = 1; }\n" +
                  packet("Tree", 'id: 300 from: CLIENT stages: "MENU"', "Leaf leaf = 1;") +
                  packet("Bush", 'id: 301 from: BOTH stages: "MENU"', "map<int32, Twig> t = 1;") +
                  packet("Wood", "id: 302 from: SERVER", "Wood wood = 1;"),
                  "test.proto:5: Tree may come from a client, and nests without end: "
                  "test.Tree > test.Leaf > test.Twig > test.Leaf",
                  "test.proto:6: Bush may come from a client, and nests without end: "
                  "test.Bush > test.Bush.TEntry > test.Twig > test.Leaf > test.Twig")

    def test_a_message_may_be_part_of_several_messages(self):
        self.passes("message Part { int32 a = 1; }\nmessage Pair { Part a = 1; Part b = 2; }\n" +
                    packet("A", 'id: 300 from: CLIENT stages: "MENU"', "Part p = 1; Pair q = 2;"))

    def test_a_rule_of_a_field_fits_its_type(self):
        fields = ("string s = 1 [(gw.field) = { max_length: 9 utf8: OFF }];"
                  "bytes b = 2 [(gw.field).max_length = 9];"
                  "repeated int32 i = 3 [(gw.field) = { max_count: 9 range: { min: -1 max: 1 } }];"
                  "float f = 4 [(gw.field) = { finite: ON range: { min: -0.5 max: 0.5 } }];"
                  "map<string, float> m = 5 [(gw.field) = { max_count: 1 max_length: 1 finite: ON "
                  "range: { max: 1.5 } }];"
                  "Stage e = 6 [(gw.field).known = OFF];"
                  "uint64 u = 7 [(gw.field).range = { max: 9007199254740991 }];")
        self.passes(packet("A", 'id: 300 from: CLIENT stages: "MENU"', fields))
        wrong = (
            ("int32 x = 1 [(gw.field).max_length = 9];",
             "has a max_length, and is neither string nor bytes: remove it"),
            ("bytes x = 1 [(gw.field).utf8 = ON];", "says utf8, and is no string: remove it"),
            ("int32 x = 1 [(gw.field).known = ON];", "says known, and is no enum: remove it"),
            ("int32 x = 1 [(gw.field).finite = ON];",
             "says finite, and is neither float nor double: remove it"),
            ("bool x = 1 [(gw.field).range = { max: 1 }];", "has a range, and is no number: remove it"),
            ("A2 x = 1 [(gw.field).range = { max: 1 }];", "has a range, and is no number: remove it"),
            ("int32 x = 1 [(gw.field).max_count = 9];", "has a max_count, and is not repeated: remove it"),
            ("string x = 1 [(gw.field).max_length = 65536];",
             "has max_length 65536, and at most 65535 is possible"),
            ("repeated bool x = 1 [(gw.field).max_count = 65536];",
             "has max_count 65536, and at most 65535 is possible"),
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
                      packet("A", 'id: 300 from: CLIENT stages: "MENU"', text),
                      f"test.proto:4: test.A.x {said}")

    # Each rule of a field, and the types that it means something for.
    TEXTS, NUMBERS, FLOATS = ("string", "bytes"), ("uint32", "int64", "sint32", "fixed32", "sfixed64"), ("float", "double")
    RULES = {
        "max_length: 9": TEXTS, "min_length: 1": TEXTS, "utf8: ON": ("string",), "printable: ON": ("string",),
        "finite: ON": FLOATS, "range: { max: 1 }": (*NUMBERS, *FLOATS), "known: ON": ("Stage",),
        "required: ON": (*TEXTS, *NUMBERS, *FLOATS, "Stage", "Part"), "max_count: 3": (),
    }
    ANYWHERE = "max_count: 3", "required: ON"  # in a list or a map
    TYPES = (*TEXTS, *NUMBERS, *FLOATS, "bool", "Stage", "Part")

    def refused(self, rule, fields):
        """The fields that may not have the rule, each in a separate message."""
        text = HEAD + STAGES + "message Part { int32 a = 1; }\n" + "".join(packet(
            f"A{i}", f'id: {300 + i} from: CLIENT stages: "MENU"', field.replace("%s", f"[(gw.field) = {{ {rule} }}]"))
            for i, field in enumerate(fields))
        said = [re.fullmatch(r"test\.proto:\d+: test\.A(\d+)\.x .*: remove it", line)
                for line in self.problems(text)]
        return [fields[int(match[1])] for match in said]

    def test_each_rule_is_refused_for_each_type_without_an_effect(self):
        for rule, types in self.RULES.items():
            lists = [f"{kind} x = 1 %s;" for kind in self.TYPES]
            ways = [f"{kind} x = 1 %s;" for kind in self.TYPES] + [
                f"{way} x = 1 %s;" for kind in self.TYPES for way in (f"repeated {kind}", f"map<int32, {kind}>")]
            means_nothing = [field for field in ways
                             if not (rule in self.ANYWHERE and field not in lists) and
                             not re.search(r"(\w+)>? x", field)[1] in types]
            self.assertEqual(sorted(self.refused(rule, ways)), sorted(means_nothing), rule)
        for rule in "max_length: 9", "min_length: 1", "utf8: ON", "printable: ON":
            self.assertEqual(self.refused(rule, ["map<string, bool> x = 1 %s;"]), [])
        field = "oneof o { int32 x = 1 %s; }"
        self.assertEqual(self.refused("required: ON", [field]), [field])
        self.assertEqual(self.refused("range: { min: 1 max: 2 }", [field]), [])

    def test_a_range_is_within_its_type(self):
        exact = 9007199254740991
        for kinds, least, most in ((("uint32", "fixed32"), 0, 4294967295), (("uint64", "fixed64"), 0, exact),
                                   (("int32", "sint32", "sfixed32"), -2147483648, 2147483647),
                                   (("int64", "sint64", "sfixed64"), -exact, exact)):
            for kind in kinds:
                field = f"{kind} x = 1 [(gw.field).range = {{ min: %d max: %d }}];"
                chat = 'id: 300 from: CLIENT stages: "MENU"'
                self.passes(packet("A", chat, field % (least, most)))
                for bad in (least - 1, most), (least, most + 1), (least, 1 << 40 if most < 1 << 40 else most + 1):
                    said, = self.problems(HEAD + STAGES + packet("A", chat, field % bad))
                    self.assertRegex(said, r"^test\.proto:3: test\.A\.x has a range from .* (but its type holds "
                                           r"-?\d+ to \d+: write numbers of that|write whole numbers below 2\^53)$")
        self.says(packet("A", 'id: 300 from: CLIENT stages: "MENU"',
                         "uint32 x = 1 [(gw.field).range = { max: 1099511627776 }];\n"
                         "float y = 2 [(gw.field).range = { max: 1e39 }];"),
                  "test.proto:3: test.A.x has a range from 0 to 1099511627776, but its type holds 0 to "
                  "4294967295: write numbers of that",
                  "test.proto:4: test.A.y has a range from 0 to 9.9999999999999994e+38, but its type holds "
                  "-3.4028234663852886e+38 to 3.4028234663852886e+38: write numbers of that")

    def test_rules_that_contradict_each_other_are_refused(self):
        self.says(packet("A", 'id: 300 from: CLIENT stages: "MENU"',
                         "string a = 1 [(gw.field) = { min_length: 5 max_length: 4 }];\n"
                         "bytes b = 2 [(gw.field) = { min_length: 65 }];\n"
                         "string c = 3 [(gw.field) = { printable: ON utf8: OFF }];\n"
                         "float d = 4 [(gw.field) = { finite: OFF range: { max: 1 } }];\n"
                         "int32 e = 5 [(gw.field) = { required: ON range: { min: 0 max: 0 } }];\n"
                         "Only f = 6 [(gw.field).required = ON];") + "enum Only { ONE = 0; }\n",
                  "test.proto:3: test.A.a has min_length 5 and max_length 4, where nothing is: write "
                  "max_length: 5 or more",
                  "test.proto:4: test.A.b has min_length 65 and max_length 64 (nothing said), where nothing is: "
                  "write max_length: 65 or more",
                  "test.proto:5: test.A.c says printable and utf8: OFF, but only UTF-8 is printable: remove one of them",
                  "test.proto:6: test.A.d says finite: OFF and has a range, which neither infinity nor NaN is in: "
                  "remove one of them",
                  "test.proto:7: test.A.e is required, so not 0, and has a range of nothing else: remove one of them",
                  "test.proto:8: test.A.f is required, so not 0, and its enum has no other value: remove it")

    def test_a_policy_of_client_packets_is_refused_on_a_server_packet(self):
        for words, what in (("rate: 5", "says rate"), ("burst: 5", "says burst"), ("unlimited: true", "says unlimited"),
                            ("droppable: true", "is droppable")):
            said, = self.problems(HEAD + STAGES + packet("A", f"id: 300 from: SERVER {words}"))
            self.assertRegex(said, rf"^test\.proto:3: A {what}, which applies only to packets from clients: remove (it|the word)$")
        self.says(packet("A", 'id: 300 from: SERVER stages: "MENU"'),
                  "test.proto:3: A has stages, which apply only to packets from clients: remove them")

    def test_a_stage_is_listed_once(self):
        for stages, again in (('"MENU" stages: "MENU"', "MENU"), ('"GREETED" stages: "TABLE"', "TABLE")):
            self.says(packet("A", f"id: 300 from: CLIENT stages: {stages}"),
                      f'test.proto:3: A names the stage "{again}", which is among those before it: remove it')

    def test_a_reply_from_a_client_is_not_dropped(self):
        self.says(packet("Ask", 'id: 300 from: SERVER reply: "Answer"') +
                  packet("Answer", 'id: 301 from: CLIENT stages: "MENU" droppable: true'),
                  "test.proto:4: Answer is droppable, and answers Ask (line 3), whose answer would not come: remove one of them")

    # The longest body that the rules of the fields allow, worked out by hand.
    SIZES = (
        ("uint32 x = 1;", 6), ("int32 x = 1;", 11), ("sint32 x = 1;", 6), ("uint64 x = 1;", 11), ("bool x = 1;", 2),
        ("fixed32 x = 1;", 5), ("double x = 16;", 10), ("float x = 2048;", 7), ("Stage x = 1;", 2),
        ("Stage x = 1 [(gw.field).known = OFF];", 11),
        ("uint32 x = 1 [(gw.field).range = { max: 127 }];", 2), ("uint32 x = 1 [(gw.field).range = { max: 128 }];", 3),
        ("int32 x = 1 [(gw.field).range = { min: 0 max: 9 }];", 2), ("int32 x = 1 [(gw.field).range = { min: -1 }];", 11),
        ("sint32 x = 1 [(gw.field).range = { min: -64 max: 63 }];", 2),
        ("sint32 x = 1 [(gw.field).range = { min: -64 max: 64 }];", 3),
        ("string x = 1;", 66), ("string x = 1 [(gw.field).max_length = 127];", 129),
        ("string x = 1 [(gw.field).max_length = 128];", 131), ("bytes x = 1 [(gw.field).max_length = 9];", 11),
        ("repeated bool x = 1 [(gw.field).max_count = 9];", 11),
        ("repeated bool x = 1 [packed = false, (gw.field).max_count = 9];", 18),
        ("repeated string x = 1 [(gw.field) = { max_count: 2 max_length: 3 }];", 10),
        ("Part x = 1;", 13), ("repeated Part x = 1 [(gw.field).max_count = 3];", 39),
        ("map<bool, uint32> x = 1 [(gw.field).max_count = 2];", 20),
        ("oneof o { uint32 x = 1; bool y = 2; string z = 3; } oneof p { bool v = 4; }", 68), ("", 0),
    )

    def test_max_bytes_fits_the_longest_message(self):
        part = "message Part { int32 a = 1; }\n"
        for fields, most in self.SIZES:
            chat = 'id: 300 from: CLIENT stages: "MENU" max_bytes: %d'
            self.passes(part + packet("A", chat % max(most, 1), fields))
            if most > 1:
                said, = self.problems(HEAD + STAGES + part + packet("A", chat % (most - 1), fields))
                self.assertRegex(said, rf"^test\.proto:4: A takes 0 to {most} bytes by the rules of its fields, and "
                                       rf"has max_bytes {most - 1}: write max_bytes: {most}, or a smaller max_length "
                                       r"or max_count$")

    def test_the_error_of_max_bytes_has_the_length_of_the_shortest_message(self):
        fields = ("uint32 a = 1 [(gw.field).range = { min: 200 max: 300 }]; string b = 2 [(gw.field).min_length = 4]; "
                  "Part c = 3 [(gw.field).required = ON]; bool d = 4; "
                  "repeated Part e = 5 [(gw.field) = { required: ON max_count: 1 }];")
        self.says("message Part { fixed32 a = 1 [(gw.field).range = { min: 1 max: 2 }]; }\n" +
                  packet("A", 'id: 300 from: CLIENT stages: "MENU" max_bytes: 22', fields),
                  "test.proto:4: A takes 23 to 85 bytes by the rules of its fields, and has max_bytes 22: write "
                  "max_bytes: 85, or a smaller max_length or max_count")

    def test_without_max_bytes_a_packet_gets_the_length_of_its_longest_message(self):
        for length, most in (100, 256), (300, 303), (4093, 4096):
            self.passes(packet("A", 'id: 300 from: CLIENT stages: "MENU"',
                               f"string x = 1 [(gw.field).max_length = {length}];"))
            self.assertIn(f".body_bytes_max = {most},", (self.out / "test_server.gen.c").read_text())
        self.says(packet("A", 'id: 300 from: CLIENT stages: "MENU"', "string x = 1 [(gw.field).max_length = 4094];") +
                  packet("B", 'id: 301 from: CLIENT stages: "CONNECTED"', "repeated string x = 1;"),
                  "test.proto:3: A takes up to 4097 bytes by the rules of its fields, but its body has 4096 at most: "
                  "write a smaller max_length or max_count, or max_bytes: 4097 and in the server a body_bytes_max that "
                  "allows it",
                  "test.proto:4: B takes up to 1056 bytes by the rules of its fields, but its body has 1024 at most: "
                  "write a smaller max_length or max_count")

    def test_a_packet_may_declare_up_to_65536_bytes(self):
        for length in 4094, 65532:
            self.passes(packet("A", f'id: 300 from: CLIENT stages: "MENU" max_bytes: {length + 4}',
                               f"bytes x = 1 [(gw.field).max_length = {length}];"))
            self.assertIn(f".body_bytes_max = {length + 4},", (self.out / "test_server.gen.c").read_text())
        self.says(packet("A", 'id: 300 from: CLIENT stages: "MENU" max_bytes: 65536',
                         "bytes x = 1 [(gw.field).max_length = 65533];"),
                  "test.proto:3: A takes up to 65537 bytes by the rules of its fields, but its body has 65536 at most: "
                  "write a smaller max_length or max_count")

    def test_rules_in_imported_files_are_checked_too(self):
        self.write('syntax = "proto3"; package other; import "gw/options.proto";\n'
                   "message Part {\n  int32 a = 1 [(gw.field).utf8 = ON];\n}\n", "other.proto")
        self.assertEqual(
            self.problems(HEAD + STAGES + 'import "other.proto";\n' +
                          packet("A", 'id: 300 from: CLIENT stages: "MENU"', "other.Part p = 1;")),
            ["other.proto:3: other.Part.a says utf8, and is no string: remove it"])

    def test_a_field_name_that_is_invalid_in_c_is_refused(self):
        self.says(packet("A", "id: 300 from: SERVER", "uint32 base = 1;\nuint32 Errno = 2;\nuint32 unix = 3;\n"
                         "repeated bool a = 4; int32 n_a = 5;\noneof o { int32 p = 6; } int32 o_case = 7;"),
                  "test.proto:3: test.A.base has the name of a member that protobuf-c puts into every message: write "
                  "another, as in `base_id`",
                  "test.proto:4: test.A.Errno has a name that C, C++ or a header of the system keeps for itself, so "
                  "that no program could use it: write another, as in `errno_value`",
                  "test.proto:5: test.A.unix has a name that C, C++ or a header of the system keeps for itself, so "
                  "that no program could use it: write another, as in `unix_value`",
                  "test.proto:6: test.A.n_a becomes the member `n_a` in C, which is taken by `a`: write another name",
                  "test.proto:7: test.A.o_case becomes the member `o_case` in C, which is taken by `o`: write another "
                  "name")

    def test_two_names_that_are_equal_in_c_are_refused(self):
        self.says("message AB {}\nmessage A_B {}\nmessage Ab {}\n"
                  "message M { message OCase {} oneof o { int32 x = 1; } }\n" +
                  packet("Chat", 'id: 300 from: CLIENT stages: "MENU"', "string text = 1; string Text2 = 2;") +
                  packet("Packet", 'id: 301 from: CLIENT stages: "MENU"', "string name = 1;") +
                  packet("NameBytesMax", "id: 302 from: SERVER"),
                  "test.proto:4: test.A_B and test.AB (line 3) would both be Test__AB in C: rename one",
                  "test.proto:5: test.Ab and test.AB (line 3) would both be test__ab__ in C: rename one",
                  "test.proto:6: test.M.o and test.M.OCase (line 6) would both be Test__M__OCase in C: rename one",
                  "test.proto:9: test.NameBytesMax and test.Packet.name (line 8) would both be "
                  "TEST_PACKET_NAME_BYTES_MAX in C: rename one")
        enum = "enum Stage { option (gw.stages) = true; inRoom = 0;\nIN_ROOM = 1; }\n"
        self.assertEqual(self.problems(HEAD + enum + packet("A", "id: 300 from: SERVER")),
                         ["test.proto:3: IN_ROOM and inRoom (line 2) would both be TEST_STAGE_IN_ROOM in C: rename one"])

    def test_a_name_that_is_equal_to_one_of_another_package_in_javascript_is_refused(self):
        self.write('syntax = "proto3"; package other; message Part {}\n', "other.proto")
        text = HEAD + 'import "other.proto";\nmessage other_Part {}\n'
        a = packet("A", "id: 300 from: SERVER", "other.Part part = 1; other_Part mine = 2;")
        self.assertEqual(self.problems(text + a, "js=test.gen.mjs"), [
            "test.proto: other.Part and test.other_Part would both be other_Part in JavaScript: rename one"])
        self.assertEqual(self.problems(text + a), [])

    def test_the_javascript_module_is_a_path_that_ends_with_mjs(self):
        self.write(HEAD + packet("A", "id: 300 from: SERVER"))
        for bad in "", "test.js", ".mjs", "../test.mjs", "/test.mjs":
            self.assertIn(f'the option "js={bad}" is not known', self.generate(f"js={bad}").stderr)

    def test_a_package_of_the_framework_is_refused(self):
        for package in "gw", "gw.game", "gw_game", "Gw":
            self.assertEqual(self.problems(HEAD.replace("package test", f"package {package}").replace(
                'import "gw/options.proto";', 'import "gw/options.proto"; ') + packet("A", "id: 300 from: SERVER")),
                [f"test.proto: has the package {package}, but names that begin with gw are the framework's own: "
                 "write another"])

    def test_the_line_is_that_of_the_field(self):
        self.says("message Part {\n  int32 a = 2;\n  int32 b = 1 [(gw.field).utf8 = ON];\n}\n" +
                  packet("A", 'id: 300 from: CLIENT stages: "MENU"', "Part p = 1;"),
                  "test.proto:5: test.Part.b says utf8, and is no string: remove it")

    def test_a_rule_without_an_effect_is_refused(self):
        self.says("message Part { string s = 1 [(gw.field).max_length = 9]; }\n" +
                  packet("A", "id: 300 from: SERVER", "Part p = 1;"),
                  "test.proto:3: test.Part.s has (gw.field), which applies only to packets from clients, and "
                  "is in no packet from CLIENT: remove it")

    def test_a_client_packet_nests_at_most_8_deep(self):
        parts = "".join(f"message P{i} {{ P{i + 1} p = 1; }}\n" for i in range(1, 8))
        chat = packet("A", 'id: 300 from: CLIENT stages: "MENU"', "P%d p = 1; P5 q = 2;")
        self.passes(parts + "message P8 { int32 x = 1; }\n" + chat % 2)
        self.says(parts + "message P8 { int32 x = 1; }\n" + chat % 1,
                  "test.proto:11: A may come from a client, and nests more than 8 deep")
        self.passes(parts + "message P8 { int32 x = 1; }\n" +
                    packet("A", "id: 300 from: SERVER", "P1 p = 1;"))

    def test_a_client_packet_has_at_most_32_counted_fields(self):
        fields = " ".join(f"repeated bool x{i} = {i};" for i in range(1, 33))
        self.passes(packet("A", 'id: 300 from: CLIENT stages: "MENU"', fields + "int32 y = 99;"))
        self.says("message Part {}\n" +
                  packet("A", 'id: 300 from: CLIENT stages: "MENU"', fields + "Part p = 99;"),
                  "test.proto:4: test.A may come from a client, and has 33 fields that are "
                  "repeated, messages or required: 32 may be, put some of them into a message of their own")

    def test_handlers_have_distinct_names(self):
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

    def test_packets_of_an_imported_file_are_an_error(self):
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

    def test_an_include_prefix_is_a_path(self):
        self.write(HEAD + packet("A", "id: 300 from: SERVER"))
        for prefix in "", "/", "../", 'a"', "a>\n", "a b":
            self.assertIn("is not known: lock=PATH, control, include=PREFIX",
                          self.generate(f"include={prefix}").stderr)

    def test_a_run_generates_one_schema(self):
        self.write(HEAD + packet("A", "id: 300 from: SERVER"))
        self.write(HEAD.replace("test", "b") + packet("B", "id: 300 from: SERVER"), "b.proto")
        result = generator.run(
            [generator.arguments.protoc, f"-I{self.folder}", f"-I{generator.ROOT / 'proto'}",
             f"--plugin=protoc-gen-gw={generator.arguments.plugin}", f"--gw_out={self.out}",
             "test.proto", "b.proto"])
        self.assertIn("one schema at a time, please", result.stderr)

    def test_an_invalid_command_line_prints_the_usage(self):
        for words in ["--out"], ["--file", "x"]:
            result = generator.run([generator.arguments.plugin, *words])
            self.assertEqual(result.returncode, 2)
            self.assertIn("usage: protoc-gen-gw --descriptor-set FILE", result.stderr)
        result = generator.run([generator.arguments.plugin, "--help"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("usage: protoc-gen-gw --descriptor-set FILE", result.stdout)

    def test_a_write_error_is_a_failure(self):
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
