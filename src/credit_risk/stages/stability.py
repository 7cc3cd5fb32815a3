"""How much of the verdict is the luck of one split: the same models on at least 20 others (DVC stage `stability`)."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from credit_risk.config import Config
from credit_risk.config.schema import Gate, Kind
from credit_risk.data.files import Files
from credit_risk.data.inputs import Matrix
from credit_risk.data.split import Labels
from credit_risk.data.writing import read_json, write_figures
from credit_risk.measures import bands, recalibration
from credit_risk.measures.figure import Figure, reported
from credit_risk.measures.intervals import bootstrap, paired_difference
from credit_risk.measures.metrics import Economics, Sample, ranking
from credit_risk.measures.verdict import gate
from credit_risk.modelling import evidence, selection, training_record
from credit_risk.modelling.assembly import read_fitted
from credit_risk.modelling.resplits import Resplit, Rows, fitted, folds_of, resplits
from credit_risk.scoring import decision
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

REPLICATES = 200  # of the bootstrap in each split; the pooled figures take as many as the config says
REDONE = ("test.", "bands.", "selection.beyond_materiality")  # what is measured in each split as in the run itself
SHOWN = ("auc", "ks", "brier", "calibration_slope", "calibration_in_the_large")

PDs = Mapping[Kind, Matrix]


@dataclass(frozen=True, eq=False)
class SplitOutcome:
    """One split: which model it would have put forward, its figures by their full names, and whether they pass."""

    resplit: Resplit
    kind: Kind
    measures: Mapping[str, Any]
    blocked_by: Sequence[str]
    pds: PDs


def run(config: Config, files: Files) -> None:
    """Write reports/splits.json and a line for each split in reports/stability/splits.csv."""
    training_record.refuse_other(config, files)
    rows, trees = Rows.read(config, files), int(read_json(files.model / "training.json")["trees"])
    kind: Kind = read_json(files.report("selection"))["kind"]
    gates = [declared for declared in config.own_gates if declared.measure.startswith(REDONE)]
    outcomes = measured(config, rows, gates, trees)
    unknown: dict[str, str] = {}
    pds = out_of_fold(config, rows, outcomes, kind)
    numbers = {
        "kind": kind,
        "trained_on": training_record.of_model(files),
        **summary(outcomes, kind, gates, unknown),
        "pooled": pooled(config, rows, pds, unknown),
        "of_run": beside(read_fitted(config, files, kind), rows, pds),
        "rows": {"all": len(rows.bad), "bads": int(rows.bad.sum())},
    }
    write_figures(files.reports / "stability" / "splits.csv", pd.DataFrame(map(line, outcomes)))
    evidence.write(files, "splits", {**numbers, "unknown": unknown})
    log.info("%s of %s splits pass", sum(not each.blocked_by for each in outcomes), len(outcomes))


def measured(config: Config, rows: Rows, gates: Sequence[Gate], trees: int) -> list[SplitOutcome]:
    """The outcome of every split, one after the other: LightGBM is not made to fit on several threads of Python."""
    every, outcomes = list(resplits(config, rows)), []
    # The last bits of a sum depend on how many BLAS threads share it; no figure may depend on a machine's cores.
    with threadpool_limits(limits=1, user_api="blas"):
        for number, resplit in enumerate(every, start=1):
            outcomes.append(each := outcome(config, rows, resplit, gates, trees))
            verdict = f"blocked by {', '.join(each.blocked_by)}" if each.blocked_by else "passes"
            log.info("split %s of %s: AUC %.4f, %s", number, len(every), each.measures["test"]["auc"], verdict)
    return outcomes


def outcome(config: Config, rows: Rows, resplit: Resplit, gates: Sequence[Gate], trees: int) -> SplitOutcome:
    """Fit on the split's training rows, choose on its selection rows and judge on its test rows, as the run does."""
    models = fitted(config, rows.take(resplit.train), trees)

    def pds(part: Labels) -> PDs:
        return {
            kind: its.calibration.pd(its.model.margin(rows.matrix[part])).round(decision.PD_DECIMALS)
            for kind, its in models.items()
        }

    draw = {**config.evaluation.model_dump(include={"seed", "confidence"}), "replicates": REPLICATES}
    of_selection, of_test = pds(resplit.selection), pds(resplit.test)
    compared = (sample(config, rows, resplit.selection, of_selection[kind]) for kind in ("lightgbm", "scorecard"))
    difference = paired_difference(*compared, **draw, figures=ranking)["auc"]
    kind = selection.choose(config.model, difference).kind
    unknown: dict[str, str] = {}
    test = sample(config, rows, resplit.test, of_test[kind])
    measures = {
        "test": reported("test", bootstrap(test, **draw), unknown),
        "bands": reported("bands", {"largest_gap": band_gap(config, rows, resplit.test, of_test[kind])}, unknown),
        "selection": reported("selection", {"beyond_materiality": selection.beyond(config.model, difference)}, unknown),
    }
    applicable, _ = gate.applicable(gates, kind)
    blocked = [check.gate.name for check in gate.decide(applicable, measures, unknown) if check.verdict != "PASS"]
    return SplitOutcome(resplit, kind, measures, blocked, of_test)


