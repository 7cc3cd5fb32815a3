"""What the rejected might have done: scorecards with and without inferred outcomes, side by side. Nothing decides so.

Reject inference adds an assumption, not knowledge: the outcome of a rejected application was never seen. Both ways are
those of the trade (Siddiqi 2017; Anderson 2007), and both are judged by how far they move what is decided.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from credit_risk.config import Config
from credit_risk.config.columns import Column
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs, Mask, Matrix, word_of
from credit_risk.data.reading import tables
from credit_risk.data.split import Labels
from credit_risk.data.writing import write_report
from credit_risk.errors import DataError, UsageError
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import bootstrap, paired_difference
from credit_risk.measures.metrics import Economics, Sample
from credit_risk.modelling import fitting, training
from credit_risk.modelling.accounts import Accounts, modelled, outcome_of
from credit_risk.modelling.fitting import Fitted
from credit_risk.scoring import decision
from credit_risk.scoring.features import Features
from credit_risk.stages.prepare import assign
from credit_risk.studies import bounds

PARCELS = 10  # bands of score, by the rejected applications
FIGURES = ("auc", "brier", "calibration_in_the_large")
ACCEPTED, FUZZY, PARCELLED = "accepted alone", "fuzzy augmentation", "parcelling"


def run(config: Config, files: Files, *, column: str, word: str, factor: float) -> dict[str, Any]:
    """Read the lender's files, fit three scorecards and write reports/parts/reject_inference.json.

    column, word: which applications were rejected. factor: how many times the odds of bad of a rejected application are
    those that the accepted foretell; it is declared, and no data can show it.
    """
    if column not in config.columns:
        raise UsageError(f"there is no column {column!r}; the config has {', '.join(config.columns)}")
    if config.columns[column].is_input:
        raise UsageError(f"{column} is an input of the model, and what the lender decided is none; let it be ignored")
    read = config.columns[column].model_copy(update={"role": "proxy", "type": "text", "missing": "allow"})
    columns: Mapping[str, Column] = {**config.columns, column: read}
    raw = tables.read_sources(config.model_copy(update={"columns": columns}), files.root)
    report = study(config, raw, rejected_words(raw, column, word), factor=factor)
    write_report(files.part("reject_inference"), report)
    return report


def rejected_words(raw: pd.DataFrame, column: str, word: str) -> Mask:
    """The rows whose cell says that they were rejected. Raises DataError if none does."""
    rejected = np.asarray(raw[column].map(word_of, na_action="ignore") == word)
    if not rejected.any():
        words = ", ".join(map(repr, raw[column].dropna().unique()[:5]))
        raise DataError(f"no row of {column} says {word!r}; it says {words}.")
    return rejected


def study(config: Config, raw: pd.DataFrame, rejected: Mask, *, factor: float) -> dict[str, Any]:
    """Figures on accepted test rows, and what each scorecard would do with the rejected.

    Raises DataError for a rejected application with an outcome: it was then not rejected, or not inferred.
    """
    known = ~np.isnan(outcome_of(config, raw))
    if both := int((rejected & known).sum()):
        raise DataError(f"{both} of {rejected.sum()} rejected applications have an outcome; which of the two is wrong?")
    accounts = modelled(config, raw)
    features, inputs = Features.of(config), Inputs.of(config)
    refused = inputs.table(raw[rejected])
    refused = refused[~inputs.faults(refused).any]
    if not len(refused):
        raise DataError("no rejected application can be scored under the missing and range policy")
    part = assign(config, accounts)[0].part
    learned, test = accounts.take((part == 0) | (part == 1)), accounts.take(part == 2)
    matrix, of_rejected = features.of_inputs(learned.inputs), features.of_inputs(refused)
    fold = training.folds(config, learned.identity(config), learned.bad, learned.applicants(config))
    accepted_alone = fitted(config, matrix, learned.bad, learned.weights.drawn, fold)
    pd_of = np.asarray(
        expit(logit(accepted_alone.calibration.pd(accepted_alone.model.margin(of_rejected))) + np.log(factor))
    )
    fuzzy = augmented(of_rejected, pd_of)
    parcelled = of_rejected, parcels(pd_of, config.model.seed), np.ones(len(of_rejected))
    models = {ACCEPTED: accepted_alone}
    for name, (rows, bad, weight) in ((FUZZY, fuzzy), (PARCELLED, parcelled)):
        more = np.arange(len(of_rejected)) % config.model.folds
        folds = np.concatenate([fold, np.tile(more, len(rows) // len(of_rejected))])
        weights = np.concatenate([learned.weights.drawn / learned.weights.drawn.mean(), weight])
        models[name] = fitted(
            config, np.concatenate([matrix, rows]), np.concatenate([learned.bad, bad]), weights, folds
        )
    return {
        "factor": factor,
        "rejected": int(rejected.sum()),
        **compared(config, models, test, len(accounts.bad), of_rejected),
    }


def fitted(config: Config, matrix: Matrix, bad: Mask, weight: Matrix, fold: Labels) -> Fitted:
    """A scorecard, calibrated on rows it was not fitted on."""
    return fitting.challenger(fitting.scorecard(config), matrix, bad, weight / weight.mean(), fold=fold)


def augmented(matrix: Matrix, pd_of: Matrix) -> tuple[Matrix, Mask, Matrix]:
    """Fuzzy augmentation: each application stands twice, as a bad of weight PD and as a good of weight 1 - PD."""
    return (
        np.concatenate([matrix, matrix]),
        np.repeat([True, False], len(matrix)),
        np.concatenate([pd_of, 1 - pd_of]),
    )


def parcels(pd_of: Matrix, seed: int) -> Mask:
    """Parcelling: in each band of score as many bads as its mean PD foretells, drawn at random."""
    draw, bad = np.random.default_rng(seed), np.zeros(len(pd_of), dtype=bool)
    for rows in np.array_split(np.argsort(pd_of, kind="stable"), min(PARCELS, len(pd_of))):
        bads = round(float(pd_of[rows].sum()))
        bad[draw.permutation(rows)[:bads]] = True
    return bad


def compared(
    config: Config, models: Mapping[str, Fitted], test: Accounts, accepted: int, of_rejected: Matrix
) -> dict[str, Any]:
    """Figures on accepted test rows with intervals and differences to the first; approvals of the rejected.

    accepted: applications with an outcome, test rows among them. Of everybody who applied there are bounds alone.
    """
    draw = config.evaluation.model_dump(include={"replicates", "seed", "confidence"})
    matrix, cut_off = Features.of(config).of_inputs(test.inputs), decision.cut_off(config.policy)
    group, shift = test.applicants(config), test.weights.shift(test.bad)
    samples, rejected, everybody = {}, {}, {}
    # As many rejected to an accepted test row as there are to an accepted application.
    each, weight = len(test.bad) / accepted, test.weights.population / test.weights.population.mean()
    for name, model in models.items():
        moved = model.moved(shift)
        pds = moved.calibration.pd(moved.model.margin(matrix))
        samples[name] = Sample.of(test.bad, pds, group, Economics.of(config.policy), test.weights.population)
        rejected[name] = moved.calibration.pd(moved.model.margin(of_rejected))
        everybody[name] = bounds.auc(pds, test.bad, weight, rejected[name], each)
    accepted_alone = samples[ACCEPTED]
    return {
        "models": {
            name: {
                "accepted": flat({key: bootstrap(sample, **draw)[key] for key in FIGURES}),
                "difference": flat({key: paired_difference(sample, accepted_alone, **draw)[key] for key in FIGURES}),
                "mean_pd_of_rejected": float(rejected[name].mean()),
                "rejected_that_would_be_approved": float((rejected[name] < cut_off).mean()),
                "auc_of_everybody": everybody[name]._asdict(),
            }
            for name, sample in samples.items()
        },
        "bad_rate_of_everybody": bounds.bad_rate(test.bad, weight, each * len(of_rejected))._asdict(),
        "rows": {"test": len(test.bad), "rejected_scored": len(of_rejected)},
    }


def sentences(report: Mapping[str, Any]) -> list[str]:
    """What the study found, a sentence a scorecard, and what it cannot show."""
    lines = [
        f"{name}: AUC {its['accepted']['auc']:.4f} on accepted test rows ({its['difference']['auc']:+.4f}), "
        f"mean PD of the rejected {its['mean_pd_of_rejected']:.1%}, "
        f"of whom {its['rejected_that_would_be_approved']:.1%} would be approved."
        for name, its in report["models"].items()
    ]
    rate, auc = report["bad_rate_of_everybody"], report["models"][ACCEPTED]["auc_of_everybody"]
    lines.append(
        f"Whatever became of the rejected, of everybody who applied between {rate['low']:.1%} and {rate['high']:.1%} "
        f"were bads, and the AUC of the first lies between {auc['low']:.4f} and {auc['high']:.4f}."
    )
    assumed = f"The odds of bad of a rejected application were taken as {report['factor']:g} times what the accepted"
    return [*lines, f"{assumed} foretell: an assumption that no row shows. Nothing was changed by this study."]
