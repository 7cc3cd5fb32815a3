"""What one decision costs in this process, in bare LightGBM predictions (DVC stage `latency`).

A ratio of two times that were taken in turns within one run says the same on a slow machine and on a busy one;
microseconds do not, and stand beside it for information. The figures are measured, so another run gives others: DVC
keeps those of the scorer they were taken of, and measures again when the scorer, the data or the code change.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np

from credit_risk.config import Config
from credit_risk.config.schema import Evaluation
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs, Matrix
from credit_risk.data.writing import read_parquet
from credit_risk.measures.figure import flat, flat_names
from credit_risk.measures.intervals import median
from credit_risk.modelling import evidence
from credit_risk.modelling.assembly import load_current
from credit_risk.scoring.decision import APPROVE, DECLINE, NO_RULE, OUTCOMES, REFER
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Boosted, with_levels

log = logging.getLogger(__name__)

APPLICATIONS = 40  # of each outcome; each is decided once a round
ROUNDS = 31
DRAWS = 1_000  # behind the interval of a median
WARM = 2  # rounds that are not counted: caches fill, and the processor comes up to speed

Numbers = dict[str, Any]
Applications = Sequence[dict[str, Any]]


def run(config: Config, files: Files) -> None:
    """Write reports/latency.json: for approvals, referrals and declines, the cost of one decision."""
    scorer = load_current(config, files.scorer)
    predict = partial(lgb.Booster(model_file=files.model / Boosted.file_name).predict, num_threads=1)
    table = read_parquet(files.inputs("test"))
    inputs = Inputs.of(config).table(table)
    decisions = scorer.decide_inputs(inputs)
    features = Features.of(config)
    report: Numbers = {"scorer": scorer.digest, "rounds": ROUNDS}
    unknown: dict[str, str] = {}
    for outcome in (APPROVE, REFER, DECLINE):
        name = OUTCOMES[outcome]
        by_model = (decisions.outcome == outcome) & (decisions.rule == NO_RULE) & ~np.isnan(decisions.pd)
        rows = np.flatnonzero(by_model)[:APPLICATIONS]
        if not len(rows):
            unknown |= dict.fromkeys(flat_names([f"{name}.ratio"]), f"no test application ends in {name}")
            continue
        matrix = with_levels(features.matrix(features.columns(inputs[rows])), config.levels)
        applications = json.loads(table.iloc[rows].to_json(orient="records"))
        report[name] = compared(scorer.decide, applications, predict, matrix, settings=config.evaluation)
        log.info("%s: %.1f bare predictions", name, report[name]["ratio"])
    evidence.write(files, "latency", {**report, "unknown": unknown})


def compared(
    decide: Callable[[dict[str, Any]], object],
    applications: Applications,
    predict: Callable[[Matrix], object],
    matrix: Matrix,
    *,
    settings: Evaluation,
) -> Numbers:
    """The median over applications of decide's time over that of a bare prediction of the same row, with its interval.

    Each application is decided and predicted in turns, once a round, and the shortest time of each counts: what else
    the machine did meanwhile only adds to a time, so the shortest is what the work itself takes.
    """
    rows = [matrix[row : row + 1] for row in range(len(matrix))]
    rounds = [
        [(timed(decide, application), timed(predict, row)) for application, row in zip(applications, rows, strict=True)]
        for _ in range(WARM + ROUNDS)
    ]
    ours, theirs = np.array(rounds[WARM:]).min(axis=0).T
    ratio = median(ours / theirs, replicates=DRAWS, seed=settings.seed, confidence=settings.confidence)
    return {
        **flat({"ratio": ratio}),
        "microseconds": float(np.median(ours)) * 1e6,
        "bare_microseconds": float(np.median(theirs)) * 1e6,
        "applications": len(rows),
    }


def timed(work: Callable[[Any], object], application: Any) -> float:
    """Seconds that some work takes."""
    start = time.perf_counter()
    work(application)
    return time.perf_counter() - start
