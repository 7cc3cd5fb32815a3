"""A data version as the lender's own table: every declared column, and none of what no ledger holds made up."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.data.reading import tables
from credit_risk.errors import DataError
from credit_risk.retraining import candidate, sources
from credit_risk.retraining.accounts import NEWEST, PAST, ROWS, Application, DataVersion
from credit_risk.retraining.settings import DataWindow
from credit_risk.retraining.sources import ACCOUNTS, COMPARED_ON, Lender

LENDER = Path(__file__).parents[1] / "lender"
CONFIG = load(LENDER / "credit.yaml")
AS_OF = date(2026, 6, 20)
INPUTS = {
    "employment": "<1y",
    "income": None,
    "purpose": "car",
    "loan_amount": 1_000.0,
    "term_months": 12,
    "utilisation": 0.5,
    "months_late": 0,
    "existing_customer": True,
}
WINDOW = DataWindow(
    window_months=36,
    newest_months=3,
    least_newest=1,
    least_newest_bads=1,
    raw=False,
    protected="protected.csv",
    least_known=0,
    most_narrowing=1,
)
APPLICATIONS = {
    "d1": Application("7", date(2025, 1, 5), "5c", INPUTS),
    "d2": Application("lender-8", date(2025, 5, 1), "5c", INPUTS | {"income": 30_000.0, "existing_customer": False}),
}


@pytest.fixture
def lender(tmp_path):
    rows = pd.DataFrame({"applicant": ["7", "lender-8"], "sex": ["female", "male"], "age": [30, 40]})
    rows.to_csv(tmp_path / "protected.csv", index=False)
    return Lender(CONFIG, Files(tmp_path), WINDOW)


@pytest.fixture
def version():
    rows = [
        ("d1", "7", date(2025, 1, 5), date(2026, 2, 1), "bad", PAST),
        ("d2", "lender-8", date(2025, 5, 1), date(2026, 6, 1), "good", NEWEST),
    ]
    return DataVersion(AS_OF, 12, pd.DataFrame(rows, columns=list(ROWS)), 1.0, 0, {})


def test_each_part_is_read_by_the_lenders_own_config(lender, version, tmp_path):
    sources.write(lender, version, APPLICATIONS, tmp_path)
    past, newest = (tables.read_sources(sources.of_file(CONFIG, path), tmp_path) for path in (ACCOUNTS, COMPARED_ON))
    (row,) = past.to_dict("records")
    assert (row["status"], row["sex"], row["age"], row["applicant_id"]) == ("bad", "female", 30, 7)
    assert (row["employment"], row["purpose"], row["utilisation"]) == ("<1y", "car", 0.5)
    assert pd.isna(row["income"])
    assert row["applied_on"] == pd.Timestamp(2025, 1, 5)
    (row,) = newest.to_dict("records")
    assert (row["status"], row["income"], bool(row["existing_customer"])) == ("good", 30_000, False)
    assert row["applicant_id"] == int(row["applicant_id"]) > 0


def test_an_applicant_of_whom_no_group_is_known_makes_no_table(lender, version, tmp_path):
    (tmp_path / "protected.csv").write_text("applicant,sex,age\n7,female,30\n")
    with pytest.raises(DataError, match="1 applicants of these accounts are not in the table"):
        sources.write(lender, version, APPLICATIONS, tmp_path)


def test_protected_columns_that_nobody_delivers_are_an_objection(lender):
    assert sources.objections(lender) == []
    without = replace(lender, settings=WINDOW.model_copy(update={"protected": None}))
    assert sources.objections(without)[0].startswith("sex, age stand in no ledger")


def test_the_lenders_own_rows_come_from_before_the_ledger_and_within_the_window(lender, version, tmp_path):
    days = ["2022-06-19", "2022-06-20", "2025-01-04", "2025-01-05"]
    table = sources.table(CONFIG, version.part(PAST), APPLICATIONS, sources._protected(lender))
    raw = pd.concat([table] * 4).assign(applied_on=days, application_id=[1, 2, 3, 4])
    (tmp_path / "data").mkdir()
    raw.to_csv(tmp_path / "data/applications.csv", index=False)
    assert list(sources.raw_accounts(lender, version)["application_id"]) == [2, 3]
    with_raw = replace(lender, settings=WINDOW.model_copy(update={"raw": True}))
    sources.write(with_raw, version, APPLICATIONS, tmp_path / "made")
    made = tables.read_sources(sources.of_file(CONFIG, ACCOUNTS), tmp_path / "made")
    assert list(made["applied_on"].dt.date) == [date(2022, 6, 20), date(2025, 1, 4), date(2025, 1, 5)]


def test_the_candidates_config_reads_the_version_alone_and_takes_no_young_account_for_good(lender, tmp_path):
    files = Files(tmp_path / "own")
    files.config.parent.mkdir(parents=True)
    for path in LENDER.glob("*.yaml"):
        (files.config.parent / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    made = load(candidate.make_root(files, tmp_path / "made", AS_OF).config)
    assert [source.path for source in made.data.sources] == ["data/accounts.parquet"]
    assert made.outcome.observed_until == AS_OF
    same = {"data", "outcome"}
    assert {k: v for k, v in made.as_dict().items() if k not in same} == {
        k: v for k, v in CONFIG.as_dict().items() if k not in same
    }
