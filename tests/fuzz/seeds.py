"""tests/fuzz/seeds.py SEEDS FOLDER | --descriptor-set FILE FOLDER | --written FOLDER: seeds, one file each, and their paths in FOLDER.list.

SEEDS is what the generator writes: a name and bytes in hexadecimal in each line. A descriptor set becomes
one seed for each thing that the generator can make of it. Written are the seeds of this file for the fuzzer
that has the name of FOLDER.
"""

import pathlib
import sys

WAYS = 6  # see fuzz_generator.c
ENOUGH_MEMORY, NO_MEMORY = b"\xff", b"\x00"


UPGRADE = b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
REQUEST = (b"GET /?a=b HTTP/1.1\r\nHost: 127.0.0.1:7778\r\n" + UPGRADE + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, gangway.v1\r\nOrigin: http://localhost\r\n")
# Its Sec-WebSocket-Accept fits the key that fuzz_websocket.c makes.
ANSWER = (b"HTTP/1.1 101 Switching Protocols\r\n" + UPGRADE + b"Sec-WebSocket-Accept: azxiGmXWWzLkZ8NDSiP3sWoZfYk=\r\n"
          b"Sec-WebSocket-Protocol: gangway.v1\r\n")
END = b"\r\n"


def frame(first, payload, key):
    """A WebSocket frame, masked if there is a key."""
    length = len(payload)
    mask = 0x80 if key else 0
    head = bytes([mask | length]) if length < 126 else bytes([mask | 126]) + length.to_bytes(2, "big") if length < 65536 \
        else bytes([mask | 127]) + length.to_bytes(8, "big")
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload)) if key else payload
    return bytes([first]) + head + key + body


def frames(key):
    """Names and contents of frames that a peer may send, and that it may not."""
    yield "binary", frame(0x82, b"hello", key) + frame(0x82, b"", key) + frame(0x82, b"x" * 300, key)
    yield "fragments", frame(0x02, b"he", key) + frame(0x89, b"ping", key) + frame(0, b"l", key) + frame(0x80, b"lo", key)
    yield "long", frame(0x82, b"y" * 40000, key)
    yield "longer", frame(0x82, b"z" * 66000, key)
    yield "control", frame(0x89, b"p" * 125, key) + frame(0x8A, b"", key) + frame(0x88, b"\x03\xe8bye", key) + frame(0x82, b"no", key)
    yield "close", frame(0x88, b"", key)
    yield "text", frame(0x82, b"a", key) + frame(0x81, b"text", key)
    yield "reserved", frame(0xC2, b"a", key) + frame(0x83, b"b", key)


def written_http_head():
    for name, head in ("request", REQUEST), ("answer", ANSWER), ("lines", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 63), \
            ("long", b"GET / HTTP/1.1\r\nA: " + b"x" * 4070):
        yield name, b"\xff" + head + END
        yield name + "-split", b"\x05" + head + END


def written_proxy():
    v1, v2 = b"PROXY ", b"\r\n\r\n\x00\r\nQUIT\n"
    for name, content in ("tcp4", v1 + b"TCP4 192.0.2.1 127.0.0.1 12345 7777\r\nhello"), \
            ("tcp6", v1 + b"TCP6 2001:db8::9 ::1 12345 7777\r\nhello"), ("unknown", v1 + b"UNKNOWN\r\n"), \
            ("ipv4", v2 + b"\x21\x11\x00\x11" + bytes(range(12)) + b"\x04\x00\x02zzhello"), \
            ("ipv6", v2 + b"\x21\x21\x00\x24" + bytes(range(36)) + b"hello"), \
            ("unix", v2 + b"\x21\x31\x00\xd8" + bytes(216) + b"hello"), ("local", v2 + b"\x20\x00\x00\x00"):
        yield name, b"\xff" + content
        yield name + "-split", b"\x02" + content


