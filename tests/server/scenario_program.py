"""tests/server/scenario_program.py: Tests of the program from outside: output, signals, exit status.

Only the standard library: a connection that says nothing is enough of a player here.
"""

import contextlib
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

if os.name == "posix":
    import fcntl
    import pty
    import termios

PROGRAM = os.environ["GW_SERVER"]
WINDOWS = os.environ.get("GW_TARGET") == "Windows"
STOPS = [signal.SIGINT] if WINDOWS else [signal.SIGTERM, signal.SIGINT]
LISTENING = re.compile(r"^gangway-server \S+ listening on (.*) \(backend=\w+ workers=\d+\)$")
RUN_S = 20
DRAIN_MS = 300
DRAIN_SLACK_S = 2.5
REPEAT_S = 0.35  # a second stop signal after this time ends the program at once


def run(*options):
    return subprocess.run([PROGRAM, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=RUN_S, check=False)


def skip_without_websocket(test):
    """A build for Windows has none when wslay could not be built."""
    if "without WebSocket" in run("--admin", "off", "--listen", "ws://127.0.0.1:0", "--ws-origins", "x").stderr:
        test.skipTest("this build is without WebSocket")


class NotBegun(unittest.TestCase):
    """An error at the start: one line on stderr, and exit status 2.

    Which backend it would have been may be said before.
    """

    def assert_refused(self, words, *options):
        done = run(*options)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stdout, r"\A([^\n]* backend name=[^\n]+\n)?([^\n]* listen_waits [^\n]+\n)?\Z")
        self.assertRegex(done.stderr, r"\Agangway-server: [^\n]+\n\Z")
        self.assertIn(words, done.stderr)

    def test_an_unknown_option(self):
        self.assert_refused("unknown option --wrokers; see --help", "--wrokers", "2")

    def test_a_missing_value(self):
        self.assert_refused("--workers needs a value", "--workers")

    def test_text_that_is_not_a_number(self):
        self.assert_refused('workers: "two" is not a number; give 0 to 64', "--workers", "two")

    def test_a_number_out_of_range(self):
        self.assert_refused('workers: "65" is out of range; give 0 to 64', "--workers", "65")

    def test_a_config_that_does_not_exist(self):
        self.assert_refused("cannot open /nowhere.ini", "--config", "/nowhere.ini")

    def test_a_config_that_cannot_be_read(self):
        what = "open" if WINDOWS else "read"  # Windows does not open a folder
        self.assert_refused(f"cannot {what} /", "--config", "/")

    def test_an_error_in_the_config(self):
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
        self.assert_refused("cannot listen on 192.0.2.1:0", "--insecure-listen", "--listen", "192.0.2.1:0")

    def test_an_address_that_other_machines_reach(self):
        self.assert_refused("other machines can connect to *:7777 without TLS", "--listen", "*:7777")

    def test_an_invalid_url(self):
        for url, words in {"tsl://127.0.0.1:1": "is a URL with an unknown scheme",
                           "ws://127.0.0.1": "is an address without a port",
                           "tls://127.0.0.1:1/x": "with a path, which only ws:// and wss:// have",
                           "localhost:1": "is a name, and names are not looked up"}.items():
            self.assert_refused(f'listen: "{url}" ', "--listen", url)
            self.assert_refused(words, "--listen", url)

    def test_tls_without_a_certificate(self):
        self.assert_refused("cannot listen on tls://127.0.0.1:0: TLS needs a certificate; give --tls-cert FILE",
                            "--listen", "tls://127.0.0.1:0")

    def test_an_invalid_network(self):
        for text, words in {"10.0.0.1/8": "an address with bits behind its prefix", "proxy": "not an address",
                            "10.0.0.0/33": "an invalid number of bits"}.items():
            self.assert_refused(f'proxy_from: "{text}" is ', "--listen", "127.0.0.1:0", "--proxy-from", text)
            self.assert_refused(words, "--listen", "127.0.0.1:0", "--proxy-from", text)

    def test_an_invalid_origin(self):
        skip_without_websocket(self)
        self.assert_refused("one of --ws-origins is invalid", "--listen", "ws://127.0.0.1:0",
                            "--ws-origins", "https://game.example, not an origin")

    @unittest.skipIf(WINDOWS, "Windows has no Unix sockets here")
    def test_a_path_that_cannot_be_used(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assert_refused("its folder is not there", "--listen", f"unix:{folder}/none/socket")
            path = pathlib.Path(folder, "file")
            path.write_text("")
            self.assert_refused("another file is there, which is not a socket", "--listen", f"unix:{path}")
            self.assertEqual(path.read_text(), "")
            with socket.socket(socket.AF_UNIX) as other:
                other.bind(f"{folder}/socket")
                other.listen()
                self.assert_refused("a running server has it", "--listen", f"unix:{folder}/socket")
        self.assert_refused("a path of more than 107 bytes", "--listen", f"unix:/{'x' * 107}")

    @unittest.skipIf(WINDOWS, "Windows hands no descriptors over")
    def test_a_descriptor_that_other_machines_reach(self):
        with socket.create_server(("0.0.0.0", 0)) as listener:
            listener.set_inheritable(True)
            done = subprocess.run([PROGRAM, "--listen", f"fd://{listener.fileno()}"], capture_output=True, text=True,
                                  timeout=RUN_S, check=False, pass_fds=[listener.fileno()])
            port = listener.getsockname()[1]
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(f"other machines can connect to 0.0.0.0:{port} without TLS", done.stderr)

    @unittest.skipIf(WINDOWS, "Windows hands no descriptors over")
    def test_a_descriptor_that_is_no_listening_socket(self):
        self.assert_refused("cannot listen on fd://1000: the descriptor is not a listening stream socket",
                            "--listen", "fd://1000")
        self.assert_refused("not the number of a descriptor, which is 3 or above", "--listen", "fd://1")

    @unittest.skipIf(WINDOWS or os.getuid() != 0, "it takes the rights of root away")
    def test_a_port_without_the_right(self):
        first = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
        if first < 2:
            self.skipTest("any user may open any port here")
        done = subprocess.run([PROGRAM, "--listen", "127.0.0.1:1"], capture_output=True, text=True, timeout=RUN_S,
                              check=False, user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("ports below 1024 need the right CAP_NET_BIND_SERVICE", done.stderr)

    def test_a_backend_of_another_system(self):
        other = "epoll" if WINDOWS else "iocp"
        self.assert_refused(f"backend {other}: not a backend of this system; give --backend auto",
                            "--backend", other)


class Told(unittest.TestCase):
    """--help, --version and --print-config print, and nothing is served."""

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


class Server(unittest.TestCase):
    def serve(self, *options, listen="127.0.0.1:0", **more):
        process = subprocess.Popen([PROGRAM, "--admin", "off", "--listen", listen, *options], text=True,
                                   **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                      "stderr": subprocess.STDOUT, **more})
        self.addCleanup(self.end, process)
        if process.stdout is not None:
            found = LISTENING.match(self.read_line_with(process, " listening on ").rstrip("\n"))
            self.assertTrue(found)
            self.addresses = found.group(1).split(", ")
        return process

    def end(self, process):
        process.kill()
        process.wait()
        for file in (process.stdout, process.stderr):
            if file is not None:
                file.close()

    def connect(self):
        host, port = self.addresses[0].rsplit(":", 1)
        client = socket.create_connection((host.strip("[]"), int(port)), RUN_S)
        self.addCleanup(client.close)
        return client

    def greeted(self):
        """A client that has got HELLO_ACK."""
        client = self.connect()
        client.sendall(HELLO)
        self.assertEqual(self.next_id(client), HELLO_ACK)
        return client

    def next_id(self, client):
        """The id of the next packet; None at the end of the connection."""
        header = client.recv(8, socket.MSG_WAITALL)
        if not header:
            return None
        body_bytes = int.from_bytes(header[:3], "little")
        if body_bytes:
            client.recv(body_bytes, socket.MSG_WAITALL)
        return int.from_bytes(header[4:6], "little")

    def read_line_with(self, process, words):
        for line in process.stdout:
            if words in line:
                return line
        self.fail(f"no line with {words}")
        return None

    def assert_drains_once(self, process, client):
        """GOAWAY, CLOSE, one line about it, exit status 0."""
        ids = [self.next_id(client) for _ in range(3)]
        client.close()
        text = process.stdout.read()
        self.assertEqual((process.wait(RUN_S), ids), (0, [GOAWAY, CLOSE, None]), text)
        self.assertEqual(text.count(" draining "), 1, text)


class Serving(Server):
    def test_a_stop_signal_shuts_it_down_gracefully(self):
        for number in STOPS:
            process = self.serve("--drain-ms", str(DRAIN_MS))
            begin = time.monotonic()
            process.send_signal(number)
            text = process.stdout.read()
            self.assertEqual(process.wait(RUN_S), 0, text)
            self.assertLess(time.monotonic() - begin, DRAIN_MS / 1000 + DRAIN_SLACK_S)
            self.assertIn(" report ", text)

    def test_a_silent_connection_does_not_delay_the_end(self):
        process = self.serve("--drain-ms", str(DRAIN_MS), "--log-level", "debug")
        self.connect()
        self.read_line_with(process, " began ")
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        text = process.stdout.read()
        self.assertEqual(process.wait(RUN_S), 0, text)
        self.assertLess(time.monotonic() - begin, DRAIN_MS / 1000 + DRAIN_SLACK_S)
        self.assertIn("reason=SHUTDOWN", text)
        self.assertIn("SHUTDOWN=1", text)

    def test_connections_that_end_before_a_greeting_make_no_line_and_are_counted(self):
        process = self.serve()
        for data in (b"", b"GET / HTTP/1.0\r\n\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", HELLO[:5]):
            with self.connect() as client:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(4096), b"")
        process.send_signal(signal.SIGINT)
        text = process.stdout.read()
        self.assertEqual(re.findall(r" (began|greeted|ended|bad_peer) ", text), [])
        self.assertIn(" report_ungreeted BY_PEER=2 UNKNOWN_PROTOCOL=2 http=1 proxy=1\n", text)

    def knock(self):
        """Connects again and again, until the connection is refused."""
        try:
            while True:
                with self.connect() as client:
                    client.sendall(HELLO)
                    while client.recv(4096):
                        pass
        except OSError:
            pass

    def test_clients_that_keep_connecting_do_not_delay_the_end(self):
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

    def test_a_second_stop_signal_does_not_wait(self):
        process = self.serve("--drain-ms", "60000")
        client = self.connect()
        client.sendall(HELLO)
        self.read_line_with(process, " greeted ")
        process.send_signal(signal.SIGINT)
        self.read_line_with(process, " draining ")
        time.sleep(0 if WINDOWS else REPEAT_S)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(RUN_S), 1)
        self.assertLess(time.monotonic() - begin, DRAIN_SLACK_S)

    @unittest.skipIf(WINDOWS, "there the second request comes as a console event")
    def test_the_port_is_free_at_once_after_a_kill(self):
        for backend in ("auto", "epoll"):
            for _ in range(3):
                process = self.serve("--drain-ms", "60000", "--backend", backend)
                clients = [self.greeted() for _ in range(3)]
                process.send_signal(signal.SIGINT)
                self.read_line_with(process, " draining ")
                time.sleep(REPEAT_S)
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(RUN_S), 1)
                host, port = self.addresses[0].rsplit(":", 1)
                socket.create_server((host, int(port))).close()  # with SO_REUSEADDR, as servers set it
                for client in clients:
                    client.close()

    def test_a_restarted_server_gets_its_port_at_once(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            threading.Timer(0.2, other.close).start()
            process = self.serve("--listen", f"127.0.0.1:{port}")
            self.assertEqual(process.poll(), None)

    @unittest.skipIf(WINDOWS, "there is no signal that asks for a report")
    def test_sigusr1_writes_a_report(self):
        process = self.serve("--log-level", "debug")
        process.send_signal(signal.SIGUSR1)
        self.assertIn("uptime_s=0 sessions=0", self.read_line_with(process, " report "))
        self.connect()
        self.read_line_with(process, " began ")
        process.send_signal(signal.SIGUSR1)
        self.assertIn("sessions=0 pending=1", self.read_line_with(process, " report "))

    def test_reports_come_at_their_interval(self):
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

    @unittest.skipIf(WINDOWS, "Windows has no Unix sockets here")
    def test_it_serves_at_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            for _ in range(2):
                process = self.serve("--drain-ms", str(DRAIN_MS), listen=f"unix:{path}")
                self.assertEqual(self.addresses, [f"unix:{path}"])
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(path)
                    client.sendall(HELLO)
                    self.assertEqual(self.next_id(client), HELLO_ACK)
                    self.assertIn(f'peer="unix:pid={os.getpid()},uid={os.getuid()},gid={os.getgid()}"',
                                  self.read_line_with(process, "peer="))
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(RUN_S), 0)
                self.assertFalse(os.path.exists(path))

    @unittest.skipIf(WINDOWS, "Windows has no Unix sockets here")
    def test_the_unix_socket_of_a_killed_server_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            process = self.serve(listen=f"unix:{path}")
            process.kill()
            process.wait()
            self.assertTrue(os.path.exists(path))
            self.serve(listen=f"unix:{path}")
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)

    def test_a_client_of_another_protocol_than_its_listener_makes_one_hint(self):
        skip_without_websocket(self)
        process = self.serve("--listen", "ws://127.0.0.1:0", "--drain-ms", str(DRAIN_MS))
        plain, websocket = self.addresses
        for address, data in ((plain, b"GET / HTTP/1.1\r\n\r\n"), (plain, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"),
                              (websocket.removeprefix("ws://"), HELLO)) * 2:
            self.addresses = [address]
            with self.connect() as client:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while client.recv(1000):
                    pass
        process.send_signal(signal.SIGINT)
        self.assertEqual(sorted(re.findall(' info    hint peer=127.0.0.1:[0-9]+ text="(.*)"', process.stdout.read())),
                         ["the client speaks HTTP; this listener is none for WebSocket",
                          "the client speaks TLS; this listener has none",
                          "the client speaks plain Gangway; this listener is a WebSocket"])

    V2_IPV4 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 2, 127, 0, 0, 1, 0x30, 0x39, 0, 1])
    V2_LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"

    def test_a_proxy_gives_the_address_of_its_client(self):
        process = self.serve("--proxy-from", "10.0.0.0/8, 127.0.0.0/8", "--drain-ms", str(DRAIN_MS))
        for header, peer in ((b"PROXY TCP4 192.0.2.1 127.0.0.1 12345 7777\r\n", "192.0.2.1:12345"),
                             (b"PROXY TCP6 2001:db8::1 ::1 12345 7777\r\n", "[2001:db8::1]:12345"),
                             (self.V2_IPV4, "192.0.2.2:12345")):
            client = self.connect()
            client.sendall(header + HELLO)
            self.assertEqual(self.next_id(client), HELLO_ACK)
            self.assertIn(f" peer={peer} ", self.read_line_with(process, " greeted "))
            client.close()
        for data in (b"", self.V2_LOCAL, HELLO, b"PROXY TCP4 nobody"):
            client = self.connect()
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(100), b"")
        process.send_signal(signal.SIGINT)
        self.assertIn(" report_ungreeted BY_PEER=2 BAD_PROXY=2\n", process.stdout.read())

    def test_a_proxy_of_no_network_is_a_foreign_protocol(self):
        process = self.serve("--proxy-from", "10.0.0.0/8", "--drain-ms", str(DRAIN_MS))
        with self.connect() as client:
            client.sendall(b"PROXY TCP4 192.0.2.1 127.0.0.1 12345 7777\r\n" + HELLO)
            self.assertEqual(client.recv(100), b"")
        self.greeted().close()
        process.send_signal(signal.SIGINT)
        self.assertIn(" report_ungreeted UNKNOWN_PROTOCOL=1 proxy=1\n", process.stdout.read())

    def test_limits_of_an_address_are_those_of_the_client_of_a_proxy(self):
        self.serve("--proxy-from", "127.0.0.1", "--limit-loopback", "--address-connections-max", "2")
        clients = []
        for host in (1, 1, 2, 2, 3):
            clients.append(self.connect())
            clients[-1].sendall(b"PROXY TCP4 192.0.2.%d 127.0.0.1 1 1\r\n" % host + HELLO)
            self.assertEqual(self.next_id(clients[-1]), HELLO_ACK)
        client = self.connect()
        client.sendall(b"PROXY TCP4 192.0.2.1 127.0.0.1 1 1\r\n" + HELLO)
        self.assertEqual(self.next_id(client), CLOSE)

    @unittest.skipIf(WINDOWS, "Windows hands no descriptors over")
    def test_it_serves_at_a_listening_socket_that_it_was_given(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            process = self.serve("--drain-ms", str(DRAIN_MS), listen=f"fd://{listener.fileno()}",
                                 pass_fds=[listener.fileno()])
            self.assertEqual(self.addresses, [f"127.0.0.1:{port}"])
            self.greeted().close()
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(RUN_S), 0)
            client = self.connect()  # the socket is still open here, and listens
            listener.accept()[0].close()
            client.close()

    def test_log_packets_shows_packets(self):
        process = self.serve("--log-packets", "--drain-ms", str(DRAIN_MS))
        client = self.greeted()
        self.assertIn('packet=Hello id=1 tag=22343 {sensitive}', self.read_line_with(process, "packet_in"))
        self.assertIn("packet=HelloAck id=2 tag=22343 {", self.read_line_with(process, "packet_out"))
        client.sendall(PING)
        self.assertIn("packet=Ping id=3 {stamp=7}", self.read_line_with(process, "packet_in"))
        self.assertIn("packet=Pong id=4 {stamp=7}", self.read_line_with(process, "packet_out"))
        client.sendall(SAY)
        self.assertIn('packet=Say id=1005 tag=9 {text="hi"}', self.read_line_with(process, "packet_in"))
        self.assertRegex(self.read_line_with(process, "packet_out"), r'packet=Said id=1107 tag=9 \{.*text="hi"')
        process.send_signal(signal.SIGINT)
        self.assertIn("packet=GoAway id=6 {deadline_ms=300 ", self.read_line_with(process, "packet_out"))
        self.assertIn("packet=Close id=5 {reason=SHUTDOWN", self.read_line_with(process, "packet_out"))


