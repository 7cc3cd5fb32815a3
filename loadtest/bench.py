"""Measure the service beside its peers, in one run on one machine: `make bench-serving`.

The peers only predict one row of the model's matrix; ours takes the whole decision: contract, features, PD, policy,
reasons of declines, and a durable record in the ledger before the reply. All answer the same test applications, one
worker each, one after another and several rounds over, so that what drifts on the machine drifts for all.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from loadtest.servers import (
    APPLICATIONS,
    HERE,
    SATURATION,
    Contender,
    memory_mb,
    paused,
    served,
    settings_for,
    wrk,
)
from rich.console import Console
from rich.table import Table

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs
from credit_risk.data.writing import read_parquet, write_json
from credit_risk.scoring.features import Features

OURS = "credit-risk, whole decision"
IN_BENTOML, IN_MLSERVER, IN_MLFLOW = "BentoML, predict only", "MLServer, predict only", "mlflow, predict only"
# What ours shall reach: times the throughput of a peer at saturation, and milliseconds of its own p99 under a load.
TIMES = {IN_MLFLOW: 8.0, IN_MLSERVER: 1.0, IN_BENTOML: 0.8}
P99_BELOW = {"half load": 10.0, "saturation": 100.0, "beyond": 100.0}


@dataclass(frozen=True)
class Load:
    """What one contender did under one load. Milliseconds; `not_ok` counts answers that were no 200.

    memory_mb: of the server and all that it started, after the load; pages that they share count for each.
    """

    per_second: float
    p50: float
    p99: float
    longest: float
    not_ok: int
    broken: int
    memory_mb: float


@dataclass(frozen=True)
class Aim:
    """One aim of ours with what was measured."""

    what: str
    measured: float
    limit: float
    is_floor: bool

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.is_floor else self.measured < self.limit


def main() -> None:
    options = arguments()
    if not shutil.which("wrk"):
        sys.exit("wrk is not here. Install it (apt-get install wrk) and run `make bench-serving` again.")
    files = Files(options.root)
    config = load(files.config)
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as name:
        folder = Path(name)
        found = contenders(config, files, folder, options.peers)
        results = measured(found, options)
    write_json(
        options.output, {name: {load: vars(one) for load, one in loads.items()} for name, loads in results.items()}
    )
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table(results))
    console.print(table_of_aims(aims(results)))
    console.print(f"Every figure stands in {options.output}.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    parser.add_argument("--peers", type=Path, required=True, help="the environment made from build/peers.txt")
    parser.add_argument("--rounds", type=int, default=3, help="how often each load is put on each server (default: 3)")
    parser.add_argument("--seconds", type=int, default=8, help="how long each load lasts (default: 8)")
    parser.add_argument("--output", type=Path, default=Path("build/bench/serving.json"), help="where the figures go")
    return parser.parse_args()


def contenders(config: Config, files: Files, folder: Path, peers: Path) -> list[Contender]:
    """Ours, the framework's ceiling and the peers, each with the bodies it understands written to `folder`."""
    table_ = read_parquet(files.inputs("test")).head(APPLICATIONS)
    features = Features.of(config)
    matrix = features.matrix(features.columns(Inputs.of(config).table(table_)))
    model = (files.model / "model.txt").resolve()
    rows = [[None if math.isnan(value) else value for value in row] for row in matrix.tolist()]

    def bodies(name: str, contents: Iterator[Any]) -> Path:
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(content) + "\n" for content in contents), encoding="utf-8")
        return path

    row_only = bodies("rows", ({"row": row} for row in rows))
    environment = {"MODEL": str(model), "MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "true"}
    root = str(files.root.absolute())
    python = str((peers / "bin" / "python").absolute())
    names = [f"f{place}" for place in range(matrix.shape[1])]
    mlflow_model(peers, model, folder / "mlflow")
    mlserver_model(model, folder / "mlserver")
    return [
        Contender(
            OURS,
            [
                *(sys.executable, "-m", "credit_risk.cli", "serve"),
                *("--root", root, "--environment", str(settings_for(folder))),
            ],
            "/decide",
            bodies("applications", applications(table_)),
            "/health",
            environment,
        ),
        Contender(
            IN_BENTOML,
            [sys.executable, "-m", "bentoml", "serve", "loadtest.peers.predict_only:PredictOnly"],
            "/predict",
            row_only,
            "/readyz",
            environment,
        ),
        Contender(
            "FastAPI, predict only",
            [python, "-m", "uvicorn", "--app-dir", str(HERE / "peers"), "--log-level", "warning", "floor:app"],
            "/predict",
            row_only,
            "/docs",
            environment,
        ),
        Contender(
            IN_MLSERVER,
            [str(peers / "bin" / "mlserver"), "start", str(folder / "mlserver")],
            "/v2/models/credit/infer",
            bodies("infer", (tensor(row) for row in rows)),
            "/v2/models/credit/ready",
            environment,
        ),
        Contender(
            IN_MLFLOW,
            [python, "-m", "mlflow", "models", "serve", "-m", str(folder / "mlflow"), "--env-manager", "local"],
            "/invocations",
            bodies("split", ({"dataframe_split": {"columns": names, "data": [row]}} for row in rows)),
            "/ping",
            {**environment, "PATH": f"{python.rpartition('/')[0]}:{os.environ['PATH']}"},  # it starts uvicorn by name
        ),
    ]


def applications(table_: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Test applications as a client would send them; what one lacks is left out."""
    for row in json.loads(table_.to_json(orient="records")):
        yield {name: value for name, value in row.items() if value is not None}


def tensor(row: Sequence[float | None]) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}]}


def mlflow_model(peers: Path, model: Path, target: Path) -> None:
    """The model as mlflow keeps it, written by the peers' own mlflow."""
    code = (
        "import sys, lightgbm, mlflow; booster = lightgbm.Booster(model_file=sys.argv[1]); "
        "mlflow.lightgbm.save_model(booster, sys.argv[2], pip_requirements=['lightgbm'])"
    )
    subprocess.run([peers / "bin" / "python", "-c", code, model, target], check=True, capture_output=True)


def mlserver_model(model: Path, folder: Path) -> None:
    folder.mkdir()
    shutil.copy(model, folder / "model.bst")
    settings = {
        "name": "credit",
        "implementation": "mlserver_lightgbm.LightGBMModel",
        "parameters": {"uri": str(folder / "model.bst")},
    }
    (folder / "model-settings.json").write_text(json.dumps(settings), encoding="utf-8")


def measured(found: Sequence[Contender], options: argparse.Namespace) -> dict[str, dict[str, Load]]:
    """Every load on every contender, the contenders taking turns within a round; medians over the rounds."""
    seen: dict[str, dict[str, list[Load]]] = {}
    for turn in range(options.rounds):
        for one in found:
            print(f"round {turn + 1} of {options.rounds}: {one.name}", file=sys.stderr)
            with served(one) as (port, process):
                for load_, result in loads(one, port, process, options.seconds).items():
                    seen.setdefault(one.name, {}).setdefault(load_, []).append(result)
    return {name: {load_: middle(results) for load_, results in by.items()} for name, by in seen.items()}


def loads(one: Contender, port: int, process: psutil.Process, seconds: int) -> dict[str, Load]:
    """One connection, saturation, twice that, and half of what saturation reached."""

    def load_(connections: int, pause: float = 0) -> Load:
        found = wrk(one, port, connections, seconds, pause)
        return Load(**found, memory_mb=memory_mb(process))

    wrk(one, port, 1, 2)  # warm
    full = load_(SATURATION)
    return {
        "1 connection": load_(1),
        "saturation": full,
        "beyond": load_(2 * SATURATION),
        "half load": load_(SATURATION, paused(full.per_second, full.p50)),
    }


def middle(results: Sequence[Load]) -> Load:
    """The median of each figure over the rounds; what went wrong is added up and not averaged away."""
    median = {
        name: statistics.median(vars(one)[name] for one in results)
        for name in ("per_second", "p50", "p99", "longest", "memory_mb")
    }
    return Load(**median, not_ok=sum(one.not_ok for one in results), broken=sum(one.broken for one in results))


def aims(results: Mapping[str, Mapping[str, Load]]) -> list[Aim]:
    """What ours shall reach beside the peers, and what it does. A peer that was not measured raises KeyError."""
    ours = results[OURS]
    over = {peer: ours["saturation"].per_second / results[peer]["saturation"].per_second for peer in TIMES}
    found = [Aim(f"throughput over {peer}", over[peer], least, is_floor=True) for peer, least in TIMES.items()]
    p99 = [Aim(f"p99 ms, {load_}", ours[load_].p99, most, is_floor=False) for load_, most in P99_BELOW.items()]
    return [*found, *p99]


def table(results: Mapping[str, Mapping[str, Load]]) -> Table:
    """Requests a second and latencies of all, and how ours stand to each."""
    ours = results[OURS]["saturation"].per_second
    shown = Table(title="Serving, measured in one run; one worker each")
    for heading in (
        "server",
        "load",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "longest ms",
        "not 200",
        "broken",
        "MB",
        "ours over it",
    ):
        shown.add_column(heading, justify="left" if heading in ("server", "load") else "right")
    for name, by in results.items():
        for load_, one in by.items():
            ratio = f"{ours / one.per_second:.2f}" if load_ == "saturation" else ""
            cells = (f"{one.per_second:,.0f}", f"{one.p50:.2f}", f"{one.p99:.2f}", f"{one.longest:.1f}")
            shown.add_row(name, load_, *cells, str(one.not_ok), str(one.broken), f"{one.memory_mb:,.0f}", ratio)
        shown.add_section()
    return shown


def table_of_aims(found: Sequence[Aim]) -> Table:
    shown = Table(title="Aims of the whole decision")
    for heading in ("aim", "measured", "limit", ""):
        shown.add_column(heading, justify="right" if heading in ("measured", "limit") else "left")
    for one in found:
        sign = "at least" if one.is_floor else "below"
        shown.add_row(one.what, f"{one.measured:.2f}", f"{sign} {one.limit:g}", "met" if one.met else "MISSED")
    return shown


if __name__ == "__main__":
    main()
