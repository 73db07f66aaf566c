"""tests/cross/scenario_cross.py CLASS: the two worlds meet: players of one, a server of the other.

Both sides are the programs as players meet them, GW_SERVER and GW_DUMMY. The dummy clients check all
that they hear; a client of one world is not to be told from a client of the other.
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
# Who waits for Wine on a busy machine may wait long.
PATIENT = ("--greeting-timeout-ms", "60000", "--log-level", "warning")
RUN_S = 90
SETTLE_S = 0.3


def wine_server():
    """The process that keeps the sockets of all programs in our Wine, one descriptor each."""
    stat = os.stat(PREFIX)
    folder = f"server-{stat.st_dev:x}-{stat.st_ino:x}"  # somewhere below /tmp
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.path.basename(os.readlink(process / "cwd")) == folder:
                return process
        except OSError:
            continue  # it has just ended
    raise AssertionError(f"no process lives in {folder}")


class Crowd:
    """Dummy clients, until they have gone; their report."""

    def __init__(self, server, clients, script, *options):
        self.clients = clients
        address = "{}:{}".format(*server.address)
        self.process = subprocess.Popen(
            [DUMMY, "--connect", address, "--clients", str(clients), "--script", script, "--quiet",
             "--json", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def report(self):
        text, _ = self.process.communicate(timeout=RUN_S)
        return json.loads(text)


class Worlds(unittest.TestCase):
    def assert_heard_everything(self, crowd, sent_each_min):
        report = crowd.report()
        self.assertTrue(report["ok"] and report["complete"], report)
        self.assertEqual(report["let_in"], crowd.clients)
        self.assertEqual(report["unanswered"], 0, report)
        self.assertGreaterEqual(report["sent"]["all"], sent_each_min * crowd.clients)
        print(f"{crowd.clients} clients, {report['seconds']:.0f} s: {report['sent']['all']} sent, "
              f"{report['received']['all']} received, {report['ends']}", flush=True)
        return report

    def assert_all_were_asked_to_go(self, crowd):
        """GOAWAY and then CLOSE, each of them."""
        report = crowd.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["asked_to_go"], crowd.clients, report)
        self.assertEqual(report["ends_by_peer"], {"SHUTDOWN": crowd.clients}, report)
        self.assertEqual(report["checks"]["not_asked_to_go"], 0, report)


class NativePlayers(Worlds):
    """On a Windows server, as many as Wine can bear."""

    def test_a_thousand_say_hello(self):
        with Server(*PATIENT) as server:
            crowd = Crowd(server, 1000, "hello", "--rate", "1", "--seconds", "20", "--ramp", "12")
            self.assert_heard_everything(crowd, 18)

    def test_a_hundred_walk_and_chat(self):
        with Server(*PATIENT, "--room-tick-ms", "500") as server:
            crowd = Crowd(server, 100, "mixed", "--rate", "1", "--seconds", "20", "--ramp", "2")
            self.assert_heard_everything(crowd, 18)

    def test_all_are_told_when_it_stops_under_load(self):
        with Server(*PATIENT, "--drain-ms", "3000") as server:
            crowd = Crowd(server, 1000, "hello", "--rate", "1", "--seconds", "60", "--ramp", "12",
                          "--stay")
            time.sleep(15)
            server.signal(signal.SIGINT)
            self.assertEqual(server.wait(), 0)
            self.assert_all_were_asked_to_go(crowd)


class WindowsPlayers(Worlds):
    """On a native server."""

    def test_fifty_say_hello_while_fifty_walk_and_chat(self):
        with Server("--room-tick-ms", "500") as server:
            crowds = [Crowd(server, 50, script, "--rate", "1", "--seconds", "20")
                      for script in ("hello", "mixed")]
            for crowd in crowds:
                self.assert_heard_everything(crowd, 18)


class ComeAndGo(Worlds):
    """Crowds that come and go leave nothing behind on a Windows server."""

    ROUNDS = 20
    CLIENTS = 300
    GROWTH_BYTES_MAX = 1024 * 1024

    def measure(self, server):
        """Once it is quiet: descriptors of Wine's server, and memory of ours."""
        time.sleep(SETTLE_S)
        return len(list((wine_server() / "fd").iterdir())), server.resident_bytes()

    def test_handles_and_memory_are_flat(self):
        with Server(*PATIENT) as server:
            seen = []
            for _ in range(self.ROUNDS):
                crowd = Crowd(server, self.CLIENTS, "hello", "--seconds", "0.3", "--ramp", "0.2")
                self.assert_heard_everything(crowd, 0)
                seen.append(self.measure(server))
        handles, resident = zip(*seen)
        print("handles", *handles, "\nresident KiB", *(one // 1024 for one in resident), flush=True)
        half = self.ROUNDS // 2
        self.assertLessEqual(max(handles[half:]), max(handles[:half]))
        self.assertLessEqual(max(resident[half:]) - max(resident[:half]), self.GROWTH_BYTES_MAX)


if __name__ == "__main__":
    unittest.main(verbosity=2)
