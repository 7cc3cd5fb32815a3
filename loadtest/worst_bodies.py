"""What the worst bodies of each size limit cost the service: `make worst-bodies`.

Every limit of `serving.limits` lets a body of some size in; these are the dearest that are known. Processor time of one
application, which the event loop spends; of one batch, which a thread spends in steps; and how long the event
loop was kept waiting meanwhile. tests/serving/limits/test_bounded_work.py holds the same bodies to a number of steps.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from loadtest.servers import settings_for
from rich.console import Console
from rich.table import Table

from credit_risk.data.files import Files
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving import engine, settings
from credit_risk.serving.engine import DecisionEngine, RequestContext
from credit_risk.serving.limits.batch_work import WorkLimit
from credit_risk.serving.problems import Problem
from credit_risk.serving.requests import examples
from credit_risk.serving.settings import Limits

Body = tuple[bytes, Callable[[int], bytes], bytes]
TRIES = 5
LOOP_MS, BATCH_S = 50, 2.0  # what a body may take of the event loop, and a batch of its thread


def filled(begin: bytes, unit: Callable[[int], bytes], end: bytes, size: int) -> bytes:
    """The longest body of this shape within a size, its units parted by commas."""
    units, length, number = [], len(begin) + len(end), 0
    while length + len(part := unit(number)) + 1 <= size:
        units.append(part)
        length += len(part) + 1
        number += 1
    return begin + b",".join(units) + end


def worst(known: str, text: str) -> Mapping[str, Body]:
    """Bodies that cost most for their size. known: an input's name; text: an input's name whose values are words."""
    near, letters, field = known[:-1].encode(), known[::-1].encode(), text.encode()
    return {
        "unknown fields": (b"{", lambda n: b'"%x":1' % n, b"}"),
        "unknown fields like a known one": (b"{", lambda n: b'"%s%x":1' % (near, n), b"}"),
        "unknown fields with a known one's letters": (b"{", lambda n: b'"%x %s":1' % (n, letters), b"}"),
        "distinct names and one twice": (b'{"a":1,"a":2,', lambda n: b'"%x":1' % n, b"}"),
        "each name twice": (b"{", lambda n: b'"%x":1' % (n // 2), b"}"),
        "empty objects": (b'{"%s":[' % field, lambda _: b"{}", b"]}"),
        "empty lists": (b'{"%s":[' % field, lambda _: b"[]", b"]}"),
        "numbers": (b'{"%s":[' % field, lambda _: b"0.0", b"]}"),
        "numbers with many digits": (b'{"%s":[' % field, lambda _: b"9" * 4_300, b"]}"),
        "fractions with many digits": (b'{"%s":[' % field, lambda _: b"1." + b"0" * 9_000 + b"1e-9", b"]}"),
        "one long name": (b'{"', lambda _: known.encode() * 5_000, b'":1}'),
        "halves of characters": (b"{", lambda n: b'"\\\\ud8%02x%x":1' % (n % 256, n), b"}"),
    }


def batch_of(application: bytes, size: int) -> bytes:
    """A batch within a size: as many of these applications as fit, then empty ones."""
    rows = size // (len(application) + 1)
    return filled(b'{"applications":[', lambda number: application if number < rows else b"{}", b"]}", size)


@dataclass(frozen=True)
class Cost:
    """Seconds of processor time that an application takes of the event loop, and a batch of a thread.

    step: the longest of the batch's steps. wait: what the process used at most between two turns of the event loop that
    should have been a millisecond apart, while the batch was worked on.
    """

    application: float
    batch: float
    step: float
    wait: float


async def cost(service: DecisionEngine, limits: Limits, application: bytes, batch: bytes) -> Cost:
    """What an application and a batch cost; each that is no refusal is decided and recorded."""
    alone = [await _seconds_of_application(service, application) for _ in range(TRIES)]
    limit = WorkLimit(limits.batch_seconds)
    steps: list[float] = []

    def work() -> None:
        last = time.thread_time()

        def step() -> None:
            nonlocal last
            limit.step()
            steps.append((now := time.thread_time()) - last)
            last = now

        try:
            read = service.reader.applications(batch, limits.body_bytes, limits.batch_rows, step)
            service.decide_batch(read, "bench", step)
        except Problem:
            pass
        steps.append(time.thread_time() - last)

    done = asyncio.get_running_loop().run_in_executor(None, limit.run, work)
    waits = [0.0]
    while not done.done():
        begun = time.process_time()  # of this process alone: what else the machine does is not the batch's fault
        await asyncio.sleep(0.001)
        waits.append(time.process_time() - begun)
    await done
    return Cost(sorted(alone)[TRIES // 2], limit.used, max(steps), max(waits))


async def _seconds_of_application(service: DecisionEngine, body: bytes) -> float:
    begun = time.thread_time()
    with suppress(Problem):
        await service.decide(body, RequestContext("bench", None, None))
    return time.thread_time() - begun


async def costs(service: DecisionEngine, limits: Limits) -> dict[str, Cost]:
    config, scorer = service.scorer.config, service.scorer
    words = [name for name in config.inputs if config.columns[name].categories]
    bodies = {
        kind: filled(*body, limits.body_bytes)
        for kind, body in worst(config.inputs[0], (words or config.inputs)[0]).items()
    }
    found = {
        kind: await cost(service, limits, body, batch_of(body, limits.batch_bytes)) for kind, body in bodies.items()
    }
    sound = [
        json.dumps(one)
        for one in islice(examples.applications(config, seed=1, reference=scorer.reference), limits.batch_rows)
    ]
    batch = f'{{"applications":[{",".join(sound)}]}}'.encode()
    return found | {"sound applications": await cost(service, limits, sound[0].encode(), batch)}


def table(found: Mapping[str, Cost]) -> Table:
    headings = ("body", "application ms", "batch s", "longest step ms", "longest wait ms")
    result = Table(*headings)
    for kind, of in found.items():
        result.add_row(
            kind, *(f"{1e3 * of.application:.1f}", f"{of.batch:.2f}"), *(f"{1e3 * s:.1f}" for s in (of.step, of.wait))
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    options = parser.parse_args()
    Scorer.load(Files(options.root).scorer)  # or a sentence that says what is missing
    with tempfile.TemporaryDirectory(prefix="worst-bodies-") as folder:
        serving = settings.load(settings_for(Path(folder)))
        service = engine.start(options.root, serving)
        found = asyncio.run(costs(service, serving.limits))
        service.close()
    Console(width=120).print(table(found))
    slow = [kind for kind, of in found.items() if 1e3 * max(of.application, of.wait) > LOOP_MS or of.batch > BATCH_S]
    sys.exit(f"beyond {LOOP_MS} ms of the event loop or {BATCH_S:g} s of a thread: {', '.join(slow)}" if slow else 0)


if __name__ == "__main__":
    main()
