"""What a law or house rule asks of a data set: controls read from configs/policies, each answered by a real check.

A policy says what is required, where that stands and which check answers it; this module holds the checks. A control
whose check nobody wrote fails: an unanswered question is no pass.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from credit_risk.compliance import identifiers
from credit_risk.compliance.policies import DataControl, DataPolicy
from credit_risk.config import Config
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.data.inputs import word_of
from credit_risk.data.provenance import control_totals

SAMPLE = 2_000  # cells of a column that are looked at for identifiers


@dataclass(frozen=True)
class DataEvidence:
    """What the checks look at.

    commit: of the code that runs; None outside a repository. uncommitted: files that differ from it.
    rows_in_file: rows of the first file, counted without the reader that made the table; None if nobody did.
    recorded, measured: the MD5 that data.dvc holds for its directory, and that of the directory as it is now.
    untracked: data files that lie outside that directory.
    """

    policy: DataPolicy
    table: DataFrame
    config: Config
    config_digest: str
    commit: str | None
    uncommitted: tuple[str, ...]
    rows_in_file: int | None
    recorded: str | None
    measured: str | None
    untracked: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """Whether a check found what it asks for, and what it found."""

    passed: bool
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """A control and its answer. title, reviewed: of the policy, and when it was last held against its sources."""

    framework: str
    title: str
    reviewed: date
    id: str
    requirement: str
    source: str
    dated: date
    secondary: bool
    severity: Literal["failure", "warning"]
    verdict: Literal["PASS", "FAIL"]
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        facts = asdict(self)
        facts["found"] = facts.pop("sentence")  # as reports have called it from the first
        return {**facts, "dated": self.dated.isoformat(), "reviewed": self.reviewed.isoformat()}

    def __str__(self) -> str:
        return f"{self.id}: {self.sentence}. Required: {self.requirement} ({self.source})"


def verdicts(evidence: DataEvidence) -> tuple[Verdict, ...]:
    """Every control of the policy with its answer, in the policy's order."""
    return tuple(_verdict(control, evidence) for control in evidence.policy.data_controls)


