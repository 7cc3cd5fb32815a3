"""The data contract: each rule broken once by a table one can count, and the sentence that says so."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from pandas import Categorical, DataFrame, Series, to_datetime

import smallest
from credit_risk.config import Config
from credit_risk.data import contract
from credit_risk.data.contract import ContractReport, Finding

TODAY = date(2026, 6, 30)
COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"role": "id", "type": "integer"},
    "day": {"role": "date", "type": "date"},
    "income": {"role": "feature", "type": "number", "range": [0, 9000], "missing": "allow"},
    "loan": {"role": "feature", "type": "number"},
    "months": {"role": "feature", "type": "integer", "missing": "refer"},
    "customer": {"role": "feature", "type": "boolean", "missing": "allow"},
    "job": {"role": "input_only", "type": "category", "categories": ["none", "some"], "missing": "allow"},
    "sex": {"role": "protected", "type": "category", "categories": ["f", "m"], "missing": "allow", "why": "sex"},
    "note": {"role": "ignore", "why": "free text"},
    "status": {"role": "target", "type": "text", "missing": "allow"},
}


def config(rules: list[dict[str, Any]] | None = None, derived: dict[str, Any] | None = None, **changes: Any) -> Config:
    outcome = {
        "definition": "d",
        "favourable": "f",
        "bad": ["bad"],
        "good": ["good"],
        "indeterminate": ["open"],
        "bad_rate": [0.2, 0.6],
        "performance_window_months": 1,
        "population": "booked",
    }
    return smallest.config(
        outcome=outcome,
        columns=changes.get("columns", COLUMNS),
        derived=derived or {},
        contract={"min_rows": 4, "max_duplicates": 0.25, "rules": rules or []},
    )


def table(**changes: Any) -> DataFrame:
    """Four applications with which nothing is wrong, but for the changes."""
    sound = {
        "id": [11, 12, 13, 14],
        "day": to_datetime(["2026-01-01", "2026-02-01", "2026-03-01", "2026-06-30"]),
        "income": [1000.0, np.nan, 3000, 4000],
        "loan": [1.0, 2, 3, 4],
        "months": Series([12, 24, 36, 48]),
        "customer": [True, False, True, False],
        "job": words(["none", "some", None, "none"], ["none", "some"]),
        "sex": words(["f", "m", None, "f"], ["f", "m"]),
        "status": Series(["bad", "good", "open", "good"], dtype="str"),
    }
    return DataFrame(sound | changes)


def words(cells: list[str | None], categories: list[str]) -> Categorical:
    return Categorical(cells, categories=categories)


def check(cells: DataFrame, settings: Config | None = None, **options: Any) -> ContractReport:
    return contract.check(cells, settings or config(), today=TODAY, **options)


def only(cells: DataFrame, settings: Config | None = None, **options: Any) -> Finding:
    (finding,) = check(cells, settings, **options).findings
    return finding


def test_a_sound_table_passes():
    report = check(table())
    assert report.passed
    assert report.findings == ()
    assert (report.rows, report.columns) == (4, 9)
    assert {"missing", "range", "category", "unique", "outcome", "bad rate", "size", "duplicates"} <= set(
        report.checked
    )


@pytest.mark.parametrize("unseen", ["\ufeff12", "1\u200b2", "12\0", "12\u3164", "12\U00016fe4"])
def test_an_id_with_what_nobody_sees_would_be_another_persons(unseen):
    found = {finding.rule: str(finding) for finding in check(table(id=["11", unseen, "13", "14"])).findings}
    assert "id: unseen: got 1 cell" in found["unseen"]
    assert "unseen" not in [finding.rule for finding in check(table(id=["Ä1", "é2", "13", "14"])).findings]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"id": [11, 11, 13, 14]}, "id: unique: got 1 cell, as '11', expected every id once (id 11)"),
        (
            {"income": [-1.0, 9001, 5, 6]},
            "income: range: got 2 cells, as '-1', '9001', expected a number from 0 to 9,000 (id 11, id 12)",
        ),
        (
            {"income": [np.inf, 1, 2, 3]},
            "income: type: got 1 cell, as 'inf', expected numbers, written with a point (id 11)",
        ),
        ({"loan": [1, np.nan, 3, 4]}, "loan: missing: got 1 missing of 4, expected no missing cell (id 12)"),
        ({"months": [1.5, np.nan, 3, 4]}, "months: type: got 1 cell, as '1.5', expected whole numbers (id 11)"),
        ({"customer": [1.0, 0, 2, np.nan]}, "customer: type: got 1 cell, as '2', expected true or false (id 13)"),
        (
            {"job": words(["none", "some", "lots", "lots"], ["none", "some", "lots"])},
            "job: category: got 2 cells, as 'lots', expected one of 'none', 'some' (id 13, id 14)",
        ),
        (
            {"day": to_datetime(["1899-12-31", "2026-01-01", "2026-06-30 23:59", "2026-07-01"], format="ISO8601")},
            "day: date: got 2 cells, as '1899-12-31', '2026-07-01', "
            "expected a day from 1900-01-01 to 2026-06-30 (id 11, id 14)",
        ),
        ({"income": [np.nan] * 4}, "income: all missing: got no known cell, expected some known cells"),
        (
            {"status": ["bad", "good", "paid", "good"]},
            "status: outcome: got 1 cell, as 'paid', expected one of 'bad', 'good', 'open' (id 13)",
        ),
        (
            {"status": ["bad", "bad", "bad", "good"]},
            "status: bad rate: got 75.00%, expected 20.00% to 60.00% of the known outcomes",
        ),
    ],
)
def test_each_rule_says_what_it_got_and_what_it_expected(changes: dict[str, Any], sentence: str):
    finding = only(table(**changes))
    assert str(finding) == sentence
    assert finding.severity == "failure"


@pytest.mark.parametrize(("wrong", "rule"), [(0.0, "weight"), (-1.0, "weight"), (np.inf, "type"), (np.nan, "missing")])
def test_a_weight_is_a_number_above_0_in_every_row(wrong: float, rule: str):
    declared = config(columns=COLUMNS | {"w": {"role": "weight", "type": "number", "missing": "allow"}})
    assert check(table(w=[1.0, 0.5, 8, 2]), declared).passed
    finding = only(table(w=[1.0, wrong, 8, 2]), declared)
    assert (finding.column, finding.rule, finding.rows) == ("w", rule, ("id 12",))


def test_missing_cells_are_a_failure_only_where_the_config_refuses_them():
    assert check(table(months=[np.nan, 24, 36, 48], status=["bad", "good", None, "good"])).passed
    strict = COLUMNS | {"status": COLUMNS["status"] | {"missing": "refuse"}}
    finding = only(table(status=["bad", "good", None, "good"]), config(columns=strict))
    assert str(finding) == "status: missing: got 1 missing of 4, expected no missing cell (id 13)"


def test_one_class_is_said_beside_the_rate_it_makes():
    findings = [str(finding) for finding in check(table(status=["good"] * 4)).findings]
    assert findings == [
        "status: two classes: got 0 bad and 4 good, expected bad ('bad') and good ('good') outcomes",
        "status: bad rate: got 0.00%, expected 20.00% to 60.00% of the known outcomes",
    ]


def test_a_constant_input_is_a_warning_and_a_warning_passes():
    report = check(table(loan=[7.0] * 4, job=words(["some"] * 4, ["none", "some"])))
    assert [(finding.column, finding.severity) for finding in report.findings] == [
        ("loan", "warning"),
        ("job", "warning"),
    ]
    assert report.passed


def test_too_few_rows():
    assert "size: got 3 rows, expected 4 rows or more" in map(str, check(table().head(3)).findings)


def test_duplicates_repeat_another_row_in_all_but_the_id():
    twice = table().take([0, 1, 1, 1]).reset_index(drop=True).assign(id=[1, 2, 3, 4])
    (finding,) = check(twice).failures
    assert (finding.rule, finding.count, finding.rows) == ("duplicates", 2, ("id 3", "id 4"))
    assert finding.got == "2 of 4 rows (50.00%)"
    assert check(twice.assign(loan=[1.0, 2, 2, 3])).passed  # one in four is allowed


RULE = {"name": "loan within income", "must": "loan <= income / 1000", "reason": "policy"}


def test_a_cross_field_rule_counts_rows_known_to_break_it():
    cells = table(loan=[1.0, 99, 3, 5])  # the second has no income, so nothing is known; the last breaks the rule
    finding = only(cells, config([RULE]))
    assert str(finding) == (
        "loan within income: got 1 of 4 rows (25.00%), expected loan <= income / 1000, because policy (id 14)"
    )
    assert check(cells, config([RULE | {"allowed": 0.25}])).passed
    assert check(cells, config([RULE]), rules=False).passed


def test_a_rule_may_read_derived_features_and_categories():
    derived = {"double": {"formula": "loan * 2"}, "more": {"formula": "double + months"}}
    rule = {"name": "r", "must": "not (more > 50 and job == 'none')", "reason": "x"}
    assert only(table(), config([rule], derived)).rows == ("id 14",)


def test_rules_of_one_name_are_guarded_groups():
    both = [RULE | {"name": "size", "must": "loan < 3"}, RULE | {"name": "size", "must": "loan < 4"}]
    assert [finding.count for finding in check(table(), config(both)).findings] == [2, 1]


def test_a_category_column_read_as_text_fails_instead_of_passing():
    failures = check(table(job=Series(["none", "some", "none", "some"], dtype="str"))).failures
    assert ("category", "job", 4) in [(finding.rule, finding.column, finding.count) for finding in failures]


def test_a_lacking_column_fails():
    finding = only(table().drop(columns="job"))
    assert finding.rule == "schema"
    assert "job" in finding.got


def test_without_an_id_rows_are_counted_from_1():
    anonymous = {name: column for name, column in COLUMNS.items() if name != "id"}
    finding = only(table(loan=[1, 2, np.nan, 4]).drop(columns="id"), config(columns=anonymous))
    assert finding.rows == ("row 3",)


def test_texts_that_could_not_be_read_are_shown():
    finding = only(table(income=[np.inf, 1, 2, 3]), unreadable={"income": ("lots",)})
    assert finding.got == "1 cell, as 'lots'"


def test_all_failures_come_at_once():
    report = check(table(id=[1, 1, 3, 4], loan=[np.nan, 2, 3, 4], income=[-1.0, 2, 3, 4], status=["?"] * 4))
    assert {(finding.rule, finding.column) for finding in report.failures} == {
        ("unique", "id"),
        ("missing", "loan"),
        ("range", "income"),
        ("outcome", "status"),
        ("two classes", "status"),
        ("bad rate", "status"),
    }
    assert not report.as_dict()["passed"]


def test_a_report_stays_small_however_many_cells_fail():
    n = 200_000
    cells = table().take(np.arange(n) % 4).reset_index(drop=True).assign(id=np.arange(n), loan=np.nan, income=-1.0)
    report = check(cells)
    assert sum(finding.count for finding in report.findings) > 2 * n
    assert all(len(finding.rows) <= 5 for finding in report.findings)
