"""tests/python/scenario_limits.py: Both sides of every limit of the schema, sent to the real server.

For every packet that a client may send, in a stage that allows it: the longest body and one byte more, each
text, number, enum and list at its limit and just above. The cases are derived from the descriptors.
"""

import select
import unittest

import gangway
import rules
from game import game_pb2
from gw import control_pb2, policy_pb2
from server import Server

# Stages. Before the greeting only HELLO is allowed.
GREETED, CONNECTED = "GREETED", "CONNECTED"
ENDS_IT = control_pb2.Close  # a valid one closes the session


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

    def client_in(self, stage):
        client = gangway.Client(self.address)
        self.addCleanup(client.socket.close)
        if stage != CONNECTED:
            client.greet("Ann")
        if stage == "IN_ROOM":
            client.send(game_pb2.Enter(room="hall"))
            client.expect(game_pb2.Entered)
        return client

    def stage_for(self, one):
        """A stage that allows the packet; CONNECTED only if there is no other."""
        stages = stages_of(one)
        return next((stage for stage in stages if stage != CONNECTED), CONNECTED)

    def is_accepted(self, client, one):
        """Whether the server accepted the packet."""
        if one is control_pb2.Hello:
            client.expect(control_pb2.HelloAck)
        elif one is ENDS_IT:
            return not [close for close in client.read_to_the_end() if isinstance(close, control_pb2.Close)]
        client.send(control_pb2.Ping(stamp=4711))
        while client.expect(control_pb2.Pong).stamp != 4711:
            pass  # the PONG of a PING that was itself the case
        return True

    def reason_of_end(self, client):
        ends = [message for message in client.read_to_the_end() if isinstance(message, control_pb2.Close)]
        return control_pb2.CloseReason.Name(ends[-1].reason) if ends else None

    def send(self, client, one, body):
        tag = gangway.HELLO_TAG if one is control_pb2.Hello else 0
        client.send_bytes(header_of(one, body, tag=tag) + body)

    def send_until_fin(self, client, one, body):
        """For one second after a change of stage, the server refuses or drops packets of the stage before.
        So this sends the packet until that second is over and the server has closed."""
        while True:
            self.send(client, one, body)
            if select.select([client.socket], [], [], 0.1)[0]:
                received = client.socket.recv(65536)
                client.bytes += received
                if not received:
                    return

    def check(self, one, case):
        client = self.client_in(self.stage_for(one))
        self.send(client, one, case.body)
        if case.reason is None:
            self.assertTrue(self.is_accepted(client, one))
        else:
            self.assertEqual(self.reason_of_end(client), case.reason)

    def test_every_body_is_accepted_up_to_its_limits_and_refused_above(self):
        count = 0
        for one in client_packets().values():
            for case in rules.cases_of(one.DESCRIPTOR):
                with self.subTest(packet=one.DESCRIPTOR.full_name, what=case.what):
                    count += 1
                    self.check(one, case)
        self.assertGreater(count, 100)

    def test_every_packet_is_accepted_at_its_stages_and_refused_at_others(self):
        for one in client_packets().values():
            for stage in "LOBBY", "IN_ROOM":
                allowed = stage in stages_of(one) or GREETED in stages_of(one)
                with self.subTest(packet=one.DESCRIPTOR.full_name, stage=stage):
                    client = self.client_in(stage)
                    body = rules.base(one.DESCRIPTOR)
                    self.send(client, one, body)
                    if allowed:
                        self.assertTrue(self.is_accepted(client, one))
                    else:
                        self.send_until_fin(client, one, body)
                        self.assertEqual(self.reason_of_end(client), "WRONG_STAGE")

    def test_packets_of_the_server_are_refused_from_a_client(self):
        for packet_id, one in gangway.CLASS_OF_ID.items():
            if packet_id not in client_packets():
                with self.subTest(packet=one.DESCRIPTOR.full_name):
                    client = self.client_in("LOBBY")
                    client.send_bytes(header_of(one, b""))
                    self.assertEqual(self.reason_of_end(client), "WRONG_WAY")

    def test_reserved_flags_are_refused_on_every_packet(self):
        for one in client_packets().values():
            if self.stage_for(one) != CONNECTED:
                with self.subTest(packet=one.DESCRIPTOR.full_name):
                    client = self.client_in(self.stage_for(one))
                    client.send_bytes(header_of(one, b"", flags=0x04))
                    self.assertEqual(self.reason_of_end(client), "BAD_FLAGS")


if __name__ == "__main__":
    unittest.main(verbosity=2)
