"""tests/python/scenario_wireshark.py: Wireshark reads what a client and the server say, by the names of the schema.

A capture file is written from the byte streams of a real run, and cut into small segments.
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
    """A client that remembers every byte, in both directions."""

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
    """Greets, enters, moves, speaks and leaves; returns what was said."""
    with Recorded(address) as client:
        client.greet("Ann")
        client.send(game_pb2.Enter(room="hall"), tag=7)
        client.expect(game_pb2.Entered)
        client.send(game_pb2.Move(x=-12, y=345))
        client.send(game_pb2.Chat(text=CHAT))
        client.expect(game_pb2.ChatLine)
        client.send(control_pb2.Close(reason=control_pb2.SHUTDOWN, text="going home"))
        client.read_to_the_end()
        return client.capture


@unittest.skipUnless(shutil.which("tshark"), "tshark is not here; tools/setup.sh test installs it")
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
        said = self.tshark(segment_bytes, "-V")
        return re.findall(r"^Gangway, (\w+)$", said, re.MULTILINE)

    def test_a_chat_and_a_move_are_read_by_the_names_of_their_fields(self):
        for segment_bytes in 1, 5:
            said = self.tshark(segment_bytes, "-V", "-Y", "gangway.packet == 1001 || gangway.packet == 1003")
            self.assertRegex(said, r"Gangway, Chat\n(?s:.*)Message: game\.Chat\n(?s:.*)"
                                   rf"Field\(1\): text = {CHAT} \(string\)")
            self.assertRegex(said, r"Gangway, Move\n(?s:.*)Message: game\.Move\n(?s:.*)"
                                   r"Field\(1\): x = -12 \(sint32\)(?s:.*)Field\(2\): y = 345 \(sint32\)")

    def test_control_packets_are_read_too(self):
        said = self.tshark(5, "-V", "-Y", "gangway.packet == 1 || gangway.packet == 5")
        self.assertRegex(said, r"Gangway, Hello\n(?s:.*)Tag: 22343\n(?s:.*)Field\(4\): name = Ann \(string\)")
        self.assertRegex(said, r"Gangway, Close\n(?s:.*)Field\(1\): reason = SHUTDOWN\(2\) \(enum\)")

    def test_headers_are_read_bit_by_bit(self):
        said = self.tshark(5, "-T", "fields", "-Y", "gangway.reply == 1", "-e", "gangway.packet", "-e", "gangway.tag")
        self.assertIn("2\t22343", said.splitlines())

    def test_every_frame_is_found_however_the_stream_is_cut(self):
        whole = self.packets(1400)
        self.assertEqual(whole[0], "Hello")
        self.assertIn("ChatLine", whole)
        for segment_bytes in 1, 7, 9:
            self.assertEqual(self.packets(segment_bytes), whole)


if __name__ == "__main__":
    unittest.main(verbosity=2)
