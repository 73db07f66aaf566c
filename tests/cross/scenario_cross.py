"""tests/cross/scenario_cross.py CLASS: native dummy clients with a Windows server, and the reverse.

GW_SERVER and GW_DUMMY name the programs. The dummy clients check every packet that they receive. The
results must not depend on the system that a program was built for.
"""

import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from server import Server

DUMMY = os.environ["GW_DUMMY"]
TREE = pathlib.Path(__file__).resolve().parent.parent.parent
PREFIX = os.environ.get("GW_WINE_PREFIX", TREE / "build/windows/wine")
# Wine on a busy machine is slow.
PATIENT = ("--greeting-timeout-ms", "60000", "--log-level", "warning")
RUN_S = 90
QUIET_S = 0.3


def wine_server():
    """The process of our Wine that owns the sockets of all programs, one descriptor each."""
    stat = os.stat(PREFIX)
    folder = f"server-{stat.st_dev:x}-{stat.st_ino:x}"  # somewhere below /tmp
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.path.basename(os.readlink(process / "cwd")) == folder:
                return process
        except OSError:
            continue  # the process has just ended
    raise AssertionError(f"no process has the working directory {folder}")


class Crowd:
    """A run of dummy clients; report() waits for its end."""

    def __init__(self, server, clients, script, *options):
        self.clients = clients
        address = "{}:{}".format(*server.address)
        self.process = subprocess.Popen(
            [DUMMY, "--connect", address, "--clients", str(clients), "--script", script, "--quiet",
             "--json", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def report(self):
        text, _ = self.process.communicate(timeout=RUN_S)
        return json.loads(text)


class CrossTest(unittest.TestCase):
    def assert_received_everything(self, crowd, sent_each_min):
        report = crowd.report()
        self.assertTrue(report["ok"] and report["complete"], report)
        self.assertEqual(report["let_in"], crowd.clients)
        self.assertEqual(report["unanswered"], 0, report)
        self.assertGreaterEqual(report["sent"]["all"], sent_each_min * crowd.clients)
        print(f"{crowd.clients} clients, {report['seconds']:.0f} s: {report['sent']['all']} sent, "
              f"{report['received']['all']} received, {report['ends']}", flush=True)
        return report

    def assert_all_received_goaway(self, crowd):
        """Each client received GOAWAY and then CLOSE."""
        report = crowd.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["asked_to_go"], crowd.clients, report)
        self.assertEqual(report["ends_by_peer"], {"SHUTDOWN": crowd.clients}, report)
        self.assertEqual(report["checks"]["not_asked_to_go"], 0, report)


class NativePlayers(CrossTest):
    """Native clients on a Windows server, as many as Wine can serve."""

    def test_1000_clients_of_the_hello_script(self):
        with Server(*PATIENT) as server:
            crowd = Crowd(server, 1000, "hello", "--rate", "1", "--seconds", "20", "--ramp", "12")
            self.assert_received_everything(crowd, 18)

    def test_100_clients_of_the_mixed_script(self):
        with Server(*PATIENT, "--room-tick-ms", "500") as server:
            crowd = Crowd(server, 100, "mixed", "--rate", "1", "--seconds", "20", "--ramp", "2")
            self.assert_received_everything(crowd, 18)

    def test_every_client_receives_goaway_when_the_server_stops_under_load(self):
        with Server(*PATIENT, "--drain-ms", "3000") as server:
            crowd = Crowd(server, 1000, "hello", "--rate", "1", "--seconds", "60", "--ramp", "12",
                          "--stay")
            time.sleep(15)
            server.signal(signal.SIGINT)
            self.assertEqual(server.wait(), 0)
            self.assert_all_received_goaway(crowd)


class WindowsPlayers(CrossTest):
    """Windows clients on a native server."""

    def test_50_clients_of_each_script(self):
        with Server("--room-tick-ms", "500") as server:
            crowds = [Crowd(server, 50, script, "--rate", "1", "--seconds", "20")
                      for script in ("hello", "mixed")]
            for crowd in crowds:
                self.assert_received_everything(crowd, 18)


class Churn(CrossTest):
    """A Windows server releases everything of clients that have left."""

    ROUNDS = 20
    CLIENTS = 300
    GROWTH_BYTES_MAX = 1024 * 1024

    def measure(self, server):
        """After a pause: descriptors of Wine's server, and memory of ours."""
        time.sleep(QUIET_S)
        return len(list((wine_server() / "fd").iterdir())), server.resident_bytes()

    def test_handles_and_memory_do_not_grow(self):
        with Server(*PATIENT) as server:
            seen = []
            for _ in range(self.ROUNDS):
                crowd = Crowd(server, self.CLIENTS, "hello", "--seconds", "0.3", "--ramp", "0.2")
                self.assert_received_everything(crowd, 0)
                seen.append(self.measure(server))
        handles, resident = zip(*seen)
        print("handles", *handles, "\nresident KiB", *(one // 1024 for one in resident), flush=True)
        half = self.ROUNDS // 2
        self.assertLessEqual(max(handles[half:]), max(handles[:half]))
        self.assertLessEqual(max(resident[half:]) - max(resident[:half]), self.GROWTH_BYTES_MAX)


if __name__ == "__main__":
    unittest.main(verbosity=2)
