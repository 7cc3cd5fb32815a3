"""Send the service more than it can answer, and see who waits: `make overload`.

Applications arrive at a rate of their own, whether earlier ones were answered or not (an open loop), at several times
what the service can answer. Those it accepts must stay within the budget, all others must be told so with 503 and
Retry-After. A latency counts from when a request was due, so that a client that fell behind hides nothing.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import numpy as np
from loadtest.run import service
from loadtest.servers import HOST, SATURATION, served, wrk
from rich.console import Console
from rich.table import Table

from credit_risk.data.writing import write_json

CONNECTIONS = 1_000  # of the client; an arrival that finds none free was refused by nobody and counts as not sent
PATIENCE = 10.0  # seconds for the last answers


@dataclass
class Seen:
    """What came back: milliseconds of accepted and of refused requests, refusals that named no time, what broke."""

    accepted: list[float] = field(default_factory=list)
    shed: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    other: int = 0
    broken: int = 0
    not_sent: int = 0

    def note(self, head: bytes, took: float) -> None:
        status = head[9:12]
        if status == b"200":
            self.accepted.append(took)
        elif status == b"503":
            self.shed.append(took)
            self.without_retry_after += b"\r\nretry-after: " not in head.lower()
        else:
            self.other += 1


class Client(asyncio.Protocol):
    """One connection that carries one request at a time."""

    def __init__(self, free: "deque[Client]", seen: Seen) -> None:
        self.free, self.seen = free, seen
        self.due: float | None = None
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self, request: bytes, due: float) -> None:
        self.due, self.got = due, b""
        self.transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, found, body = self.got.partition(b"\r\n\r\n")
        if not found or len(body) < length_of(head) or self.due is None:
            return
        self.seen.note(head, (time.perf_counter() - self.due) * 1e3)
        self.due = None
        self.free.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.seen.broken += self.due is not None
        self.due = None


def length_of(head: bytes) -> int:
    """The length of a body by its header."""
    name = b"content-length: "
    lines = (line for line in head.lower().split(b"\r\n") if line.startswith(name))
    return int(next(lines)[len(name) :])


def request_of(body: bytes, port: int) -> bytes:
    head = f"POST /decide HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def offered(requests: Sequence[bytes], port: int, per_second: float, seconds: float) -> Seen:
    """Requests at a steady rate for so long."""
    seen, free = Seen(), deque[Client]()
    loop = asyncio.get_running_loop()
    opened = await asyncio.gather(
        *(loop.create_connection(lambda: Client(free, seen), HOST, port) for _ in range(CONNECTIONS))
    )
    free.extend(client for _, client in opened)
    start = time.perf_counter()
    for sent, request in enumerate(cycle(requests)):
        due = start + sent / per_second
        if due > start + seconds:
            break
        while (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(min(early, 0.001))
        if sent % 20 == 0:
            await asyncio.sleep(0)  # let answers in although we are late
        if free:
            free.popleft().send(request, due)
        else:
            seen.not_sent += 1
    deadline = time.perf_counter() + PATIENCE
    while len(free) + seen.broken < CONNECTIONS and time.perf_counter() < deadline:
        await asyncio.sleep(0.01)
    seen.broken += CONNECTIONS - len(free) - seen.broken
    for transport, _ in opened:
        transport.close()
    return seen


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="overload-") as name:
        contender = service(options, Path(name), in_flight=options.in_flight)
        bodies = contender.bodies.read_bytes().splitlines()
        with served(contender) as (port, _):
            wrk(contender, port, 4, 2)  # warm
            capacity = wrk(contender, port, SATURATION, options.seconds)["per_second"]
            requests = [request_of(body, port) for body in bodies]
            lines = []
            for times in options.times:
                print(f"{times:g} times {capacity:,.0f} requests a second", file=sys.stderr)
                seen = asyncio.run(offered(requests, port, times * capacity, options.seconds))
                lines.append(figures(seen, times, times * capacity, options.seconds))
    write_json(options.output, {"capacity": capacity, "in_flight": options.in_flight, "loads": lines})
    Console(width=None if sys.stdout.isatty() else 140).print(table(lines))
    print(f"Every figure stands in {options.output}.")
    missed = [sentence for line in lines for sentence in misses(line, options.p99_ms)]
    sys.exit("\n".join(missed) or 0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    parser.add_argument("--times", type=float, nargs="+", default=[0.5, 2, 4], help="loads, in times the capacity")
    parser.add_argument("--seconds", type=int, default=10, help="how long each load lasts (default: 10)")
    parser.add_argument("--p99-ms", type=float, default=100, help="the budget of accepted requests (default: 100)")
    parser.add_argument("--in-flight", type=int, help="serving.limits.in_flight to try (default: the setting's own)")
    parser.add_argument("--output", type=Path, default=Path("build/load/overload.json"), help="where the figures go")
    return parser.parse_args()


def figures(seen: Seen, times: float, per_second: float, seconds: float) -> dict[str, float]:
    p50, p99 = np.percentile(seen.accepted, [50, 99]) if seen.accepted else (np.nan, np.nan)
    shed_p99 = np.percentile(seen.shed, 99) if seen.shed else np.nan
    return {
        "times": times,
        "offered_per_second": per_second,
        "accepted_per_second": len(seen.accepted) / seconds,
        "p50": float(p50),
        "p99": float(p99),
        "shed": len(seen.shed),
        "shed_p99": float(shed_p99),
        "without_retry_after": seen.without_retry_after,
        "not_sent": seen.not_sent,
        "other": seen.other,
        "broken": seen.broken,
    }


def misses(line: dict[str, float], p99_ms: float) -> list[str]:
    """What one load shows that may not be."""
    load = f"at {line['times']:g} times the capacity"
    found = [] if line["p99"] < p99_ms else [f"{load} the p99 of accepted requests is {line['p99']:.0f} ms"]
    for name, what in (
        ("without_retry_after", "503 without Retry-After"),
        ("other", "other answers"),
        ("broken", "broken"),
    ):
        found += [f"{load}: {line[name]:g} {what}"] if line[name] else []
    return found


def table(lines: Sequence[dict[str, float]]) -> Table:
    shown = Table(title="Overload: an open loop, latencies from when a request was due")
    for heading in ("load", "offered/s", "accepted/s", "p50 ms", "p99 ms", "503", "503 p99 ms", "not sent", "broken"):
        shown.add_column(heading, justify="right")
    for one in lines:
        cells = (
            f"{one['offered_per_second']:,.0f}",
            f"{one['accepted_per_second']:,.0f}",
            f"{one['p50']:.1f}",
            f"{one['p99']:.1f}",
        )
        rest = (
            f"{one['shed']:,}",
            f"{one['shed_p99']:.1f}",
            f"{one['not_sent']:,}",
            f"{one['broken'] + one['other']:,}",
        )
        shown.add_row(f"{one['times']:g} x", *cells, *rest)
    return shown


if __name__ == "__main__":
    main()
