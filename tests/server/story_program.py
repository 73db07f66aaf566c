"""tests/server/story_program.py: the program from outside: what it prints, and how it exits.

Only the standard library: a connection that says nothing is enough of a player here.
"""

import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

PROGRAM = os.environ["GW_SERVER"]
WINDOWS = os.environ.get("GW_TARGET") == "Windows"
STOPS = [signal.SIGINT] if WINDOWS else [signal.SIGTERM, signal.SIGINT]
LISTENING = re.compile(r"^gangway-server \S+ listening on (.*) \(backend=\w+ workers=\d+\)$")
RUN_S = 20
DRAIN_MS = 300
DRAIN_SLACK_S = 2.5


def run(*options):
    return subprocess.run([PROGRAM, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=RUN_S, check=False)


class NotBegun(unittest.TestCase):
    """Whatever is wrong before the first player: one line on stderr, and exit status 2.

    Which backend it would have been may be said before.
    """

    def assert_refused(self, words, *options):
        done = run(*options)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stdout, r"\A([^\n]* backend name=[^\n]+\n)?\Z")
        self.assertRegex(done.stderr, r"\Agangway-server: [^\n]+\n\Z")
        self.assertIn(words, done.stderr)

    def test_an_unknown_option(self):
        self.assert_refused("unknown option --wrokers; see --help", "--wrokers", "2")

    def test_a_missing_value(self):
        self.assert_refused("--workers needs a value", "--workers")

    def test_a_number_that_is_none(self):
        self.assert_refused('workers: "two" is not a number; give 0 to 64', "--workers", "two")

    def test_a_number_out_of_range(self):
        self.assert_refused('workers: "65" is out of range; give 0 to 64', "--workers", "65")

    def test_a_config_that_is_not_there(self):
        self.assert_refused("cannot open /nowhere.ini", "--config", "/nowhere.ini")

    def test_a_config_that_cannot_be_read(self):
        what = "open" if WINDOWS else "read"  # a folder is not even opened there
        self.assert_refused(f"cannot {what} /", "--config", "/")

    def test_a_mistake_in_the_config(self):
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
            file.write("workers = 1\n\nroom_tick_ms = often\n")
            file.flush()
            self.assert_refused(f"{file.name}:3: room_tick_ms", "--config", file.name)

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.assert_refused(f"cannot listen on 127.0.0.1:{port}: the port is in use",
                                "--listen", f"127.0.0.1:{port}")
            self.assert_refused(f"cannot listen on 127.0.0.1:{port}: the port is in use",
                                "--listen", f"127.0.0.1:0,127.0.0.1:{port}")

    def test_an_address_of_another_machine(self):
        self.assert_refused("cannot listen on 192.0.2.1:0", "--listen", "192.0.2.1:0")

    def test_a_backend_that_this_machine_does_not_have(self):
        other = "epoll" if WINDOWS else "iocp"
        self.assert_refused(f"backend {other}: not a backend of this system; give --backend auto",
                            "--backend", other)