@unittest.skipIf(WINDOWS, "Windows has console events instead")
class Signals(Server):
    """Terminals, shells, supervisors and containers end a program by signals; the program drains."""

    KINDS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPWR]

    def test_each_kind_drains(self):
        for kind in self.KINDS:
            process = self.serve("--drain-ms", str(DRAIN_MS))
            client = self.greeted()
            process.send_signal(kind)
            self.assert_drains_once(process, client)

    def test_two_signals_within_300_ms_drain_once(self):
        for first, second in itertools.product(self.KINDS[:2] + self.KINDS[3:4], repeat=2):
            process = self.serve("--drain-ms", str(DRAIN_MS))
            client = self.greeted()
            process.send_signal(first)
            process.send_signal(second)
            self.assert_drains_once(process, client)

    def test_a_second_signal_of_another_kind_does_not_end_the_drain(self):
        process = self.serve("--drain-ms", "1000")
        client = self.greeted()
        process.send_signal(signal.SIGINT)
        for kind in (signal.SIGTERM, signal.SIGHUP):
            time.sleep(REPEAT_S)
            process.send_signal(kind)
        self.assert_drains_once(process, client)

    def test_repeated_sighup_does_not_end_it_at_once(self):
        process = self.serve("--drain-ms", "1000")
        client = self.greeted()
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
            time.sleep(REPEAT_S / 2)
        time.sleep(REPEAT_S)
        process.send_signal(signal.SIGHUP)
        self.assert_drains_once(process, client)

    def test_a_second_signal_after_300_ms_ends_it_at_once(self):
        for kind in self.KINDS[:3]:
            process = self.serve("--drain-ms", "60000")
            client = self.greeted()
            process.send_signal(kind)
            self.assertEqual(self.next_id(client), GOAWAY)
            time.sleep(REPEAT_S)
            begin = time.monotonic()
            process.send_signal(kind)
            self.assertEqual(process.wait(RUN_S), 1)
            self.assertLess(time.monotonic() - begin, DRAIN_SLACK_S)

    def test_signals_ignored_at_the_start_stay_ignored(self):
        kinds = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT]  # nohup(1), and shells in the background

        def ignore():
            for kind in kinds:
                signal.signal(kind, signal.SIG_IGN)

        process = self.serve("--drain-ms", str(DRAIN_MS), preexec_fn=ignore)
        client = self.greeted()
        for kind in kinds:
            process.send_signal(kind)
        process.send_signal(signal.SIGUSR1)
        self.read_line_with(process, " report ")
        self.greeted().close()
        process.send_signal(signal.SIGTERM)
        self.assert_drains_once(process, client)

    def test_signals_that_the_parent_blocked_arrive(self):
        def block():
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

        process = self.serve("--drain-ms", str(DRAIN_MS), preexec_fn=block)
        client = self.greeted()
        process.send_signal(signal.SIGUSR1)
        self.read_line_with(process, " report ")
        process.send_signal(signal.SIGTERM)
        self.assert_drains_once(process, client)

    def test_it_can_be_stopped_and_continued_by_a_shell(self):
        # In a process group of its own, as a shell starts it: the kernel drops SIGTSTP for a group whose session has no
        # parent outside of it, as it may be here.
        process = self.serve("--drain-ms", str(DRAIN_MS), preexec_fn=lambda: os.setpgid(0, 0))
        client = self.greeted()
        process.send_signal(signal.SIGTSTP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        process.send_signal(signal.SIGCONT)
        self.greeted().close()
        process.send_signal(signal.SIGTERM)
        self.assert_drains_once(process, client)

    def test_a_terminal_that_closes_drains_it(self):
        """SIGHUP, and each write to the terminal fails with EIO."""
        master, slave = pty.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = self.serve("--drain-ms", str(DRAIN_MS), stdin=slave, stdout=slave, stderr=slave,
                             preexec_fn=take_terminal)
        os.close(slave)
        shown = b""
        while b" listening on " not in shown or not shown.endswith(b"\n"):
            shown += os.read(master, 4096)
        self.addresses = [re.search(r"listening on (\S+)", shown.decode()).group(1)]
        client = self.greeted()
        os.close(master)
        self.assertEqual([self.next_id(client) for _ in range(3)], [GOAWAY, CLOSE, None])
        client.close()
        self.assertEqual(process.wait(RUN_S), 0)

    def test_process_1_of_a_container_drains(self):
        """The kernel discards signals of process 1 that have no handler."""
        unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
        if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this machine grants no namespaces")
        process = subprocess.Popen([*unshare, PROGRAM, "--admin", "off", "--listen", "127.0.0.1:0", "--drain-ms", str(DRAIN_MS)],
                                   text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        self.addCleanup(self.end, process)
        line = self.read_line_with(process, " listening on ")
        self.addresses = [re.search(r"listening on (\S+)", line).group(1)]
        client = self.greeted()
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        with open(children, encoding="ascii") as file:
            os.kill(int(file.read().split()[0]), signal.SIGHUP)
        self.assert_drains_once(process, client)


@unittest.skipIf(WINDOWS, "descriptors and /dev/full are POSIX'")
class Writing(Server):
    """Output that cannot be written is reported, and goes to no other file."""

    def test_output_that_cannot_be_written_is_a_failure(self):
        for option in ("--help", "--version", "--print-config"):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([PROGRAM, option], stdout=full, stderr=subprocess.PIPE, text=True,
                                      timeout=RUN_S, check=False)
            self.assertEqual((done.returncode, done.stderr),
                             (1, "gangway-server: cannot write: No space left on device\n"))
            done = subprocess.run(["sh", "-c", '"$0" "$1" >&-', PROGRAM, option], stderr=subprocess.PIPE,
                                  text=True, timeout=RUN_S, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot write: Bad file descriptor", done.stderr)

    def test_a_log_on_a_full_disk_is_counted(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            process = self.serve(stdout=full, stderr=subprocess.PIPE)
        self.await_port(process)
        self.greeted().close()
        process.terminate()
        self.assertEqual(process.wait(RUN_S), 0)
        self.assertRegex(process.stderr.read(), r"\Agangway-server: \d+ lines of the log are missing: "
                                                r"No space left on device\n\Z")

    def test_log_lines_without_a_reader_are_counted(self):
        process = self.serve("--drain-ms", str(DRAIN_MS), stderr=subprocess.PIPE)
        process.stdout.close()
        client = self.greeted()
        process.terminate()
        self.assertEqual([self.next_id(client) for _ in range(3)], [GOAWAY, CLOSE, None])
        client.close()
        self.assertEqual(process.wait(RUN_S), 0)
        self.assertRegex(process.stderr.read(), r"\Agangway-server: \d+ lines of the log are missing: "
                                                r"Broken pipe\n\Z")
        process.stdout = None

    def test_lines_lost_in_a_non_blocking_pipe_are_counted(self):
        read_end, write_end = os.pipe()
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(write_end, False)
        process = self.serve("--log-lines-per-second", "100000", stdout=write_end, stderr=subprocess.PIPE)
        os.close(write_end)
        text = os.read(read_end, 4096).decode()
        while " listening on " not in text:
            text += os.read(read_end, 4096).decode()
        self.addresses = [re.search(r"listening on (\S+)", text).group(1)]
        clients = 60
        for _ in range(clients):
            self.greeted().close()
        process.terminate()
        with open(read_end, encoding="utf-8") as file:
            lines = (text + file.read()).splitlines()
        self.assertEqual(process.wait(RUN_S), 0)
        greeted = sum(" greeted " in line for line in lines)
        told = [int(number) for number in re.findall(r"log_dropped=(\d+)", "\n".join(lines))]
        self.assertLess(greeted, clients)
        self.assertGreaterEqual(max(told, default=0), clients - greeted)
        for line in lines:  # each line is complete, and alone
            self.assertRegex(line, r"\A(\d{4}-\d\d-\d\dT\S+Z \w+ +\w+( .*)?|gangway-server .*)\Z")
            self.assertEqual(len(re.findall(r"\d{4}-\d\d-\d\dT", line)), line.startswith("2"), line)

    def test_closed_standard_descriptors_are_the_null_device(self):
        """Otherwise a socket gets the number, and a client receives the log."""
        for closed in ([0], [1], [2], [0, 1, 2]):
            def close(closed=closed):
                for number in closed:
                    os.close(number)

            process = self.serve("--drain-ms", str(DRAIN_MS), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, preexec_fn=close)
            self.await_port(process)
            client = self.greeted()
            for number in closed:
                self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{number}"), "/dev/null")
            process.send_signal(signal.SIGUSR1)
            process.terminate()
            self.assertEqual([self.next_id(client) for _ in range(3)], [GOAWAY, CLOSE, None])
            client.close()
            self.assertEqual(process.wait(RUN_S), 0)

    def await_port(self, process):
        """The address it listens on, from the kernel: for a server without visible output."""
        deadline = time.monotonic() + RUN_S
        while time.monotonic() < deadline:
            with open("/proc/net/tcp", encoding="ascii") as file:
                rows = [line.split() for line in file][1:]
            port_of = {f"socket:[{row[9]}]": int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}
            for name in os.listdir(f"/proc/{process.pid}/fd"):
                with contextlib.suppress(FileNotFoundError):
                    target = os.readlink(f"/proc/{process.pid}/fd/{name}")
                    if target in port_of:
                        self.addresses = [f"127.0.0.1:{port_of[target]}"]
                        return
            time.sleep(0.02)
        self.fail("it does not listen")


HELLO_ACK, CLOSE, GOAWAY = 2, 5, 6

# protocol_major 1, name "Anna"
HELLO = bytes.fromhex("08 00 00 00 01 00 47 57 08 01 22 04 41 6e 6e 61")
# stamp 7; text "hi", and tag 9
PING = bytes.fromhex("09 00 00 00 03 00 00 00 09 07 00 00 00 00 00 00 00")
SAY = bytes.fromhex("04 00 00 00 ed 03 09 00 0a 02 68 69")


if __name__ == "__main__":
    # A shell starts its background jobs with some signals ignored. A program that inherits them continues.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for kind in ("SIGHUP", "SIGQUIT"):
        if hasattr(signal, kind):
            signal.signal(getattr(signal, kind), signal.SIG_DFL)
    unittest.main(verbosity=2)
