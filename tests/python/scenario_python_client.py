"""tests/python/scenario_python_client.py: Sessions of the Python client with the real server."""

import signal
import socket
import time
import unittest

import gangway
from game import game_pb2
from gw import control_pb2
from server import SCHEME, Server

PING_STAMP = 0x0123456789ABCDEF
HEARTBEAT_MS = 300
DRAIN_MS = 400
DRAIN_SLACK_S = 2.5


class ServerTest(unittest.TestCase):
    """Tests that share one server."""

    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(*cls.OPTIONS))

    def connect(self):
        return self.enterContext(gangway.Client(self.server.address))

    def greeted(self, name="Ann"):
        client = self.connect()
        client.session_id = client.greet(name).session_id
        return client

    def in_room(self, name, room):
        client = self.greeted(name)
        client.send(game_pb2.Enter(room=room))
        client.entered = client.expect(game_pb2.Entered)
        self.assertEqual(client.entered.result, game_pb2.ENTERED_OK)
        return client

    def assert_alive(self, client):
        client.send(game_pb2.Say(text="still here"))
        self.assertEqual(client.expect(game_pb2.Said).text, "still here")

    def assert_ends(self, client, reason):
        """The server sends CLOSE with this reason, and then FIN."""
        messages = client.read_to_the_end()
        self.assertTrue(messages, "closed without a packet")
        self.assertIsInstance(messages[-1], control_pb2.Close)
        self.assertEqual(control_pb2.CloseReason.Name(messages[-1].reason), reason)
        if SCHEME in ("ws", "wss"):  # what onclose of a browser sees
            self.assertEqual(client.socket.status, 4000 + messages[-1].reason)


class Players(ServerTest):
    def test_hello_ack_has_the_limits(self):
        client = self.connect()
        hello = control_pb2.Hello(protocol_major=gangway.PROTOCOL_MAJOR, name="Ann")
        client.send(hello, tag=gangway.HELLO_TAG)
        frame = client.expect_frame(control_pb2.HelloAck)
        self.assertEqual((frame.flags, frame.tag), (gangway.REPLY, gangway.HELLO_TAG))
        self.assertNotEqual(frame.message.session_id, 0)
        self.assertNotEqual(frame.message.schema_hash, 0)
        self.assertGreater(frame.message.heartbeat_ms, 0)
        self.assertEqual(frame.message.body_bytes_max, 4096)

    def test_two_players_chat_and_move_in_a_room(self):
        ann = self.in_room("Ann", "hall")
        self.assertEqual([member.name for member in ann.entered.members], ["Ann"])
        ben = self.in_room("Ben", "hall")
        self.assertEqual({member.name for member in ben.entered.members}, {"Ann", "Ben"})
        joined = ann.expect(game_pb2.Joined).member
        self.assertEqual((joined.name, joined.player), ("Ben", ben.session_id))

        ann.send(game_pb2.Chat(text="hello, Ben \u263a"))
        for client in (ann, ben):
            line = client.expect(game_pb2.ChatLine)
            self.assertEqual((line.player, line.text), (ann.session_id, "hello, Ben \u263a"))

        ben.send(game_pb2.Move(x=7, y=-3))
        self.assertIn((ben.session_id, 7, -3), self.positions(ann))

        ann.send(game_pb2.Who())
        here = {(member.name, member.x, member.y) for member in ann.expect(game_pb2.WhoIsHere).members}
        self.assertIn(("Ben", 7, -3), here)

        ben.send(game_pb2.Leave())
        ben.expect(game_pb2.Left)
        self.assertEqual(ann.expect(game_pb2.Gone).player, ben.session_id)

    def positions(self, client):
        snapshot = client.expect(game_pb2.Snapshot)
        return {(one.player, one.x, one.y) for one in snapshot.positions}

    def test_the_room_receives_gone_after_close(self):
        ann, ben = self.in_room("Ann", "cellar"), self.in_room("Ben", "cellar")
        ben.send(control_pb2.Close(reason=control_pb2.NONE, text="dinner"))
        closes = [message for message in ben.read_to_the_end() if isinstance(message, control_pb2.Close)]
        self.assertEqual(closes, [])
        self.assertEqual(ann.expect(game_pb2.Gone).player, ben.session_id)

    def test_the_room_receives_gone_after_a_reset(self):
        ann, ben = self.in_room("Ann", "attic"), self.in_room("Ben", "attic")
        ben.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        ben.socket.close()
        self.assertEqual(ann.expect(game_pb2.Gone).player, ben.session_id)

    def test_frames_sent_byte_by_byte_are_handled(self):
        client = self.connect()
        hello = control_pb2.Hello(protocol_major=gangway.PROTOCOL_MAJOR, name="Slow")
        frames = gangway.encode(game_pb2.Say(text="one by one"))
        for byte in gangway.encode(hello, tag=gangway.HELLO_TAG) + frames:
            client.send_bytes(bytes([byte]))
            time.sleep(0.002)
        self.assertEqual(client.expect(game_pb2.Said).text, "one by one")

    def test_packets_sent_in_one_piece_are_answered_in_order(self):
        client = self.greeted()
        texts = [f"number {number}" for number in range(30)]
        client.send_bytes(b"".join(gangway.encode(game_pb2.Say(text=text)) for text in texts))
        self.assertEqual([client.expect(game_pb2.Said).text for _ in texts], texts)

    def test_a_ping_is_answered_with_its_stamp(self):
        client = self.greeted()
        client.send(control_pb2.Ping(stamp=PING_STAMP))
        self.assertEqual(client.expect(control_pb2.Pong).stamp, PING_STAMP)


