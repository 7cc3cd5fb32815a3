"""A data version as files that the pipeline reads: columns and types are those that the lender's config declares."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas import DataFrame, Series

from credit_risk.config import Config
from credit_risk.config.columns import GUARDED_ROLES, Source
from credit_risk.data.files import Files
from credit_risk.data.reading import tables
from credit_risk.data.writing import write_parquet
from credit_risk.errors import DataError
from credit_risk.monitoring.calendar import months_after
from credit_risk.retraining.accounts import NEWEST, PAST, Application, DataVersion
from credit_risk.retraining.settings import DataWindow

ACCOUNTS, COMPARED_ON = Path("data") / "accounts.parquet", Path("data") / "newest.parquet"


@dataclass(frozen=True)
class Lender:
    """What of the lender's own repository a training reads: its config and files, and what it permits."""

    config: Config
    files: Files
    settings: DataWindow


def objections(lender: Lender) -> list[str]:
    """Why accounts of the ledger cannot stand in this lender's table."""
    reasons = []
    guarded = lender.config.named(*GUARDED_ROLES)
    if guarded and lender.settings.protected is None:
        reasons.append(
            f"{', '.join(guarded)} stand in no ledger, and without them nobody knows how the candidate treats groups: "
            "name a table of applicants with these columns as data.protected in configs/retraining.yaml"
        )
    if lender.config.data.weight:
        reasons.append(f"the config weighs rows by {lender.config.data.weight}, and the ledger holds no such weight")
    return reasons


def write(lender: Lender, version: DataVersion, applications: Mapping[str, Application], root: Path) -> None:
    """Write both parts of a version below a root: ACCOUNTS to train on, COMPARED_ON for the comparison alone.

    Raises DataError for an applicant of whom the protected columns are not known.
    """
    protected = _protected(lender)
    for name, path in ((PAST, ACCOUNTS), (NEWEST, COMPARED_ON)):
        part = table(lender.config, version.part(name), applications, protected)
        write_parquet(root / path, part)
    if lender.settings.raw:
        from_ledger = tables.read_sources(of_file(lender.config, ACCOUNTS), root)
        earlier = raw_accounts(lender, version)
        write_parquet(root / ACCOUNTS, pd.concat([earlier, from_ledger], ignore_index=True))


def of_file(config: Config, path: Path) -> Config:
    """The config with one file in place of the lender's own sources."""
    data = config.data.model_copy(update={"sources": (Source(path=path.as_posix()),)})
    return config.model_copy(update={"data": data})


def table(
    config: Config, rows: DataFrame, applications: Mapping[str, Application], protected: DataFrame | None
) -> DataFrame:
    """Accounts as the lender's own table would hold them. rows: of DataVersion.

    A column of ids that is declared as whole numbers gets a number that follows from the id alone.
    """
    of_rows = [applications[decision_id] for decision_id in rows["decision_id"]]
    columns: dict[str, Any] = {name: [each.inputs.get(name) for each in of_rows] for name in config.inputs}
    words = {name: getattr(config.outcome, name) for name in ("good", "bad", "indeterminate")}
    columns[config.only("target") or ""] = [words[outcome][0] for outcome in rows["outcome"]]
    if date := config.only("date"):
        columns[date] = pd.to_datetime(rows["decided_on"].to_numpy())
    for role, names in (("id", rows["decision_id"]), ("applicant", rows["applicant"])):
        for column in config.named(role):
            columns[column] = _ids(config, column, names)
    if protected is not None:
        if unknown := set(rows["applicant"]) - set(protected.index):
            raise DataError(
                f"{len(unknown):,} applicants of these accounts are not in the table that data.protected of "
                "configs/retraining.yaml names; deliver one with all of them."
            )
        columns |= {name: protected.loc[rows["applicant"], name].to_numpy() for name in protected.columns}
    order = [name for name, column in config.columns.items() if column.role != "ignore"]
    return DataFrame(columns)[order]


def raw_accounts(lender: Lender, version: DataVersion) -> DataFrame:
    """The accounts of the lender's own sources from before the ledger's first; all where they bear no date."""
    raw = tables.read_sources(lender.config, lender.files.root)
    date = lender.config.only("date")
    if date is None:
        return raw
    oldest = months_after(version.as_of, -(version.window + lender.settings.window_months))
    first = pd.Timestamp(version.rows["decided_on"].min())
    return raw[(raw[date] >= pd.Timestamp(oldest)) & (raw[date] < first)]


def _protected(lender: Lender) -> DataFrame | None:
    """The protected columns and proxies by applicant; None where the config declares none."""
    guarded = lender.config.named(*GUARDED_ROLES)
    if not guarded or lender.settings.protected is None:
        return None
    path = lender.files.root / lender.settings.protected
    whole = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"applicant": str})
    if lacking := [name for name in ("applicant", *guarded) if name not in whole]:
        raise DataError(f"{path} lacks the columns {', '.join(lacking)}: data.protected needs each of them.")
    whole["applicant"] = whole["applicant"].astype(str)
    return whole.drop_duplicates("applicant", keep="last").set_index("applicant")[list(guarded)]


def _ids(config: Config, column: str, names: "Series[str]") -> list[Any]:
    if config.columns[column].type != "integer":
        return list(names)
    return [
        int(name) if name.isdecimal() else int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) for name in names
    ]
