"""tests/python/scenario_haproxy.py: haproxy in front of the real server, with the configuration of server/README.md.

GW_DUMMY is the command that runs the dummy client, GW_README that page.
"""

import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest

from server import Server, certify

HAPROXY = "/usr/sbin/haproxy"
SOURCES = [f"127.0.0.{host}" for host in range(2, 6)]
CLIENTS = 40
START_S = 20


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Haproxy(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        certify(self.folder)
        self.certificate = pathlib.Path(self.folder, "certificate.pem")
        self.both = pathlib.Path(self.folder, "both.pem")
        self.both.write_text(self.certificate.read_text() + pathlib.Path(self.folder, "key.pem").read_text())

    def start(self, server):
        """Starts haproxy with the example of the page. Returns its port."""
        port = free_port()
        page = pathlib.Path(os.environ["GW_README"]).read_text()
        config = re.search(r"^```haproxy\n(.*?)^```", page, re.DOTALL | re.MULTILINE).group(1)
        for example, real in ((" :7443 ", f" 127.0.0.1:{port} "), ("/etc/haproxy/gangway.pem", str(self.both)),
                              ("127.0.0.1:7777", "{}:{}".format(*server.address))):
            self.assertEqual(config.count(example), 1, example)
            config = config.replace(example, real)
        path = pathlib.Path(self.folder, "haproxy.cfg")
        path.write_text(config)
        process = subprocess.Popen([HAPROXY, "-db", "-f", path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                return port
            except ConnectionRefusedError:
                self.assertIsNone(process.poll(), "haproxy has ended")
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)

    def test_the_log_has_the_addresses_of_clients_behind_it(self):
        server = self.enterContext(Server("--proxy-from", "127.0.0.1"))
        port = self.start(server)
        dummy = subprocess.run(
            [os.environ["GW_DUMMY"], "--connect", f"tls://127.0.0.1:{port}", "--tls-ca", self.certificate, "--clients",
             str(CLIENTS), "--source", f"{SOURCES[0]}-{SOURCES[-1]}", "--script", "mixed", "--seconds", "3", "--quiet"],
            capture_output=True, text=True, timeout=100, check=False)
        self.assertEqual(dummy.returncode, 0, dummy.stdout + dummy.stderr)
        self.assertEqual(server.stop(), 0)
        log = "\n".join(server.log)
        peers = re.findall(r" greeted session=\d+ peer=(127\.0\.0\.\d+):\d+ ", log)
        self.assertEqual(len(peers), CLIENTS)
        self.assertEqual(sorted(set(peers)), SOURCES)
        self.assertNotRegex(log, " (began|bad_peer|warning|error) ")
        # Only health checks.
        self.assertRegex(log, r" report_ungreeted( BY_PEER=\d+)?\n")

    def test_a_client_that_goes_around_it_is_refused_with_its_header(self):
        server = self.enterContext(Server("--proxy-from", "127.0.0.9"))
        with socket.create_connection(server.address, 10) as client:
            client.sendall(b"PROXY TCP4 192.0.2.1 127.0.0.1 1 1\r\n")
            self.assertEqual(client.recv(100), b"")
        self.assertEqual(server.stop(), 0)
        self.assertRegex("\n".join(server.log), " report_ungreeted UNKNOWN_PROTOCOL=1 proxy=1")


if __name__ == "__main__":
    unittest.main()