class Refusals(ServerTest):
    """Each check of WIRE.md, and the close reason that the peer receives."""

    def assert_header_ends(self, body_bytes, flags, packet_id, reason, body=b""):
        witness, client = self.greeted("Witness"), self.greeted("Bad")
        client.send_bytes(gangway.header(body_bytes, flags, packet_id, 0) + body)
        self.assert_ends(client, reason)
        self.assert_alive(witness)

    def test_reserved_flags(self):
        for flags in (0x04, 0x80, 0xFF):
            self.assert_header_ends(0, flags, 1005, "BAD_FLAGS")

    def test_a_body_too_long_for_any_packet(self):
        for body_bytes in (4097, 0xFFFFFF):
            self.assert_header_ends(body_bytes, 0, 1005, "TOO_LONG")

    def test_a_body_too_long_for_its_packet(self):
        self.assert_header_ends(257, 0, 1005, "TOO_LONG")

    def test_an_unknown_packet_id(self):
        for packet_id in (0, 7, 64, 999, 1006, 32768, 65535):
            self.assert_header_ends(0, 0, packet_id, "UNKNOWN_PACKET")

    def test_a_packet_of_the_server(self):
        for packet_id in (2, 6, 11, 1104):
            self.assert_header_ends(0, 0, packet_id, "WRONG_WAY")

    def test_a_packet_in_the_wrong_stage(self):
        for packet_id in (1, 1001, 1003):
            self.assert_header_ends(0, 0, packet_id, "WRONG_STAGE")

    def test_an_invalid_body(self):
        self.assert_header_ends(3, 0, 1005, "BAD_BODY", b"\x0a\x05a")

    def test_an_empty_body_is_valid(self):
        client = self.in_room("Ann", "library")
        client.send_bytes(gangway.header(0, 0, 1004, 0))
        self.assertEqual(len(client.expect(game_pb2.WhoIsHere).members), 1)

    def test_another_protocol_version(self):
        client = self.connect()
        other = control_pb2.Hello(protocol_major=gangway.PROTOCOL_MAJOR + 1, name="Future")
        client.send(other, tag=gangway.HELLO_TAG)
        self.assert_ends(client, "WRONG_VERSION")

    def test_a_hello_too_long(self):
        client = self.connect()
        client.send_bytes(gangway.header(1025, 0, 1, gangway.HELLO_TAG))
        self.assert_ends(client, "TOO_LONG")

    def test_a_name_too_long_and_an_empty_name(self):
        self.greeted("n" * 32)
        for name, reason in (("n" * 33, "BAD_BODY"), ("", "NOT_WELCOME")):
            client = self.connect()
            hello = control_pb2.Hello(protocol_major=gangway.PROTOCOL_MAJOR, name=name)
            client.send(hello, tag=gangway.HELLO_TAG)
            self.assert_ends(client, reason)

    def test_the_longest_body_of_a_packet_is_accepted(self):
        client = self.greeted()
        longest = game_pb2.Say(text="s" * 253)
        self.assertEqual(longest.ByteSize(), 256)
        client.send(longest)
        self.assertEqual(client.expect(game_pb2.Said).text, longest.text)

    def test_a_foreign_protocol_is_closed_without_a_packet(self):
        hello = gangway.ID_OF_CLASS[control_pb2.Hello]
        for first in (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01",
                      b"SSH-2.0-Go\r\n", bytes(8), gangway.header(1, 0, hello, gangway.HELLO_TAG),
                      gangway.header(8, 0, hello, 0), gangway.header(0, 0, 1005, 0)):
            client = self.connect()
            client.send_bytes(first)
            self.assertEqual(client.read_to_the_end(), [], first)


