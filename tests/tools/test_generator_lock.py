"""tests/tools/test_generator_lock.py: the memory of every id that was ever given away."""
import generator
from generator import GeneratorTest, HEAD, packet

FIRST_LINE = ("# Every packet id ever given away: id, who sends it, packet. The build adds lines; "
              "none is ever taken away, but marked `removed`.\n")
CHAT = packet("Chat", 'id: 300 from: CLIENT stages: "GREETED"')
LINE = packet("Line", "id: 400 from: SERVER")
LOCKED = FIRST_LINE + "  300 client test.Chat\n  400 server test.Line\n"


class Lock(GeneratorTest):
    def build(self, *packets, ci=None):
        env = generator.environment() if ci is None else generator.environment(CI=ci)
        return self.problems(HEAD + "".join(packets), f"lock={self.lock}", env=env)

    def lock_is(self, text):
        self.assertEqual(self.lock.read_text(), text)
        self.assertEqual([path.name for path in self.folder.glob("packets.lock*")],
                         ["packets.lock"])

    def refuses(self, packets, *lines, lock=LOCKED):
        """Says just these lines, and leaves the lock as it was."""
        self.lock.write_text(lock)
        self.assertEqual(self.build(*packets),
                         [line.replace("LOCK", str(self.lock)) for line in lines])
        self.lock_is(lock)

    def test_the_first_build_writes_the_lock(self):
        self.assertEqual(self.build(LINE, CHAT), [])
        self.lock_is(LOCKED)

    def test_an_empty_lock_is_a_lock(self):
        self.lock.touch()
        self.assertEqual(self.build(CHAT, LINE), [])
        self.lock_is(LOCKED)

    def test_a_build_without_news_does_not_touch_the_lock(self):
        self.lock.write_text(LOCKED)
        before = self.lock.stat()
        self.assertEqual(self.build(CHAT, LINE), [])
        self.assertEqual(self.lock.stat(), before)

    def test_what_is_new_is_put_in_its_place_and_all_else_stays(self):
        both = packet("Wave", 'id: 350 from: BOTH stages: "GREETED"')
        last = packet("Last", "id: 500 from: SERVER")
        self.lock.write_text("# mine\n\n300 client test.Chat\r\n# and mine\n400 server test.Line")
        self.assertEqual(self.build(CHAT, LINE, both, last), [])
        self.assertEqual(self.lock.read_bytes(),
                         b"# mine\n\n300 client test.Chat\r\n  350 both   test.Wave\n# and mine\n"
                         b"400 server test.Line\n  500 server test.Last\n")

    def test_a_message_in_the_middle_renumbers_nobody(self):
        """O10"""
        self.assertEqual(self.build(CHAT, LINE), [])
        before = (self.out / "test.gen.h").read_text()
        self.assertEqual(self.build(CHAT, packet("Mid", "id: 401 from: SERVER"), LINE), [])
        after = (self.out / "test.gen.h").read_text()
        for line in "TEST_PACKET_CHAT = 300,", "TEST_PACKET_LINE = 400,":
            self.assertIn(line, before)
            self.assertIn(line, after)
        self.assertIn("TEST_PACKET_MID = 401,", after)

    def test_in_ci_a_lock_that_is_behind_is_an_error(self):
        self.assertEqual(self.build(CHAT), [])
        before = self.lock.read_text()
        self.assertEqual(self.build(CHAT, LINE, ci="true"),
                         [f"test.proto:3: Line has id 400, which {self.lock} does not know, and "
                          "CI=true: build without CI, which adds it, and commit the lock"])
        self.lock_is(before)
        self.assertEqual(self.build(CHAT, LINE, ci="false"), [])
        self.assertEqual(self.build(CHAT, LINE, ci="true"), [])
        self.lock_is(LOCKED)

    def test_a_renumbered_packet_is_refused(self):
        self.refuses([packet("Chat", 'id: 301 from: CLIENT stages: "GREETED"'), LINE],
                     "test.proto:2: Chat has id 301, but LOCK:2 gave it 300, and a number stays: "
                     "write id: 300 again, or mark that line `removed` by hand to give the packet "
                     "a new number")

    def test_two_packets_that_swap_ids_are_both_refused(self):
        self.assertEqual(len(self.refuse_swapped()), 2)

    def refuse_swapped(self):
        self.lock.write_text(LOCKED)
        return self.build(packet("Chat", 'id: 400 from: CLIENT stages: "GREETED"'),
                          packet("Line", "id: 300 from: SERVER"))

    def test_a_reused_id_is_refused(self):
        self.refuses([packet("Say", 'id: 300 from: CLIENT stages: "GREETED"'), LINE],
                     "test.proto: test.Chat is gone, but LOCK:2 gave it id 300: bring it back, or "
                     "write `removed` at the end of that line by hand",
                     "test.proto:2: Say has id 300, but LOCK:2 gave it to test.Chat: give Say an "
                     "id that nobody had; if Say is only a new name of that message, edit that "
                     "line by hand")

    def test_the_id_of_a_removed_packet_is_not_given_again(self):
        lock = LOCKED.replace("test.Chat", "test.Chat removed")
        self.refuses([packet("Say", 'id: 300 from: CLIENT stages: "GREETED"'), LINE],
                     "test.proto:2: Say has id 300, but LOCK:2 gave it to test.Chat, which was "
                     "removed: give Say an id that nobody had; if Say is only a new name of that "
                     "message, edit that line by hand", lock=lock)
        self.refuses([CHAT, LINE],
                     "test.proto:2: Chat has id 300, but LOCK:2 gave it to test.Chat, which was "
                     "removed: give Chat an id that nobody had; if Chat is only a new name of that "
                     "message, edit that line by hand", lock=lock)

    def test_a_packet_that_turned_round_is_refused(self):
        self.refuses([CHAT, packet("Line", 'id: 400 from: BOTH stages: "GREETED"')],
                     "test.proto:3: Line is from BOTH, but LOCK:3 says from SERVER: turn it back, "
                     "or edit that line by hand")

    def test_a_packet_that_is_gone_is_missed_until_it_is_marked(self):
        self.refuses([CHAT],
                     "test.proto: test.Line is gone, but LOCK:3 gave it id 400: bring it back, or "
                     "write `removed` at the end of that line by hand")
        marked = LOCKED.replace("test.Line", "test.Line removed")
        self.lock.write_text(marked)
        self.assertEqual(self.build(CHAT), [])
        self.lock_is(marked)

    def test_a_message_that_is_a_packet_no_more_is_gone_too(self):
        self.refuses([CHAT, "message Line {}\n"],
                     "test.proto: test.Line is gone, but LOCK:3 gave it id 400: bring it back, or "
                     "write `removed` at the end of that line by hand")

    def test_a_removed_packet_may_come_back_with_a_new_id(self):
        self.lock.write_text(LOCKED.replace("test.Line", "test.Line removed"))
        self.assertEqual(self.build(CHAT, packet("Line", "id: 401 from: SERVER")), [])
        self.lock_is(FIRST_LINE + "  300 client test.Chat\n  400 server test.Line removed\n"
                     "  401 server test.Line\n")

    def test_an_addition_waits_until_all_else_is_right(self):
        self.refuses([CHAT, packet("New", "id: 500 from: SERVER")],
                     "test.proto: test.Line is gone, but LOCK:3 gave it id 400: bring it back, or "
                     "write `removed` at the end of that line by hand")

    def test_packets_of_other_packages_are_left_to_their_own_schema(self):
        other = LOCKED + " 1001 client testing.Chat\n"
        self.lock.write_text(other)
        self.assertEqual(self.build(CHAT, LINE), [])
        self.lock_is(other)
        self.refuses([CHAT, LINE, packet("A", "id: 1001 from: SERVER")],
                     "test.proto:4: A has id 1001, but LOCK:4 gave it to testing.Chat: give A an "
                     "id that nobody had; if A is only a new name of that message, edit that line "
                     "by hand", lock=other)

    def test_a_line_that_is_none_is_shown(self):
        for line in ("x", "300", "300 client", "300 nobody test.Chat", "0 client test.Chat",
                     "-1 client test.Chat", "70000 client test.Chat", "300 client test..Chat",
                     "300 client test.Chat gone", "300 client test.Chat removed x",
                     "300x client test.Chat"):
            self.refuses([LINE], "LOCK:1: a line should be: id client|server|both package.Message "
                         "[removed]", lock=line + "\n  400 server test.Line\n")

    def test_an_id_stands_in_the_lock_once(self):
        self.refuses([CHAT, LINE], "LOCK:4: id 300 is given away twice; first in line 2",
                     lock=LOCKED + "  300 client test.Other removed\n")

    def test_a_lock_that_cannot_be_read_or_written_is_said(self):
        self.lock.mkdir()
        self.assertEqual(self.build(CHAT), [f"{self.lock}: cannot be read: Is a directory"])
        self.lock = self.folder / "no" / "packets.lock"
        self.assertEqual(self.build(CHAT),
                         [f"{self.lock}: cannot be written: No such file or directory"])

    def test_a_packet_has_one_number_at_a_time(self):
        self.refuses([CHAT, LINE],
                     "test.proto:2: Chat has id 300, but LOCK:1 gave it 200, and a number stays: "
                     "write id: 200 again, or mark that line `removed` by hand to give the packet "
                     "a new number",
                     lock="  200 client test.Chat\n" + LOCKED[len(FIRST_LINE):])


if __name__ == "__main__":
    generator.main()
