"""Which number of workers and of requests in flight accepts most within the latency: `make capacity-search`.

Each setting is a service of its own that is offered twice what it can answer, in an open loop, as `make overload` does.
Latencies count from when a request was due. What is found stands in build/operations/capacity-search.json, from which
`credit-risk capacity recommend` takes it.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path

from loadtest.overload import figures, offered, request_of
from loadtest.run import service
from loadtest.servers import SATURATION, served, wrk

from credit_risk.data.writing import write_json
from credit_risk.operations.capacity.recommend import SEARCH
from credit_risk.operations.capacity.search import search

IN_FLIGHT = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
WITHIN = 0.95  # of the grid's best
TIMES = 2.0  # what the service can answer, so that in_flight decides what is accepted


def accepted(options: argparse.Namespace, workers: int, in_flight: int) -> float:
    """Requests a second that were answered within the latency; 0 where the p99 of those accepted was above it."""
    with tempfile.TemporaryDirectory(prefix="capacity-") as name:
        contender = service(options, Path(name), in_flight=in_flight)
        path = Path(name) / "load.yaml"
        settings = json.loads(path.read_text(encoding="utf-8"))
        settings["serving"]["workers"] = workers
        path.write_text(json.dumps(settings), encoding="utf-8")
        bodies = contender.bodies.read_bytes().splitlines()
        with served(contender) as (port, _):
            capacity = wrk(contender, port, min(SATURATION, in_flight), options.seconds)["per_second"]
            requests = [request_of(body, port) for body in bodies]
            seen = asyncio.run(offered(requests, port, TIMES * capacity, options.seconds))
    line = figures(seen, TIMES, TIMES * capacity, options.seconds)
    counts = line["p99"] <= options.p99_ms and not line["broken"] and not line["other"]
    print(
        f"{workers} workers, {in_flight} in flight: {line['accepted_per_second']:,.0f} a second accepted, "
        f"p99 {line['p99']:.0f} ms{'' if counts else ': too slow, or broken'}",
        file=sys.stderr,
    )
    return line["accepted_per_second"] if counts else 0.0


def main() -> None:
    options = arguments()
    workers = range(1, options.most_workers + 1)

    @cache
    def measured(count: int, in_flight: int) -> float:
        return accepted(options, count, in_flight)

    best = search(measured, workers, options.in_flight)
    if not best.per_second:
        sys.exit(f"No setting kept its p99 within {options.p99_ms:g} ms; nothing is recommended.")
    report = {"best": asdict(best), "p99_ms": options.p99_ms, "processors": os.cpu_count()}
    print(f"{best.workers} workers with {best.in_flight} in flight accept {best.per_second:,.0f} a second: {SEARCH}")
    if options.whole_grid:
        grid = {f"{count} x {number}": measured(count, number) for count in workers for number in options.in_flight}
        report |= {"grid": grid, "of_the_grids_best": best.per_second / max(grid.values())}
        print(
            f"That is {report['of_the_grids_best']:.1%} of the best of {len(grid)} settings; the search measured "
            f"{best.measured} of them."
        )
    write_json(options.root / SEARCH, report)
    if report.get("of_the_grids_best", 1.0) < WITHIN:
        sys.exit(f"The search missed the grid's best by more than {1 - WITHIN:.0%}.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    parser.add_argument("--seconds", type=int, default=8, help="how long each setting is loaded (default: 8)")
    parser.add_argument("--p99-ms", type=float, default=100, help="the budget of accepted requests (default: 100)")
    most = os.cpu_count() or 1
    parser.add_argument("--most-workers", type=int, default=most, help=f"of one service (default: the cores, {most})")
    parser.add_argument("--in-flight", type=int, nargs="+", default=IN_FLIGHT, help="ascending; those to choose from")
    parser.add_argument("--whole-grid", action="store_true", help="then measure what the search left out, and compare")
    return parser.parse_args()


if __name__ == "__main__":
    main()
