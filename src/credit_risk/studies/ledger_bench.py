"""What a durable decision costs on this machine: fdatasync alone, then whole entries with 1, 16 and 64 submitters."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from credit_risk.ledger.commit.group_commit import GroupCommit
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger

AT_A_TIME = (1, 16, 64)
PAGE = 4096
BY = DecidedBy("1" * 64, "2" * 64, "3" * 64, "4" * 64)
REASON = {"id": "R01", "version": "1", "text": "payments were late", "driver": "months_late", "value": 3.0}


@dataclass(frozen=True)
class CommitSpeed:
    """What group commit reached. Each submitter hands over its next entry when its last one is durable.

    cpu_us: of this process for one entry, system time included.
    """

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


def measure(ledger: Ledger, *, entries: int) -> Iterator[CommitSpeed]:
    """The speed with 1, 16 and 64 submitters. entries: recorded for each of these, by all submitters together."""
    for submitters in AT_A_TIME:
        yield asyncio.run(_speed(ledger, submitters, entries))


async def _speed(ledger: Ledger, submitters: int, entries: int) -> CommitSpeed:
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
    return CommitSpeed(submitters, count / taken, median(seconds) * 1e3, p99 * 1e3, cpu / count * 1e6)


def sample(name: str) -> Entry:
    """A decline of a new applicant: 24 inputs, four reasons, an idempotency key."""
    inputs = {f"input_{number}": number * 1.1 for number in range(24)}
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


def table(disk_us: float, speeds: list[CommitSpeed]) -> str:
    lines = [
        f"fdatasync of one page: {disk_us:,.0f} µs (median)",
        "",
        "submitters  entries/s   p50 ms   p99 ms  CPU µs each",
    ]
    lines += [
        f"{speed.submitters:>10}  {speed.per_second:>9,.0f}  {speed.p50_ms:>7.2f}  {speed.p99_ms:>7.2f}"
        f"  {speed.cpu_us:>11,.0f}"
        for speed in speeds
    ]
    return "\n".join(lines)
