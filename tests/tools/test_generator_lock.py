"""tests/tools/test_generator_lock.py: Tests of the lock of ids and field numbers."""
import generator
from generator import GeneratorTest, HEAD, STAGES, packet

FIRST_LINE = ("# Every packet id ever assigned: id, sender, packet, fields; then the messages that packets "
              "contain. The build adds to it; else `tools/packets accept` does.\n")
CHAT = packet("Chat", 'id: 300 from: CLIENT stages: "GREETED"', "string text = 2;")
LINE = packet("Line", "id: 400 from: SERVER")
LOCKED = FIRST_LINE + "  300 client test.Chat 2:text:string\n  400 server test.Line\n"
ACCEPT = "; if no client out there knows it, `tools/packets accept` changes the lock"


def give(name):
    return (f"give {name} an id that was never used (`tools/packets list` shows them); if {name} is only "
            "a new name of that message, `tools/packets accept` renames it")


class Lock(GeneratorTest):
    def build(self, *packets, ci=None):
        env = generator.environment() if ci is None else generator.environment(CI=ci)
        return self.problems(HEAD + "".join(packets), f"lock={self.lock}", env=env)

    def lock_is(self, text):
        self.assertEqual(self.lock.read_text(), text)
        self.assertEqual([path.name for path in self.folder.glob("packets.lock*")],
                         ["packets.lock"])

    def refuses(self, packets, *lines, lock=LOCKED):
        """The plugin reports exactly these lines and does not change the lock."""
        self.lock.write_text(lock)
        self.assertEqual(self.build(*packets),
                         [line.replace("LOCK", str(self.lock)) for line in lines])
        self.lock_is(lock)

    def test_the_first_build_writes_the_lock(self):
        self.assertEqual(self.build(LINE, CHAT), [])
        self.lock_is(LOCKED)

    def test_an_empty_lock_is_valid(self):
        self.lock.touch()
        self.assertEqual(self.build(CHAT, LINE), [])
        self.lock_is(LOCKED)

    def test_a_build_without_additions_does_not_write_the_lock(self):
        self.lock.write_text(LOCKED)
        before = self.lock.stat()
        self.assertEqual(self.build(CHAT, LINE), [])
        after = self.lock.stat()
        self.assertEqual((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns))

    def test_a_new_packet_is_inserted_by_id_and_other_lines_stay(self):
        both = packet("Wave", 'id: 350 from: BOTH stages: "GREETED"')
        last = packet("Last", "id: 500 from: SERVER")
        self.lock.write_text("# mine\n\n300 client test.Chat 2:text:string\r\n# and mine\n400 server test.Line")
        self.assertEqual(self.build(CHAT, LINE, both, last), [])
        self.assertEqual(self.lock.read_bytes(),
                         b"# mine\n\n300 client test.Chat 2:text:string\r\n  350 both   test.Wave\n# and mine\n"
                         b"400 server test.Line\n  500 server test.Last\n")

    def test_a_new_message_in_the_middle_renumbers_no_packet(self):
        """O10"""
        self.assertEqual(self.build(CHAT, LINE), [])
        before = (self.out / "test.gen.h").read_text()
        self.assertEqual(self.build(CHAT, packet("Mid", "id: 401 from: SERVER"), LINE), [])
        after = (self.out / "test.gen.h").read_text()
        for line in "TEST_PACKET_CHAT = 300,", "TEST_PACKET_LINE = 400,":
            self.assertIn(line, before)
            self.assertIn(line, after)
        self.assertIn("TEST_PACKET_MID = 401,", after)

    def test_in_ci_an_incomplete_lock_is_an_error(self):
        self.assertEqual(self.build(CHAT), [])
        before = self.lock.read_text()
        self.assertEqual(self.build(CHAT, LINE, ci="true"),
                         [f"test.proto:3: test.Line has id 400, which {self.lock} does not know, and "
                          "CI=true: build without CI, which adds it, and commit the lock"])
        self.lock_is(before)
        self.assertEqual(self.build(CHAT, LINE, ci="false"), [])
        self.assertEqual(self.build(CHAT, LINE, ci="true"), [])
        self.lock_is(LOCKED)

    def test_a_renumbered_packet_is_refused(self):
        self.refuses([packet("Chat", 'id: 301 from: CLIENT stages: "GREETED"'), LINE],
                     "test.proto:2: Chat has id 301, but LOCK:2 gave it 300, and a number stays: "
                     "write id: 300 again" + ACCEPT)

    def test_two_packets_that_swap_ids_are_both_refused(self):
        self.assertEqual(len(self.refuse_swapped()), 2)

    def refuse_swapped(self):
        self.lock.write_text(LOCKED)
        return self.build(packet("Chat", 'id: 400 from: CLIENT stages: "GREETED"'),
                          packet("Line", "id: 300 from: SERVER"))

    def test_a_reused_id_is_refused(self):
        self.refuses([packet("Say", 'id: 300 from: CLIENT stages: "GREETED"'), LINE],
                     "test.proto: test.Chat is gone, but LOCK:2 gave it id 300: bring it back, or "
                     "let `tools/packets accept` mark it as removed; its id is never used again",
                     "test.proto:2: Say has id 300, but LOCK:2 gave it to test.Chat: " + give("Say"))

    def test_the_id_of_a_removed_packet_is_not_reused(self):
        lock = LOCKED.replace("2:text:string", "removed")
        self.refuses([packet("Say", 'id: 300 from: CLIENT stages: "GREETED"'), LINE],
                     "test.proto:2: Say has id 300, but LOCK:2 gave it to test.Chat, which was "
                     "removed: " + give("Say"), lock=lock)
        self.refuses([CHAT, LINE],
                     "test.proto:2: Chat has id 300, but LOCK:2 gave it to test.Chat, which was "
                     "removed: " + give("Chat"), lock=lock)

    def test_a_changed_sender_is_refused(self):
        self.refuses([CHAT, packet("Line", 'id: 400 from: BOTH stages: "GREETED"')],
                     "test.proto:3: Line is from BOTH, but LOCK:3 says from SERVER: turn it back" +
                     ACCEPT)

    def test_a_removed_packet_is_refused_until_it_is_accepted(self):
        self.refuses([CHAT],
                     "test.proto: test.Line is gone, but LOCK:3 gave it id 400: bring it back, or "
                     "let `tools/packets accept` mark it as removed; its id is never used again")
        marked = LOCKED.replace("test.Line", "test.Line removed")
        self.lock.write_text(marked)
        self.assertEqual(self.build(CHAT), [])
        self.lock_is(marked)

    def test_a_message_without_its_packet_option_counts_as_removed(self):
        self.refuses([CHAT, "message Line {}\n"],
                     "test.proto: test.Line is gone, but LOCK:3 gave it id 400: bring it back, or "
                     "let `tools/packets accept` mark it as removed; its id is never used again")

    def test_a_removed_packet_may_return_with_a_new_id(self):
        self.lock.write_text(LOCKED.replace("test.Line", "test.Line removed"))
        self.assertEqual(self.build(CHAT, packet("Line", "id: 401 from: SERVER")), [])
        self.lock_is(FIRST_LINE + "  300 client test.Chat 2:text:string\n  400 server test.Line removed\n"
                     "  401 server test.Line\n")

    def test_nothing_is_added_while_there_are_errors(self):
        self.refuses([CHAT, packet("New", "id: 500 from: SERVER")],
                     "test.proto: test.Line is gone, but LOCK:3 gave it id 400: bring it back, or "
                     "let `tools/packets accept` mark it as removed; its id is never used again")

    def test_packets_of_other_packages_are_ignored(self):
        other = LOCKED + " 1001 client testing.Chat\n"
        self.lock.write_text(other)
        self.assertEqual(self.build(CHAT, LINE), [])
        self.lock_is(other)
        self.refuses([CHAT, LINE, packet("A", "id: 1001 from: SERVER")],
                     "test.proto:4: A has id 1001, but LOCK:4 gave it to testing.Chat: " + give("A"),
                     lock=other)

    def test_a_malformed_line_is_reported(self):
        for line in ("x", "300", "300 client", "300 nobody test.Chat", "0 client test.Chat",
                     "-1 client test.Chat", "70000 client test.Chat", "300 client test..Chat",
                     "300 client test.Chat gone", "300 client test.Chat removed x",
                     "300 client test.Chat removed 1:string",
                     "300x client test.Chat", "300 client test.Chat 0:string",
                     "300 client test.Chat 1:", "300 client test.Chat :string",
                     "300 client test.Chat -1:string", "300 client test.Chat 1string",
                     "300 client test.Chat 2147483648:string", "300 part test.Chat",
                     "300 client test.Chat 2:text:string 1:string", "- client test.Part",
                     "300 client test.Chat 1:string 1:bytes", "300 client test.Chat 1::string",
                     "300 client test.Chat 1:a:", "300 client test.Chat 1:4:string",
                     "300 client test.Chat reply=", "- part test.Chat reply=test.Line", "- part test.Part removed"):
            self.refuses([LINE], "LOCK:1: a line should be: id client|server|both package.Message "
                         "[reply=package.Message] [number:name:type...] [removed], or: - part package.Message "
                         "[number:name:type...]",
                         lock=line + "\n  400 server test.Line\n")

    def test_an_id_occurs_in_the_lock_once(self):
        self.refuses([CHAT, LINE], "LOCK:4: id 300 is given away twice; first in line 2",
                     lock=LOCKED + "  300 client test.Other removed\n")

    def test_a_lock_that_cannot_be_read_or_written_is_an_error(self):
        self.lock.mkdir()
        said, = self.build(CHAT)  # Windows says it otherwise
        self.assertRegex(said, f"^{self.lock}: cannot be read: (Is a directory|Permission denied)$")
        self.lock = self.folder / "no" / "packets.lock"
        self.assertEqual(self.build(CHAT),
                         [f"{self.lock}: cannot be written: No such file or directory"])

    def test_a_packet_has_one_id_in_the_lock(self):
        self.refuses([CHAT, LINE],
                     "test.proto:2: Chat has id 300, but LOCK:1 gave it 200, and a number stays: "
                     "write id: 200 again" + ACCEPT,
                     lock="  200 client test.Chat\n" + LOCKED[len(FIRST_LINE):])

    PART = "message Part { int32 a = 1; repeated Sub b = 7; }\nmessage Sub { Colour c = 1; }\n"
    COLOUR = "enum Colour { NONE = 0; }\n"
    HOLDER = packet("Holder", "id: 500 from: SERVER", "Part p = 3; map<string, bool> m = 4;")
    PARTS = ("  500 server test.Holder 3:p:test.Part 4:m:test.Holder.MEntry[]\n"
             "    - part   test.Holder.MEntry 1:key:string 2:value:bool\n"
             "    - part   test.Part 1:a:int32 7:b:test.Sub[]\n"
             "    - part   test.Sub 1:c:test.Colour\n")

    def test_the_lock_has_the_fields_of_packets_and_of_their_parts(self):
        parts = self.HOLDER + self.PART + self.COLOUR + "message Unused { int32 x = 1; }\n"
        self.assertEqual(self.build(CHAT, LINE, parts), [])
        self.lock_is(LOCKED + self.PARTS)
        self.assertEqual(self.build(CHAT, LINE, parts, ci="true"), [])

    def test_a_new_field_is_inserted_by_number(self):
        self.lock.write_text(LOCKED)
        more = CHAT.replace("string text = 2;", "bytes last = 9; string text = 2; bool first = 1;")
        self.assertEqual(self.build(more, LINE, ci="true"),
                         [f"test.proto:2: test.Chat has a field {number}, which {self.lock} does not "
                          "know, and CI=true: build without CI, which adds it, and commit the lock"
                          for number in (1, 9)])
        self.lock_is(LOCKED)
        self.assertEqual(self.build(more, LINE), [])
        self.lock_is(LOCKED.replace("2:text:string", "1:first:bool 2:text:string 9:last:bytes"))

    def test_fields_are_added_to_an_older_lock_without_fields(self):
        self.lock.write_text(LOCKED.replace(" 2:text:string", ""))
        self.assertEqual(self.build(CHAT, LINE), [])
        self.lock_is(LOCKED)

    def test_a_field_number_keeps_its_type_after_the_field_is_removed(self):
        without = CHAT.replace("string text = 2;", "")
        self.lock.write_text(LOCKED)
        self.assertEqual(self.build(without, LINE), [])
        self.lock_is(LOCKED)
        for field in "bytes other = 2;", "repeated string text = 2;":
            kind = "string[]" if "repeated" in field else "bytes"
            name = "text" if "repeated" in field else "other"
            self.refuses([CHAT.replace("string text = 2;", f"\n{field}"), LINE],
                         f"test.proto:3: test.Chat.{name} is number 2, a {kind}, but LOCK:2 says "
                         "that this number is a string: give the field a number that was never used" +
                         ACCEPT)
        self.assertEqual(self.build(CHAT.replace("text", "words"), LINE), [])

    def test_a_field_number_of_a_part_keeps_its_type(self):
        lock = LOCKED + self.PARTS
        self.refuses([CHAT, LINE, self.HOLDER, self.PART.replace("int32 a", "int64 a"), self.COLOUR],
                     "test.proto:5: test.Part.a is number 1, a int64, but LOCK:6 says that this "
                     "number is a int32: give the field a number that was never used" + ACCEPT,
                     lock=lock)

    # ---- fields that move, and replies ----

    XY = packet("Chat", 'id: 300 from: CLIENT stages: "GREETED"', "%s")
    XY_LOCK = LOCKED.replace("2:text:string", "1:x:int32 2:y:int32")

    def test_a_field_that_moves_to_another_number_is_refused(self):
        moved = ("test.proto:2: test.Chat.{} is number {}, but LOCK:2 says that it is number {}, and a "
                 "number stays: write {} again, or another name if it is another field" + ACCEPT)
        for fields, *lines in (
                ("int32 x = 3; int32 y = 2;", ("x", 3, 1)),
                ("int32 x = 3; int32 z = 1;", ("x", 3, 1)),
                ("int32 y = 1; int32 x = 2;", ("y", 1, 2), ("x", 2, 1)),
                ("int32 z = 1; int32 x = 2;", ("x", 2, 1))):
            self.refuses([self.XY % fields, LINE],
                         *(moved.format(name, now, was, was) for name, now, was in lines),
                         lock=self.XY_LOCK)

    def test_a_renamed_field_is_recorded_without_an_error(self):
        self.lock.write_text(self.XY_LOCK)
        renamed = self.XY % "int32 x = 1; int32 z = 2;"
        self.assertEqual(self.build(renamed, LINE, ci="true"),
                         [f"test.proto:2: test.Chat has a field z = 2, which {self.lock} does not "
                          "know, and CI=true: build without CI, which adds it, and commit the lock"])
        self.assertEqual(self.build(renamed, LINE), [])
        self.lock_is(self.XY_LOCK.replace("2:y", "2:z"))

    def test_a_field_of_a_part_that_moves_is_refused(self):
        self.refuses([CHAT, LINE, self.HOLDER, self.PART.replace("a = 1", "a = 2"), self.COLOUR],
                     "test.proto:5: test.Part.a is number 2, but LOCK:6 says that it is number 1, and "
                     "a number stays: write 1 again, or another name if it is another field" + ACCEPT,
                     lock=LOCKED + self.PARTS)

    def test_names_are_added_to_an_older_lock_without_names(self):
        self.lock.write_text(LOCKED.replace("2:text:string", "1:bool 2:string"))
        self.assertEqual(self.build(CHAT, LINE), [])
        self.lock_is(LOCKED.replace("2:text", "1:bool 2:text"))

    ASK = packet("Ask", 'id: 500 from: CLIENT stages: "GREETED"%s')
    ASKED = LOCKED + "  500 client test.Ask reply=test.Line\n"

    def test_a_removed_or_replaced_reply_is_refused(self):
        again = ('test.proto:4: Ask is answered by %s, but LOCK:4 says by test.Line, which clients wait '
                 'for: write reply: "test.Line" again' + ACCEPT)
        other = packet("Other", "id: 501 from: SERVER")
        self.refuses([CHAT, LINE, self.ASK % ""], again % "nothing", lock=self.ASKED)
        self.refuses([CHAT, LINE, self.ASK % ' reply: "Other"', other], again % "test.Other",
                     lock=self.ASKED)

    def test_a_reply_is_recorded(self):
        self.lock.write_text(self.ASKED.replace(" reply=test.Line", ""))
        ask = self.ASK % ' reply: "Line"'
        self.assertEqual(self.build(CHAT, LINE, ask, ci="true"),
                         [f"test.proto:4: test.Ask is answered by test.Line, which {self.lock} does "
                          "not know, and CI=true: build without CI, which adds it, and commit the "
                          "lock"])
        self.assertEqual(self.build(CHAT, LINE, ask), [])
        self.lock_is(self.ASKED)
        self.assertEqual(self.build(CHAT, LINE, ask, ci="true"), [])

    # ---- what a person decides ----

    def decide(self, what, *packets, lock=LOCKED):
        self.lock.write_text(lock)
        self.write(HEAD + "".join(packets))
        result = self.by_hand(self.descriptor_set(), opt=f"lock={self.lock},do={what}")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(list(self.out.iterdir()), [])
        return result.stdout

    def accepts(self, packets, said, lock):
        """Prints the same with and without writing; a build succeeds afterwards."""
        self.assertEqual(self.decide("changes", *packets), said)
        self.lock_is(LOCKED)
        self.assertEqual(self.decide("accept", *packets), said)
        self.lock_is(FIRST_LINE + lock)
        self.assertEqual(self.build(*packets, ci="true"), [])

    def test_without_changes_there_is_nothing_to_accept(self):
        self.accepts([CHAT, LINE], "", LOCKED[len(FIRST_LINE):])

    def test_a_new_id_is_accepted_and_the_old_one_stays_reserved(self):
        self.accepts([CHAT.replace("300", "301"), LINE],
                     "id 300: test.Chat is removed, and its id is never used again; a client that still sends it is closed with UNKNOWN_PACKET\n"
                     "id 301: test.Chat is new\n",
                     "  300 client test.Chat 2:text:string removed\n  301 client test.Chat 2:text:string\n"
                     "  400 server test.Line\n")

    def test_a_new_name_is_accepted(self):
        self.accepts([CHAT.replace("Chat", "Say"), LINE],
                     "id 300: was test.Chat, becomes test.Say; a server reads the old one of an old client as the new one\n",
                     "  300 client test.Say 2:text:string\n  400 server test.Line\n")

    def test_a_removal_is_accepted(self):
        self.accepts([LINE],
                     "id 300: test.Chat is removed, and its id is never used again; a client that still sends it is closed with UNKNOWN_PACKET\n",
                     "  300 client test.Chat 2:text:string removed\n  400 server test.Line\n")

    def test_other_types_and_senders_are_accepted(self):
        self.accepts([CHAT.replace("string text", "bytes text").replace("CLIENT", "BOTH"), LINE],
                     "id 300: test.Chat was from client, and is from both now\n"
                     "test.Chat: field 2 was a string, and is a bytes now; the server refuses or misreads it from an old client\n",
                     "  300 both   test.Chat 2:text:bytes\n  400 server test.Line\n")

    def test_a_field_that_moves_is_accepted(self):
        moved = self.XY % "int32 y = 1; int32 x = 2; int32 text = 3;"
        self.assertEqual(self.decide("accept", moved, LINE, lock=self.XY_LOCK),
                         "test.Chat: field 1 was called x, and is called y now; a server reads the old one of an old client as the new one\n"
                         "test.Chat: field 2 was called y, and is called x now; a server reads the old one of an old client as the new one\n"
                         "test.Chat: field 3 is new, a int32\n")
        self.lock_is(self.XY_LOCK.replace("1:x:int32 2:y:int32", "1:y:int32 2:x:int32 3:text:int32"))
        self.assertEqual(self.build(moved, LINE, ci="true"), [])

    def test_another_reply_is_accepted(self):
        self.assertEqual(self.decide("accept", CHAT, LINE, self.ASK % "", lock=self.ASKED),
                         "id 500: test.Ask was answered by test.Line, and is answered by nothing "
                         "now; an old client waits for the reply until its request times out\n")
        self.lock_is(self.ASKED.replace(" reply=test.Line", ""))
        self.assertEqual(self.build(CHAT, LINE, self.ASK % "", ci="true"), [])

    def test_packets_are_listed_with_their_effective_policies(self):
        said = self.decide(
            "list", CHAT, LINE, STAGES,
            packet("Wave", 'id: 256 from: BOTH stages: "TABLE" stages: "CONNECTED" rate: 3 '
                   "droppable: true sensitive: true max_bytes: 9"),
            packet("Ask", 'id: 32767 from: CLIENT stages: "MENU" unlimited: true reply: "Line"'),
            packet("Spot", "id: 258 from: SERVER coalesce: true"),
            lock=LOCKED + "  302 client test.Old removed\n")
        self.assertEqual(said, """\
test.proto
id     packet  from    stages            bytes  rate
256    Wave    both    CONNECTED, TABLE  9      3/s, burst 6, then dropped  sensitive
258    Spot    server  -                 65536  -                           coalesce
300    Chat    client  GREETED           256    20/s, burst 40
400    Line    server  -                 65536  -
32767  Ask     client  MENU              256    unlimited                   answered by Line
free ids: 257, 259..299, 301, 303..399, 401..32766
""")


if __name__ == "__main__":
    generator.main()