def written_websocket():
    key = b"\x12\xfe\x00\x80"
    yield "request", b"\x00\x20" + REQUEST + END + frame(0x82, b"hello", key)
    yield "answer", b"\x01\x20" + ANSWER + END + frame(0x82, b"hello", b"")
    yield "refusal", b"\x01\x03HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\nfull\n"
    for name, content in frames(key):
        yield "server-" + name, b"\x02\x06" + content
    for name, content in frames(b""):
        yield "client-" + name, b"\x03\x60" + content


def tls_list(bytes_of_length, content):
    return len(content).to_bytes(bytes_of_length, "big") + content


def tls_extension(number, content):
    return number.to_bytes(2, "big") + tls_list(2, content)


def tls_hello(versions):
    """The record of a ClientHello (RFC 8446, 4.1.2) that a server accepts."""
    key_share = b"\x00\x1d" + tls_list(2, b"\x09" + bytes(31))
    extensions = b"".join((
        tls_extension(0, tls_list(2, b"\x00" + tls_list(2, b"localhost"))), tls_extension(10, tls_list(2, b"\x00\x1d\x00\x17")),
        tls_extension(13, tls_list(2, b"\x04\x03\x08\x04\x08\x07")), tls_extension(16, tls_list(2, tls_list(1, b"gangway/1"))),
        tls_extension(35, b""), tls_extension(43, tls_list(1, versions)), tls_extension(45, b"\x01\x01"),
        tls_extension(51, tls_list(2, key_share))))
    body = (b"\x03\x03" + b"\x55" * 32 + tls_list(1, b"\x66" * 32) + tls_list(2, b"\x13\x01\x13\x02\xc0\x2b\xc0\x2c")
            + b"\x01\x00" + tls_list(2, extensions))
    return b"\x16\x03\x01" + tls_list(2, b"\x01" + tls_list(3, body))


def written_tls():
    for name, versions in ("hello-1.3", b"\x03\x04\x03\x03"), ("hello-1.2", b"\x03\x03"), ("hello-1.1", b"\x03\x02"):
        yield name, b"\x00\x07" + tls_hello(versions)
    record = b"\x17\x03\x03" + tls_list(2, bytes(40))
    yield "hello-and-more", b"\x00\xff" + tls_hello(b"\x03\x04") + b"\x14\x03\x03\x00\x01\x01" + record * 3
    yield "alerts", b"\x00\x03" + b"\x15\x03\x03\x00\x02\x01\x5a" * 4 + tls_hello(b"\x03\x04")
    yield "http", b"\x00\x02GET / HTTP/1.1\r\n\r\n"
    for version in 1, 3:
        yield f"operations-{version}", bytes([version, 200]) + bytes.fromhex("00100201000807000203010405ff04000010")
        yield f"forged-{version}", bytes([version, 9]) + bytes.fromhex("8003804080100e5000ff")
        yield f"updates-{version}", bytes([version, 255]) + b"\x82\x01" * 40
        yield f"renegotiations-{version}", bytes([version, 30]) + b"\x03\x00\x07\x00" * 40


WRITTEN = {"http_head": written_http_head, "proxy": written_proxy, "tls": written_tls, "websocket": written_websocket}


def bodies(path):
    """Twice: fuzz_body.c takes the last byte for how often there is memory."""
    for line in pathlib.Path(path).read_text().splitlines():
        if line and line[0] != "#":
            name, content = line.split(" ")
            yield name, bytes.fromhex(content) + ENOUGH_MEMORY
            yield name + "-without", bytes.fromhex(content) + NO_MEMORY


def sets(path):
    for way in range(WAYS):
        yield str(way), bytes([way]) + pathlib.Path(path).read_bytes()


def main():
    folder = pathlib.Path(sys.argv[-1])
    if sys.argv[1] == "--written":
        seeds = WRITTEN[folder.name]()
    else:
        seeds = sets(sys.argv[2]) if sys.argv[1] == "--descriptor-set" else bodies(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    paths = [(folder / name, content) for name, content in seeds]
    for path, content in paths:
        path.write_bytes(content)
    folder.with_suffix(".list").write_text("".join(f"{path}\n" for path, _ in paths))


if __name__ == "__main__":
    main()
