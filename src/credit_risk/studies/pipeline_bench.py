"""Measure the pipeline in one run: its cost over bare LightGBM, its growth with the rows, its speed in batch.

The rows of 300 k or 3 M are grown from the config's own data: rows drawn again, each number column moved by up to
2 % (a whole number that is more than a code stays whole), so that hardly a row repeats another while ranges,
gaps, categories and what drives the outcome stay. Ids are counted anew; outcome and date go with the drawn row.
All sizes fit as many trees as the pipeline took on the data as it is: otherwise more rows, and rows so alike, would
take more trees too, and the growth of both would be mixed.
Every measurement is a process of its own, so that its wall time and its peak memory are its own.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from credit_risk.batch import score
from credit_risk.config import Config, load
from credit_risk.config.columns import CATEGORY_TYPES, Column, Source
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs, Matrix
from credit_risk.data.reading import raw, tables
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import CreditRiskError
from credit_risk.modelling.accounts import outcome_of
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import assemble, prepare, train

log = logging.getLogger(__name__)

JITTER = 0.02
CODES = 50  # a whole-number column with a shorter range than this holds codes or counts, and is not moved
SEED = 42
STEPS = ("prepare", "train", "score")
GROWN = Path("grown.csv")
RAW_ROWS = 100_000  # that the raw model is fitted on; how fast it predicts does not depend on them
REPEATS = 3  # of the batch comparison, interleaved; their median is reported
GROWTH_AIM = 1.05
BATCH_AIM = 0.8


class BenchFailed(CreditRiskError, RuntimeError):
    """A process that was to be measured failed."""


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds on the clock, seconds of processor, and the most memory it held."""

    seconds: float
    processor: float
    peak_mib: float


def run(config: Config, files: Files, *, rows: Sequence[int]) -> dict[str, Any]:
    """Measure everything, print it as one table and write reports/bench-pipeline.json."""
    with tempfile.TemporaryDirectory(prefix="credit-risk-bench-") as name:
        folder = Path(name)
        made = pipeline(files, folder)
        trees = made["trees"]
        sizes = {count: size(config, files, folder, count, trees) for count in sorted(rows)}
        results = {
            "processors": os.cpu_count(),
            "pipeline": made,
            "sizes": {str(count): each for count, each in sizes.items()},
            "growth": growth(sizes),
            "batch": batch(folder / str(max(rows)), trees),
        }
    write_json(files.report("bench-pipeline"), results)
    Console(width=110, highlight=False).print(table(results))
    return results


def pipeline(files: Files, folder: Path) -> dict[str, Any]:
    """`dvc repro` in a fresh clone without a cache, again with nothing to do, and bare LightGBM on the same file."""
    clone = folder / "clone"
    _clone(files.root, clone)
    log.info("cold dvc repro")
    dvc = [sys.executable, "-m", "dvc", "repro", "--quiet"]
    cold = _measured(dvc, clone)
    log.info("dvc repro with nothing to do")
    idle = _measured(dvc, clone)
    trees = read_json(Files(clone).model / "training.json")["trees"]
    log.info("bare LightGBM, %s trees", trees)
    bare = _measured(_task("bare", clone, {"trees": trees}), clone)
    return {
        "cold": vars(cold),
        "idle": vars(idle),
        "bare": vars(bare),
        "trees": trees,
        "ratio": cold.seconds / bare.seconds,
        "rows": read_json(Files(clone).report("preparation"))["rows_read"],
    }


def size(config: Config, files: Files, folder: Path, count: int, trees: int) -> dict[str, Any]:
    """prepare, train (with assemble) and score on `count` grown rows, each in a process of its own."""
    root = folder / str(count)
    log.info("growing %s rows", f"{count:,}")
    grow(config, files, root, count)
    steps = {}
    for step in STEPS:
        log.info("%s: %s rows", step, f"{count:,}")
        steps[step] = _measured(_task(step, root, {"trees": trees, "grown": True}), root)
    return {
        **{step: vars(cost) for step, cost in steps.items()},
        "seconds": sum(cost.seconds for cost in steps.values()),
        "peak_mib": max(cost.peak_mib for cost in steps.values()),
        "trees": read_json(Files(root).model / "training.json")["trees"],
    }


def growth(sizes: dict[int, dict[str, Any]]) -> dict[str, float | None]:
    """Slope of ln(seconds) over ln(rows): 1 means that twice the rows take twice the time.

    Start-up, the same for all sizes, flattens it; `largest two` is where it weighs least.
    """
    if len(sizes) < 2:
        return dict.fromkeys(("all", "largest two", *STEPS))

    def slope(seconds: Sequence[float], last: int = 0) -> float:
        return float(np.polyfit(np.log(list(sizes))[-last:], np.log(seconds)[-last:], 1)[0])

    whole = [each["seconds"] for each in sizes.values()]
    steps = {step: slope([each[step]["seconds"] for each in sizes.values()]) for step in STEPS}
    return {"all": slope(whole), "largest two": slope(whole, 2), **steps}


