"""tests/tools/scenario_dummy_program.py: the dummy client from outside: what it prints, and how it exits."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

PROGRAM = os.environ["GW_DUMMY"]
SERVER = os.environ["GW_SERVER"]
WINDOWS = os.environ.get("GW_TARGET") == "Windows"
RUN_S = 60
HELLO, HELLO_ACK, CLOSE, ERROR = 1, 2, 5, 11
REPLY_FLAG, ERROR_FLAG = 1, 2


def run(*options, **more):
    return subprocess.run([PROGRAM, *options], stdin=subprocess.DEVNULL, text=True, timeout=RUN_S, check=False,
                          **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})


def frame(packet_id, body=b"", flags=0, tag=0):
    return len(body).to_bytes(3, "little") + bytes([flags]) + packet_id.to_bytes(2, "little") + \
        tag.to_bytes(2, "little") + body


class Server(unittest.TestCase):
    def serve(self, listen="127.0.0.1:0", *options):
        """Starts a server. Returns the address of its first listener."""
        process = subprocess.Popen([SERVER, "--admin", "off", "--listen", listen, "--log-level", "error", *options],
                                   text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(self.end, process)
        found = None
        while not found:
            found = re.search(r"listening on (\S+)", process.stdout.readline())
        return found.group(1)

    def end(self, process):
        process.kill()
        process.communicate()


class Refuser:
    """A server that greets, and answers each request with ERROR."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        with client:
            while True:
                header = client.recv(8, socket.MSG_WAITALL)
                if len(header) < 8:
                    return
                client.recv(int.from_bytes(header[:3], "little"), socket.MSG_WAITALL)
                packet_id, tag = int.from_bytes(header[4:6], "little"), int.from_bytes(header[6:], "little")
                if packet_id == HELLO:  # session 1, heartbeats every 10,000 ms, bodies of 4,096 bytes
                    client.sendall(frame(HELLO_ACK, b"\x09" + bytes([1, 0, 0, 0, 0, 0, 0, 0]) +
                                         b"\x18\x90\x4e\x20\x80\x20", REPLY_FLAG, tag))
                elif packet_id == CLOSE:
                    return
                elif tag:
                    client.sendall(frame(ERROR, b"\x08\x01", REPLY_FLAG | ERROR_FLAG, tag))


class Requests(unittest.TestCase):
    """A request that is answered with ERROR is a failure, and the report says so."""

    def setUp(self):
        self.server = Refuser()
        self.addCleanup(self.server.listener.close)

    def test_of_a_packet_that_was_asked_for(self):
        done = run("--connect", self.server.address, "--clients", "3", "--send", "Say", "--ramp", "0", "--seconds", "0.2", "--quiet")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"\nchecks .* 3 requests answered with ERROR\n")
        self.assertRegex(done.stdout, r"\nFAILED:.* 3 requests answered with ERROR")

    def test_of_a_script(self):
        """Its first request is Enter."""
        chat = ("--connect", self.server.address, "--clients", "3", "--script", "chat", "--ramp", "0", "--seconds", "0.2", "--quiet")
        done = run(*chat)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"\nFAILED:.* 3 requests answered with ERROR")
        done = run(*chat, "--json")
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["ok"], report["checks"]["requests_refused"]), (1, False, 3))


class Reports(Server):
    def test_send_is_named_and_not_a_script(self):
        address = self.serve()
        done = run("--connect", address, "--clients", "2", "--send", "Chat", "--ramp", "0", "--seconds", "0.2", "--quiet")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"2 clients at {address}, Chat once each, ", done.stdout)
        self.assertNotIn("script", done.stdout)
        done = run("--connect", address, "--clients", "2", "--send", "Chat", "--seconds", "0.2", "--quiet", "--json")
        report = json.loads(done.stdout)
        self.assertEqual((report["send"], report.get("script")), ("Chat", None))

    def test_an_address_of_another_machine_is_one_line(self):
        done = run("--connect", self.serve(), "--clients", "2", "--source", "192.0.2.1", "--ramp", "0", "--seconds", "0.2", "--quiet")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"\ngangway-dummy: cannot dial [^\n]+: give a --source that is an "
                                      r"address of this machine\n\Z")

    @unittest.skipIf(WINDOWS, "/dev/full and descriptors are POSIX'")
    def test_what_cannot_be_written_is_a_failure(self):
        address = self.serve()
        talk = ["--connect", address, "--clients", "2", "--script", "hello", "--ramp", "0", "--seconds", "0.2", "--quiet"]
        for options in (["--help"], ["--version"], talk, [*talk, "--json"]):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = run(*options, stdout=full)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"gangway-dummy: cannot write: No space left on device\n\Z")

    @unittest.skipIf(WINDOWS, "/dev/full and descriptors are POSIX'")
    def test_closed_standard_descriptors_get_no_socket(self):
        address = self.serve()
        for closed in ("<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"):
            done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", PROGRAM, "--connect", address, "--clients",
                                   "3", "--ramp", "0", "--seconds", "1.2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=RUN_S, check=False)
            self.assertEqual(done.returncode, 1 if ">&- " in closed else 0, closed)


