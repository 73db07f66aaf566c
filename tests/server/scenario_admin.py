"""tests/server/scenario_admin.py: The HTTP interface of the real server: contents, safety, attacks.

promtool and a Prometheus of Debian read the metrics. GW_DUMMY is the command that runs the dummy client.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import gangway
from server import Server

WAIT_S = 20
TOKEN = "0123456789abcdef"


def admin_port(server):
    return int(re.search(r"address=\S+:(\d+)", server.wait_for_line(" admin address=")).group(1))


class Admin(unittest.TestCase):
    def serve(self, *options, admin="127.0.0.1:0"):
        server = Server(*options, admin=admin)
        self.addCleanup(server.__exit__, None)
        server.__enter__()
        self.port = admin_port(server)
        return server

    def file(self, text):
        file = tempfile.NamedTemporaryFile("w", encoding="utf-8")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name

    def ask(self, path, method="GET", body=None, **headers):
        """The status, the headers and the text of an answer. HTTP_X=... in `headers` is the header X."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def metric(self, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", self.ask("/metrics")[2], re.MULTILINE).group(1))

    def test_the_metrics_count_what_players_did(self):
        server = self.serve()
        done = subprocess.run([os.environ["GW_DUMMY"], "--connect", "{}:{}".format(*server.address), "--clients", "5",
                               "--script", "hello", "--rate", "5", "--seconds", "1", "--quiet", "--json"],
                              capture_output=True, text=True, timeout=60, check=True)
        sent = json.loads(done.stdout)["sent"]["say"]
        self.assertGreater(sent, 0)
        deadline = time.monotonic() + WAIT_S
        while self.metric("gangway_sessions") > 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.metric("gangway_sessions"), 0)
        self.assertEqual(self.metric("gangway_sessions_greeted_total"), 5)
        self.assertEqual(self.metric('gangway_sessions_ended_total{reason="BY_PEER"}'), 5)
        self.assertEqual(self.metric('gangway_packets_received_total{packet="Say"}'), sent)
        self.assertGreater(self.metric("gangway_received_bytes_total"), sent * 8)
        self.assertGreater(self.metric("gangway_cpu_seconds_total"), 0)

    @unittest.skipUnless(shutil.which("promtool"), "there is no promtool here")
    def test_promtool_accepts_the_metrics(self):
        self.serve()
        done = subprocess.run(["promtool", "check", "metrics"], input=self.ask("/metrics")[2], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_openmetrics_is_written_when_it_is_asked_for(self):
        self.serve()
        _, headers, text = self.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
        self.assertTrue(headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"))
        self.assertTrue(text.endswith("\n# EOF\n"))
        types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        for line in text.splitlines():
            if not line.startswith("#"):
                name = re.match(r"\w+", line).group()
                family = name.removesuffix("_total")
                self.assertIn(family, types)
                self.assertEqual(types[family] == "counter", name.endswith("_total"), line)

    @unittest.skipUnless(shutil.which("prometheus"), "there is no Prometheus here")
    def test_prometheus_scrapes_the_metrics(self):
        self.serve()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        config = self.file("global: {scrape_interval: 200ms}\nscrape_configs:\n"
                           "  - {job_name: gangway, static_configs: [{targets: ['127.0.0.1:%d']}]}\n" % self.port)
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder.name}",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(prometheus.wait)
        self.addCleanup(prometheus.kill)
        url = f"http://127.0.0.1:{port}/api/v1/query?query=gangway_workers"
        deadline = time.monotonic() + 60
        found = []
        while not found and time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
                    found = json.load(answer)["data"]["result"]
            time.sleep(0.1)
        self.assertEqual(found[0]["metric"]["job"], "gangway")
        self.assertGreater(int(found[0]["value"][1]), 0)

    def test_the_state_is_json_with_every_option(self):
        odd = self.file(TOKEN + "\n")
        self.serve("--admin-token", odd, "--room-tick-ms", "20")
        status, headers, text = self.ask("/api/v1/state", Authorization="Bearer " + TOKEN)
        state = json.loads(text)
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        self.assertEqual(state["program"], "gangway-server")
        self.assertEqual(state["config"]["room_tick_ms"], "20")
        self.assertEqual(state["config"]["admin_token"], odd)
        self.assertEqual(len(state["listeners"]), 1)
        self.assertNotIn(TOKEN, text)

    def test_a_draining_server_is_healthy_and_not_ready(self):
        server = self.serve("--drain-ms", "60000")
        with gangway.Client(server.address) as client:
            client.greet("Ann")
            self.assertEqual(self.ask("/readyz")[::2], (200, "ready\n"))
            self.assertEqual(self.ask("/api/v1/drain", "POST")[::2], (202, "draining\n"))
            self.assertEqual(self.ask("/readyz")[::2], (503, "draining\n"))
            self.assertEqual(self.ask("/healthz")[::2], (200, "ok\n"))
            self.assertEqual(self.metric("gangway_draining"), 1)
        self.assertEqual(server.wait(), 0)

    def test_the_play_page_comes_with_its_modules(self):
        self.serve("--listen", "ws://127.0.0.1:0")
        self.assertRegex(self.ask("/play/server")[2], r"\Aws://127\.0\.0\.1:\d+/?\n\Z")
        waiting, loaded = ["/play"], set()
        while waiting:
            path = waiting.pop()
            status, headers, text = self.ask(path)
            self.assertEqual(status, 200, path)
            loaded.add(path)
            base = "" if path == "/play" else "/play/"
            kinds = {"css": "text/css", "mjs": "text/javascript"}
            kind = kinds.get(path.rpartition(".")[2], "text/html")
            self.assertEqual(headers["Content-Type"], kind + "; charset=utf-8")
            found = re.findall(r"""(?:from|import) '([^']+\.mjs)'|(?:href|src)="(/[^"]+)\"""", text)
            names = {name.replace("./", base) for pair in found for name in pair if name}
            waiting += sorted(names - loaded - set(waiting))
        self.assertEqual(len(loaded), 9)

    def test_without_a_websocket_listener_the_play_page_says_so(self):
        self.serve()
        status, _, text = self.ask("/play/server")
        self.assertEqual(status, 404)
        self.assertIn("add ws://127.0.0.1:7778 to --listen", text)

    def test_every_answer_forbids_what_a_page_does_not_need(self):
        self.serve()
        for path in ("/metrics", "/healthz", "/nothing", "/api/v1/drain"):
            _, headers, _ = self.ask(path)
            self.assertIn("default-src 'self'", headers["Content-Security-Policy"])
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Cache-Control"], "no-store")

    def test_unknown_paths_and_methods_are_refused(self):
        self.serve()
        self.assertEqual(self.ask("/metrics/")[0], 404)
        self.assertEqual(self.ask("/%2e%2e/etc/passwd")[0], 404)
        for path, method, allowed in (("/api/v1/drain", "GET", "POST"), ("/metrics", "POST", "GET, HEAD"),
                                      ("/metrics", "DELETE", "GET, HEAD")):
            status, headers, _ = self.ask(path, method)
            self.assertEqual((status, headers["Allow"]), (405, allowed))
        status, headers, text = self.ask("/metrics", "HEAD")
        self.assertEqual((status, text), (200, ""))
        self.assertGreater(int(headers["Content-Length"]), 1000)

    def test_a_host_that_is_a_name_is_refused(self):
        self.serve()
        for host in ("localhost", f"localhost:{self.port}", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:7780"):
            self.assertEqual(self.ask("/healthz", Host=host)[0], 200, host)
        for host in ("example.org", "localhost.example.org:80", "127.0.0.1.nip.io", "evil:80", "[::1", "",
                     "a" * 4000):
            self.assertEqual(self.ask("/metrics", Host=host)[0], 403, host)

    def test_a_page_of_another_origin_can_change_and_read_nothing(self):
        self.serve()
        here = f"127.0.0.1:{self.port}"
        self.assertEqual(self.ask("/metrics", Host=here, Origin="http://" + here)[0], 200)
        for origin in ("http://example.org", "null", "https://" + here, "http://localhost", "http://"):
            self.assertEqual(self.ask("/api/v1/drain", "POST", Host=here, Origin=origin)[0], 403, origin)
            self.assertEqual(self.ask("/metrics", Host=here, Origin=origin)[0], 403, origin)
        self.assertEqual(self.metric("gangway_draining"), 0)

    def test_with_a_token_requests_need_it(self):
        self.serve("--admin-token", self.file(TOKEN + "\nmore\n"))
        for authorization in (None, "Bearer", "Bearer ", "Bearer " + TOKEN[:-1], "Bearer " + TOKEN + "0",
                              "Bearer " + TOKEN[:-1] + "0", "Basic " + TOKEN, "bearer " + TOKEN):
            given = {} if authorization is None else {"Authorization": authorization}
            for path, method in (("/metrics", "GET"), ("/api/v1/state", "GET"), ("/api/v1/drain", "POST")):
                status, headers, _ = self.ask(path, method, **given)
                self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"), authorization)
        self.assertEqual(self.ask("/healthz")[0], 200)
        self.assertEqual(self.ask("/metrics", Host="game.example.org", Authorization="Bearer " + TOKEN)[0], 200)

    def test_large_heads_and_bodies_are_refused(self):
        self.serve()
        status = self.ask("/metrics", X_Filler="f" * 20000)[0]
        self.assertIn(status, (413, 431))
        self.assertEqual(self.ask("/api/v1/state", "GET", body="b" * 16384)[0], 200)
        with self.assertRaises((http.client.HTTPException, ConnectionError)):
            self.ask("/api/v1/drain", "POST", body="b" * 100000)
        self.assertEqual(self.metric("gangway_draining"), 0)

    def test_connections_that_send_nothing_cost_the_players_nothing(self):
        server = self.serve()
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                silent = stack.enter_context(socket.socket())
                silent.setblocking(False)
                silent.connect_ex(("127.0.0.1", self.port))
            done = subprocess.run([os.environ["GW_DUMMY"], "--connect", "{}:{}".format(*server.address), "--clients",
                                   "50", "--seconds", "1", "--quiet"], capture_output=True, text=True, timeout=60,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        deadline = time.monotonic() + 2 * WAIT_S
        status = None
        while status != 200 and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                status = self.ask("/healthz")[0]
        self.assertEqual(status, 200)

    def test_connections_that_ended_inside_a_head_are_no_longer_waited_for(self):
        self.serve()
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", self.port), WAIT_S) as connection:
                connection.sendall(b"GET /metrics HTTP/1.1\r\nHost:")
        self.assertEqual(self.ask("/healthz")[0], 200)


class Start(unittest.TestCase):
    """What the server says of --admin when it starts."""

    def refusal(self, *options):
        done = subprocess.run([os.environ["GW_SERVER"], "--listen", "127.0.0.1:0", *options], capture_output=True,
                              text=True, timeout=WAIT_S, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"\Agangway-server: [^\n]+\n\Z")
        return done.stderr

    def test_an_address_that_is_not_loopback_needs_a_token(self):
        self.assertIn("--admin 0.0.0.0:0 is not loopback", self.refusal("--admin", "0.0.0.0:0"))
        self.assertIn("--admin *:0 is not loopback", self.refusal("--admin", "*:0"))

    def test_an_address_that_was_asked_for_and_is_taken_is_an_error(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = "127.0.0.1:{}".format(other.getsockname()[1])
            self.assertIn(f"--admin {taken}: cannot listen there", self.refusal("--admin", taken))

    def test_bad_addresses_and_tokens_are_refused_with_the_reason(self):
        self.assertIn("--admin: nowhere is not an address", self.refusal("--admin", "nowhere"))
        self.assertIn("--admin-token: cannot open /no/such", self.refusal("--admin-token", "/no/such"))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("0123456789abcde\n")
            file.flush()
            self.assertIn("has 15 bytes; give 16 to 256", self.refusal("--admin-token", file.name))

    def test_off_starts_nothing(self):
        with Server() as server:
            time.sleep(0.05)
            self.assertFalse([line for line in server.log if " admin" in line])

    def test_the_default_address_is_a_warning_when_it_is_taken(self):
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # another server may have it, which is as good
                stack.enter_context(socket.create_server(("127.0.0.1", 7780)))
            server = stack.enter_context(Server(admin=None))
            server.wait_for_line("warning admin_off reason=.*127.0.0.1:7780")


if __name__ == "__main__":
    unittest.main()
