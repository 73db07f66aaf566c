"""tests/python/scenario_tls.py: TLS of the server program with `openssl s_client`, which nobody of this project wrote."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest

import gangway
from server import Server
from gw import control_pb2

TIMEOUT_S = 60


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.server = cls.enterClassContext(Server())
        cls.certificate = os.environ["GW_CERTIFICATE"]

    def connect(self, *options, said=b""):
        """What s_client prints. It ends at the end of its input."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.server.address[1]}", "-CAfile", self.certificate,
             "-verify_return_error", *options],
            input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        return done.stdout.decode(errors="replace")

    def test_both_versions_are_spoken_with_ephemeral_keys(self):
        for option, cipher in ("-tls1_3", r"TLS_\w+"), ("-tls1_2", r"ECDHE-ECDSA-(AES(128|256)-GCM-SHA\d+|CHACHA20-POLY1305)"):
            text = self.connect(option, "-alpn", "gangway/1")
            self.assertRegex(text, rf"Cipher is {cipher}\n")
            self.assertIn("ALPN protocol: gangway/1\n", text)
            self.assertIn("Compression: NONE\n", text)
            self.assertIn("Server Temp Key: ", text)
            self.assertIn("Verify return code: 0 (ok)\n", text)

    def test_older_versions_and_other_ciphers_are_refused(self):
        for options, alert in (
                (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "protocol version"),
                (("-tls1", "-cipher", "ALL:@SECLEVEL=0"), "protocol version"),
                (("-tls1_2", "-cipher", "AES128-GCM-SHA256"), "handshake failure"),
                (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"), "handshake failure")):
            text = self.connect(*options)
            self.assertRegex(text, rf"alert {alert}|{alert}:")
            self.assertIn("Cipher is (NONE)", text)

    def test_another_application_protocol_is_refused_and_none_is_accepted(self):
        self.assertRegex(self.connect("-alpn", "h2,http/1.1"), "alert no application protocol")
        self.assertIn("No ALPN negotiated", self.connect())

    def test_a_renegotiation_is_refused(self):
        client = subprocess.Popen(
            ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{self.server.address[1]}"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = b""
        while b"Verify return code" not in text:  # the session is open
            text += client.stdout.read1()
        client.stdin.write(b"R\n")  # a command of s_client
        client.stdin.flush()
        text += client.communicate(timeout=TIMEOUT_S)[0]
        self.assertIn(b"RENEGOTIATING", text)
        self.assertIn(b"no renegotiation", text)

    def test_tickets_resume_a_session(self):
        hello = gangway.encode(control_pb2.Hello(protocol_major=gangway.PROTOCOL_MAJOR, name="Ann"), tag=gangway.HELLO_TAG)
        for option in "-tls1_2", "-tls1_3":
            ticket = self.folder / f"ticket{option}"
            # s_client writes the ticket of TLS 1.3 when it has read it: it must stay until then.
            client = subprocess.Popen(
                ["openssl", "s_client", option, "-connect", f"127.0.0.1:{self.server.address[1]}", "-sess_out", ticket, "-quiet"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            client.stdin.write(hello)
            client.stdin.flush()
            self.assertEqual(len(client.stdout.read(8)), 8)  # the head of HELLO_ACK, behind the ticket
            client.terminate()
            client.communicate(timeout=TIMEOUT_S)
            text = self.connect(option, "-sess_in", ticket)
            self.assertRegex(text, r"\nReused, TLSv1\.\d, Cipher is ")

    def test_plain_gangway_is_named_in_the_log(self):
        with Server("--log-level", "debug") as server:
            with socket.create_connection(server.address, TIMEOUT_S) as client:
                client.sendall(gangway.encode(control_pb2.Hello(protocol_major=1, name="Ann"), tag=gangway.HELLO_TAG))
                self.assertEqual(client.recv(100), b"")
            server.wait_for_line("plain Gangway")


class Memory(unittest.TestCase):
    def test_handshakes_that_wait_do_not_keep_players_out(self):
        """Silent connections are none; the limit of handshakes refuses more of them; each end makes room."""
        with Server("--tls-handshakes-max", "3", "--log-level", "debug") as server:
            waiting = [socket.create_connection(server.address, TIMEOUT_S) for _ in range(6)]
            for client in waiting[:3]:
                client.sendall(b"\x16")
            with socket.create_connection(server.address, TIMEOUT_S) as refused:
                refused.sendall(b"\x16")
                self.assertIn(self.read(refused), (b"", None))
            server.wait_for_line("too many TLS handshakes")
            waiting.pop(0).close()
            deadline = time.monotonic() + TIMEOUT_S
            while True:
                done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.address[1]}"], input=b"",
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
                if re.search(rb"Cipher is TLS_", done.stdout) or time.monotonic() > deadline:
                    break
            self.assertRegex(done.stdout, rb"Cipher is TLS_")
            for client in waiting:
                client.close()

    def read(self, client):
        try:
            return client.recv(100)
        except ConnectionResetError:
            return None


if __name__ == "__main__":
    unittest.main(verbosity=2)
