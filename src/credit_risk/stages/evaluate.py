"""How good the candidate is, and its challengers: figures, tables and curves (DVC stage `evaluate`)."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.inputs import Matrix
from credit_risk.data.writing import read_json, read_parquet, write_figures, write_parquet
from credit_risk.measures import bands, drift, leak, monotone, results
from credit_risk.measures.figure import Figures, flat, reported
from credit_risk.measures.intervals import bootstrap, mean, paired_difference
from credit_risk.modelling import evidence, training_record
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.modelling.assembly import load_scorers
from credit_risk.modelling.scored_split import ScoredSplit, read_scored
from credit_risk.scoring import decision
from credit_risk.scoring.features import Features
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

MONOTONE_ROWS = 2_000
EFFECT_ROWS = 2_000
EFFECTS = 9  # features shown beside those with a direction

Numbers = dict[str, Any]


class PreparedRows(NamedTuple):
    """A split as `prepare` wrote it: outcomes a row each, in the order of inputs (rows, inputs)."""

    outcomes: pd.DataFrame
    inputs: Matrix


def run(config: Config, files: Files) -> None:
    """Write reports/metrics.json, the tables behind its pictures, and every PD that they were computed from."""
    train = PreparedRows(read_parquet(files.outcomes("train")), read_inputs(config, files, "train"))
    training_record.refuse_other(config, files, train.inputs)
    scorers = load_scorers(config, files)
    folders = dict(zip((files.scorer, files.challenger), scorers.values(), strict=False))
    training_record.refuse_other_models(files, {path: its.model.file_name for path, its in folders.items()})
    selection, test = read_scored(config, files, scorers, "selection"), read_scored(config, files, scorers, "test")
    for name, part in (("selection", selection), ("test", test)):
        write_parquet(files.predictions / f"{name}.parquet", predictions(part))
    # What counts rows and knows no weights looks at a sample of the population.
    shown = read_scored(config, files, scorers, "test", representative=True) if test.is_weighed else test
    for name, table in curves(config, shown):
        write_figures(files.plots / f"{name}.csv", table)
    log.info("effects of features, and steps against the claimed directions")
    candidate, challenger, _ = scorers.values()
    write_figures(files.plots / "effects.csv", effects(config, candidate, shown))
    tests = [steps_against(config, scorer, test) for scorer in (candidate, challenger)]
    write_figures(files.plots / "monotone.csv", monotone.table(tests[0]))
    unknown: dict[str, str] = {}
    numbers = {
        "kind": test.model,
        "scorer": candidate.digest,
        "challenger": challenger.digest,
        "trained_on": training_record.of_model(files),
        **compared(config, test, shown, unknown),
        "monotone": monotone_numbers(config, tests[0], tests[1], unknown),
        **stability(config, files, candidate, shown, unknown),
    }
    numbers["decisions"] = decision_mix(test)
    numbers["bands"], table = by_band(config, test, unknown)
    write_figures(files.plots / "bands.csv", table)
    parts = [train, *(PreparedRows(part.outcomes, part.all_inputs) for part in (selection, test))]
    numbers["leak"] = leak_numbers(
        config, parts, test=test, shown=shown, model_gini=numbers["test"]["gini"], unknown=unknown
    ) | order_and_encoding(config, parts, unknown)
    numbers["unused"] = unused_features(files, test.model, unknown)
    numbers["rows"] = {**row_counts(len(train.outcomes), selection, test), "test_shown": len(shown.outcomes)}
    evidence.write(files, "metrics", {**numbers, "unknown": unknown})
    log.info("test AUC %.4f (%.4f to %.4f)", *(numbers["test"][key] for key in ("auc", "auc_low", "auc_high")))


def predictions(part: ScoredSplit) -> pd.DataFrame:
    """Every row's outcome and PDs as they are measured, in the order of the outcomes; NaN: could not be scored."""
    pds = {kind: decisions.pd.round(decision.PD_DECIMALS) for kind, decisions in part.decisions.items()}
    return part.outcomes[["row", "group", "bad"]].assign(**pds)


