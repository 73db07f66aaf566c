"""tests/python/scenario_fd_limit.py BACKEND: More connections than descriptors.

The server may open DESCRIPTORS files. Players are greeted; then more clients connect than it can accept.
It must not spin, must keep serving the players, and must accept again after others have left.
"""

import sys
import time
import unittest

import gangway
from game import game_pb2
from gw import control_pb2
from server import Server

DESCRIPTORS = 64
PLAYERS = 20
CROWD = 100
WATCH_S = 2.0
CPU_S_MAX = 0.5
RECOVER_S = 10.0
BACKEND = sys.argv[1]


class DescriptorLimit(unittest.TestCase):
    def assert_served(self, players):
        for number, player in enumerate(players):
            player.send(game_pb2.Say(text=f"{number}"))
            self.assertEqual(player.expect(game_pb2.Said).text, f"{number}")

    def greeted(self, server, timeout_s=10.0):
        client = self.enterContext(gangway.Client(server.address, timeout_s))
        client.greet("Ann")
        return client

    def test_players_are_served_while_accept_fails_for_lack_of_descriptors(self):
        with Server("--backend", BACKEND, descriptors=DESCRIPTORS) as server:
            players = [self.greeted(server) for _ in range(PLAYERS)]
            crowd = [self.enterContext(gangway.Client(server.address)) for _ in range(CROWD)]
            begin = server.cpu_s()
            deadline = time.monotonic() + WATCH_S
            while time.monotonic() < deadline:
                self.assert_served(players)
                time.sleep(0.1)
            used = server.cpu_s() - begin
            self.assertLess(used, CPU_S_MAX, "the server spins while it cannot accept")

            for one in crowd:
                one.socket.close()
            begin = time.monotonic()
            newcomer = self.greeted(server, RECOVER_S)
            self.assertLess(time.monotonic() - begin, RECOVER_S)
            self.assert_served([*players, newcomer])
            for player in [*players, newcomer]:
                player.send(control_pb2.Close())
        self.assertRegex("\n".join(server.log), "accept_pauses=[1-9]", "the limit was not reached")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