class Connections(Server):
    """TLS, WebSocket and Unix sockets: the clients behave as over TCP."""

    def play(self, connect, *options):
        done = run("--connect", connect, "--clients", "100", "--rate", "5", "--seconds", "2", "--quiet", "--json",
                   *options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["connect"], report["let_in"]), (connect, 100))

    def certificate(self, name):
        """The paths of a new certificate for 127.0.0.1, which signs itself, and its key."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        paths = [os.path.join(folder.name, file) for file in ("cert.pem", "key.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-out",
                        paths[0], "-keyout", paths[1]], capture_output=True, timeout=RUN_S, check=True)
        return paths

    @unittest.skipIf(WINDOWS, "Windows has no Unix sockets here")
    def test_over_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            self.play(self.serve(f"unix:{folder}/socket"))

    @unittest.skipIf(WINDOWS, "TLS is not part of the build for Windows")
    def test_over_tls_and_over_websocket_in_tls(self):
        cert, key = self.certificate("gangway")
        for listen in ("tls://127.0.0.1:0", "wss://127.0.0.1:0/game"):
            self.play(self.serve(listen, "--tls-cert", cert, "--tls-key", key), "--tls-ca", cert)

    def test_by_the_name_of_a_host_whose_first_address_may_refuse(self):
        port = self.serve().rsplit(":", 1)[1]
        self.play(f"localhost:{port}")

    @unittest.skipIf(WINDOWS, "a build for Windows may be without WebSocket")
    def test_over_websocket(self):
        self.play(self.serve("ws://127.0.0.1:0"))

    @unittest.skipIf(WINDOWS, "TLS is not part of the build for Windows")
    def test_a_certificate_that_is_not_trusted_ends_the_clients_with_the_reason(self):
        cert, key = self.certificate("gangway")
        other, _ = self.certificate("other")
        address = self.serve("tls://127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
        once = ("--connect", address, "--clients", "2", "--script", "hello", "--seconds", "1", "--quiet")
        for trust in ((), ("--tls-ca", other)):
            done = run(*once, *trust)
            self.assertEqual(done.returncode, 1)
            self.assertIn("2 BAD_TLS", done.stdout)
            self.assertRegex(done.stderr, rf"gangway-dummy: {address}: \S.*certificate")
        done = run(*once, "--tls-insecure")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("--tls-insecure: the certificate of the server is not checked", done.stderr)

    @unittest.skipIf(WINDOWS, "TLS is not part of the build for Windows")
    def test_a_file_of_certificates_that_cannot_be_read_is_one_line(self):
        done = run("--connect", "tls://127.0.0.1:1", "--tls-ca", "/no/such/file")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, r"\Agangway-dummy: --connect tls://127.0.0.1:1: [^\n]*/no/such/file[^\n]*\n\Z")

    @unittest.skipIf(WINDOWS, "a build for Windows may be without WebSocket")
    def test_a_server_that_speaks_no_websocket_ends_the_clients(self):
        address = self.serve()
        done = run("--connect", "ws://" + address, "--clients", "2", "--script", "hello", "--seconds", "1", "--quiet")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, "2 (BAD_WEBSOCKET|NETWORK|BY_PEER)")


@unittest.skipIf(WINDOWS, "Windows has console events instead")
class Signals(Server):
    """A signal ends the run early: the clients leave, and there is a report."""

    def interrupted(self, *signals, **more):
        process = subprocess.Popen([PROGRAM, "--connect", self.serve(), "--clients", "3", "--script", "hello",
                                    "--ramp", "0", "--rate", "20", "--seconds", "600"], text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.addCleanup(self.end, process)
        while " connected 3 " not in process.stderr.readline():
            pass
        for number in signals:
            process.send_signal(number)
        text, _ = process.communicate(timeout=RUN_S)
        self.assertEqual(process.returncode, 0, text)
        self.assertEqual(text.count("\nok: stopped early;"), 1, text)

    def test_each_kind(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            self.interrupted(number)

    def test_two_for_one_request(self):
        self.interrupted(signal.SIGINT, signal.SIGTERM)
        self.interrupted(signal.SIGHUP, signal.SIGTERM)
        self.interrupted(signal.SIGINT, signal.SIGINT)

    def test_what_was_ignored_at_the_start_stays_ignored(self):
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

        self.interrupted(signal.SIGHUP, signal.SIGTERM, preexec_fn=ignore)


if __name__ == "__main__":
    # A shell starts its background jobs with some signals ignored. A program that inherits that goes on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for kind in ("SIGHUP", "SIGQUIT"):
        if hasattr(signal, kind):
            signal.signal(getattr(signal, kind), signal.SIG_DFL)
    unittest.main(verbosity=2)
