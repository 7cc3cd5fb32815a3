"""What a privacy policy asks of a data set and of what was decided: `credit-risk compliance`, check by check.

Two checks are here: whether data are kept no longer than stated, and whether a person can be forgotten. The others are
those of compliance.controls by their names. A check that lacks what it looks at fails.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from credit_risk.compliance import answers, controls, policies
from credit_risk.compliance.controls import Verdict
from credit_risk.compliance.policies import DataPolicy
from credit_risk.data.reading import tables
from credit_risk.data.reading.tables import Reading
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.governance import repository_checks
from credit_risk.governance.repository_checks import Scope
from credit_risk.stages import validate_data


@dataclass(frozen=True)
class Checked:
    """What a check came to, and what was seen."""

    check: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class DatasetScope:
    """A data set, the policy it is held against, and the repository and stores around it (see Scope)."""

    policy: DataPolicy
    around: Scope

    @cached_property
    def reading(self) -> Reading:
        return tables.inspect_sources(self.around.config, self.around.files.root)

    @cached_property
    def answers(self) -> Mapping[str, Verdict]:
        """The policy's data controls by the checks that answer them."""
        scope = self.around
        verdicts = answers.verdicts([self.policy], self.reading, scope.config, scope.files)
        return {control.check: its for control, its in zip(self.policy.data_controls, verdicts, strict=True)}

    def of_stores(self, name: str) -> tuple[bool, str]:
        """A check of the repository and its stores, by its name."""
        reached = repository_checks.answer(name, self.around)
        return reached.verdict == "PASS", reached.sentence


def check(names: Sequence[str], scope: DatasetScope) -> list[Checked]:
    """The checks by their names, in this order. Raises UsageError for a name that no check has."""
    known = (*OWN, *controls.CHECKS)
    if unknown := [name for name in names if name not in known] or ([] if names else ["none"]):
        raise UsageError(f"--check-types names {', '.join(unknown)}; known: {', '.join(known)}.")
    return [Checked(name, *(OWN[name](scope) if name in OWN else _of_core(name, scope))) for name in names]


def raise_unless_passed(checks: Sequence[Checked]) -> None:
    """Raise CheckFailed with every check that did not pass."""
    if failed := [f"{each.check}: {each.sentence}" for each in checks if not each.passed]:
        raise CheckFailed("\n  ".join(["The data set and its stores do not pass.", *failed]))


def as_dict(checks: Sequence[Checked]) -> dict[str, Any]:
    return {"passed": all(each.passed for each in checks), "checks": [vars(each) for each in checks]}


def _of_core(name: str, scope: DatasetScope) -> tuple[bool, str]:
    verdict = scope.answers.get(name)
    if verdict is None:
        return False, f"no data control of {scope.policy.framework} asks for it, so it was not answered"
    return verdict.verdict == "PASS", verdict.sentence


def _data_retention(scope: DatasetScope) -> tuple[bool, str]:
    """No row of a person is older than the stated term, and no decision either where an environment is named."""
    months = scope.policy.statements.retention_months
    if months is None:
        return False, f"{scope.policy.framework} states no retention_months"
    passed, sentence = _rows_in_time(scope, months)
    if scope.around.site is None:
        return passed, f"{sentence}; decisions were not looked at, as no environment is named"
    of_ledger, about_ledger = scope.of_stores("decisions_go_on_time")
    return passed and of_ledger, f"{sentence}; {about_ledger}"


def _rows_in_time(scope: DatasetScope, months: int) -> tuple[bool, str]:
    if scope.policy.statements.anonymous:
        return _anonymous(scope)
    name = scope.around.config.only("date")
    if name is None:
        return False, "no column has role date, so nobody can say how old a row is"
    oldest = pd.Timestamp(scope.around.today) - pd.DateOffset(months=months)
    days = pd.to_datetime(scope.reading.table[name], errors="coerce")
    late, unknown = int((days < oldest).sum()), int(days.isna().sum())
    if late or unknown:
        return False, f"{late:,} rows are from before {oldest:%Y-%m-%d}, and {unknown:,} have no day"
    return True, f"no row is from before {oldest:%Y-%m-%d}"


def _right_to_be_forgotten(scope: DatasetScope) -> tuple[bool, str]:
    """A person can be taken out of the data set by a reference, and an erasure from a ledger is tried and searched."""
    passed, sentence = scope.of_stores("erasure_works")
    anonymous = scope.policy.statements.anonymous
    of_data, about_data = _anonymous(scope) if anonymous else _persons_can_be_taken_out(scope)
    return passed and of_data, f"{about_data}; {sentence}"


def _persons_can_be_taken_out(scope: DatasetScope) -> tuple[bool, str]:
    name = scope.around.config.only("applicant")
    if name is None:
        return False, "no column has role applicant, so the rows of one person cannot be taken out"
    unnamed = int(scope.reading.table[name].isna().sum())
    if unnamed:
        return False, f"{unnamed:,} rows have no {name}, so nobody knows whose they are"
    return True, f"each row says whose it is ({name}), so those of one person can be taken out"


def _anonymous(scope: DatasetScope) -> tuple[bool, str]:
    """The statement that nobody is in the data counts as long as no column and no cell looks like a person's."""
    seen = scope.answers.get("no_direct_identifiers")
    if seen is None or seen.verdict != "PASS":
        reason = seen.sentence if seen else "no data control looks for identifiers"
        return False, f"the policy states that the data are anonymous, and {reason}"
    return True, f"the policy states that nobody is in the data, and {seen.sentence}"


OWN: Mapping[str, Callable[[DatasetScope], tuple[bool, str]]] = {
    "data_retention": _data_retention,
    "right_to_be_forgotten": _right_to_be_forgotten,
}


def scope_of(policy: Path, around: Scope, dataset: Path | None) -> DatasetScope:
    """A data set (the config's own without a path) against a policy's file. Raises ConfigError, DataError."""
    config = validate_data.with_sources(around.config, (dataset,) if dataset else ())
    return DatasetScope(policies.read(policy, DataPolicy), Scope(**{**vars(around), "config": config}))