def decision_mix(test: ScoredSplit) -> Numbers:
    """What becomes of the test rows under all rules and referrals, not by PD alone: the share of each decision."""
    outcome, weight = test.decisions[test.model].outcome, Weights.of(test.outcomes).population
    return {word: float(np.average(outcome == index, weights=weight)) for index, word in enumerate(decision.OUTCOMES)}


def compared(config: Config, test: ScoredSplit, shown: ScoredSplit, unknown: dict[str, str]) -> Numbers:
    """Figures of every model on the test rows, and candidate minus challenger on the same rows.

    `final_` are approvals and profit by the final decisions; by the PD alone, beside them, who has a PD below the
    cut-off is approved: a referral counts by the side of the cut-off its PD lies on.
    """
    draw = config.evaluation.model_dump(include={"replicates", "seed", "confidence"})
    of_test = {kind: test.sample(kind) for kind in test.decisions}
    levels = {}
    for kind, sample in of_test.items():
        log.info("%s: %s replicates", kind, f"{config.evaluation.replicates:,}")
        path = "test" if kind == test.model else f"challengers.{kind}"
        decided = by_decision(config, shown) if kind == test.model else {}
        levels[kind] = reported(path, bootstrap(sample, **draw) | decided, unknown)
    log.info("paired differences")
    candidate = of_test[test.model]

    return {
        "test": levels.pop(test.model),
        "challengers": levels,
        "differences": {
            kind: reported(f"differences.{kind}", paired_difference(candidate, of_test[kind], **draw), unknown)
            for kind in levels
        },
        "information": {
            "cut_off": decision.cut_off(config.policy),
            "replicates": config.evaluation.replicates,
            "confidence": config.evaluation.confidence,
        },
    }


def by_decision(config: Config, test: ScoredSplit) -> Figures:
    """Approvals and profit per application by the candidate's final decisions, of all rows, whether scored or not."""
    approved, money = np.asarray(test.decisions[test.model].approved, dtype=float), test.economics
    earned = np.where(test.outcomes["bad"], -money.lgd, money.margin) - money.cost
    applicant, confidence = pd.factorize(test.outcomes["group"])[0], config.evaluation.confidence
    figures = {"final_approval_rate": approved, "final_profit_per_application": approved * earned}
    return {name: mean(values, applicant, confidence=confidence) for name, values in figures.items()}


def steps_against(config: Config, scorer: Scorer, test: ScoredSplit) -> tuple[monotone.DirectionTest, ...]:
    """The perturbation test of one scorer on test rows, through the same code that decides."""
    return monotone.check(config, scorer.pds, test.inputs, rows=MONOTONE_ROWS, seed=config.evaluation.seed)


def monotone_numbers(
    config: Config,
    candidate: Sequence[monotone.DirectionTest],
    challenger: Sequence[monotone.DirectionTest],
    unknown: dict[str, str],
) -> Numbers:
    """Steps against a claimed direction, over all inputs; not known, rather than 0, if no step was claimed."""
    numbers: Numbers = {"untested_features": len(monotone.untested(config, candidate))}
    for tests, prefix in ((candidate, ""), (challenger, "challenger_")):
        perturbations = sum(test.perturbations for test in tests)
        numbers[f"{prefix}perturbations"] = perturbations
        numbers[f"{prefix}violations"] = sum(test.violations for test in tests) if perturbations else None
        numbers[f"{prefix}largest"] = max(test.largest for test in tests) if perturbations else None
        if not perturbations:
            why = "no step of an input is covered by a direction under model.directions"
            unknown.update({f"monotone.{prefix}violations": why, f"monotone.{prefix}largest": why})
    return numbers


