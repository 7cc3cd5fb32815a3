"""All tables, measured on the candidate's own rows: reports/validator.html, its tables, and what gates may read."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.inputs import Matrix
from credit_risk.data.writing import read_json, read_parquet, write_figures, write_text
from credit_risk.measures.figure import flat
from credit_risk.modelling import champion, evidence, training_record
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.modelling.assembly import load_scorers
from credit_risk.modelling.fitting import columns_read, plain_categories
from credit_risk.modelling.scored_split import ScoredSplit, read_scored
from credit_risk.scoring import decision
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Scorecard
from credit_risk.scoring.scorer import Scorer
from credit_risk.validator import (
    book,
    champion_groups,
    characteristics,
    grades,
    macro,
    page,
    periods,
    segments,
    settings,
    twins,
)
from credit_risk.validator.points import Points, cost_of_whole_points
from credit_risk.validator.points import characteristics as characteristics_of_points

Tables = dict[str, pd.DataFrame]

NO_SEGMENTS = "evaluation.segments names no column"
NO_PATHS = f"{settings.FILE} declares no path of the economy"
NO_GROUPS = "reports/fairness.json holds no group, or is of another scorer: run `dvc repro fairness`"


def run(config: Config, files: Files) -> None:
    """Write reports/parts/validator.json, which gates read, reports/validator/*.csv and reports/validator.html.

    Weighed rows are looked at as a sample of the population. Raises DataError where `evaluate` could not measure
    either.
    """
    training_record.refuse_other(config, files)
    scorers = load_scorers(config, files)
    test = read_scored(config, files, scorers, "test", representative=True)
    unknown: dict[str, str] = {}
    numbers, tables = of_test(config, test, unknown)
    numbers["scorer"] = scorers[test.model].digest
    numbers["macro"], tables["macro"] = of_paths(settings.load(files.root), test, unknown)
    by_groups, tables["groups"] = of_groups(config, files, numbers["scorer"], unknown)
    numbers |= by_groups
    outcomes = read_parquet(files.outcomes("train"))
    matrix = Features.of(config).of_inputs(read_inputs(config, files, "train"))
    tables |= of_training(config, matrix, outcomes, scorers, test)
    draw = config.evaluation
    numbers["twins"] = twins.twins(
        matrix, test.matrix, seed=draw.seed, confidence=draw.confidence, unordered=plain_categories(config)
    )
    if "why" in numbers["twins"]:
        unknown["twins.excess"] = numbers["twins"]["why"]
    numbers["points"], card = of_points(config, scorers, test, matrix, Weights.of(outcomes).drawn)
    tables |= card
    for name, table in tables.items():
        write_figures(files.reports / "validator" / f"{name}.csv", table)
    evidence.write(files, "validator", {**numbers, "unknown": unknown}, part=config)
    write_text(files.reports / "validator.html", page.page(config, numbers, tables))


def of_test(config: Config, test: ScoredSplit, unknown: dict[str, str]) -> tuple[dict[str, Any], Tables]:
    """Grades, book, segments and periods of the test rows that could be scored."""
    confidence, pd_, rows = config.evaluation.confidence, test.pd(test.model), test.scored
    decisions = test.decisions[test.model]
    approved = decisions.approved[rows]
    names = [band.name for band in config.policy.bands]
    graded = grades.grades(decisions.band[rows], names, test.bad, pd_, confidence=confidence)
    period, what = periods.periods(test.outcomes)
    money, applicant = test.economics, pd.factorize(test.group)[0]
    by_segment = segments.by_segment(config, test.columns, test.bad, pd_, applicant)
    backtested = book.backtest(approved, test.bad, pd_, test.group, money, confidence=confidence)
    if not backtested["approved"]:
        unknown["book.bads_ratio"] = str(backtested["why"])
    numbers = {
        "kind": test.model,
        "confidence": confidence,
        "rows": int(rows.sum()),
        "hosmer_lemeshow_p": grades.hosmer_lemeshow(test.bad, pd_),
        "grades": grades.least_p(graded),
        "segments": segments.summary(by_segment, NO_SEGMENTS, unknown, "segments"),
        "book": backtested,
        "approvals": book.by_pd_and_by_policy(approved, pd_, money),
        "periods": what,
        "grades_that_do_not_hold": [grade.name for grade in graded if grade.verdict.startswith("PD TOO")],
    }
    tables = {
        "grades": _grades(graded),
        "periods": periods.table(period[rows], test.bad, pd_, confidence=confidence),
        "stress": book.stressed(approved, pd_, money),
        "segments": segments.table(by_segment),
    }
    return numbers, tables


def of_paths(
    declared: settings.Macro | None, test: ScoredSplit, unknown: dict[str, str]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The approved book along the lender's paths of the economy."""
    if declared is None:
        figures: dict[str, Any] = {"why": NO_PATHS}
        table = pd.DataFrame(columns=[*macro.COLUMNS])
    else:
        approved = test.decisions[test.model].approved[test.scored]
        table, figures = macro.paths(declared, approved, test.bad, test.pd(test.model), test.economics)
        figures |= {"driver": declared.driver, "assumption": declared.assumption}
    if "why" in figures:
        unknown["macro.least_profit"] = figures["why"]
    return figures, table


def of_groups(
    config: Config, files: Files, scorer: str, unknown: dict[str, str]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Calibration by protected group, from the report of the stage that may read them, and since the champion."""
    path = files.report("fairness")
    report = read_json(path) if path.is_file() else {}
    of_this = report if report.get("scorer") == scorer else {}
    by_group = segments.by_group(of_this, confidence=config.evaluation.confidence)
    before, now = champion_groups.facts_before(files), champion.facts(files, {}, of_this)
    moved = champion_groups.moved(before, now) if of_this and champion_groups.known(before) else None
    if moved is None:
        unknown["champion.groups_moved"] = champion_groups.NO_CHAMPION
    numbers = {
        "groups": segments.summary(by_group, NO_GROUPS, unknown, "groups"),
        "champion": {"groups_moved": None if moved is None else len(moved), "moved": ", ".join(moved or [])},
    }
    return numbers, segments.table(by_group)


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


def of_points(
    config: Config, scorers: Mapping[str, Scorer], test: ScoredSplit, train: Matrix, weight: Matrix
) -> tuple[dict[str, Any], Tables]:
    """The scorecard's points, whether it is the candidate or its challenger, and what whole points would cost.

    train: (rows, features) of the rows that it was fitted to, and their weight.
    """
    scorer = scorers["scorecard"]
    points, card = Points.of(config, scorer), cast(Scorecard, scorer.model)
    read = characteristics_of_points(points, card, train, weight)
    score = test.decisions["scorecard"].score[test.scored]
    limit = decision.points(decision.cut_off(config.policy), *decision.score_terms(config.policy.scale))
    numbers = {
        "largest_difference_from_the_score": float(np.abs(points.score(test.matrix) - score).max()),
        "whole": cost_of_whole_points(points, test.matrix, test.bad, float(limit)),
        "doubtful": [f"{its['feature']} ({its['doubt']})" for its in read.to_dict("records") if its["doubt"]],
    }
    return numbers, {"points": points.table(config), "points_by_characteristic": read}


def _grades(graded: tuple[grades.Grade, ...]) -> pd.DataFrame:
    lines = [asdict(grade) | flat({"bad_rate": grade.bad_rate}) for grade in graded]
    return pd.DataFrame(lines)
