"""All tables, measured on the candidate's own rows and written: reports/validator.html and reports/validator/."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.inputs import Matrix
from credit_risk.data.writing import read_parquet, write_figures, write_report, write_text
from credit_risk.measures.figure import flat
from credit_risk.modelling import training_record
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.modelling.assembly import load_scorers
from credit_risk.modelling.fitting import columns_read
from credit_risk.modelling.scored_split import ScoredSplit, read_scored
from credit_risk.scoring import decision
from credit_risk.scoring.features import Features
from credit_risk.scoring.scorer import Scorer
from credit_risk.validator import book, characteristics, grades, page, periods, twins
from credit_risk.validator.points import Points, cost_of_whole_points

Tables = dict[str, pd.DataFrame]


def run(config: Config, files: Files) -> None:
    """Write reports/validator.json, a table each beside it, and reports/validator.html.

    Weighed rows are looked at as a sample of the population. Raises DataError where `evaluate` could not measure
    either.
    """
    training_record.refuse_other(config, files)
    scorers = load_scorers(config, files)
    test = read_scored(config, files, scorers, "test", representative=True)
    numbers, tables = of_test(config, test)
    outcomes = read_parquet(files.outcomes("train"))
    matrix = Features.of(config).of_inputs(read_inputs(config, files, "train"))
    tables |= of_training(config, matrix, outcomes, scorers, test)
    draw = config.evaluation
    numbers["twins"] = twins.twins(matrix, test.matrix, seed=draw.seed, confidence=draw.confidence)
    numbers["points"], card = of_points(config, scorers, test)
    tables |= card
    numbers["scorer"] = scorers[test.model].digest
    for name, table in tables.items():
        write_figures(files.reports / "validator" / f"{name}.csv", table)
    write_report(files.report("validator"), numbers)
    write_text(files.reports / "validator.html", page.page(config, numbers, tables))


def of_test(config: Config, test: ScoredSplit) -> tuple[dict[str, Any], Tables]:
    """Grades, book and periods of the test rows that could be scored."""
    confidence, pd_, rows = config.evaluation.confidence, test.pd(test.model), test.scored
    decisions = test.decisions[test.model]
    approved = decisions.approved[rows]
    names = [band.name for band in config.policy.bands]
    graded = grades.grades(decisions.band[rows], names, test.bad, pd_, confidence=confidence)
    period, what = periods.periods(test.outcomes)
    money = test.economics
    numbers = {
        "kind": test.model,
        "confidence": confidence,
        "rows": int(rows.sum()),
        "book": book.backtest(approved, test.bad, pd_, test.group, money, confidence=confidence),
        "approvals": book.by_pd_and_by_policy(approved, pd_, money),
        "periods": what,
        "grades_that_do_not_hold": [grade.name for grade in graded if grade.verdict.startswith("PD TOO")],
    }
    tables = {
        "grades": _grades(graded),
        "periods": periods.table(period[rows], test.bad, pd_, confidence=confidence),
        "stress": book.stressed(approved, pd_, money),
    }
    return numbers, tables


def of_training(
    config: Config, matrix: Matrix, outcomes: pd.DataFrame, scorers: Mapping[str, Scorer], test: ScoredSplit
) -> Tables:
    """Characteristics, their weights of evidence and their correlations, of the training rows."""
    bad, weight = outcomes["bad"].to_numpy(dtype=bool), Weights.of(outcomes).drawn
    read = {kind: columns_read(scorer.model) for kind, scorer in scorers.items()}
    return {
        "characteristics": characteristics.table(config, matrix, bad, weight, test=test.matrix, read=read),
        "woe": characteristics.weights_of_evidence(config, matrix, bad, weight),
        "correlations": characteristics.correlations(config.features, matrix),
    }


def of_points(config: Config, scorers: Mapping[str, Scorer], test: ScoredSplit) -> tuple[dict[str, Any], Tables]:
    """The scorecard's points, whether it is the candidate or its challenger, and what whole points would cost."""
    scorer = scorers["scorecard"]
    points = Points.of(config, scorer)
    score = test.decisions["scorecard"].score[test.scored]
    limit = decision.points(decision.cut_off(config.policy), *decision.score_terms(config.policy.scale))
    numbers = {
        "largest_difference_from_the_score": float(np.abs(points.score(test.matrix) - score).max()),
        "whole": cost_of_whole_points(points, test.matrix, test.bad, float(limit)),
    }
    return numbers, {"points": points.table(config)}


def _grades(graded: tuple[grades.Grade, ...]) -> pd.DataFrame:
    lines = [asdict(grade) | flat({"bad_rate": grade.bad_rate}) for grade in graded]
    return pd.DataFrame(lines)
