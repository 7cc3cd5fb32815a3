"""Choose the candidate on the selection rows: LightGBM, or the scorecard if that is as good (DVC stage `select`)."""

import logging
from typing import get_args

from credit_risk.config import Config
from credit_risk.config.schema import Kind
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.measures.figure import Figure, reported
from credit_risk.measures.intervals import paired_difference
from credit_risk.modelling import evidence, selection
from credit_risk.modelling.assembly import read_fitted
from credit_risk.modelling.scored_split import ScoredSplit, read_scored
from credit_risk.scoring import model
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

KINDS: tuple[Kind, ...] = get_args(Kind)


def run(config: Config, files: Files) -> None:
    """Write reports/selection.json: the kind chosen, LightGBM minus scorecard with intervals, and why in a sentence."""
    scorers: dict[str, Scorer] = {kind: read_fitted(config, files, kind) for kind in KINDS}
    part = read_scored(config, files, scorers, "selection")
    unknown: dict[str, str] = {}
    difference = {name: figure.rounded() for name, figure in compared(config, part).items()}
    figures = reported("scorecard", difference, unknown)
    choice = selection.choose(config.model, difference["auc"])
    report = {
        "kind": choice.kind,
        "sentence": choice.sentence,
        "candidate": config.model.candidate,
        "materiality": config.model.materiality,
        "scorecard": figures,
        **beyond(config, difference["auc"], unknown),
        # By their texts: the scorers are assembled after this, and the gate asks whether they hold these models.
        "models": {kind: digest.of_file(files.model / model.KINDS[kind].file_name) for kind in KINDS},
        "rows": {"selection": len(part.outcomes), "scored": int(part.scored.sum())},
    }
    evidence.write(files, "selection", {**report, "unknown": unknown})
    log.info("%s", choice.sentence)


def compared(config: Config, part: ScoredSplit) -> dict[str, Figure]:
    """Every figure of LightGBM minus the scorecard's, on the same rows and the same bootstrap draws."""
    draw = config.evaluation.model_dump(include={"replicates", "seed", "confidence"})
    return paired_difference(part.sample("lightgbm"), part.sample("scorecard"), **draw)


def beyond(config: Config, difference: Figure, unknown: dict[str, str]) -> dict[str, float]:
    """By how much the difference in AUC exceeds the materiality.

    A gate holds it against 0, so that the materiality stands in the config once.
    """
    return reported("", {"beyond_materiality": selection.beyond(config.model, difference)}, unknown)