class Told(unittest.TestCase):
    """What is only asked for is printed, and nothing is served."""

    def printed(self, *options):
        done = run(*options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_help_and_version(self):
        self.assertIn("--room-tick-ms MS", self.printed("--help"))
        self.assertRegex(self.printed("--version"), r"\Agangway-server \d+\.\d+\.\d+\n\Z")

    def test_a_printed_config_is_read_back(self):
        first = self.printed("--workers", "3", "--listen", "[::1]:1,*:2", "--print-config")
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
            file.write(first)
            file.flush()
            self.assertEqual(self.printed("--config", file.name, "--print-config"), first)


class Serving(unittest.TestCase):
    def serve(self, *options):
        process = subprocess.Popen([PROGRAM, "--listen", "127.0.0.1:0", *options], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        self.addCleanup(self.end, process)
        found = LISTENING.match(self.read_line_with(process, " listening on ").rstrip("\n"))
        self.assertTrue(found)
        self.addresses = found.group(1).split(", ")
        return process

    def end(self, process):
        process.kill()
        process.wait()
        process.stdout.close()

    def connect(self):
        host, port = self.addresses[0].rsplit(":", 1)
        client = socket.create_connection((host.strip("[]"), int(port)), RUN_S)
        self.addCleanup(client.close)
        return client

    def read_line_with(self, process, words):
        for line in process.stdout:
            if words in line:
                return line
        self.fail(f"no line with {words}")
        return None

    def test_it_stops_in_order_when_it_is_asked_to(self):
        for number in STOPS:
            process = self.serve("--drain-ms", str(DRAIN_MS))
            begin = time.monotonic()
            process.send_signal(number)
            text = process.stdout.read()
            self.assertEqual(process.wait(RUN_S), 0, text)
            self.assertLess(time.monotonic() - begin, DRAIN_MS / 1000 + DRAIN_SLACK_S)
            self.assertIn(" report ", text)

    def test_a_connection_that_says_nothing_does_not_hold_it(self):
        process = self.serve("--drain-ms", str(DRAIN_MS))
        self.connect()
        self.read_line_with(process, " began ")
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        text = process.stdout.read()
        self.assertEqual(process.wait(RUN_S), 0, text)
        self.assertLess(time.monotonic() - begin, DRAIN_MS / 1000 + DRAIN_SLACK_S)
        self.assertIn("reason=SHUTDOWN", text)
        self.assertIn("SHUTDOWN=1", text)

    def knock(self):
        """Comes, and comes again, until nobody opens."""
        try:
            while True:
                with self.connect() as client:
                    client.sendall(HELLO)
                    while client.recv(4096):
                        pass
        except OSError:
            pass

    def test_who_keeps_coming_does_not_hold_it(self):
        process = self.serve("--drain-ms", str(DRAIN_MS), "--log-level", "warning")
        crowd = [threading.Thread(target=self.knock) for _ in range(20)]
        for one in crowd:
            one.start()
        time.sleep(0.5)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        text = process.stdout.read()
        self.assertEqual(process.wait(RUN_S), 0, text)
        self.assertLess(time.monotonic() - begin, DRAIN_MS / 1000 + DRAIN_SLACK_S)
        for one in crowd:
            one.join(RUN_S)

    def test_who_asks_twice_does_not_wait(self):
        process = self.serve("--drain-ms", "60000")
        client = self.connect()
        client.sendall(HELLO)
        self.read_line_with(process, " greeted ")
        process.send_signal(signal.SIGINT)
        self.read_line_with(process, " draining ")
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(RUN_S), 1)
        self.assertLess(time.monotonic() - begin, DRAIN_SLACK_S)

    @unittest.skipIf(WINDOWS, "there is no signal that asks for a report")
    def test_a_report_is_there_for_the_asking(self):
        process = self.serve()
        process.send_signal(signal.SIGUSR1)
        self.assertIn("uptime_s=0 sessions=0", self.read_line_with(process, " report "))
        self.connect()
        self.read_line_with(process, " began ")
        process.send_signal(signal.SIGUSR1)
        self.assertIn("sessions=1", self.read_line_with(process, " report "))

    def test_a_report_comes_by_itself(self):
        process = self.serve("--report-seconds", "1")
        for _ in range(2):
            self.read_line_with(process, " report ")

    def test_it_listens_at_several_addresses(self):
        self.serve("--listen", "127.0.0.1:0")
        self.assertEqual(len(self.addresses), 2)
        self.assertEqual(len(set(self.addresses)), 2)
        for _ in range(2):
            self.connect()
            self.addresses.reverse()

    def test_packets_are_shown_on_request(self):
        process = self.serve("--log-packets")
        self.connect().sendall(HELLO)
        self.assertIn('packet=Hello id=1 {sensitive}', self.read_line_with(process, "packet_in"))
        self.assertIn("packet=HelloAck id=2 {", self.read_line_with(process, "packet_out"))


# protocol_major 1, name "Ann\x1b"
HELLO = bytes.fromhex("08 00 00 00 01 00 47 57 08 01 22 04 41 6e 6e 1b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
