"""tests/python/scenario_address_limits.py BACKEND: Players while others flood the server with connections.

SILENT connections say nothing, and CHURN_PER_S connections a second are closed again: from one address each, which
its limits refuse, or from so many addresses that no limit of an address is reached. PLAYERS players of other addresses
log in meanwhile, chat and move: the dummy client checks what they receive.
"""

import itertools
import os
import re
import socket
import subprocess
import sys
import threading
import time
import unittest

from server import Server

BACKEND = sys.argv[1]
DUMMY = os.environ["GW_DUMMY"]
SILENT, SILENT_SOURCE = 5000, "127.0.2.1"
CHURN_PER_S, CHURN_SOURCE = 500, "127.0.3.1"
SILENT_SOURCES = [f"127.0.{i}.{j}" for i in (8, 9) for j in range(1, 251)]  # 10 connections each
CHURN_SOURCES = [f"127.0.{i}.{j}" for i in (10, 11) for j in range(1, 251)]  # a connection each second
CHURN_OPEN = 50  # a connection of the churn is closed when so many others have followed it
PLAYERS, PLAYER_SOURCES = 500, "127.0.4.1-127.0.4.100"
ADDRESS_CONNECTIONS = 20
ADDRESS_BURST, ADDRESS_PER_S = 40, 10
RUN_S = 90


def connect(server, source):
    one = socket.socket()
    one.setblocking(False)
    one.bind((source, 0))
    one.connect_ex(server.address)
    return one


class Churn(threading.Thread):
    def __init__(self, server, sources):
        super().__init__()
        self.server, self.sources, self.count, self.is_over = server, itertools.cycle(sources), 0, threading.Event()

    def run(self):
        begin = time.monotonic()
        sockets = []
        while not self.is_over.is_set():
            while self.count < (time.monotonic() - begin) * CHURN_PER_S:
                sockets.append(connect(self.server, next(self.sources)))
                self.count += 1
                if len(sockets) > CHURN_OPEN:
                    sockets.pop(0).close()
            time.sleep(0.005)
        self.run_s = time.monotonic() - begin
        for one in sockets:
            one.close()


class Floods(unittest.TestCase):
    def play(self, server):
        done = subprocess.run(
            [DUMMY, "--connect", f"127.0.0.1:{server.address[1]}", "--source", PLAYER_SOURCES,
             "--clients", str(PLAYERS), "--ramp", "3", "--seconds", "4", "--quiet"],
            capture_output=True, text=True, timeout=RUN_S, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def flood(self, silent_sources, churn_sources):
        """Returns the log of the server, the numbers of its last report, and the churn."""
        with Server("--backend", BACKEND, "--limit-loopback", "--sessions-max", "1000",
                    "--log-lines-per-second", "100000") as server:
            sources = itertools.cycle(silent_sources)
            silent = [connect(server, next(sources)) for _ in range(SILENT)]
            churn = Churn(server, churn_sources)
            churn.start()
            try:
                self.play(server)
            finally:
                churn.is_over.set()
                churn.join()
                for one in silent:
                    one.close()
        log = "\n".join(server.log)
        report = re.findall(r" ([\w]+)=(\d+)\b", log[log.rindex(" report "):])
        numbers = {name: int(number) for name, number in report}
        self.assertEqual(numbers["greeted"], PLAYERS)
        self.assertEqual(len(re.findall(" greeted ", log)), PLAYERS)
        self.assertEqual(len(re.findall(" ended ", log)), PLAYERS)
        return log, numbers, churn

    def test_players_log_in_and_lose_nothing_while_two_addresses_flood(self):
        log, numbers, churn = self.flood([SILENT_SOURCE], [CHURN_SOURCE])
        self.assertEqual(numbers["turned_away"], 0, "refused connections use up the streams of players")
        admitted_max = ADDRESS_CONNECTIONS + ADDRESS_BURST + (churn.run_s + 2) * ADDRESS_PER_S
        self.assertGreaterEqual(numbers["ADDRESS_LIMIT"], SILENT + churn.count - admitted_max)
        self.assertLess(numbers["ADDRESS_LIMIT"], SILENT + churn.count)
        for source in (SILENT_SOURCE, CHURN_SOURCE):
            lines = re.findall(rf" address_limit address={re.escape(source)} ", log.replace('"', ""))
            self.assertIn(len(lines), range(1, 4), log)

    def test_players_log_in_and_lose_nothing_while_many_addresses_flood(self):
        log, numbers, churn = self.flood(SILENT_SOURCES, CHURN_SOURCES)
        self.assertNotIn("ADDRESS_LIMIT", numbers)
        self.assertNotIn(" address_limit ", log)
        self.assertGreater(numbers["displaced"], 0)
        self.assertGreaterEqual(numbers["begun"], SILENT + churn.count + PLAYERS - CHURN_OPEN)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
