"""What a durable decision costs on this machine: fdatasync alone, then whole entries by how many submit at a time."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.group import GroupCommit
from credit_risk.ledger.ledger import Ledger

AT_A_TIME = (1, 16, 64)
PAGE = 4096
BY = DecidedBy("1" * 64, "2" * 64, "3" * 64, "4" * 64)
REASON = {"id": "R01", "version": "1", "text": "payments were late", "driver": "months_late", "value": 3.0}


@dataclass(frozen=True)
class Measured:
    """submitters: each hands over its next entry when the last is durable. cpu_us: of this process, system time too."""

    submitters: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def fdatasync_us(folder: Path, times: int = 300) -> float:
    """The median time in microseconds until a page that is added to a file is on the disk."""
    path = folder / ".fdatasync"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        return median(_synced(descriptor) for _ in range(times)) * 1e6
    finally:
        os.close(descriptor)
        path.unlink()


def _synced(descriptor: int) -> float:
    os.write(descriptor, bytes(PAGE))
    start = time.perf_counter()
    getattr(os, "fdatasync", os.fsync)(descriptor)  # macOS has no fdatasync
    return time.perf_counter() - start


def measure(ledger: Ledger, *, entries: int) -> Iterator[Measured]:
    """One figure for each number of submitters; as many entries for each of them."""
    for submitters in AT_A_TIME:
        yield asyncio.run(_measured(ledger, submitters, entries))


async def _measured(ledger: Ledger, submitters: int, entries: int) -> Measured:
    commit = GroupCommit(ledger)
    seconds: list[float] = []
    each = max(entries // submitters, 1)

    async def submit(submitter: int) -> None:
        for number in range(each):
            entry = sample(f"{submitters}-{submitter}-{number}")
            start = time.perf_counter()
            await commit.record(entry)
            seconds.append(time.perf_counter() - start)

    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.gather(*map(submit, range(submitters)))
    cpu, taken = time.process_time() - cpu, time.perf_counter() - start
    commit.close()
    count = len(seconds)
    p99 = quantiles(seconds, n=100)[98] if count > 1 else seconds[0]
    return Measured(submitters, count / taken, median(seconds) * 1e3, p99 * 1e3, cpu / count * 1e6)


def sample(name: str) -> Entry:
    """A decline of a new applicant: 24 inputs, four reasons, an idempotency key."""
    inputs = {f"input_{place}": place * 1.1 for place in range(24)}
    decided = {"decision": "decline", "pd": 0.123456789, "score": 512.25, "band": "C", "rule": None}
    return Entry(
        inputs,
        {**decided, "reasons": [REASON] * 4},
        BY,
        client="bench",
        body_digest="5" * 64,
        applicant=name,
        request_id=name,
        latency_ms=1.25,
    )


def table(disk_us: float, measured: list[Measured]) -> str:
    lines = [
        f"fdatasync of one page: {disk_us:,.0f} µs (median)",
        "",
        "submitters  entries/s   p50 ms   p99 ms  CPU µs each",
    ]
    lines += [
        f"{one.submitters:>10}  {one.per_second:>9,.0f}  {one.p50_ms:>7.2f}  {one.p99_ms:>7.2f}  {one.cpu_us:>11,.0f}"
        for one in measured
    ]
    return "\n".join(lines)
