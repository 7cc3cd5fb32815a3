"""What is declared of a sabotage, and what several of them share."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trial import Trial

from credit_risk.config import wordings
from credit_risk.data.files import Files

# Gates on reasons that compare two explanations: both a harm to the model and a harm to the reasons moves them.
AGREEMENT = ("reasons_stable", "reasons_overlap", "reasons_interventional", "reasons_correlation")


@dataclass(frozen=True)
class Sabotage:
    """harm: what is done to a copy of the untouched lender, or to the empty folder `fresh` of a lender of its own.

    refused_by: gate, and the regular expression that its verdict and sentence begin with. open: no such gate refuses
    it yet, and what is needed; it counts as a sabotage that passes. shown: a regular expression of what the record must
    say of it under "changed since the champion", where nobody is to refuse it and everybody to see it.
    """

    name: str
    harm: Callable[[Trial], None]
    refused_by: Mapping[str, str]
    may: tuple[str, ...] = ()
    fresh: bool = False
    quick: bool = False
    open: str = ""
    shown: str = ""


def add_feature(name: str, column: Mapping[str, Any], family: int) -> Callable[[Any], None]:
    """The change of a config by which a column becomes a feature of the family at this index."""

    def change(tree: Any) -> None:
        tree["columns"][name] = dict(column)
        tree["reasons"]["families"][family]["features"].append(name)

    return change


def add_gates(trial: Trial, *gates: Mapping[str, Any]) -> None:
    """More gates in the lender's config, each without its reason."""
    trial.edit_config(lambda tree: tree["gates"].extend({**gate, "reason": "one more"} for gate in gates))


def put_wordings_on_record(trial: Trial) -> None:
    """Give what applicants read, of reasons and rules, a version of its own that is on record."""
    trial.edit_config(lambda tree: tree["reasons"].update(version="2"))
    wordings.record(trial.config, trial.files.config.parent)


def crown(trial: Trial) -> None:
    """The scorer and its record, as they are, become the champion's release."""
    champion = Files(trial.files.parts / "champion")
    shutil.copytree(trial.files.scorer, champion.scorer)
    champion.report("gate").parent.mkdir(parents=True)
    shutil.copy(trial.files.report("gate"), champion.report("gate"))


def unseen(one: Sabotage, trial: Trial) -> list[str]:
    """What the record had to say of a sabotage and does not."""
    said = changes_shown(trial) if one.shown else ""
    return [] if re.search(one.shown, said) else [f"nobody sees it: the record says {said!r}, expected {one.shown!r}"]


def changes_shown(trial: Trial) -> str:
    """What the record says of changes since the champion: a line for each setting and fact."""
    changed = json.loads(trial.files.report("gate").read_text(encoding="utf-8"))["changed"]
    settings = [f"{each['key']}: {each['old']} → {each['new']}" for each in changed["settings"]]
    return "\n".join([*settings, *(f"{each['fact']}: {each['old']} → {each['new']}" for each in changed["facts"])])