def sample(config: Config, rows: Rows, part: Labels, pds: Matrix) -> Sample:
    weight = rows.weights.population[part]
    return Sample.of(rows.bad[part], pds, rows.group[part], Economics.of(config.policy), weight)


def band_gap(config: Config, rows: Rows, part: Labels, pds: Matrix) -> Figure:
    """The band that is furthest off (see measures.bands)."""
    by_name = bands.measure(
        decision.bands(decision.scores(pds, config.policy.scale), config.policy),
        [band.name for band in config.policy.bands],
        rows.bad[part],
        pds,
        pd.factorize(rows.group[part])[0],
        confidence=config.evaluation.confidence,
        weight=rows.weights.population[part] / rows.weights.population[part].mean(),
    )
    return bands.largest(by_name)[1]


def summary(
    outcomes: Sequence[SplitOutcome], kind: Kind, gates: Sequence[Gate], unknown: dict[str, str]
) -> dict[str, Any]:
    """How often the gates on test and selection rows pass, what blocks, and how far the AUC spreads."""
    if not gates:
        unknown["passing_share"] = "no gate of the config reads a figure that is taken on other splits too"
    area = np.array([each.measures["test"]["auc"] for each in outcomes])
    passing = sum(not each.blocked_by for each in outcomes)
    return {
        "splits": len(outcomes),
        "gates": [declared.name for declared in gates],
        "passing_share": passing / len(outcomes) if gates else None,
        "passing": passing,
        "same_kind": sum(each.kind == kind for each in outcomes) / len(outcomes),
        "blocked_by": dict(Counter(name for each in outcomes for name in each.blocked_by)),
        "auc": {
            "mean": float(area.mean()),
            "spread": float(area.std(ddof=1)),
            "least": float(area.min()),
            "most": float(area.max()),
        },
    }


def out_of_fold(config: Config, rows: Rows, outcomes: Sequence[SplitOutcome], kind: Kind) -> Matrix:
    """A PD for every row, by a model and a calibration that had not seen it: those of the first repetition."""
    pds = np.empty(len(rows.bad))
    for each in outcomes[: folds_of(config)]:
        pds[each.resplit.test] = each.pds[kind]
    return pds


def pooled(config: Config, rows: Rows, pds: Matrix, unknown: dict[str, str]) -> dict[str, float]:
    """The figures of all rows at once, out of fold: they judge how models are made here, with more rows than a test."""
    every = np.arange(len(pds))
    draw = config.evaluation.model_dump(include={"replicates", "seed", "confidence"})
    figures = bootstrap(sample(config, rows, every, pds), **draw)
    return reported("pooled", {**figures, "largest_gap": band_gap(config, rows, every, pds)}, unknown)


def beside(run: Scorer, rows: Rows, pds: Matrix) -> dict[str, float]:
    """How far the run's own model is from those that the pooled figures judge, on the test rows (see recalibration).

    Near 0 and 1, what holds of models like this one holds of this one.
    """
    return recalibration.beside(run.calibration.pd(run.model.margin(rows.matrix[rows.is_test])), pds[rows.is_test])


def line(outcome: SplitOutcome) -> dict[str, Any]:
    """A split as a line of the table."""
    test = outcome.measures["test"]
    ends = {f"{name}{end}": test[f"{name}{end}"] for name in SHOWN for end in ("", "_low", "_high")}
    counts = {part: len(getattr(outcome.resplit, part)) for part in ("train", "selection", "test")}
    return {
        "repetition": outcome.resplit.repetition + 1,
        "kind": outcome.kind,
        **counts,
        **ends,
        "largest_gap": outcome.measures["bands"]["largest_gap"],
        "beyond_materiality": outcome.measures["selection"]["beyond_materiality"],
        "blocked_by": ", ".join(outcome.blocked_by),
    }
