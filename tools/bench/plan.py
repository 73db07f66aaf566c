"""tools/bench/plan.py: the measured servers, their loads, and the limits of the results."""

import dataclasses

ECHO, OPAQUE = 1000, 1003


@dataclasses.dataclass(frozen=True)
class Server:
    """A program of the build folder, and its arguments."""

    name: str
    program: str
    words: tuple = ()
    gangway: bool = False
    websocket: bool = False
    tls: bool = False

    def with_words(self, *words):
        return dataclasses.replace(self, words=self.words + words)


RAW_EPOLL = Server("raw epoll", "bench-raw-epoll", ("epoll",))
RAW_URING = Server("raw io_uring", "bench-raw-uring", ("uring",))
LIBUV = Server("libuv", "bench-libuv", ("libuv",))
FLOOR = Server("floor", "bench-floor", ("floor",))
GANGWAY_EPOLL = Server("gangway epoll", "bench-gangway", ("epoll",), True)
GANGWAY_URING = Server("gangway io_uring", "bench-gangway", ("uring",), True)
WEBSOCKET_EPOLL, WEBSOCKET_URING = (
    dataclasses.replace(server.with_words("--websocket"), name=f"{server.name}, WebSocket", websocket=True)
    for server in (GANGWAY_EPOLL, GANGWAY_URING))
BELOW_WEBSOCKET = {WEBSOCKET_EPOLL.name: GANGWAY_EPOLL.name, WEBSOCKET_URING.name: GANGWAY_URING.name}
WITH_WEBSOCKET = (GANGWAY_EPOLL, WEBSOCKET_EPOLL, GANGWAY_URING, WEBSOCKET_URING)
TLS_NAME = "bench/tls"  # of the certificate and the key, in the build folder
RAW_TLS = dataclasses.replace(Server("raw epoll with OpenSSL", "bench-raw-tls", ("epoll",)).with_words("--tls", TLS_NAME), tls=True)
TLS_EPOLL, TLS_URING = (
    dataclasses.replace(server.with_words("--tls", TLS_NAME), name=f"{server.name}, TLS", tls=True)
    for server in (GANGWAY_EPOLL, GANGWAY_URING))
WITH_TLS = (RAW_TLS, TLS_EPOLL, TLS_URING)
BELOW_TLS = {TLS_EPOLL.name: GANGWAY_EPOLL.name, TLS_URING.name: GANGWAY_URING.name}
RAW_OF = {GANGWAY_EPOLL.name: RAW_EPOLL.name, GANGWAY_URING.name: RAW_URING.name}
ALL = (RAW_EPOLL, GANGWAY_EPOLL, RAW_URING, GANGWAY_URING, LIBUV)


@dataclasses.dataclass(frozen=True)
class Cell:
    """One load, and the servers that it runs on."""

    name: str
    words: tuple  # arguments of the load generator
    servers: tuple
    server_words: tuple = ()

    def words_for(self, server):
        """Gangway needs a HELLO; the raw server with TLS answers one."""
        return (self.words + (("--greet",) if server.gangway or server.tls else ())
                + (("--websocket",) if server.websocket else ()) + (("--tls",) if server.tls else ()))


def words(**options):
    return tuple(str(word) for key, value in options.items()
                 for word in (f"--{key.replace('_', '-')}", value))


def echo(connections, depth, frame_bytes, servers=ALL, packet=OPAQUE):
    way = "" if packet == OPAQUE else ", whole way"
    # The highest rate of a schema is too low for a load on one connection.
    limits = ("--no-rates",) if connections < 100 else ()
    servers = tuple(server.with_words(*limits) for server in servers)
    return Cell(f"echo, {connections:,} connections, {frame_bytes:,} B, depth {depth}{way}",
                words(mode="echo", connections=connections, depth=depth, bytes=frame_bytes, packet=packet),
                servers)


def group(room, connections=1000, servers=ALL):
    return Cell(f"rooms of {room}, {connections:,} connections, closed loop",
                words(mode="group", connections=connections, room=room, bytes=128), servers)


def group_paced(room, tick_ms, deliveries, connections=1000):
    return Cell(f"rooms of {room}, {deliveries:,} deliveries/s, tick {tick_ms} ms",
                words(mode="group", connections=connections, room=room, bytes=128, rate=deliveries // room),
                tuple(server.with_words("--tick-ms", str(tick_ms)) for server in ALL))


def paced(rate, connections=1000):
    return Cell(f"paced echo, {rate:,} messages/s, {connections:,} connections, 128 B",
                words(mode="echo", connections=connections, bytes=128, rate=rate, packet=OPAQUE), ALL)


def idle(room=0, connections=9000):
    where = f"in rooms of {room}" if room else "greeted and alone"
    servers = (GANGWAY_EPOLL, GANGWAY_URING) if room else ALL
    return Cell(f"idle, {connections:,} connections, {where}",
                words(mode="idle", connections=connections, room=room, run_ms=1000), servers)


def storm():
    return Cell("connect, one echo, close; 64 at a time", words(mode="storm", bytes=128, packet=OPAQUE), ALL)


def whole_way(connections=1000, depth=16, frame_bytes=128):
    return echo(connections, depth, frame_bytes, (GANGWAY_EPOLL, GANGWAY_URING), ECHO)


def websocket_echo(depth):
    cell = echo(1000, depth, 128, WITH_WEBSOCKET)
    return dataclasses.replace(cell, name=cell.name + ", WebSocket")


def tls_echo(depth):
    cell = echo(1000, depth, 128, WITH_TLS)
    return dataclasses.replace(cell, name=cell.name + ", TLS 1.3")


LIBUV_PER_FRAME = dataclasses.replace(LIBUV, name="libuv, a write per frame").with_words("--per-frame")
BY_THE_FLOOR = echo(1000, 1, 128, ALL + (FLOOR,))
DEPTH_16 = echo(1000, 16, 128)
BURST = echo(1000, 16, 1024)
ROOM = group(100, servers=ALL + (LIBUV_PER_FRAME,))
ALONE = idle()
IN_A_ROOM = idle(100)
WEBSOCKET_ALONE = dataclasses.replace(idle(), name="idle, 9,000 connections, WebSocket", servers=WITH_WEBSOCKET)
TLS_ALONE = dataclasses.replace(idle(connections=2000), name="idle, 2,000 connections, TLS 1.3",
                                servers=(GANGWAY_EPOLL, TLS_EPOLL, GANGWAY_URING, TLS_URING))
TLS_STORM = dataclasses.replace(storm(), name="connect, TLS 1.3 handshake, one echo, close; 64 at a time", servers=WITH_TLS)
QUICK = [BY_THE_FLOOR, DEPTH_16, BURST, whole_way(), ROOM, ALONE, IN_A_ROOM,
         websocket_echo(1), websocket_echo(16), WEBSOCKET_ALONE,
         tls_echo(1), tls_echo(16), TLS_STORM, TLS_ALONE]

ECHO_CELLS = [echo(connections, depth, frame_bytes)
              for connections in (1, 100, 1000, 9000) for depth in (1, 16) for frame_bytes in (32, 128, 1024)]
FULL = QUICK + [cell for cell in ECHO_CELLS if cell.name not in {known.name for known in QUICK}] + [
    group(10),
    *(group_paced(100, tick_ms, 200000) for tick_ms in (0, 10, 50)),
    *(group_paced(100, tick_ms, 1000000) for tick_ms in (0, 10, 50)),
    *(group_paced(10, tick_ms, 200000) for tick_ms in (0, 10, 50)),
    paced(20000), paced(45000), storm()]