def failures(of: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts that keep a data set from passing."""
    return [its for its in of if its.verdict == "FAIL" and its.severity == "failure"]


def _verdict(control: DataControl, evidence: DataEvidence) -> Verdict:
    check = CHECKS.get(control.check)
    if check is None:
        answer = Answer(False, f"there is no check {control.check!r}; known: {', '.join(CHECKS)}")
    else:
        answer = check(evidence)
    stated = control.model_dump(include={"id", "requirement", "source", "dated", "secondary", "severity"})
    return Verdict(
        framework=evidence.policy.framework,
        title=evidence.policy.title,
        reviewed=evidence.policy.reviewed,
        **stated,
        verdict="PASS" if answer.passed else "FAIL",
        sentence=answer.sentence,
    )


def _no_direct_identifiers(evidence: DataEvidence) -> Answer:
    """By name and by a sample of the cells; ignored columns are not read, so their names are all there is to see."""
    suspects, unread = [], []
    for name, column in evidence.config.columns.items():
        # A boolean or a category named after a telephone says whether there is one; its cells are looked at too.
        may_hold = column.type in ("text", "number", "integer", "date")
        word = identifiers.named(name, evidence.policy.words.identifiers) if may_hold else None
        if column.role == "ignore":
            unread += [name] if word else []
            continue
        suspects += [f"{name} is called after a direct identifier ({word})"] if word else []
        cells = _sample(evidence.table[name])
        for kind, count in identifiers.kinds(cells).items():
            suspects.append(f"{name} looks like {kind} in {count:,} of {len(cells):,} sampled cells")
    note = f"; not read, so not looked into: {', '.join(unread)}" if unread else ""
    if suspects:
        return Answer(False, "; ".join(suspects) + note)
    return Answer(True, f"no column name and no sampled cell names a person{note}")


def _special_categories_apart(evidence: DataEvidence) -> Answer:
    loose = [
        f"{name} ({word}) has role {column.role}"
        for name, column in evidence.config.columns.items()
        if (word := identifiers.named(name, evidence.policy.words.special))
        and column.role not in (*GUARDED_ROLES, "ignore")
    ]
    if loose:
        return Answer(False, "; ".join(loose) + "; declare it protected, proxy or ignore")
    kept = evidence.config.named(*GUARDED_ROLES)
    return Answer(True, f"kept apart: {', '.join(kept) or 'no column is protected or a proxy'}")


def _minimisation(evidence: DataEvidence) -> Answer:
    columns = evidence.config.columns
    undeclared = [str(name) for name in evidence.table if name not in columns]
    silent = [name for name in evidence.config.named(*GUARDED_ROLES, "ignore") if not columns[name].why]
    problems = [f"{name} is not declared" for name in undeclared] + [f"{name} gives no reason (why)" for name in silent]
    if problems:
        return Answer(False, "; ".join(problems))
    ignored = evidence.config.named("ignore")
    return Answer(True, f"all columns are declared; left out with a reason: {', '.join(ignored) or 'none'}")


def _purpose_and_retention(evidence: DataEvidence) -> Answer:
    statements = evidence.policy.statements
    words = {"purpose": statements.purpose, "retention": statements.retention}
    lacking = [name for name, stated in words.items() if not stated.strip()]
    lacking += ["retention_months"] if statements.retention_months is None else []
    if lacking:
        return Answer(False, f"{evidence.policy.framework}.yaml states no {', '.join(lacking)}")
    return Answer(True, f"purpose: {statements.purpose.strip()} Kept {statements.retention_months} months")


def _completeness(evidence: DataEvidence) -> Answer:
    rows, counted = len(evidence.table), evidence.rows_in_file
    if counted != rows:
        seen = "was not counted" if counted is None else f"holds {counted:,} rows"
        return Answer(False, f"{rows:,} rows were read, the file {seen}")
    totals = control_totals(evidence.table, evidence.config)
    broken = [name for name, total in totals.items() if total["sum"] is None]
    if broken:
        return Answer(False, f"no control total of {', '.join(broken)}: some cells are no numbers")
    return Answer(True, f"{rows:,} rows read as counted in the file; control totals of {len(totals)} columns recorded")


def _unique_ids(evidence: DataEvidence) -> Answer:
    name = evidence.config.only("id")
    if name is None:
        return Answer(False, "no column has role id, so a record that counts twice cannot be seen")
    ids = evidence.table[name]
    twice, gaps = int(ids[ids.notna()].duplicated().sum()), int(ids.isna().sum())
    if twice or gaps:
        return Answer(False, f"{name}: {twice:,} repeated, {gaps:,} missing")
    return Answer(True, f"{name} is there once in each of {len(ids):,} rows")


def _file_integrity(evidence: DataEvidence) -> Answer:
    if evidence.recorded is None:
        return Answer(False, "data.dvc is not there or names no MD5, so nothing says what the data should be")
    if evidence.untracked:
        return Answer(False, f"data.dvc does not track {', '.join(evidence.untracked)}")
    if evidence.recorded != evidence.measured:
        return Answer(False, f"data.dvc records {evidence.recorded}, the data are {evidence.measured or 'not there'}")
    return Answer(True, f"the data are those of data.dvc ({evidence.recorded})")


def _traceability(evidence: DataEvidence) -> Answer:
    if evidence.commit is None:
        return Answer(False, "there is no git commit to trace this run to; commit first")
    if evidence.uncommitted:
        return Answer(
            False, f"changed since commit {evidence.commit}: {', '.join(evidence.uncommitted[:5])}; commit first"
        )
    return Answer(True, f"commit {evidence.commit}, config {evidence.config_digest}")


CHECKS: Mapping[str, Callable[[DataEvidence], Answer]] = {
    "no_direct_identifiers": _no_direct_identifiers,
    "special_categories_apart": _special_categories_apart,
    "minimisation": _minimisation,
    "purpose_and_retention": _purpose_and_retention,
    "completeness": _completeness,
    "unique_ids": _unique_ids,
    "file_integrity": _file_integrity,
    "traceability": _traceability,
}


def _sample(cells: Series) -> list[str]:
    """Cells spread evenly over a column, as text; of a category column its words."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return [str(word) for word in cells.cat.categories[:SAMPLE]]
    if len(cells) > SAMPLE:
        cells = cells.iloc[np.linspace(0, len(cells) - 1, SAMPLE, dtype=int)]
    return [word_of(cell) for cell in cells.dropna() if cell not in (np.inf, -np.inf)]