def leak_numbers(
    config: Config,
    parts: Sequence[PreparedRows],
    *,
    test: ScoredSplit,
    shown: ScoredSplit,
    model_gini: float,
    unknown: dict[str, str],
) -> Numbers:
    """What one column reaches alone, and rows that stand in several splits.

    Ranking weighs the test rows, as the model's Gini does; what one column marks is counted among those shown.
    Where equal inputs are the rule (split.equal_rows: own), a row is the same if its name is: its id, or its number.
    """
    together = config.split.equal_rows == "together"
    rows = [part.inputs if together else part.outcomes["row"].to_numpy() for part in parts]
    columns, of_shown = (_ranked(config, parts[0], part.columns) for part in (test, shown))
    strongest = leak.strongest(columns, test.bad, model_gini, test.weight)
    if not shown.bad.any():
        unknown["leak.marked"] = "the test rows hold no bad"
    if math.isnan(strongest.share):
        unknown["leak.strongest_share"] = "the model ranks no better than chance, or the test rows hold one class only"
    telltale = leak.telltale(of_shown, shown.bad, confidence=config.evaluation.confidence)
    return {
        "strongest_feature": strongest.feature,
        "strongest_gini": strongest.gini,
        "strongest_share": strongest.share,
        "marked_feature": telltale.feature,
        "marked": telltale.share,
        "rows_across_splits": leak.rows_across_splits(rows),
    }


def order_and_encoding(config: Config, parts: Sequence[PreparedRows], unknown: dict[str, str]) -> Numbers:
    """Whether an order of the rows, within each part, or a feature that is their own bad rate tells the outcome."""
    outcomes = pd.concat([part.outcomes.assign(part=index) for index, part in enumerate(parts)], ignore_index=True)
    bad, applicant = outcomes["bad"].to_numpy(), pd.factorize(outcomes["group"])[0]
    columns = {"the row in the file": "file_row", config.only("id"): "row", config.only("date"): "date"}
    orders = {name: outcomes.groupby("part")[its].rank(pct=True).to_numpy() for name, its in columns.items() if name}
    name, figure = leak.order_gini(orders, bad, applicant, confidence=config.evaluation.confidence)
    encoded = leak.encoded(Features.of(config).columns(np.concatenate([part.inputs for part in parts])), bad)
    return {
        **reported("leak", {"order": figure}, unknown),
        "order_of": name,
        "encoded": len(encoded),
        "encoded_features": ", ".join(encoded),
    }


