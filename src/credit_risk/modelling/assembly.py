"""From fitted models to scorers: the policy put over a model, and what later applications are compared with."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.inputs import Matrix
from credit_risk.data.writing import read_json
from credit_risk.errors import ScorerError
from credit_risk.measures import drift
from credit_risk.scoring import decision, model
from credit_risk.scoring.background import Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.decision import SCORE_DECIMALS
from credit_risk.scoring.features import FeatureTable
from credit_risk.scoring.model import RiskModel
from credit_risk.scoring.scorer import Scorer


def under_policy(config: Config, fitted: RiskModel, calibration: Calibration, seen_missing: Sequence[bool]) -> Scorer:
    """A fitted model under the policy, without reasons and reference: enough to be measured, not to be promoted."""
    return Scorer(
        config=config,
        model=model.read(fitted.kind, fitted.text(), config.levels),
        calibration=calibration,
        seen_missing=tuple(seen_missing),
        reference={},
        background=None,
        digest="",
    )


def read_fitted(config: Config, files: Files, kind: str) -> Scorer:
    """A model of artifacts/model under the policy (see `under_policy`)."""
    facts = read_json(files.model / "training.json")
    text = (files.model / model.KINDS[kind].file_name).read_text(encoding="utf-8")
    fitted = model.read(kind, text, config.levels)
    return under_policy(config, fitted, Calibration(**facts["calibration"][kind]), facts["seen_missing"])


def assembled(scorer: Scorer, inputs: Matrix, features: FeatureTable) -> Scorer:
    """The scorer with its reasons' background and its reference population: its own training rows, as aggregates.

    inputs: (rows, inputs), see data.inputs; features: of the same rows.
    """
    config = scorer.config
    decisions = scorer.decide_inputs(inputs, features=features)
    background = Background.of(
        config,
        config.reasons,
        scorer.model,
        scorer.calibration,
        matrix=features.matrix,
        pd=decisions.pd,
        cut_off=decision.cut_off(config.policy),
    )
    return replace(scorer, reference=reference(config, inputs, decisions.score), background=background)


def reference(config: Config, inputs: Matrix, score: Matrix) -> dict[str, Any]:
    """Frozen bins and counts of inputs and scores: what later applications are compared with."""
    columns = {name: inputs[:, index] for index, name in enumerate(config.inputs)}
    categories = {name: config.categories(name) for name in config.inputs}
    special = {name: config.meanings(name) for name in config.inputs}
    return {
        "inputs": drift.of(columns, config.drift.bins, categories, special).as_dict(),
        "score": drift.of({"score": score.round(SCORE_DECIMALS)}, config.drift.bins).as_dict(),
    }


def load_current(config: Config, path: Path) -> Scorer:
    """The scorer of a directory. Raises ScorerError if it was assembled under other columns, features or policy."""
    scorer = Scorer.load(path)
    scorer.refuse_other(config, path)
    return scorer


def load_scorers(config: Config, files: Files) -> dict[str, Scorer]:
    """The candidate first, then its challengers by kind; the logistic, which cannot be promoted, decides alike.

    Raises ScorerError if a scorer was assembled under other columns, features or policy than the config's, or if
    both are of one kind.
    """
    loaded = [load_current(config, path) for path in (files.scorer, files.challenger)]
    scorers = {scorer.model.kind: scorer for scorer in loaded}
    if len(scorers) < len(loaded):
        raise ScorerError(
            f"{files.scorer} and {files.challenger} are both a {loaded[0].model.kind}: nothing would be compared. "
            "Assemble them again with `dvc repro assemble`."
        )
    return scorers | {model.Logistic.kind: read_fitted(config, files, model.Logistic.kind)}
