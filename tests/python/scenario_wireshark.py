"""tests/python/scenario_wireshark.py: The generated Wireshark dissector, run by tshark on a captured session.

The test writes capture files from the byte streams of a real session, cut into small segments.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import gangway
from capture import FROM_CLIENT, FROM_SERVER, Capture
from game import game_pb2
from gw import control_pb2
from server import Server

DISSECTOR = pathlib.Path(os.environ["GW_DISSECTOR"])
PROTO_FOLDERS = os.environ["GW_PROTO_FOLDERS"].split(":")
CHAT = "hello, \u00e4ther"


class Recorded(gangway.Client):
    """A client that records every byte in both directions."""

    def __init__(self, address):
        super().__init__(address)
        self.capture = Capture(self.socket.getsockname()[1], address[1])

    def send_bytes(self, data):
        self.capture.add(FROM_CLIENT, data)
        super().send_bytes(data)

    def take(self, count):
        taken = super().take(count)
        if taken is not None:
            self.capture.add(FROM_SERVER, taken)
        return taken


def play(address):
    """Greets, enters, moves, chats and closes; returns the capture."""
    with Recorded(address) as client:
        client.greet("Ann")
        client.send(game_pb2.Enter(room="hall"), tag=7)
        client.expect(game_pb2.Entered)
        client.send(game_pb2.Move(x=-12, y=345))
        client.send(game_pb2.Chat(text=CHAT))
        client.expect(game_pb2.ChatLine)
        client.send(control_pb2.Close(reason=control_pb2.SHUTDOWN, text="done"))
        client.read_to_the_end()
        return client.capture


@unittest.skipUnless(shutil.which("tshark"), "tshark is not installed; tools/setup.sh test installs it")
class Wireshark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        with Server() as server:
            cls.port = server.address[1]
            cls.capture = play(server.address)

    def tshark(self, segment_bytes, *words):
        path = self.folder / f"{segment_bytes}.pcap"
        self.capture.write(path, segment_bytes)
        paths = [word for folder in PROTO_FOLDERS
                 for word in ("-o", f'uat:protobuf_search_paths:"{folder}","TRUE"')]
        done = subprocess.run(
            ["tshark", "-X", f"lua_script:{DISSECTOR}", "-d", f"tcp.port=={self.port},gangway", *paths,
             "-r", str(path), *words], text=True, capture_output=True, timeout=60, check=True,
            env={**os.environ, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"})
        self.assertNotIn("Lua Error", done.stdout + done.stderr)
        return done.stdout

    def packets(self, segment_bytes):
        """The names of the packets, in order."""
        output = self.tshark(segment_bytes, "-V")
        return re.findall(r"^Gangway, (\w+)$", output, re.MULTILINE)

    def test_fields_of_chat_and_move_have_the_names_of_the_schema(self):
        for segment_bytes in 1, 5:
            output = self.tshark(segment_bytes, "-V", "-Y", "gangway.packet == 1001 || gangway.packet == 1003")
            self.assertRegex(output, r"Gangway, Chat\n(?s:.*)Message: game\.Chat\n(?s:.*)"
                                   rf"Field\(1\): text = {CHAT} \(string\)")
            self.assertRegex(output, r"Gangway, Move\n(?s:.*)Message: game\.Move\n(?s:.*)"
                                   r"Field\(1\): x = -12 \(sint32\)(?s:.*)Field\(2\): y = 345 \(sint32\)")

    def test_control_packets_are_dissected(self):
        output = self.tshark(5, "-V", "-Y", "gangway.packet == 1 || gangway.packet == 5")
        self.assertRegex(output, r"Gangway, Hello\n(?s:.*)Tag: 22343\n(?s:.*)Field\(4\): name = Ann \(string\)")
        self.assertRegex(output, r"Gangway, Close\n(?s:.*)Field\(1\): reason = SHUTDOWN\(2\) \(enum\)")

    def test_flags_and_tag_of_the_header_are_fields(self):
        output = self.tshark(5, "-T", "fields", "-Y", "gangway.reply == 1", "-e", "gangway.packet", "-e", "gangway.tag")
        self.assertIn("2\t22343", output.splitlines())

    def test_frames_are_reassembled_from_segments_of_any_size(self):
        whole = self.packets(1400)
        self.assertEqual(whole[0], "Hello")
        self.assertIn("ChatLine", whole)
        for segment_bytes in 1, 7, 9:
            self.assertEqual(self.packets(segment_bytes), whole)


if __name__ == "__main__":
    unittest.main(verbosity=2)
