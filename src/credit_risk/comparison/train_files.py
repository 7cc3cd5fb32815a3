"""Train on one file and measure on another, outside the pipeline: the seed's train_risk_model.py."""

import logging
from pathlib import Path

import numpy as np

from credit_risk.config import Config
from credit_risk.config.columns import Source
from credit_risk.data.reading import tables
from credit_risk.data.writing import refuse_in_the_way, write_json
from credit_risk.errors import DataError
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import bootstrap
from credit_risk.measures.metrics import Economics, Sample
from credit_risk.modelling import training
from credit_risk.modelling.accounts import Accounts, modelled
from credit_risk.modelling.assembly import assembled, under_policy
from credit_risk.scoring.features import Features
from credit_risk.scoring.scorer import MARK, Scorer

log = logging.getLogger(__name__)


def run(config: Config, training_data: Path, validation_data: Path, output: Path) -> None:
    """Fit on `training_data`, write the scorer to `output`, and its figures on `validation_data` beside it.

    Validation rows that equal a training row are left out: they would be remembered, not predicted.
    """
    refuse_in_the_way(output, mark=MARK)
    learned, unseen = read_accounts(config, training_data), read_accounts(config, validation_data)
    new = ~np.isin(unseen.keys, learned.keys)
    log.info("%s of %s validation rows are not among the training rows", f"{new.sum():,}", f"{len(new):,}")
    if not new.any():
        raise DataError("every validation row equals a training row: nothing is left to measure on. Name another file.")
    features = Features.of(config).table(learned.inputs)
    fold = training.folds(config, learned.identity(config), learned.bad, learned.applicants(config))
    fitted, _ = training.fit(config, features.matrix, learned.bad, learned.weights, fold=fold)
    boosted = fitted["lightgbm"]
    bare = under_policy(config, boosted.model, boosted.calibration, training.seen_missing(config, features.matrix))
    background = learned.inputs[learned.weights.representative(config.evaluation.seed)]
    scorer = assembled(bare, background, Features.of(config).table(background))
    figures = measure(config, scorer, unseen.take(new))
    scorer.save(output)
    write_json(output.with_name(f"{output.name}.metrics.json"), figures)
    for name in ("auc", "ks", "brier", "calibration_slope"):
        log.info("%s %.4f (%.4f to %.4f)", name, *(figures["test"][name + end] for end in ("", "_low", "_high")))
    log.info("Scorer: %s", output)


def read_accounts(config: Config, path: Path) -> Accounts:
    """The rows of one file that a model may be built or measured on."""
    data = config.data.model_copy(update={"sources": (Source(path=str(path)),)})
    return modelled(config, tables.read_sources(config.model_copy(update={"data": data}), Path()))


def measure(config: Config, scorer: Scorer, unseen: Accounts) -> dict[str, dict[str, float]]:
    """Every figure with its interval, on rows that training did not hold."""
    pd = scorer.decide_inputs(unseen.inputs).pd
    known = ~np.isnan(pd)
    weight = unseen.weights.population[known]
    sample = Sample.of(unseen.bad[known], pd[known], economics=Economics.of(config.policy), weight=weight)
    draw = config.evaluation.model_dump(include={"replicates", "seed", "confidence"})
    return {"test": flat(bootstrap(sample, **draw)), "rows": {"test": int(known.sum())}}