class Heartbeat(ServerTest):
    OPTIONS = ("--heartbeat-ms", str(HEARTBEAT_MS))

    def test_a_silent_client_receives_ping(self):
        client = self.greeted()
        for _ in range(5):
            stamp = client.expect(control_pb2.Ping).stamp
            client.send(control_pb2.Pong(stamp=stamp))
        self.assert_alive(client)

    def test_a_client_that_does_not_answer_ping_is_closed(self):
        client = self.greeted()
        begin = time.monotonic()
        self.assert_ends(client, "HEARTBEAT_LOST")
        self.assertGreater(time.monotonic() - begin, 2.5 * HEARTBEAT_MS / 1000)


class Timeouts(ServerTest):
    """A client that sends single bytes does not extend its timeout."""

    OPTIONS = ("--greeting-timeout-ms", "300", "--frame-timeout-ms", "500")

    def assert_dribble_ends(self, client, data, reason, after_s):
        begin = time.monotonic()
        client.socket.settimeout(0.05)
        for byte in data:
            client.send_bytes(bytes([byte]))
            try:
                client.bytes += client.socket.recv(4096)
            except TimeoutError:
                continue
            break
        client.socket.settimeout(10)
        self.assert_ends(client, reason)
        self.assertGreater(time.monotonic() - begin, after_s - 0.05)

    def test_an_incomplete_hello_times_out(self):
        hello = control_pb2.Hello(protocol_major=gangway.PROTOCOL_MAJOR, name="slow but steady client")
        self.assert_dribble_ends(
            self.connect(), gangway.encode(hello, tag=gangway.HELLO_TAG), "GREETING_TIMEOUT", 0.3)

    def test_an_incomplete_frame_times_out(self):
        frames = gangway.encode(game_pb2.Say(text="a frame sent byte by byte"))
        self.assert_dribble_ends(self.greeted(), frames, "FRAME_TIMEOUT", 0.5)


class OneSession(ServerTest):
    OPTIONS = ("--sessions-max", "1")

    def test_a_client_above_sessions_max_receives_server_full(self):
        client = self.greeted()
        late = self.connect()
        late.send(control_pb2.Hello(protocol_major=gangway.PROTOCOL_MAJOR, name="Bea"), tag=gangway.HELLO_TAG)
        self.assert_ends(late, "SERVER_FULL")
        self.assert_alive(client)


class OneConnection(ServerTest):
    OPTIONS = ("--address-connections-max", "1", "--limit-loopback")

    @unittest.skipIf(SCHEME == "proxy", "the address of the client is limited from its HELLO on")
    def test_a_connection_above_the_limit_of_its_address_receives_address_limit(self):
        client = self.greeted()
        self.assert_ends(self.connect(), "ADDRESS_LIMIT")
        self.assert_alive(client)


class Shutdown(unittest.TestCase):
    def test_sigint_sends_goaway_and_closes_at_the_deadline(self):
        with Server("--drain-ms", str(DRAIN_MS)) as server, \
                gangway.Client(server.address) as player, gangway.Client(server.address) as unauthenticated:
            player.greet("Ann")
            begin = time.monotonic()
            server.signal(signal.SIGINT)
            away = player.expect(control_pb2.GoAway)
            self.assertLessEqual(away.deadline_ms, DRAIN_MS)
            self.assertLessEqual(away.retry_min_ms, away.retry_max_ms)
            self.assertEqual(unauthenticated.expect(control_pb2.Close).reason, control_pb2.SHUTDOWN)

            player.send(game_pb2.Say(text="one more"))
            self.assertEqual(player.expect(game_pb2.Said).text, "one more")
            last = player.read_to_the_end()[-1]
            self.assertEqual(last.reason, control_pb2.SHUTDOWN)
            self.assertGreaterEqual(time.monotonic() - begin, DRAIN_MS / 1000)
            player.socket.close()
            unauthenticated.socket.close()
            self.assertEqual(server.wait(), 0)
            self.assertLess(time.monotonic() - begin, DRAIN_MS / 1000 + DRAIN_SLACK_S)

    def test_drain_ends_once_all_players_have_left(self):
        with Server("--drain-ms", "10000") as server, gangway.Client(server.address) as player:
            player.greet("Ann")
            server.signal(signal.SIGINT)
            player.expect(control_pb2.GoAway)
            begin = time.monotonic()
            player.socket.close()
            self.assertEqual(server.wait(), 0)
            self.assertLess(time.monotonic() - begin, DRAIN_SLACK_S)


if __name__ == "__main__":
    unittest.main(verbosity=2)
