"""Put the fitted models together with the policy: the candidate and its challenger (DVC stage `assemble`)."""

from dataclasses import replace
from typing import Any, get_args

from credit_risk.config import Config
from credit_risk.config.schema import Kind
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs, Matrix
from credit_risk.data.writing import read_json, read_parquet
from credit_risk.measures import drift
from credit_risk.scoring import decision, model, reasons
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.features import Features
from credit_risk.scoring.scorer import Scorer


def run(config: Config, files: Files) -> None:
    """Write models/scorer, of the kind that was selected, and models/challenger, of the other.

    A change of policy comes here and does not train again.
    """
    chosen = read_json(files.report("selection"))["kind"]
    inputs = Inputs.of(config).table(read_parquet(files.inputs("train")))
    training = read_json(files.model / "training.json")
    for kind in get_args(Kind):
        path = files.scorer if kind == chosen else files.challenger
        text = (files.model / model.KINDS[kind].file_name).read_text(encoding="utf-8")
        assemble(config, kind, text, training, inputs).save(path)


def assemble(config: Config, kind: str, text: str, training: dict[str, Any], inputs: Matrix) -> Scorer:
    """A scorer with the reference population it will be watched against: its own training rows, as counts."""
    scorer = Scorer(
        config=config,
        model=model.read(kind, text),
        calibration=Calibration(**training["calibration"][kind]),
        seen_missing=tuple(training["seen_missing"]),
        reference={},
        background=None,
        digest="",
    )
    decisions = scorer.decide_inputs(inputs)
    background = reasons.background(
        config,
        config.reasons,
        scorer.model,
        scorer.calibration,
        matrix=Features.of(config).of_inputs(inputs),
        pd=decisions.pd,
        cut_off=decision.cut_off(config.policy),
    )
    return replace(scorer, reference=reference(config, inputs, decisions.score), background=background)


def reference(config: Config, inputs: Matrix, score: Matrix) -> dict[str, Any]:
    """Frozen bins and counts of inputs and scores: what later applications are compared with."""
    columns = {name: inputs[:, place] for place, name in enumerate(config.inputs)}
    categories = {name: config.categories(name) for name in config.inputs}
    return {
        "inputs": drift.of(columns, config.drift.bins, categories).as_dict(),
        "score": drift.of({"score": score}, config.drift.bins).as_dict(),
    }
