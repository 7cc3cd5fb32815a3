"""Compliance of a data set: each control passes on sound evidence and fails for its own reason."""

import dataclasses
from datetime import date
from typing import Any

import numpy as np
import pytest
from pandas import Categorical, DataFrame
from pydantic import ValidationError

import smallest
from credit_risk.compliance import identifiers
from credit_risk.compliance.controls import (
    CHECKS,
    DataEvidence,
    Verdict,
    control_totals,
    verdicts,
)
from credit_risk.compliance.policies import DataPolicy
from credit_risk.config import Config

COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"role": "id", "type": "integer"},
    "income": {"role": "feature", "type": "number"},
    "job": {"role": "feature", "type": "category", "categories": ["none", "some"]},
    "sex": {"role": "protected", "type": "category", "categories": ["f", "m"], "why": "sex"},
    "comment": {"role": "applicant", "type": "text"},
    "note": {"role": "ignore", "why": "free text"},
    "status": {"role": "target", "type": "integer"},
}


def config(**columns: dict[str, Any]) -> Config:
    return smallest.config(columns=COLUMNS | columns)


def policy(check: str, **changes: Any) -> DataPolicy:
    control = {"id": "c-1", "requirement": "r", "source": "s", "dated": "2016-04-27", "secondary": True}
    raw = {
        "version": 1,
        "framework": "house",
        "title": "t",
        "reviewed": "2026-01-01",
        "statements": {"purpose": "scoring", "retention": "by contract", "retention_months": 25},
        "words": {"identifiers": ["email", "first_name"], "special": ["sex", "religion"]},
        "data_controls": [control | {"check": check, "severity": "failure"}],
    }
    return DataPolicy.model_validate(raw | changes)


def table(**changes: Any) -> DataFrame:
    sound = {
        "id": [1, 2, 3],
        "income": [100.5, 200, 300],
        "job": Categorical(["none", "some", "some"]),
        "sex": Categorical(["f", "m", "f"]),
        "comment": ["a1", "a2", "a3"],
        "status": ["0", "1", "0"],
    }
    return DataFrame(sound | changes)


def answer(check: str, its_policy: DataPolicy | None = None, **changes: Any) -> Verdict:
    evidence = DataEvidence(
        policy=its_policy or policy(check),
        table=table(),
        config=config(),
        config_digest="c0ffee",
        commit="abc123",
        uncommitted=(),
        rows_in_file=3,
        recorded="5d.dir",
        measured="5d.dir",
        untracked=(),
    )
    (verdict,) = verdicts(dataclasses.replace(evidence, **changes))
    return verdict


def test_sound_evidence_passes_every_check():
    assert {check: answer(check).verdict for check in CHECKS} == dict.fromkeys(CHECKS, "PASS")


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (["x", "ann@example.org", "y"], "comment looks like e-mail address in 1 of 3 sampled cells"),
        (["DE89 3704 0044 0532 0130 00", "y", "z"], "comment looks like IBAN in 1 of 3 sampled cells"),
        (["4111 1111 1111 1111", "4012888888881881", "5555555555554444"], "comment looks like card number in 3 of 3"),
        (["+49 30 1234567", "030/1234567", "(030) 123 45 67"], "comment looks like telephone number in 3 of 3"),
        (["078-05-1120", "A123456789", "AB123456C"], "comment looks like national id in 3 of 3"),
    ],
)
def test_cells_that_name_a_person_fail(cells: list[str], sentence: str):
    verdict = answer("no_direct_identifiers", table=table(comment=cells))
    assert verdict.verdict == "FAIL"
    assert sentence in verdict.sentence


def test_card_numbers_kept_as_numbers_are_seen_too():
    verdict = answer(
        "no_direct_identifiers", table=table(income=[4111111111111111.0, 4012888888881881, 5555555555554444])
    )
    assert "income looks like card number in 3 of 3" in verdict.sentence


def test_a_column_called_after_an_identifier_fails_but_one_that_says_whether_there_is_one_does_not():
    named = config(firstName={"role": "applicant", "type": "text"}, comment={"role": "ignore", "why": "w"})
    verdict = answer("no_direct_identifiers", config=named, table=table(firstName=["a", "b", "c"]))
    assert verdict.sentence.startswith("firstName is called after a direct identifier (first_name)")
    has = config(has_email={"role": "feature", "type": "boolean"})
    assert answer("no_direct_identifiers", config=has, table=table(has_email=[True, False, True])).verdict == "PASS"


def test_an_ignored_column_called_after_an_identifier_is_named_but_was_not_read():
    verdict = answer("no_direct_identifiers", config=config(email={"role": "ignore", "why": "w"}))
    assert verdict.verdict == "PASS"
    assert verdict.sentence.endswith("not read, so not looked into: email")


