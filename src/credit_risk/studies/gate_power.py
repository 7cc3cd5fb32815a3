"""How often each statistical gate is wrong, and how often intervals hold the truth (`credit-risk gate-power`).

Each cell (a gate, a dose and a size; or some seeds of the coverage) is kept as soon as it is counted, so that a run
that was stopped goes on where it was. A cell depends on its seeds alone: the processes and their order change nothing.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json, write_text
from credit_risk.measures.verdict import gate
from credit_risk.studies import coverage, gate_errors, gate_power_page, gate_power_plots
from credit_risk.studies.trials import Trial, trials

log = logging.getLogger(__name__)

TRUTH_SEED = 1_000_000  # of the large draws: no cell has this seed
CHUNK = 25
PACKAGE = Path(__file__).parents[1]
FIGURES, PAGE, PICTURES = Path("build/gate-power.json"), Path("docs/gate-power.md"), Path("docs/pictures")
# Draws by test rows: for gates whose interval is closed, and for those that are bootstrapped, which cost more.
DRAWS = {500: (400, 150), 1_500: (400, 100), 5_000: (200, 40), 15_000: (100, 16)}


@dataclass(frozen=True)
class StudyPlan:
    """How much is simulated. seeds: draws of the coverage; truth_rows: of the draws that the truth is taken from."""

    draws: Mapping[int, tuple[int, int]] = field(default_factory=lambda: DRAWS)
    seeds: int = 500
    replicates: int = 200
    coverage_replicates: int = 400
    coverage_size: int = 1_500
    truth_rows: int = 200_000

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "sizes": list(self.draws)}


QUICK = StudyPlan(
    draws={500: (40, 15), 1_500: (40, 10)}, seeds=50, replicates=100, coverage_replicates=100, truth_rows=20_000
)


@dataclass(frozen=True)
class Cell:
    """One piece of work. kind: truth, verdicts or coverage; gate: the gate's name, none for the coverage."""

    kind: str
    gate: str = ""
    dose: float = 0.0
    rows: int = 0
    first: int = 0
    seeds: int = 1

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.gate or 'all'}-{self.dose:g}-{self.rows}-{self.first}-{self.seeds}.json"


def run(config: Config, files: Files, plan: StudyPlan, *, workers: int) -> dict[str, Any]:
    """Count every cell that is not kept yet; the record of all of them."""
    kept = files.root / "build" / "gate-power" / fingerprint(config, plan)
    first, later = cells(config, plan)
    _count(config, plan, first, kept, workers)  # the coverage needs its truth before it can be judged
    _count(config, plan, later, kept, workers)
    return gathered(config, plan, kept)


def write_documents(root: Path) -> Path:
    """Write docs/gate-power.md and its pictures from build/gate-power.json alone."""
    result = read_json(root / FIGURES)
    for name, svg in gate_power_plots.pictures(result).items():
        write_text(root / PICTURES / name, svg)
    write_text(root / PAGE, gate_power_page.render(result))
    return root / PAGE


def fingerprint(config: Config, plan: StudyPlan) -> str:
    """Changes with everything that a kept cell depends on: config, plan and the code that counts."""
    folders = ("config", "data", "scoring", "measures", "studies")
    sources = [path for folder in folders for path in (PACKAGE / folder).glob("*.py")]
    digest = hashlib.sha256(repr((config, plan)).encode())
    for path in sorted(sources):
        if path.name != "gate_power_page.py":
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cells(config: Config, plan: StudyPlan) -> tuple[list[Cell], list[Cell]]:
    """The truths, and all that is judged against them, the longest first so that no process waits at the end."""
    tried = trials(config, plan.replicates)
    true = [Cell("truth", trial.gate.name, dose, plan.truth_rows) for trial in tried for dose in trial.doses]
    verdicts = [
        Cell("verdicts", trial.gate.name, dose, rows, 0, plan.draws[rows][trial.resamples])
        for rows in sorted(plan.draws, reverse=True)
        for trial in tried
        for dose in trial.doses
    ]
    covered = [
        Cell("coverage", rows=plan.coverage_size, first=first, seeds=min(CHUNK, plan.seeds - first))
        for first in range(0, plan.seeds, CHUNK)
    ]
    return [Cell("truth", rows=plan.truth_rows), *true], [*verdicts, *covered]


def _count(config: Config, plan: StudyPlan, cells_needed: Sequence[Cell], kept: Path, workers: int) -> None:
    missing = [cell for cell in cells_needed if not (kept / cell.name).is_file()]
    log.info("%s cells, %s of them kept from an earlier run", len(cells_needed), len(cells_needed) - len(missing))
    if workers == 1:
        for cell in missing:
            counted(config, plan, cell, kept)
        return
    # A process works on one core: threads of several would only take turns.
    alone = partial(threadpool_limits, 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=alone) as pool:
        running = {pool.submit(counted, config, plan, cell, kept): cell for cell in missing}
        for count, done in enumerate(as_completed(running), 1):
            done.result()
            if count % 10 == 0 or count == len(missing):
                log.info("%s of %s cells", count, len(missing))


