"""tests/python/scenario_idle_memory.py BACKEND [SESSIONS]: Resident memory of the server for each idle session.

Prints by how much the server's resident memory grows, and fails above BYTES_MAX for each session.
With fewer than FULL_COUNT sessions the server may keep OWN_BYTES_MAX more: free chunks of its pools,
stacks, tables. From FULL_COUNT on, that is part of the limit for each session.
"""

import sys
import time

import gangway
from gw import control_pb2
from server import Server

BYTES_MAX = 1024
OWN_BYTES_MAX = 1024 * 1024
FULL_COUNT = 10000
QUIET_S = 1.0


def greet_all(address, count):
    """All connect and send HELLO before the first HELLO_ACK is read."""
    clients = [gangway.Client(address, 30.0) for _ in range(count)]
    hello = control_pb2.Hello(protocol_major=gangway.PROTOCOL_MAJOR, name="idle")
    for client in clients:
        client.send(hello, tag=gangway.HELLO_TAG)
    for client in clients:
        client.expect(control_pb2.HelloAck)
    return clients


def quiet_bytes(server):
    time.sleep(QUIET_S)
    return server.resident_bytes()


def main(backend, count):
    with Server("--backend", backend) as server:
        before = quiet_bytes(server)
        clients = greet_all(server.address, count)
        growth = quiet_bytes(server) - before
        for client in clients:
            client.send(control_pb2.Close())
            client.socket.close()
    own = OWN_BYTES_MAX if count < FULL_COUNT else 0
    print(f"{count} idle sessions on {backend}: {growth} bytes more, {growth / count:.0f} for each")
    return 0 if growth <= count * BYTES_MAX + own else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000))
