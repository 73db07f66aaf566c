"""tests/python/scenario_login.py: Login with tokens at the real server: single use, refusals, duplicates.

GW_TOKEN and GW_DUMMY are the commands that run gangway-token and the dummy client.
"""

import os
import subprocess
import tempfile
import unittest

import gangway
from gw import control_pb2
from server import Server

NOT_WELCOME = control_pb2.NOT_WELCOME


def token_program(*arguments):
    done = subprocess.run([os.environ["GW_TOKEN"], *arguments], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


class Login(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.keys = os.path.join(folder.name, "keys")
        with open(self.keys, "w", encoding="ascii") as file:
            file.write(token_program("key") + "\n")

    def serve(self, *options):
        server = Server("--auth", "token", "--token-key", self.keys, *options)
        self.addCleanup(server.__exit__, None)
        return server.__enter__()

    def mint(self, account, name="Ann", *options):
        return bytes.fromhex(token_program("mint", "--keys", self.keys, "--account", str(account), "--name", name,
                                           *options))

    def client(self, server, credentials, name="Liar"):
        """A client that has sent HELLO with these credentials."""
        client = gangway.Client(server.address)
        self.addCleanup(client.socket.close)
        client.send(control_pb2.Hello(protocol_major=1, name=name, credentials=credentials), tag=gangway.HELLO_TAG)
        return client

    def assert_refused(self, client, text=""):
        with self.assertRaises(gangway.Ended) as ended:
            client.expect(control_pb2.HelloAck)
        self.assertEqual((ended.exception.close.reason, ended.exception.close.text), (NOT_WELCOME, text))

    def test_a_token_logs_in_once_with_the_name_that_it_contains(self):
        server = self.serve()
        token = self.mint(42)
        self.client(server, token).expect(control_pb2.HelloAck)
        server.wait_for_line('greeted .* name="Ann" account=42')
        self.assert_refused(self.client(server, token))

    def test_all_refusals_look_the_same_and_are_counted_apart(self):
        server = self.serve()
        token = self.mint(1)
        forged = token[:-1] + bytes([token[-1] ^ 1])
        for credentials in (b"", b"\x01" * 100, forged, token[:1] + b"\7" + token[2:],
                            self.mint(1, "Ann", "--realm", "other")):
            self.assert_refused(self.client(server, credentials))
        server.stop()
        report = server.wait_for_line("report_logins")
        for result in ("MALFORMED=1", "FORGED=1", "UNKNOWN_KEY=2", "WRONG_REALM=1"):
            self.assertIn(result, report)

    def test_the_newest_login_of_an_account_ends_the_earlier_one(self):
        server = self.serve()
        earlier = self.client(server, self.mint(7))
        earlier.expect(control_pb2.HelloAck)
        other = self.client(server, self.mint(8))
        other.expect(control_pb2.HelloAck)
        for _ in range(3):
            newest = self.client(server, self.mint(7))
            newest.expect(control_pb2.HelloAck)
            with self.assertRaises(gangway.Ended) as ended:
                earlier.expect()
            self.assertEqual(ended.exception.close.reason, control_pb2.KICKED)
            self.assertEqual(ended.exception.close.text, "logged in elsewhere")
            earlier = newest
        other.send(control_pb2.Ping(stamp=1))
        other.expect(control_pb2.Pong)

    def test_the_oldest_login_stays_when_the_server_is_told_so(self):
        server = self.serve("--duplicate-login", "oldest")
        first = self.client(server, self.mint(7))
        first.expect(control_pb2.HelloAck)
        self.assert_refused(self.client(server, self.mint(7)), "the account is logged in")
        first.send(control_pb2.Ping(stamp=1))
        first.expect(control_pb2.Pong)
        first.socket.close()
        server.wait_for_line("ended .* reason=(BY_PEER|NETWORK)")
        self.client(server, self.mint(7)).expect(control_pb2.HelloAck)

    def test_both_logins_stay_when_duplicates_are_allowed(self):
        server = self.serve("--duplicate-login", "allow")
        clients = [self.client(server, self.mint(7)) for _ in range(2)]
        for client in clients:
            client.expect(control_pb2.HelloAck)
        for client in clients:
            client.send(control_pb2.Ping(stamp=1))
            client.expect(control_pb2.Pong)

    def test_dummy_clients_log_in_with_tokens_of_their_own(self):
        server = self.serve()
        address = "{}:{}".format(*server.address)
        done = subprocess.run([os.environ["GW_DUMMY"], "--connect", address, "--clients", "50", "--seconds", "1",
                               "--quiet", "--token-key", self.keys], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("50 greeted", done.stdout)


if __name__ == "__main__":
    unittest.main()
