"""tests/python/websocket.py: A connected socket that carries its bytes over WebSocket, with Debian's python3-websockets.

It has the methods of a socket that gangway.py and its tests use. Only the protocol is from the package
(its part without I/O); the handshake and the frames are blocking sends and receives.
"""

import socket

from websockets.client import ClientConnection
from websockets.connection import State
from websockets.frames import OP_BINARY, OP_CLOSE, OP_CONT
from websockets.uri import parse_uri

SUBPROTOCOL = "gangway.v1"
RECV_BYTES = 65536
DATA = (OP_BINARY, OP_CONT)


class WebSocket:
    """`plain` is a connected socket. `status` is that of the server's close frame, once it has arrived."""

    def __init__(self, plain, path="/"):
        self.plain = plain
        self.status = None
        host, port = plain.getpeername()[:2]
        self.protocol = ClientConnection(parse_uri(f"ws://{host}:{port}{path}"), subprotocols=[SUBPROTOCOL])
        self.protocol.send_request(self.protocol.connect())
        self.flush()
        while self.protocol.state is State.CONNECTING:
            self.protocol.receive_data(self.more())
        _answer, *self.events = self.protocol.events_received()
        if self.protocol.handshake_exc:
            raise self.protocol.handshake_exc

    def __getattr__(self, name):
        """What is about the connection, such as settimeout()."""
        return getattr(self.plain, name)

    def more(self):
        data = self.plain.recv(RECV_BYTES)
        if not data:
            raise ConnectionError("the server ended the connection during the handshake")
        return data

    def flush(self):
        self.plain.sendall(b"".join(self.protocol.data_to_send()))

    def sendall(self, data):
        self.protocol.send_binary(data)
        self.flush()

    def shutdown(self, _how):
        """A close frame is the FIN of WebSocket."""
        self.protocol.send_close(1000)
        self.flush()

    def recv(self, _count):
        """The bytes of the next messages; empty after a close frame or a FIN."""
        while True:
            received = b""
            events, self.events = self.events + self.protocol.events_received(), []
            for frame in events:
                if frame.opcode in DATA:
                    received += frame.data
                elif frame.opcode == OP_CLOSE:
                    self.status = int.from_bytes(frame.data[:2], "big")
            if received:
                return received
            if self.status is not None:
                return b""
            data = self.plain.recv(RECV_BYTES)
            if not data:
                return b""
            self.protocol.receive_data(data)
            self.flush()