def batch(root: Path, trees: int) -> dict[str, Any]:
    """Rows a second of `credit-risk score` against: read the same Parquet file, raw LightGBM predict, write.

    The raw model has the same parameters and number of trees and reads the file's columns as they are. Both run in
    turn in one process that is warm, so neither counts imports or loading.
    """
    log.info("batch scoring against raw LightGBM predict")
    answer = _artifact(root, "batch.json")
    _measured(_task("batch", root, {"trees": trees, "grown": True, "answer": str(answer)}), root)
    result: dict[str, Any] = read_json(answer)
    return result


def _artifact(root: Path, name: str) -> Path:
    return root / "artifacts" / name


def grow(config: Config, files: Files, root: Path, count: int) -> None:
    """A root with the config, and `count` rows as one CSV and, for scoring, one Parquet file of the inputs."""
    shutil.copytree(files.config.parent, root / "configs")
    grown = resampled(config, tables.read_sources(config, files.root), count)
    path = root / GROWN
    grown.to_csv(path, index=False, na_rep=config.data.missing[0])
    (root / "artifacts").mkdir()
    grown[list(config.inputs)].to_parquet(_artifact(root, "applications.parquet"), index=False)


def resampled(config: Config, table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Rows drawn again and moved a little (see the module's first lines)."""
    random = np.random.default_rng(SEED)
    grown = table.iloc[random.integers(0, len(table), count)].reset_index(drop=True)
    for name in grown:
        column = config.columns[str(name)]
        if column.role in ("id", "applicant"):
            grown[name] = np.arange(1, count + 1)
        elif column.is_input and _may_be_jittered(column):
            grown[name] = _jittered(grown[name].to_numpy(dtype=np.float64), column, random)
    return grown


def _may_be_jittered(column: Column) -> bool:
    if column.type in CATEGORY_TYPES or column.type == "boolean":
        return False
    return column.type == "number" or column.range is None or column.range[1] - column.range[0] > CODES


def _jittered(values: Matrix, column: Column, random: np.random.Generator) -> Any:
    moved = values * random.uniform(1 - JITTER, 1 + JITTER, len(values))
    whole = bool((np.floor(values[~np.isnan(values)]) == values[~np.isnan(values)]).all())
    moved = np.round(moved) if whole else moved
    moved = np.clip(moved, *column.range) if column.range else moved
    return pd.array(moved).astype("Int64") if column.type == "integer" else moved


def table(results: dict[str, Any]) -> Table:
    """All figures on one screen."""
    lines = Table(title=f"Pipeline, measured in one run on {results['processors']} processors")
    for name in ("what", "rows", "seconds", "peak MiB", "figure", "aim"):
        lines.add_column(name, justify="left" if name == "what" else "right")
    made = results["pipeline"]
    rows = f"{made['rows']:,}"
    lines.add_row("bare LightGBM: read, fit, predict", rows, *_cost(made["bare"]), f"{made['trees']} trees", "")
    lines.add_row("cold dvc repro", rows, *_cost(made["cold"]), f"{made['ratio']:.1f} × bare", "")
    lines.add_row("dvc repro, nothing to do", rows, *_cost(made["idle"]), "", "", end_section=True)
    for count, each in results["sizes"].items():
        for step in STEPS:
            lines.add_row(step, f"{int(count):,}", *_cost(each[step]), "", "")
        figure = f"{each['trees']} trees"
        lines.add_row("all three", f"{int(count):,}", *_cost(each), figure, "", end_section=True)
    for step, slope in results["growth"].items():
        figure = "needs two sizes" if slope is None else f"{slope:.3f}"
        lines.add_row(f"growth exponent, {step}", "", "", "", figure, f"≤ {GROWTH_AIM}" if step == "all" else "")
    lines.add_section()
    raced = results["batch"]
    for name in ("raw", "score", "score_with_reasons"):
        seconds = f"{raced[name]:.1f}"
        lines.add_row(
            f"batch, {name.replace('_', ' ')}",
            f"{raced['rows']:,}",
            seconds,
            "",
            f"{raced['rows'] / raced[name]:,.0f} rows/s",
            "",
        )
    lines.add_row("batch, score over raw", "", "", "", f"{raced['ratio']:.2f}", f"≥ {BATCH_AIM}")
    return lines


def _cost(cost: dict[str, float]) -> tuple[str, str]:
    return f"{cost['seconds']:.1f}", f"{cost['peak_mib']:,.0f}"


def _clone(root: Path, clone: Path) -> None:
    """The repository as its next commit would have it, with its data and nothing that a stage has made."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=root, check=True, capture_output=True, text=True).stdout  # noqa: S603
    for name in sorted(filter(None, names.split("\0"))):
        if (root / name).is_file() and not name.startswith("reports/") and name != "dvc.lock":
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, clone / name)
    shutil.copytree(root / "data", clone / "data", dirs_exist_ok=True)
    for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):
        subprocess.run(command, cwd=clone, check=True)  # noqa: S603


def _task(name: str, root: Path, facts: dict[str, Any]) -> list[str]:
    return [sys.executable, "-m", "credit_risk.studies.pipeline_bench", name, str(root), json.dumps(facts)]


# A process counts the memory of the one it was split from as its own peak, so a small one starts what is measured.
_START = """
import json, os, sys
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
with open(sys.argv[1], "w") as answer:
    json.dump([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss], answer)
"""


def _measured(command: Sequence[str], folder: Path) -> Cost:
    """Run a command and wait for it. The peak is that of its largest process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile("r") as answer:
        starting = [sys.executable, "-I", "-S", "-c", _START, answer.name, *command]
        started = time.perf_counter()
        subprocess.run(starting, cwd=folder, env=environment, stdout=output, stderr=output, check=True)  # noqa: S603
        seconds = time.perf_counter() - started
        code, processor, peak = json.load(answer)
        if code:
            output.seek(0)
            tail = output.read().decode(errors="replace")[-2000:]
            raise BenchFailed(f"{' '.join(command)} ended with {code}:\n{tail}")
    kibibytes = peak / 1024 if sys.platform == "darwin" else peak
    return Cost(seconds, processor, kibibytes / 1024)


def _grown(config: Config, trees: int) -> Config:
    """The config for grown rows: one comma-separated file, and a fixed number of trees."""
    data = config.data.model_copy(
        update={"sources": (Source(path=str(GROWN)),), "delimiter": ",", "encoding": "utf-8", "max_bytes": sys.maxsize}
    )
    model = config.model.model_copy(update={"max_trees": trees})
    return config.model_copy(update={"data": data, "model": model})


def _prepare(config: Config, files: Files, _: dict[str, Any]) -> None:
    tables.write_passed(files.table, tables.inspect_sources(config, files.root))
    prepare.run(config, files)


def _train(config: Config, files: Files, _: dict[str, Any]) -> None:
    train.run(config, files)
    assemble.run(config, files)


def _score(_config: Config, files: Files, _: dict[str, Any]) -> None:
    output = _artifact(files.root, "decisions.parquet")
    score.score(Scorer.load(files.scorer), _artifact(files.root, "applications.parquet"), output)


def _bare(config: Config, files: Files, facts: dict[str, Any]) -> None:
    """What somebody without this repository writes: read the file, fit the same trees to its columns, predict."""
    first, *others = config.data.sources
    table = _read(files.root / first.path, config)
    for source in others:
        table = table.merge(_read(files.root / source.path, config), on=source.join_on)
    inputs, bad = _encoded(config, table)
    _fitted(config, inputs, bad, facts["trees"]).predict(inputs)


def _read(path: Path, config: Config) -> pd.DataFrame:
    if raw.is_parquet(path):
        return pd.read_parquet(path)
    return pd.read_csv(path, sep=config.data.delimiter, encoding=config.data.encoding)


def _encoded(config: Config, table: pd.DataFrame) -> tuple[Matrix, Any]:
    bad = outcome_of(config, table)
    known = ~np.isnan(bad)
    return Inputs.of(config).table(table[known]), bad[known]


def _fitted(config: Config, inputs: Matrix, bad: Any, trees: int) -> lgb.Booster:
    parameters = config.parameters.model_dump()
    parameters |= {"objective": "binary", "subsample_freq": 1, "seed": config.model.seed, "verbosity": -1}
    return lgb.train(parameters, lgb.Dataset(inputs, bad), num_boost_round=trees)


def _batch(config: Config, files: Files, facts: dict[str, Any]) -> None:
    applications = _artifact(files.root, "applications.parquet")
    columns, scorer = list(config.inputs), Scorer.load(files.scorer)
    read = tables.read_sources(config, files.root).iloc[:RAW_ROWS]
    inputs, bad = _encoded(config, read)
    booster = _fitted(config, inputs, bad, facts["trees"])
    rows = pq.ParquetFile(applications).metadata.num_rows

    def bare() -> None:
        frame = pq.read_table(applications, columns=columns).to_pandas()
        frame = frame.apply(lambda column: column.cat.codes if column.dtype == "category" else column)
        pd_of = booster.predict(frame.to_numpy(dtype=np.float64))
        pq.write_table(pa.table({"pd": pd_of}), _artifact(files.root, "raw.parquet"))

    def ours(*, reasons: bool) -> Callable[[], None]:
        output = _artifact(files.root, "decisions.parquet")

        def run() -> None:
            score.score(scorer, applications, output, reasons=reasons)

        return run

    work = {"raw": bare, "score": ours(reasons=False), "score_with_reasons": ours(reasons=True)}
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(REPEATS):
        for name, job in work.items():
            seconds[name].append(_seconds(job))
    medians = {name: float(np.median(times)) for name, times in seconds.items()}
    ratio = float(np.median(np.divide(seconds["raw"], seconds["score"])))
    write_json(Path(facts["answer"]), {**medians, "rows": rows, "ratio": ratio, "repeats": REPEATS})


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


TASKS = {"prepare": _prepare, "train": _train, "score": _score, "bare": _bare, "batch": _batch}


if __name__ == "__main__":
    _, task, where, given = sys.argv
    files, facts = Files(Path(where)), json.loads(given)
    config = load(files.config)
    TASKS[task](_grown(config, facts["trees"]) if facts.get("grown") else config, files, facts)
