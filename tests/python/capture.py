"""tests/python/capture.py: Writer of Ethernet capture files from the byte streams of two peers.

    capture = Capture(client_port, server_port)
    capture.add(FROM_CLIENT, b"...")
    capture.write(path, segment_bytes=5)
"""

import struct

FROM_CLIENT, FROM_SERVER = 0, 1
SNAP_BYTES, ETHERNET = 65535, 1
PUSH_AND_ACK = 0x18
ADDRESSES = (b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02")


class Capture:
    def __init__(self, client_port, server_port):
        self.ports = (client_port, server_port)
        self.chunks = []

    def add(self, direction, data):
        self.chunks.append((direction, bytes(data)))

    def write(self, path, segment_bytes):
        """Cuts the streams into segments of `segment_bytes`, regardless of frames."""
        sequences = [1000, 2000]
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP_BYTES, ETHERNET))
            number = 0
            for direction, data in self.chunks:
                for begin in range(0, len(data), segment_bytes):
                    segment = data[begin:begin + segment_bytes]
                    packet = self.packet(direction, sequences, segment)
                    file.write(struct.pack("<IIII", number // 1000, number % 1000, len(packet), len(packet)))
                    file.write(packet)
                    sequences[direction] += len(segment)
                    number += 1

    def packet(self, direction, sequences, segment):
        tcp = struct.pack(">HHIIBBHHH", self.ports[direction], self.ports[1 - direction], sequences[direction],
                          sequences[1 - direction], 5 << 4, PUSH_AND_ACK, 65535, 0, 0) + segment
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, ADDRESSES[direction],
                         ADDRESSES[1 - direction]) + tcp
        return b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + ip
