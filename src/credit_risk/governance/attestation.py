"""Answers that only a person can give: to one control, by name, for a reason, until a day."""

from datetime import date
from pathlib import Path

from pandas import DateOffset, Timestamp

from credit_risk.compliance import policies
from credit_risk.errors import UsageError
from credit_risk.governance.records import Entered, RecordRefused, Records
from credit_risk.governance.scorer_policy import PersonalCheck, ScorerPolicy


def attest(control: str, records: Records, *, by: str, reason: str, until: date, met: bool, today: date) -> Entered:
    """Record an answer. Raises UsageError for a control that nobody is asked about, RecordRefused for a day too far."""
    check = asked_of_persons(records.root / "configs" / "policies").get(control)
    if check is None:
        raise UsageError(f"no control {control!r} of configs/policies asks a person (`person:`).")
    latest = (Timestamp(today) + DateOffset(months=check.months)).date()
    if not today <= until <= latest:
        raise RecordRefused(f"the answer would hold until {until}; expected a day from {today} to {latest}.")
    return records.add("attest", control, by=by, reason=reason, until=until.isoformat(), met=met)


def asked_of_persons(folder: Path) -> dict[str, PersonalCheck]:
    """Every control of the policies that a person answers, by its id. Raises ConfigError for a faulty file."""
    every = set(policies.known(folder, ScorerPolicy).values())
    controls = (control for path in sorted(every) for control in policies.read(path, ScorerPolicy).controls)
    return {control.id: control.person for control in controls if control.person is not None}
