"""Connections on their own, in one event loop: how many may wait, and how many requests may wait behind one."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from credit_risk.serving.limits.connections import HEAD_BYTES, PIECES, PIPELINED, TimedConnection
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
        self.body = 0
        self.connections: list[TimedConnection] = []
        self.config = uvicorn.Config(self, log_config=None, timeout_keep_alive=3_600)
        self.config.load()
        self.state = ServerState()

    async def __call__(self, scope, receive, send):
        self.asked += 1
        await self.go.wait()
        while (message := await receive()).get("more_body"):
            self.body += len(message["body"])
        self.headers = [name for name, _ in scope["headers"]]
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


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK, TRAILER = b"1\r\n \r\n", b"a:\r\n"


@pytest.mark.parametrize(
    "pieces",
    [CHUNK * PIECES * 2, b"0\r\n" + TRAILER * PIECES * 2, CHUNK * (PIECES // 2) + b"0\r\n" + TRAILER * PIECES],
    ids=["chunks", "trailers", "both"],
)
def test_a_body_in_very_many_pieces_ends_its_connection(within, pieces):
    """Each costs the event loop the same, however small: 17 MB of trailers stopped the service for nine seconds."""

    async def test(server, connect):
        server.go.set()
        reader, writer = await connect()
        writer.write(CHUNKED + pieces)
        with pytest.raises(ENDED):
            await reader.readexactly(1)
        [connection] = server.connections
        assert connection._pieces >= PIECES
        assert server.body <= PIECES

    within(test)


def test_a_body_in_many_pieces_is_taken_and_its_trailers_are_no_headers(within):
    async def test(server, connect):
        server.go.set()
        reader, writer = await connect()
        for _ in range(2):  # of one request, and not of a connection
            writer.write(CHUNKED + CHUNK * (PIECES - 2) + b"0\r\nX-Applicant-Id: B-2\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
            assert server.headers == [b"host", b"transfer-encoding"]

    within(test)


def head(size: int) -> bytes:
    """A request's head whose path, names and values have so many bytes with what parts them."""
    begin = len("/") + len("Host: a\r\n") + len("X: \r\n")
    return b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (size - begin) + b"\r\n\r\n"


def test_a_head_that_comes_at_once_has_the_same_limit(within):
    async def test(server, connect):
        server.go.set()
        reader, writer = await connect()
        writer.write(head(HEAD_BYTES))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
        writer.write(head(HEAD_BYTES + 1) + GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 431 ")
        assert (await reader.read()).endswith(b'bytes."}')
        assert server.asked == 1

    within(test)