def _ranked(config: Config, train: PreparedRows, columns: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """Columns whose order means something: a plain category as its bad rate in training."""
    return {
        name: leak.bad_rates(train.inputs[:, config.inputs.index(name)], train.outcomes["bad"].to_numpy(), values)
        if name in config.inputs and config.columns[name].type == "category"
        else values
        for name, values in columns.items()
    }


def unused_features(files: Files, kind: str, unknown: dict[str, str]) -> Numbers:
    """The features that the candidate does not read, with what they tell, and the largest part that its PDs miss."""
    features = read_json(files.model / "training.json").get("unused", {}).get(kind)
    if features is None:
        unknown["unused.marginal"] = "artifacts/model does not say which features its models read; train again"
        return {"marginal": None, "feature": "", "features": []}
    first = features[0] if features else {"feature": "", "marginal": 0.0}
    return {"marginal": first["marginal"], "feature": first["feature"], "features": features}


def by_band(config: Config, test: ScoredSplit, unknown: dict[str, str]) -> tuple[Numbers, pd.DataFrame]:
    """Bad rate against PDs in each score band, and the band that is furthest off."""
    names, applicant = [band.name for band in config.policy.bands], pd.factorize(test.outcomes["group"][test.scored])[0]
    band_of_row = test.decisions[test.model].band[test.scored]
    by_name = bands.measure(
        band_of_row,
        names,
        test.bad,
        test.pd(test.model),
        applicant,
        confidence=config.evaluation.confidence,
        weight=test.weight,
    )
    table = pd.DataFrame(
        {"band": band.name, "rows": band.rows, "mean_pd": band.mean_pd, "bad_rate": band.bad_rate,
         "gap": band.gap.value, "low": band.gap.low, "high": band.gap.high, "not_assessed": band.gap.why}
        for band in by_name
    )  # fmt: skip
    name, worst = bands.largest(by_name)
    unknown |= {f"bands.{band.name}": f"not assessed: {band.too_few}" for band in by_name if band.too_few}
    if not worst.known:
        unknown["bands.worst"] = worst.why
    share = bands.assessed_share(by_name)
    return {"worst": name, **reported("bands", {"largest_gap": worst}, unknown), "assessed_share": share}, table


def stability(config: Config, files: Files, scorer: Scorer, test: ScoredSplit, unknown: dict[str, str]) -> Numbers:
    """How far score (PSI) and inputs (CSI) have moved from the training rows to the later test rows.

    Not taken on a random split, where it could not fail.
    """
    if read_json(files.report("preparation"))["split"]["by"] != "time":
        why = "the split is random: training and test rows cannot differ but by chance"
        unknown.update(dict.fromkeys(("stability.score_psi", "stability.csi_largest"), why))
        return {}
    limit, confidence = config.drift.threshold, config.drift.confidence
    score, inputs = (drift.Reference.from_dict(scorer.reference[name]) for name in ("score", "inputs"))
    scores = {"score": test.score.round(decision.SCORE_DECIMALS)}
    (shift,) = drift.psi(score, scores, threshold=limit, confidence=confidence)
    columns = {name: test.all_inputs[:, index] for index, name in enumerate(config.inputs)}
    each = drift.at_once(confidence, len(columns))
    name, largest = drift.largest(drift.psi(inputs, columns, threshold=limit, confidence=each))
    return {"stability": {**flat({"score_psi": shift.figure, "csi_largest": largest}), "csi_largest_input": name}}


def row_counts(train_rows: int, selection: ScoredSplit, test: ScoredSplit) -> Numbers:
    return {
        "train": train_rows,
        "selection": len(selection.outcomes),
        "test": len(test.outcomes),
        "test_goods": int((~test.bad).sum()),
        "test_bads": int(test.bad.sum()),
        "selection_not_scored": int((~selection.scored).sum()),
        "test_not_scored": int((~test.scored).sum()),
    }


def curves(config: Config, test: ScoredSplit) -> Iterator[tuple[str, pd.DataFrame]]:
    """The tables behind the pictures, by file name; those without a `model` column are of the candidate."""
    bad, pds, confidence = test.bad, test.pd(test.model), config.evaluation.confidence
    kinds = tuple(test.decisions)
    yield "roc", _by_model({kind: results.roc(bad, test.pd(kind)) for kind in kinds})
    yield "calibration", _by_model({kind: results.calibration(bad, test.pd(kind), confidence) for kind in kinds})
    yield "ks", results.ks(bad, test.score)
    band = test.decisions[test.model].band[test.scored]
    yield "gains", results.gains(band, [band.name for band in config.policy.bands], bad, confidence)
    yield "deciles", results.deciles(bad, pds, confidence)
    yield "scores", results.scores(bad, test.score)
    yield "profit", results.profit(bad, pds, config.policy)
    named = ((name, test.columns[name], config.categories(name)) for name in config.evaluation.segments)
    tables = (results.segments(*segment, bad, pds, confidence=confidence) for segment in named)
    yield "segments", results.segment_table(tables)


def effects(config: Config, scorer: Scorer, test: ScoredSplit) -> pd.DataFrame:
    """Effect curves of the features with a direction and of those that move the PD most, the strongest first."""
    draw = np.random.default_rng(config.evaluation.seed)
    rows = np.sort(draw.choice(len(test.inputs), min(EFFECT_ROWS, len(test.inputs)), replace=False))
    curve_of = partial(
        results.effect,
        test.matrix[rows],
        pd_of=lambda moved: scorer.calibration.pd(scorer.model.margin(moved)),
        confidence=config.evaluation.confidence,
    )
    curves_ = {
        name: curve_of(index, codes=_unordered_codes(config, name)) for index, name in enumerate(config.features)
    }
    ranked = sorted(curves_, key=lambda name: -results.spread(curves_[name]))
    shown = [name for rank, name in enumerate(ranked) if rank < EFFECTS or name in config.model.directions]
    tables = []
    for name in shown:
        curve = curves_[name]
        if words := config.categories(name):
            curve = curve.assign(value=[words[int(code)] for code in curve["value"]])
        tables.append(curve.assign(feature=name, direction=config.model.directions.get(name, "")))
    return pd.concat(tables, ignore_index=True)[["feature", "direction", "value", "mean_pd", "low", "high", "rows"]]


def _unordered_codes(config: Config, name: str) -> int | None:
    words = config.categories(name)
    return len(words) if words and config.columns[name].type == "category" else None


def _by_model(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, names=["model", None]).reset_index(level="model")
    return table.reset_index(drop=True)
