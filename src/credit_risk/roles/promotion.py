"""What a promotion waits for: that whoever waived a check may waive. Found late, by registry.conditions."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from credit_risk.config import environment
from credit_risk.config.names import signature
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import CreditRiskError
from credit_risk.roles.authorization import refusal
from credit_risk.roles.policy import sites
from credit_risk.scoring.signing import SignedBy


def refusals(root: Path, signed_by: SignedBy, scorer: str, today: date) -> list[str]:  # noqa: ARG001
    """A sentence for each waiver in the gate's record whose person may not waive; empty where all may.

    A waiver opens the gate for every environment, so its person must be let waive in each that is no developer's.
    """
    try:
        waivers = read_json(Files(root).report("gate"))["waivers"]
        return sorted({reason for waiver in waivers for reason in _refusals_of(root, waiver)})
    except CreditRiskError as error:
        return [str(error)]


def _refusals_of(root: Path, waiver: Mapping[str, Any]) -> Iterator[str]:
    who = signature(waiver["person"], waiver["identity"])
    for site in sites(root):
        if not environment.is_developers(site) and (reason := refusal(root, who, "waive", environment.name_of(site))):
            yield f"the waiver of {waiver['check']}: {reason}"
