"""Limits of a connection, before there is a request, behind its body and after an answer, which no route can see.

uvicorn waits without end for the head of a request, for the rest of a body that nobody reads, and for a client that
does not take its answer. Every way of starting the service imports `bento`, and so has these.
"""

import asyncio
import resource
from collections import OrderedDict
from typing import Any, ClassVar, cast

import orjson
import uvicorn.config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from credit_risk.serving.problems import Problem
from credit_risk.serving.settings import Limits

HEAD_BYTES = 65_536
WAITING = 2_048  # connections without a request, at most half of those there may be; one more, and the oldest goes
PIPELINED = 16  # requests of a connection that wait behind the one that is worked on
PIECES = 16_384  # chunks of a body, and trailers behind it: the largest batch may come in chunks of half a kilobyte
HEAD_TOO_LARGE = Problem(431, f"The head of a request may have {HEAD_BYTES:,} bytes.")


class TimedConnection(HttpToolsProtocol):
    """uvicorn's connection, closed if a head, a body that nobody reads or the taking of an answer lasts too long."""

    limits: ClassVar[Limits] = Limits()
    most_waiting: ClassVar[int] = WAITING
    waiting: ClassVar["OrderedDict[TimedConnection, None]"] = OrderedDict()

    _timer: asyncio.TimerHandle | None = None  # until a whole head must be there
    _taking: asyncio.TimerHandle | None = None  # until the client must have taken some of its answer
    _head_bytes = 0
    _pieces = 0  # of the body that is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            return  # a request is worked on: its body has a deadline of its own (web), what comes behind waits
        if self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE)
        elif self._timer is None:
            self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if "method" not in cast("dict[str, Any]", self.scope):
            super().on_header(name, value)
        else:  # the head has ended: a trailer, which nobody reads, and which must not count as a header
            self.on_chunk_header()

    def on_chunk_header(self) -> None:
        """Each chunk and trailer costs the event loop the same, however little it brings."""
        self._pieces += 1
        if self._pieces > PIECES:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_headers_complete(self) -> None:
        if self.transport.is_closing():
            return  # what else has come is parsed to its end, and nothing becomes of it
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE)
            return
        self._pieces = 0
        self._head_came()
        super().on_headers_complete()
        if len(self.pipeline) > PIPELINED:
            self.transport.abort()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        cycle: RequestResponseCycle | None = self.cycle
        if not self.transport.is_closing() and (cycle is None or cycle.response_complete):
            self._add_to_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._stop_taking()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._refuse(Problem(400, msg))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_taking()
        self._taking = self.loop.call_later(self.limits.answer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_taking()
        super().resume_writing()

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(self.limits.head_seconds, self.transport.abort)
        self._add_to_waiting()

    def _add_to_waiting(self) -> None:
        self.waiting[self] = None
        if len(self.waiting) > self.most_waiting:
            oldest, _ = self.waiting.popitem(last=False)
            oldest.transport.abort()

    def _head_came(self) -> None:
        self._head_bytes = 0
        self.waiting.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_taking(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _refuse(self, problem: Problem) -> None:
        """The answer to what is no request: nothing after it is read."""
        content = orjson.dumps(problem.as_dict())
        self.transport.write(
            STATUS_LINE[problem.status]
            + b"content-type: application/problem+json\r\nconnection: close\r\n"
            + b"content-length: %d\r\n\r\n" % len(content)
            + content
        )
        self.transport.close()


def use(limits: Limits) -> None:
    """Let the server that this process starts have these deadlines, and as many connections as the machine lets it."""
    TimedConnection.limits = limits
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    TimedConnection.most_waiting = WAITING if files == resource.RLIM_INFINITY else min(WAITING, files // 2)


def install() -> None:
    """Make every server that this process starts use these connections, whoever starts it."""
    cast("dict[str, Any]", uvicorn.config.HTTP_PROTOCOLS)["auto"] = TimedConnection
