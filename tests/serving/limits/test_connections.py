"""Connections on their own, in one event loop: how many may wait, and how many requests may wait behind one."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from credit_risk.serving.limits.connections import PIPELINED, TimedConnection
from tools import PATIENCE

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
NO_CONTENT = [
    {"type": "http.response.start", "status": 204, "headers": []},
    {"type": "http.response.body", "body": b""},
]

ENDED = (ConnectionResetError, asyncio.IncompleteReadError)


class Served:
    """A server of this loop, whose answers wait for `go`; `asked` counts the requests that were begun."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = 0
        self.connections: list[TimedConnection] = []
        self.config = uvicorn.Config(self, log_config=None, timeout_keep_alive=3_600)
        self.config.load()
        self.state = ServerState()

    async def __call__(self, _scope, _receive, send):
        self.asked += 1
        await self.go.wait()
        for message in NO_CONTENT:
            await send(message)

    def connection(self) -> TimedConnection:
        self.connections.append(TimedConnection(config=self.config, server_state=self.state, app_state={}))
        return self.connections[-1]

    async def start(self) -> int:
        self.server = await asyncio.get_running_loop().create_server(self.connection, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]


@pytest.fixture
def within():
    """Run a test of a server, with at most three connections that wait."""
    most = TimedConnection.most_waiting
    TimedConnection.most_waiting = 3

    def run(test):
        async def served():
            server, writers = Served(), []
            port = await server.start()

            async def connect():
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writers.append(writer)
                return reader, writer

            try:
                async with asyncio.timeout(PATIENCE):
                    await test(server, connect)
            finally:
                for writer in writers:
                    writer.transport.abort()
                for connection in server.connections:
                    connection.transport.abort()
                server.server.close()

        asyncio.run(served())

    yield run
    TimedConnection.most_waiting = most
    TimedConnection.waiting.clear()


def test_of_connections_that_ask_nothing_more_the_oldest_goes(within):
    async def test(server, connect):
        server.go.set()
        opened = []
        for _ in range(5):
            reader, writer = await connect()
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
            opened.append((reader, writer))
        for reader, _ in opened[:2]:
            with pytest.raises(ENDED):
                await reader.readexactly(1)
        for reader, writer in opened[2:]:
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")

    within(test)


def test_a_connection_that_is_answered_is_none_that_waits(within):
    async def test(server, connect):
        asking = []
        for number in range(1, 6):
            asking.append(await connect())
            asking[-1][1].write(GET)
            while server.asked < number:
                await asyncio.sleep(0)
        server.go.set()
        for reader, _ in asking[-3:]:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")

    within(test)


def test_few_requests_wait_behind_one_and_are_answered(within):
    async def test(server, connect):
        reader, writer = await connect()
        writer.write(GET * (1 + PIPELINED))
        while not server.asked:
            await asyncio.sleep(0)
        server.go.set()
        for _ in range(1 + PIPELINED):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")

    within(test)


def test_a_connection_with_thousands_of_requests_behind_one_ends(within):
    async def test(server, connect):
        reader, writer = await connect()
        writer.write(GET * 5_000)
        with pytest.raises(ENDED):
            await reader.readexactly(1)
        [connection] = server.connections
        assert len(connection.pipeline) == PIPELINED + 1
        assert server.asked <= 1

    within(test)
