"""The one way around a gate: a person, by name, for one check, for a reason, until a day.

Underwriters use "override" for something else, so it is called a waiver here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from credit_risk.config.names import is_person
from credit_risk.config.section import Section, Text
from credit_risk.errors import CreditRiskError
from credit_risk.measures.verdict.gate import Check

LONGEST = timedelta(days=366)  # a year; what still holds then is decided again, by somebody who looks again


class Waiver(Section):
    """A committed file under configs/waivers: who lets which check pass, why, and until when.

    scorer: the digest it was given for; without one it holds for every scorer until it expires.
    """

    person: Text
    role: Text
    check: Text
    reason: Text
    expires: date
    scorer: str | None = None


class SignedWaiver(Waiver):
    """A waiver with the identity that signed its file, which the file cannot say of itself."""

    identity: Text


class WaiverRefused(CreditRiskError, ValueError):
    """A waiver that names nobody, everything, or a day that has passed."""

    exit_code = 1


@dataclass(frozen=True)
class Waived:
    """A check that blocked, and the waiver that lets it pass."""

    check: Check
    waiver: Waiver


def refusals(waiver: Waiver, gates: Sequence[str], today: date) -> list[str]:
    """Why a waiver does not count; empty if it does."""
    reasons = []
    if not is_person(waiver.person):
        reasons.append(f"person is {waiver.person!r}, expected a first and a last name")
    if waiver.check not in gates:
        reasons.append(f"check is {waiver.check!r}, expected one gate by its name: {', '.join(gates)}")
    if len(waiver.reason.split()) < 5:
        reasons.append(f"reason is {waiver.reason!r}, expected a sentence that a validator can judge")
    if waiver.expires < today:
        reasons.append(f"it expired on {waiver.expires}, today is {today}")
    if waiver.expires - today > LONGEST:
        reasons.append(
            f"it expires on {waiver.expires}, expected at most {LONGEST.days} days from today ({today}): "
            "a waiver is for a while, and renewed by somebody who looks again"
        )
    return reasons


def apply(
    checks: Sequence[Check], waivers: Sequence[Waiver], *, gates: Sequence[str], scorer: str, today: date
) -> list[Waived]:
    """The checks that block but are waived for this scorer today.

    gates: every gate that a waiver may name; some are judged elsewhere, as those on a comparison are by `compare`.
    Raises WaiverRefused with every waiver that cannot count: a bad waiver is a finding, not a file to pass over.
    """
    wrong = [f"{waiver.check}: {why}" for waiver in waivers for why in refusals(waiver, gates, today)]
    if wrong:
        raise WaiverRefused("\n  ".join(["These waivers do not count; mend or remove them.", *wrong]))
    return [
        Waived(check, waiver)
        for check in checks
        if check.verdict != "PASS" and check.gate.name in gates
        for waiver in waivers
        if waiver.check == check.gate.name and waiver.scorer in (None, scorer)
    ]