def counted(config: Config, plan: StudyPlan, cell: Cell, kept: Path) -> None:
    """Count candidate cell and keep it."""
    if cell.kind == "coverage":
        answer = _coverage(config, plan, cell, read_json(kept / Cell("truth", rows=plan.truth_rows).name))
    elif not cell.gate:
        answer = coverage.truths(config, coverage.population(cell.rows, TRUTH_SEED))
    else:
        (trial,) = (candidate for candidate in trials(config, plan.replicates) if candidate.gate.name == cell.gate)
        answer = _truth(config, trial, cell) if cell.kind == "truth" else _verdicts(config, trial, cell)
    write_json(kept / cell.name, answer)


def _truth(config: Config, trial: Trial, cell: Cell) -> dict[str, Any]:
    return {"truth": trial.truth(config, trial.world(cell.rows, TRUTH_SEED, cell.dose), cell.dose)}


def _verdicts(config: Config, trial: Trial, cell: Cell) -> dict[str, Any]:
    seeds = range(cell.first, cell.first + cell.seeds)
    return {"verdicts": Counter(verdict(config, trial, cell.rows, seed, cell.dose) for seed in seeds)}


def verdict(config: Config, trial: Trial, rows: int, seed: int, dose: float) -> gate.Verdict:
    """What the gate says of one draw; a figure that is not known has its reason, as in the stages' reports."""
    ends = trial.figure(config, trial.world(rows, seed, dose), dose)
    unknown = {trial.gate.measure: "these rows cannot carry it"} if np.isnan(ends[0]) else {}
    return gate.decide([trial.gate], trial.measures(ends), unknown)[0].verdict


def _coverage(config: Config, plan: StudyPlan, cell: Cell, true: Mapping[str, Any]) -> dict[str, Any]:
    holding: Counter[str] = Counter()
    known: Counter[str] = Counter()
    everybody = coverage.population(plan.truth_rows, TRUTH_SEED)
    for seed in range(cell.first, cell.first + cell.seeds):
        world = coverage.lender(cell.rows, seed)
        answers = coverage.intervals_that_hold(config, world, everybody, true, plan.coverage_replicates)
        known.update(name for name, answer in answers.items() if answer is not None)
        holding.update(name for name, answer in answers.items() if answer)
    return {"held": holding, "known": known}


def gathered(config: Config, plan: StudyPlan, kept: Path) -> dict[str, Any]:
    """All cells as the declared record that page and pictures are made from."""
    first, later = cells(config, plan)
    return {
        "plan": plan.as_dict(),
        "gates": [_of_gate(trial, later, plan, kept) for trial in trials(config, plan.replicates)],
        "exact": sorted(declared.name for declared in config.gates if declared.exact),
        "not_tried": _not_tried(config, plan),
        "coverage": _covered([cell for cell in later if cell.kind == "coverage"], first[0], kept),
    }


def _of_gate(trial: Trial, later: Iterable[Cell], plan: StudyPlan, kept: Path) -> dict[str, Any]:
    name, cells_of_gate = trial.gate.name, []
    for cell in (cell for cell in later if cell.kind == "verdicts" and cell.gate == name):
        truth = read_json(kept / Cell("truth", name, cell.dose, plan.truth_rows).name)["truth"]
        counts = read_json(kept / cell.name)["verdicts"]
        tally = gate_errors.tally(trial.gate, truth, Counter(counts).elements())
        cells_of_gate.append({"dose": cell.dose, "rows": cell.rows, "truth": truth, **asdict(tally),
                      "miss": tally.miss, "false_fail": tally.false_fail})  # fmt: skip
    limits = {"at_least": trial.gate.at_least, "at_most": trial.gate.at_most}
    return {"name": name, "measure": trial.gate.measure, **limits, "fault": trial.fault, "declared": trial.declared,
            "doses": trial.doses, "cells": sorted(cells_of_gate, key=lambda cell: cell["rows"])}  # fmt: skip


def _not_tried(config: Config, plan: StudyPlan) -> list[str]:
    tried = {trial.gate.name for trial in trials(config, plan.replicates)}
    return sorted(declared.name for declared in config.gates if not declared.exact and declared.name not in tried)


def _covered(chunks: Iterable[Cell], truth: Cell, kept: Path) -> list[dict[str, Any]]:
    holding: Counter[str] = Counter()
    known: Counter[str] = Counter()
    for chunk in chunks:
        answer = read_json(kept / chunk.name)
        holding.update(answer["held"])
        known.update(answer["known"])
    true = read_json(kept / truth.name)
    lines = []
    for name in known:
        share, word = gate_errors.coverage(holding[name], known[name])
        lines.append({"interval": name, "truth": true[name] if isinstance(true.get(name), float) else None,
                      "held": holding[name], "known": known[name], "share": share.value, "low": share.low,
                      "high": share.high, "verdict": word})  # fmt: skip
    return lines
