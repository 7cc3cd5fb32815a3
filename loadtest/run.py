"""Load the real service on this machine and hold it to limits: `make load`.

The service is started on a free port with a ledger of its own, so that no decision of the load stands among real ones.
The report is build/load/report.html; the figures of every run are kept in build/load/history.jsonl and drawn beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import matplotlib.style
from loadtest.servers import APPLICATIONS, HERE, HOST, Contender, served, settings_for
from matplotlib.figure import Figure

from credit_risk.serving.requests import examples


def main() -> None:
    options = arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="load-") as name, served(service(options, Path(name))) as (port, _):
        code = loaded(options, port)
    line = figures(options.output / "report.json", options)
    with (options.output / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    draw(options.output)
    print(f"{line['per_second']:,.0f} requests a second, p50 {line['p50']:.0f} ms, p99 {line['p99']:.0f} ms")
    print(f"{options.output / 'report.html'}")
    sys.exit(code)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    parser.add_argument("--users", type=int, default=8, help="clients at once (default: 8)")
    parser.add_argument("--seconds", type=int, default=30, help="how long (default: 30)")
    parser.add_argument("--p99-ms", type=float, default=100, help="the budget (default: 100)")
    parser.add_argument("--errors", type=float, default=0, help="the highest share of errors (default: 0)")
    parser.add_argument("--per-second", type=float, default=100, help="the least throughput (default: 100)")
    parser.add_argument("--output", type=Path, default=Path("build/load"), help="where reports go")
    return parser.parse_args()


def service(options: argparse.Namespace, folder: Path, **limits: float) -> Contender:
    """The repository's own service; its ledger and the bodies that wrk sends lie in `folder`."""
    bodies = folder / "bodies.jsonl"
    applications = islice(examples.of_scorer(options.root / "models" / "scorer", seed=1), APPLICATIONS)
    bodies.write_text("".join(f"{json.dumps(one)}\n" for one in applications), encoding="utf-8")
    command = [sys.executable, "-m", "credit_risk.cli", "serve", "--root", str(options.root.absolute())]
    command += ["--environment", str(settings_for(folder, **limits))]
    environment = {"BENTOML_DO_NOT_TRACK": "true"}
    return Contender("the service", command, "/decide", bodies, "/health", environment)


def loaded(options: argparse.Namespace, port: int) -> int:
    """Locust's exit code: 0 if every limit was held."""
    limits = {"P99_MS": options.p99_ms, "ERRORS": options.errors, "PER_SECOND": options.per_second}
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary"]
    command += ["--users", str(options.users), "--spawn-rate", str(options.users), "--run-time", f"{options.seconds}s"]
    command += ["--host", f"http://{HOST}:{port}", "--html", str(options.output / "report.html")]
    command += ["--json-file", str(options.output / "report")]
    scorer = str(options.root.absolute() / "models" / "scorer")
    environment = {**os.environ, "SCORER": scorer, **{name: str(value) for name, value in limits.items()}}
    return subprocess.run(command, check=False, env=environment).returncode


def figures(report: Path, options: argparse.Namespace) -> dict[str, float]:
    """One line of the history: all requests of a run together."""
    found = json.loads(report.read_text(encoding="utf-8"))
    times: dict[int, int] = {}
    for one in found:
        for milliseconds, count in one["response_times"].items():
            times[int(float(milliseconds))] = times.get(int(float(milliseconds)), 0) + count
    requests = sum(one["num_requests"] for one in found)
    return {
        "at": time.time(),
        "users": options.users,
        "requests": requests,
        "failures": sum(one["num_failures"] for one in found),
        "per_second": requests / options.seconds,
        "p50": percentile(times, 0.5),
        "p99": percentile(times, 0.99),
    }


def percentile(times: dict[int, int], share: float) -> float:
    """The time within which this share of the requests was answered."""
    wanted, seen = share * sum(times.values()), 0
    for milliseconds in sorted(times):
        seen += times[milliseconds]
        if seen >= wanted:
            return float(milliseconds)
    return float("nan")


def draw(folder: Path) -> None:
    """This run beside the earlier ones of this machine."""
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    with matplotlib.style.context({"svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True)
        runs = range(1, len(lines) + 1)
        above.plot(runs, [line["per_second"] for line in lines], marker="o", color="#0b62a8")
        above.set(ylabel="requests a second", ylim=(0, None))
        for name, colour, dash in (("p99", "#c85200", "solid"), ("p50", "#00806a", (0, (5, 2)))):
            below.plot(runs, [line[name] for line in lines], marker="o", color=colour, linestyle=dash, label=name)
        below.set(ylabel="milliseconds", xlabel="run", ylim=(0, None))
        below.legend(frameon=False)
        figure.savefig(folder / "history.svg")


if __name__ == "__main__":
    main()
