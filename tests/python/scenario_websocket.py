"""tests/python/scenario_websocket.py BACKEND PROGRAM: WebSocket with Debian's python3-websockets, in both directions.

PROGRAM is tests/net/websocket_echo.c: an echo server whose path is /game, and a client of one.
"""

import asyncio
import subprocess
import sys
import unittest

import websockets

BACKEND, PROGRAM = sys.argv[1:3]
PROTOCOL = "gangway.v1"
MACHINE_REFUSES = 77
TIMEOUT_S = 60
BIG = 3_000_000


def pattern(count):
    return bytes(i * 7 % 251 for i in range(count))


class Quiet(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # it reports steps that take long on a busy machine


class OurServer(Quiet):
    @classmethod
    def setUpClass(cls):
        cls.program = cls.enterClassContext(subprocess.Popen(
            [PROGRAM, BACKEND, "serve", "/game"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        cls.port = int(cls.program.stdout.readline())
        cls.addClassCleanup(cls.program.communicate)

    def connect(self, path="/game", **options):
        options = {"subprotocols": [PROTOCOL], "open_timeout": TIMEOUT_S, "max_size": None, "ping_interval": None, **options}
        return websockets.connect(f"ws://127.0.0.1:{self.port}{path}", **options)

    async def echoed(self, client, count):
        data = b""
        while len(data) < count:
            data += await asyncio.wait_for(client.recv(), TIMEOUT_S)
        return data

    async def test_messages_of_all_lengths_come_back(self):
        async with self.connect() as client:
            self.assertEqual(client.subprotocol, PROTOCOL)
            for count in 1, 125, 126, 65535, 65536, 200_000:
                data = pattern(count)
                await client.send(data)
                self.assertEqual(await self.echoed(client, count), data)

    async def test_fragments_and_empty_messages_are_one_stream(self):
        async with self.connect() as client:
            await client.send(b"")
            await client.send([b"one", b"", b"two", pattern(70_000)])
            await client.send(b"three")
            wanted = b"onetwo" + pattern(70_000) + b"three"
            self.assertEqual(await self.echoed(client, len(wanted)), wanted)

    async def test_more_than_all_buffers_at_once(self):
        async with self.connect() as client:
            data = pattern(BIG)
            sender = asyncio.create_task(client.send(data))
            self.assertEqual(await self.echoed(client, BIG), data)
            await sender

    async def test_many_clients_at_once_share_what_reads_their_frames(self):
        async def talk(number):
            async with self.connect() as client:
                for count in range(20):
                    data = bytes([number]) * (1 + 37 * count)
                    await client.send([data[:10], data[10:]])
                    self.assertEqual(await self.echoed(client, len(data)), data)

        await asyncio.gather(*(talk(number) for number in range(40)))

    async def test_extensions_are_not_negotiated(self):
        async with self.connect(compression="deflate") as client:
            self.assertEqual(client.extensions, [])

    async def test_no_subprotocol_is_accepted(self):
        async with self.connect(subprotocols=None) as client:
            self.assertIsNone(client.subprotocol)
            await client.send(b"hello")
            self.assertEqual(await self.echoed(client, 5), b"hello")

    async def test_pings_are_answered(self):
        async with self.connect() as client:
            for payload in b"", b"x" * 125:
                pong = await client.ping(payload)
                await asyncio.wait_for(pong, TIMEOUT_S)

    async def test_a_request_that_is_refused_has_its_status(self):
        for status, path, options in ((404, "/", {}), (403, "/game", {"origin": "https://evil.example"}),
                                      (400, "/game", {"subprotocols": ["chat"]})):
            with self.assertRaises(websockets.InvalidStatusCode) as caught:
                await self.connect(path, **options)
            self.assertEqual(caught.exception.status_code, status)

    async def test_an_allowed_origin_and_a_query_are_accepted(self):
        async with self.connect("/game?token=1", origin="https://game.example") as client:
            await client.send(b"hello")
            self.assertEqual(await self.echoed(client, 5), b"hello")

    async def test_text_closes_with_1003(self):
        async with self.connect() as client:
            await client.send("text")
            await asyncio.wait_for(client.wait_closed(), TIMEOUT_S)
            self.assertEqual(client.close_code, 1003)

    async def test_a_close_reason_is_the_status(self):
        for reason, status in (9, 4009), (1234, 4999):
            async with self.connect() as client:
                await client.send(b"close %d\n" % reason)
                with self.assertRaises(websockets.ConnectionClosed):
                    await asyncio.wait_for(client.recv(), TIMEOUT_S)
                self.assertEqual((client.close_code, client.close_reason), (status, f"reason {reason}"))

    async def test_the_close_of_a_client_is_answered(self):
        client = await self.connect()
        await client.send(b"last")
        self.assertEqual(await self.echoed(client, 4), b"last")
        await asyncio.wait_for(client.close(3001, "bye"), TIMEOUT_S)
        self.assertEqual(client.close_code, 3001)
        self.assertEqual(client.close_rcvd.code, 3001)


class OurClient(Quiet):
    async def dial(self, port, count, reason):
        """The output of the client."""
        client = await asyncio.create_subprocess_exec(
            PROGRAM, BACKEND, "dial", str(port), "/chat?room=1", str(count), str(reason), stdout=subprocess.PIPE)
        output, _ = await asyncio.wait_for(client.communicate(), TIMEOUT_S)
        self.assertEqual(client.returncode, 0)
        return output.decode().strip()

    async def serve(self, handler, **options):
        options = {"subprotocols": [PROTOCOL], "max_size": None, **options}
        server = await websockets.serve(handler, "127.0.0.1", 0, **options)
        self.addAsyncCleanup(server.wait_closed)
        self.addCleanup(server.close)
        return server.sockets[0].getsockname()[1]

    async def test_it_sends_receives_and_closes(self):
        ends = []

        async def echo(peer, path):
            try:
                async for data in peer:
                    await peer.send([data[:1000], data[1000:]] if len(data) > 1000 else data)
                    await (await peer.ping())
            except websockets.ConnectionClosed:  # with another status than 1000 and 1001
                pass
            finally:
                ends.append((path, peer.close_code, peer.close_reason))

        port = await self.serve(echo)
        for count in 1, 500_000:
            self.assertEqual(await self.dial(port, count, 2), f"{count} bytes, finished")
        while len(ends) < 2:
            await asyncio.sleep(0.01)
        self.assertEqual(ends, [("/chat?room=1", 4002, "reason 2")] * 2)

    async def test_a_server_that_closes_ends_it(self):
        async def leave(peer, _):
            await peer.recv()
            await peer.close(1001)

        port = await self.serve(leave)
        self.assertEqual(await self.dial(port, 10, 2), "0 bytes, GW_E_CLOSED")

    async def test_a_server_that_refuses_is_an_error(self):
        async def refuse(_path, _headers):
            return 403, [], b"no\n"

        async def nothing(_peer, _path):
            pass

        port = await self.serve(nothing, process_request=refuse)
        self.assertEqual(await self.dial(port, 10, 2), "0 bytes, GW_E_WEBSOCKET")
        port = await self.serve(nothing, subprotocols=None)
        self.assertEqual(await self.dial(port, 10, 2), "0 bytes, GW_E_WEBSOCKET")


if __name__ == "__main__":
    if subprocess.run([PROGRAM, BACKEND, "check", "/"], check=False).returncode == MACHINE_REFUSES:
        sys.exit(MACHINE_REFUSES)
    unittest.main(argv=sys.argv[:1], verbosity=2)
