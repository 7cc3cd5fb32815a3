"""How far a scorer is from the champion: another setting, another calibration, another fit, or another model.

Computed from the two scorer directories, so that nobody says of a new model that only a threshold moved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit_risk.config.changes import Change, changes
from credit_risk.data.writing import read_json
from credit_risk.governance.model_risk.inventory import ChangeClass
from credit_risk.scoring.scorer import Scorer

# Whose first name makes it another model: what it reads, how features are made, which way they count, what bad means.
OF_MODEL = ("columns", "derived", "outcome", "model", "data")
FIT_ALONE = ("model.seed",)  # of these, what a new fit may change


@dataclass(frozen=True)
class ModelChange:
    """The class of a change, and what makes it one."""

    name: ChangeClass
    because: str


def since(champion: Path | None, candidate: Path) -> ModelChange:
    """The class of the change from the champion's scorer directory; without one everything is new.

    Raises ScorerError for a directory that is none.
    """
    if champion is None:
        return ModelChange("redevelopment", "there is no champion to compare it with")
    before, after = Scorer.load(champion), Scorer.load(candidate)
    if before.digest == after.digest:
        return ModelChange("none", "it is the champion")
    old, new = (read_json(path / "scorer.json") for path in (champion, candidate))
    return of_facts(old, new, changes(before.config.as_dict(), after.config.as_dict()))


def of_facts(before: Mapping[str, Any], after: Mapping[str, Any], differing: Sequence[Change]) -> ModelChange:
    """The class by what differs in scorer.json and in the config."""
    redeveloped = [change.key for change in differing if _is_of_model(change.key)]
    redeveloped += [name for name in ("kind", "features") if before.get(name) != after.get(name)]
    if redeveloped:
        return ModelChange("redevelopment", f"it differs in {_listed(redeveloped)}")
    if before.get("model_digest") != after.get("model_digest"):
        return ModelChange("retraining", "the same recipe was fitted to other rows, or from another seed")
    if before.get("calibration") != after.get("calibration"):
        return ModelChange("recalibration", "the same model is calibrated anew")
    return ModelChange("config", f"it differs in {_listed([change.key for change in differing]) or 'other files'}")


def _is_of_model(key: str) -> bool:
    """`columns.X.label` is of the model too: it stands in no matrix, but who relabels a column says it is another."""
    return key.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0] in OF_MODEL and key not in FIT_ALONE


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
