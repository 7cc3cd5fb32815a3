"""Load the service for minutes and see whether its memory stays: `make soak`.

Half of what it can answer, for as long as asked. Memory is flat if its mean over the last third of the run lies no more
than GROWTH above that over the middle third; the first third is when caches fill and the allocator finds its size.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import numpy as np
import psutil
from loadtest.run import service
from loadtest.servers import SATURATION, Contender, memory_mb, paused, served, wrk, wrk_command, wrk_result
from matplotlib.figure import Figure

from credit_risk.data.writing import write_json

GROWTH = 0.02  # share of the middle third's memory; a leak of 100 bytes a request would be 5 % in ten minutes
EVERY = 5.0  # seconds between two looks


@dataclass(frozen=True)
class Look:
    """The service at one moment: seconds since the start, and resident megabytes."""

    at: float
    mb: float


def main() -> None:
    options = arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        contender = service(options, Path(name))
        with served(contender) as (port, process):
            full = wrk(contender, port, SATURATION, 5)
            pause = paused(full["per_second"], full["p50"])
            found, looks = soaked(contender, port, process, options.minutes * 60, pause)
    verdict = growth(looks)
    figures = {**found, "growth": verdict, "looks": [vars(look) for look in looks]}
    write_json(options.output / "soak.json", figures)
    draw(looks, options.output / "soak.svg")
    wrong = found["not_ok"] + found["broken"]
    print(
        f"{found['per_second']:,.0f} requests a second for {options.minutes:g} minutes, p99 {found['p99']:.1f} ms, "
        f"{wrong:g} not answered with 200; memory {looks[0].mb:,.0f} MB at first, {looks[-1].mb:,.0f} at last, "
        f"last third against middle third {verdict:+.2%} (at most {GROWTH:+.0%})"
    )
    print(options.output / "soak.svg")
    sys.exit(1 if wrong or not verdict <= GROWTH else 0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    parser.add_argument("--output", type=Path, default=Path("build/load"), help="where figures and picture go")
    return parser.parse_args()


def soaked(
    one: Contender, port: int, process: psutil.Process, seconds: float, pause: float
) -> tuple[dict[str, float], list[Look]]:
    """What wrk says of the whole run, and what the service weighed meanwhile."""
    start, looks = time.monotonic(), []
    loading = subprocess.Popen(
        wrk_command(one, port, SATURATION, round(seconds), pause), stdout=subprocess.PIPE, text=True
    )
    try:
        while loading.poll() is None:
            looks.append(Look(time.monotonic() - start, memory_mb(process)))
            time.sleep(EVERY)
        return wrk_result(loading.communicate()[0]), looks
    finally:
        loading.kill()


def growth(looks: Sequence[Look]) -> float:
    """How far the mean of the last third lies above that of the middle third; NaN for fewer than six looks."""
    third = len(looks) // 3
    if third < 2:
        return float("nan")
    middle, last = (np.mean([look.mb for look in part]) for part in (looks[third : 2 * third], looks[2 * third :]))
    return float(last / middle - 1)


def draw(looks: Sequence[Look], path: Path) -> None:
    with matplotlib.style.context({"svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(7, 2.8), layout="constrained")
        axes = figure.subplots()
        axes.plot([look.at / 60 for look in looks], [look.mb for look in looks], color="#0b62a8")
        axes.set(xlabel="minutes", ylabel="resident MB", ylim=(0, None))
        figure.savefig(path)


if __name__ == "__main__":
    main()