@pytest.mark.parametrize(
    ("cell", "is_one"),
    [
        ("DE89370400440532013000", True),
        ("DE88370400440532013000", False),
        ("GB82 WEST 1234 5698 7654 32", True),
        ("", False),
    ],
)
def test_an_iban_is_told_by_its_check_digits(cell: str, is_one: bool):
    assert identifiers.is_iban(cell) is is_one


def test_ordinary_numbers_are_no_identifiers():
    rng = np.random.default_rng(1)
    numbers = [str(number) for number in rng.integers(1e15, 9e15, 2_000)]  # one in ten has a right check digit
    assert identifiers.kinds(numbers) == {}
    assert identifiers.kinds(["2026-01-31", "12:30", "1,000.50", "-2", ">=7", "0<=X<200", "A12"]) == {}


def test_a_name_is_met_by_whole_parts_alone():
    assert identifiers.named("SEX_1", ["sex"]) == "sex"
    assert identifiers.named("sexagesimal", ["sex"]) is None
    assert identifiers.named("applicantFirstName", ["first_name"]) == "first_name"
    assert identifiers.named("is.religion", ["religion"]) == "religion"


def test_a_special_category_near_the_model_fails():
    near = config(religion={"role": "feature", "type": "number"})
    verdict = answer("special_categories_apart", config=near)
    assert verdict.sentence == "religion (religion) has role feature; declare it protected, proxy or ignore"


def test_data_beyond_the_declared_and_a_column_without_a_reason_fail():
    verdict = answer("minimisation", table=table(more=1), config=config(note={"role": "ignore"}))
    assert verdict.sentence == "more is not declared; note gives no reason (why)"


def test_a_purpose_and_a_term_must_be_stated():
    silent = policy("purpose_and_retention", statements={"purpose": " "})
    verdict = answer("purpose_and_retention", silent)
    assert verdict.sentence == "house.yaml states no purpose, retention, retention_months"


@pytest.mark.parametrize(
    ("check", "changes", "sentence"),
    [
        ("completeness", {"rows_in_file": 4}, "3 rows were read, the file holds 4 rows"),
        ("completeness", {"rows_in_file": None}, "3 rows were read, the file was not counted"),
        ("completeness", {"table": table(income=[1, np.inf, 2])}, "no control total of income: some cells are no num"),
        ("unique_ids", {"table": table(id=[1, 1, np.nan])}, "id: 1 repeated, 1 missing"),
        ("unique_ids", {"config": config(id={"role": "ignore", "why": "w"})}, "no column has role id"),
        ("file_integrity", {"recorded": None}, "data.dvc is not there"),
        ("file_integrity", {"measured": "6e.dir"}, "data.dvc records 5d.dir, the data are 6e.dir"),
        ("file_integrity", {"measured": None}, "data.dvc records 5d.dir, the data are not there"),
        ("file_integrity", {"untracked": ("loans.csv",)}, "data.dvc does not track loans.csv"),
        ("traceability", {"commit": None}, "there is no git commit"),
        ("traceability", {"uncommitted": ("src/a.py",)}, "changed since commit abc123: src/a.py; commit first"),
    ],
)
def test_each_control_fails_for_its_own_reason(check: str, changes: dict[str, Any], sentence: str):
    verdict = answer(check, **changes)
    assert verdict.verdict == "FAIL"
    assert sentence in verdict.sentence


def test_a_control_whose_check_nobody_wrote_fails():
    verdict = answer("everything_is_fine")
    assert verdict.verdict == "FAIL"
    assert verdict.sentence.startswith("there is no check 'everything_is_fine'; known: no_direct_identifiers")


def test_a_verdict_carries_the_source_and_that_it_is_a_secondary_one():
    verdict = answer("unique_ids").as_dict()
    assert (verdict["source"], verdict["dated"], verdict["secondary"]) == ("s", "2016-04-27", True)
    assert (verdict["title"], verdict["reviewed"]) == ("t", "2026-01-01")


def test_a_policy_that_asks_nothing_or_holds_an_unknown_key_is_refused():
    with pytest.raises(ValidationError, match="data_controls"):
        policy("x", data_controls=[])
    with pytest.raises(ValidationError, match="colour"):
        policy("x", colour="red")


def test_control_totals_by_hand():
    cells = table(income=[100.5, np.nan, 300])
    assert control_totals(cells, config()) == {
        "id": {"sum": 6, "known": 3},
        "income": {"sum": 400.5, "known": 2},
    }


def test_a_verdict_says_of_which_day_its_source_is():
    assert date.fromisoformat(answer("unique_ids").as_dict()["dated"]) == date(2016, 4, 27)
