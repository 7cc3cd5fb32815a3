"""Figures of a trained lender that are true of its test rows, with intervals as a test wants them: no stage is run."""

from typing import Any

import numpy as np

from credit_risk.config import load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_parquet, write_parquet
from credit_risk.measures.verdict import recomputation
from credit_risk.modelling import evidence, training_record
from credit_risk.modelling.accounts import Weights, read_inputs
from credit_risk.scoring.decision import PD_DECIMALS
from credit_risk.scoring.scorer import Scorer

ENDS = (("", 0.0), ("_low", -0.04), ("_high", 0.04))


def measure(files: Files, *, violations: int = 0, **test: Any) -> None:
    """Write predictions of exactly this scorer and the figures that they make; `test` replaces some."""
    config, scorer, outcomes = load(files.config), Scorer.load(files.scorer), read_parquet(files.outcomes("test"))
    pds = scorer.pds(read_inputs(config, files, "test")).round(PD_DECIMALS)
    kind = scorer.model.kind
    write_parquet(files.predictions / "test.parquet", outcomes[["row", "group", "bad"]].assign(**{kind: pds}))
    scored, weight = ~np.isnan(pds), Weights.of(outcomes).population
    known = recomputation.figures(outcomes["bad"].to_numpy()[scored], pds[scored], weight[scored], config.policy)
    figures = {
        "kind": kind,
        "scorer": digest.of_directory(files.scorer),
        "challenger": digest.of_directory(files.challenger),
        "trained_on": training_record.of_model(files),
        "test": {f"{name}{end}": value + shift for name, value in known.items() for end, shift in ENDS} | test,
        "monotone": {"violations": violations},
    }
    evidence.write(files, "metrics", figures)
