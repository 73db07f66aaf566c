"""tests/python/scenario_limits.py: every limit of the schema, from both sides, against the real server.

For every packet that a client may send, wherever it is welcome: the longest body and one byte more, each
text, number, enum and list at its limit and just beyond. The cases are made from the descriptors.
"""

import select
import unittest

import gangway
import rules
from game import game_pb2
from gw import control_pb2, policy_pb2
from server import Server

# How a client comes to where a packet is welcome. Before the greeting there is only HELLO.
GREETED, CONNECTED = "GREETED", "CONNECTED"
ENDS_IT = control_pb2.Close  # a good one is obeyed


def client_packets():
    return {packet_id: one for packet_id, one in gangway.CLASS_OF_ID.items()
            if getattr(rules.packet_policy(one.DESCRIPTOR), "from") != policy_pb2.SERVER}


def stages_of(one):
    return list(rules.packet_policy(one.DESCRIPTOR).stages)


def header_of(one, body, flags=0, tag=0):
    return gangway.header(len(body), flags, gangway.ID_OF_CLASS[one], tag)


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = Server()
        cls.addClassCleanup(server.__exit__, None)
        cls.address = server.__enter__().address

    def come_to(self, stage):
        client = gangway.Client(self.address)
        self.addCleanup(client.socket.close)
        if stage != CONNECTED:
            client.greet("Ann")
        if stage == "IN_ROOM":
            client.send(game_pb2.Enter(room="hall"))
            client.expect(game_pb2.Entered)
        return client

    def stage_for(self, one):
        """Where the packet is welcome, the greeting only if nowhere else."""
        stages = stages_of(one)
        return next((stage for stage in stages if stage != CONNECTED), CONNECTED)

    def is_content(self, client, one):
        """Whether the server goes on as if nothing was wrong."""
        if one is control_pb2.Hello:
            client.expect(control_pb2.HelloAck)
        elif one is ENDS_IT:
            return not [close for close in client.read_to_the_end() if isinstance(close, control_pb2.Close)]
        client.send(control_pb2.Ping(stamp=4711))
        while client.expect(control_pb2.Pong).stamp != 4711:
            pass  # of a PING that was itself the case
        return True

    def reason_of_end(self, client):
        ends = [message for message in client.read_to_the_end() if isinstance(message, control_pb2.Close)]
        return control_pb2.CloseReason.Name(ends[-1].reason) if ends else None

    def send(self, client, one, body):
        tag = gangway.HELLO_TAG if one is control_pb2.Hello else 0
        client.send_bytes(header_of(one, body, tag=tag) + body)

    def send_until_fin(self, client, one, body):
        """For one second after a change of stage, the server refuses or drops packets of the stage before. So the
        packet is sent until that second is over and the server has closed."""
        while True:
            self.send(client, one, body)
            if select.select([client.socket], [], [], 0.1)[0]:
                received = client.socket.recv(65536)
                client.bytes += received
                if not received:
                    return

    def check(self, one, case):
        client = self.come_to(self.stage_for(one))
        self.send(client, one, case.body)
        if case.reason is None:
            self.assertTrue(self.is_content(client, one))
        else:
            self.assertEqual(self.reason_of_end(client), case.reason)

    def test_every_body_is_good_to_its_limits_and_no_further(self):
        count = 0
        for one in client_packets().values():
            for case in rules.cases_of(one.DESCRIPTOR):
                with self.subTest(packet=one.DESCRIPTOR.full_name, what=case.what):
                    count += 1
                    self.check(one, case)
        self.assertGreater(count, 100)

    def test_every_packet_is_welcome_at_its_stages_and_nowhere_else(self):
        for one in client_packets().values():
            for stage in "LOBBY", "IN_ROOM":
                welcome = stage in stages_of(one) or GREETED in stages_of(one)
                with self.subTest(packet=one.DESCRIPTOR.full_name, stage=stage):
                    client = self.come_to(stage)
                    body = rules.base(one.DESCRIPTOR)
                    self.send(client, one, body)
                    if welcome:
                        self.assertTrue(self.is_content(client, one))
                    else:
                        self.send_until_fin(client, one, body)
                        self.assertEqual(self.reason_of_end(client), "WRONG_STAGE")

    def test_no_packet_of_the_server_comes_from_a_client(self):
        for packet_id, one in gangway.CLASS_OF_ID.items():
            if packet_id not in client_packets():
                with self.subTest(packet=one.DESCRIPTOR.full_name):
                    client = self.come_to("LOBBY")
                    client.send_bytes(header_of(one, b""))
                    self.assertEqual(self.reason_of_end(client), "WRONG_WAY")

    def test_reserved_flags_are_refused_on_every_packet(self):
        for one in client_packets().values():
            if self.stage_for(one) != CONNECTED:
                with self.subTest(packet=one.DESCRIPTOR.full_name):
                    client = self.come_to(self.stage_for(one))
                    client.send_bytes(header_of(one, b"", flags=0x04))
                    self.assertEqual(self.reason_of_end(client), "BAD_FLAGS")


if __name__ == "__main__":
    unittest.main(verbosity=2)
