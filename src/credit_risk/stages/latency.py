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
from credit_risk.data.writing import read_parquet, write_json
from credit_risk.scoring.decision import APPROVE, DECLINE, NO_RULE, OUTCOMES, REFER
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Boosted
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

APPLICATIONS = 40  # of each outcome; each is decided once a round
ROUNDS = 31
WARM = 2  # rounds that are not counted: caches fill, and the processor comes up to speed

Numbers = dict[str, Any]
Applications = Sequence[dict[str, Any]]


def run(config: Config, files: Files) -> None:
    """Write reports/latency.json: for approvals, referrals and declines, the cost of one decision."""
    scorer = Scorer.load(files.scorer)
    scorer.refuse_other(config, files.scorer)
    predict = partial(lgb.Booster(model_file=files.model / Boosted.file_name).predict, num_threads=1)
    table = read_parquet(files.inputs("test"))
    inputs = Inputs.of(config).table(table)
    found = scorer.decide_inputs(inputs)
    features = Features.of(config)
    report: Numbers = {"scorer": scorer.digest, "rounds": ROUNDS}
    unknown: dict[str, str] = {}
    for outcome in (APPROVE, REFER, DECLINE):
        name = OUTCOMES[outcome]
        by_model = (found.outcome == outcome) & (found.rule == NO_RULE) & ~np.isnan(found.pd)
        rows = np.flatnonzero(by_model)[:APPLICATIONS]
        if not len(rows):
            unknown |= {f"{name}.ratio{end}": f"no test application ends in {name}" for end in ("", "_low", "_high")}
            continue
        matrix = features.matrix(features.columns(inputs[rows]))
        applications = json.loads(table.iloc[rows].to_json(orient="records"))
        report[name] = compared(scorer.decide, applications, predict, matrix, settings=config.evaluation)
        log.info("%s: %.1f bare predictions", name, report[name]["ratio"])
    write_json(files.report("latency"), {**report, "unknown": unknown})


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
    rows = [matrix[place : place + 1] for place in range(len(matrix))]
    rounds = [
        [(timed(decide, application), timed(predict, row)) for application, row in zip(applications, rows, strict=True)]
        for _ in range(WARM + ROUNDS)
    ]
    ours, theirs = np.array(rounds[WARM:]).min(axis=0).T
    low, high = median_interval(ours / theirs, confidence=settings.confidence, seed=settings.seed)
    return {
        "ratio": float(np.median(ours / theirs)),
        "ratio_low": low,
        "ratio_high": high,
        "microseconds": float(np.median(ours)) * 1e6,
        "bare_microseconds": float(np.median(theirs)) * 1e6,
        "applications": len(rows),
    }


def timed(work: Callable[[Any], object], one: Any) -> float:
    """Seconds that some work takes."""
    start = time.perf_counter()
    work(one)
    return time.perf_counter() - start


def median_interval(ratios: Matrix, *, confidence: float, seed: int, draws: int = 1_000) -> tuple[float, float]:
    """How far as many other applications could move the median (percentile bootstrap)."""
    drawn = np.random.default_rng(seed).choice(ratios, (draws, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
