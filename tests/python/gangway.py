"""tests/python/gangway.py: Client of the protocol, written from protocol/WIRE.md and the .proto files alone.

Packets are the classes that protoc --python_out generates from proto/; the schema has their ids.

    with gangway.Client(("127.0.0.1", 7777)) as client:
        client.greet("Ann")
        client.send(game_pb2.Enter(room="hall"))
        print(client.expect(game_pb2.Entered).members)
"""

import os
import socket
import ssl
import struct

from game import game_pb2
from gw import control_pb2, options_pb2

PROTOCOL_MAJOR = 1
HELLO_TAG = 0x5747
REPLY, ERROR = 0x01, 0x02
HEADER_BYTES = 8


def packets_of(module):
    """The packets of a schema: a dict from packet id to class."""
    classes = [getattr(module, name) for name in module.DESCRIPTOR.message_types_by_name]
    policies = [(one.DESCRIPTOR.GetOptions().Extensions[options_pb2.packet], one) for one in classes]
    return {policy.id: one for policy, one in policies if policy.id}


CLASS_OF_ID = {**packets_of(control_pb2), **packets_of(game_pb2)}
ID_OF_CLASS = {one: packet_id for packet_id, one in CLASS_OF_ID.items()}


def header(body_bytes, flags, packet_id, tag):
    return body_bytes.to_bytes(3, "little") + struct.pack("<BHH", flags, packet_id, tag)


def encode(message, flags=0, tag=0):
    """A message as a frame."""
    body = message.SerializeToString()
    return header(len(body), flags, ID_OF_CLASS[type(message)], tag) + body


class Frame:
    """A received frame: flags, tag, and the message in it."""

    def __init__(self, head, body):
        self.flags, packet_id, self.tag = struct.unpack("<BHH", head[3:])
        self.message = CLASS_OF_ID[packet_id].FromString(body)


class Ended(Exception):
    """The server has closed the connection; `close` is the CLOSE that it sent before, or None."""

    def __init__(self, close):
        super().__init__(f"the server closed the connection: {close}")
        self.close = close


class Client:
    """A connection of the kind GW_SCHEME. A call that waits longer than `timeout_s` raises TimeoutError.

    The kinds are tcp, ws, tls, wss, unix, and proxy, which is TCP behind a PROXY header. `address` is a host and a
    port, or the path of a Unix socket.
    """

    def __init__(self, address, timeout_s=10.0):
        scheme = os.environ.get("GW_SCHEME", "tcp")
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout_s)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, timeout_s)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "proxy":
            self.socket.sendall(b"PROXY TCP4 127.0.0.9 127.0.0.1 12345 7777\r\n")
        if scheme in ("tls", "wss"):
            context = ssl.create_default_context(cafile=os.environ["GW_CERTIFICATE"])
            context.set_alpn_protocols(["gangway/1" if scheme == "tls" else "http/1.1"])
            self.socket = context.wrap_socket(self.socket, server_hostname=address[0])
        if scheme in ("ws", "wss"):
            from websocket import WebSocket  # a package that the other tests do not need
            self.socket = WebSocket(self.socket)
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message, flags=0, tag=0):
        self.send_bytes(encode(message, flags, tag))

    def send_bytes(self, data):
        self.socket.sendall(data)

    def greet(self, name):
        """Sends HELLO and returns the HELLO_ACK."""
        self.send(control_pb2.Hello(protocol_major=PROTOCOL_MAJOR, name=name), tag=HELLO_TAG)
        return self.expect(control_pb2.HelloAck)

    def take(self, count):
        """The next `count` bytes, or None after FIN."""
        while len(self.bytes) < count:
            more = self.socket.recv(65536)
            if not more:
                return None
            self.bytes += more
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def receive(self):
        """The next frame, or None after FIN, also within a frame."""
        head = self.take(HEADER_BYTES)
        body = None if head is None else self.take(int.from_bytes(head[:3], "little"))
        return None if body is None else Frame(head, body)

    def expect_frame(self, *classes):
        """The next frame with one of these messages. Answers every PING, skips other packets."""
        close = None
        while True:
            frame = self.receive()
            if frame is None:
                raise Ended(close)
            if isinstance(frame.message, classes):
                return frame
            if isinstance(frame.message, control_pb2.Ping):
                self.send(control_pb2.Pong(stamp=frame.message.stamp))
            if isinstance(frame.message, control_pb2.Close):
                close = frame.message

    def expect(self, *classes):
        return self.expect_frame(*classes).message

    def read_to_the_end(self):
        """Every message up to FIN."""
        messages = []
        while True:
            frame = self.receive()
            if frame is None:
                return messages
            messages.append(frame.message)
