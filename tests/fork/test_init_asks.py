"""What `init` drafts of codes, weights, young accounts and several files, and what it asks about each."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame, date_range
from ruamel.yaml import YAML

from credit_risk.config import load
from credit_risk.config.reading import undecided
from credit_risk.data.reading.tables import no_progress
from credit_risk.errors import ConfigError, UsageError
from credit_risk.fork.drafting.request import InitRequest
from credit_risk.fork.init import Drafted, checked, drafted

N = 400


def drawn(room: Path, header: str, row: str, **request: object) -> Drafted:
    """The draft of N rows. late: a fifth of the rows has no record (-9); year: the younger half is of 2024."""
    facts = (
        {"n": n, "bad": int(n % 4 == 0), "late": -9 if n % 5 == 0 else n % 30, "year": 2021 if n < N / 2 else 2024}
        for n in range(N)
    )
    lines = [row.format(**its, young_bad=int(its["bad"] and (its["n"] < N / 2 or its["n"] % 40 == 0))) for its in facts]
    path = room / "loans.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    asked = InitRequest(**{"data": path, "target": "status", "bad": ("1",), "accept": True, **request})
    made = drafted(asked, no_progress)
    checked(made, asked)
    return made


def tree(made: Drafted) -> dict:
    return YAML(typ="safe", pure=True).load(made.config)


CODES = "income,late,status", "{n}.5,{late},{bad}"
DATED = "applied_on,income,status", "{year}-03-01,{n}.5,{young_bad}"
WEIGHTS = "income,sample_weight,status", "{n}.5,{bad}.5,{bad}"


def test_codes_are_a_level_of_their_own_with_a_text_and_no_direction_over_them(tmp_path: Path):
    found = tree(drawn(tmp_path, *CODES))
    assert found["columns"]["late"]["special"] == {-9: "code_minus_9"}
    assert found["columns"]["late"]["range"][0] == 0
    assert "late" not in found["model"]["directions"]
    texts = {family["features"][0]: family["text"] for family in found["reasons"]["families"]}
    assert texts["late"]["code_minus_9"] == "Late: recorded as -9"
    assert "columns.late.special" in found["suggested"]


def test_what_a_code_says_of_an_applicant_is_asked(tmp_path: Path):
    made = drawn(tmp_path, *CODES, accept=False)
    open_texts = [its for its in undecided(YAML().load(made.config)) if its[0] == "reasons"]
    assert [its[-1] for its in open_texts] == ["code_minus_9"]
    path = tmp_path / "credit.yaml"
    path.write_text(made.config, encoding="utf-8")
    path.with_name("model.yaml").write_text(made.parameters, encoding="utf-8")
    with pytest.raises(ConfigError, match="what this code under `special` says of an applicant"):
        load(path)


def test_young_accounts_of_which_few_are_bad_are_not_judged_or_asked_about(tmp_path: Path):
    found = tree(drawn(tmp_path, *DATED))
    assert found["outcome"]["observed_until"] == "2024-03-01"  # in quotes: DVC's JSON knows no day
    assert "outcome.observed_until" in found["suggested"]
    assert tree(drawn(tmp_path, *DATED, accept=False))["outcome"]["observed_until"] == "???"
    known = drawn(tmp_path, *DATED, answers={"outcome.observed_until": date(2025, 6, 30)})
    assert tree(known)["outcome"]["observed_until"] == "2025-06-30"
    assert "outcome.observed_until" not in tree(known)["suggested"]


def test_accounts_that_are_as_bad_as_before_are_judged(tmp_path: Path):
    header, row = DATED
    assert "observed_until" not in tree(drawn(tmp_path, header, row.replace("{young_bad}", "{bad}")))["outcome"]


def test_a_weight_counts_once_it_is_named_and_is_asked_about_before(tmp_path: Path):
    asked = tree(drawn(tmp_path, *WEIGHTS, accept=False))
    assert asked["columns"]["sample_weight"] == {"role": "ignore", "type": "number", "range": [0, 3], "why": "???"}
    made = drawn(tmp_path, *WEIGHTS, roles={"sample_weight": "weight"})
    assert tree(made)["data"]["weight"] == "sample_weight"
    assert tree(made)["columns"]["sample_weight"] == {"role": "weight", "type": "number"}
    assert made.facts.true_bad_rate == pytest.approx(100 * 1.5 / (100 * 1.5 + 300 * 0.5))
    assert tree(made)["policy"]["margin"] == 0.5  # half the odds, which weights make 1


@pytest.mark.parametrize(
    ("request_", "half"),
    [
        ({}, "debt >= 9"),
        ({"answers": {"outcome.population_bad_rate": 0.05}}, "debt >= 7"),  # a bad stands for 0.2, a good for 1.27
        ({"roles": {"sample_weight": "weight"}}, "debt >= 5"),
    ],
)
def test_a_wording_is_true_of_the_worse_half_of_the_population_not_of_its_sample(
    tmp_path: Path, request_: dict, half: str
):
    """Debts from 0 to 19, of 20 rows each; the five highest are bad, and were drawn more often than the others."""
    path = tmp_path / "loans.csv"
    debts = [n % 20 for n in range(N)]
    rows = [f"{debt},{0.2 if debt > 14 else 1.25 if debt > 4 else 2.5},{int(debt > 14)}" for debt in debts]
    path.write_text("\n".join(["debt,sample_weight,status", *rows]) + "\n", encoding="utf-8")
    roles = {"debt": "feature", **request_.get("roles", {})}
    asked = InitRequest(**{"data": path, "target": "status", "bad": ("1",), "accept": True, **request_, "roles": roles})
    found = tree(drafted(asked, no_progress))["reasons"]["families"]
    assert {its["features"][0]: its["true_when"] for its in found}["debt"] == half


def test_a_weight_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="--weight late: a weight is a number above 0 in every row"):
        drawn(tmp_path, *CODES, roles={"late": "weight"})


def test_the_bad_rate_of_all_accounts_is_declared_and_the_trials_cut_off_follows_it(tmp_path: Path):
    found = tree(drawn(tmp_path, *CODES, answers={"outcome.population_bad_rate": 0.1}))
    assert found["outcome"]["population_bad_rate"] == 0.1
    assert found["policy"]["margin"] == pytest.approx(0.5 * 0.1 / 0.9, abs=1e-5)


def test_a_second_file_stands_in_the_draft_with_its_key_and_how_it_met_the_first(tmp_path: Path):
    bureau = tmp_path / "bureau.csv"
    bureau.write_text("loan_no,sector\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(10, N)), encoding="utf-8")
    made = drawn(tmp_path, "loan_no,income,status", "{n},{n}.5,{bad}", joined=(bureau,))
    first, second = tree(made)["data"]["sources"]
    assert (first, second) == ({"path": "data/loans.csv"}, {"path": "data/bureau.csv", "join_on": "loan_no"})
    assert "10 rows before it find none here, 0 rows here belong to none" in made.config
    assert tree(made)["columns"]["sector"]["missing"] == "allow"


def test_a_key_that_is_no_id_is_no_feature(tmp_path: Path):
    branches = tmp_path / "branches.csv"
    branches.write_text("branch,rate\n" + "".join(f"{n},{n}.25\n" for n in range(7)), encoding="utf-8")
    path = tmp_path / "loans.csv"
    rows = [f"{n % 7},{n}.5,{int(n % 4 == 0)}" for n in range(N)]
    path.write_text("\n".join(["branch,income,status", *rows]) + "\n", encoding="utf-8")
    request = InitRequest(data=path, joined=(branches,), target="status", bad=("1",), accept=True)
    column = tree(drafted(request, no_progress))["columns"]["branch"]
    assert column == {"role": "ignore", "type": "integer", "why": "joins the files"}


def drafted_of_parquet(room: Path, table: DataFrame, **request: object) -> dict:
    path = room / "loans.parquet"
    table.to_parquet(path)
    asked = InitRequest(data=path, target="status", bad=("1",), accept=True, **request)
    made = drafted(asked, no_progress)
    checked(made, asked)
    return tree(made)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_days_of_any_time_zone_are_days_where_summer_time_gives_them_two_offsets_too(tmp_path: Path, zone: str):
    table = loans(applied_on=date_range("2022-01-01", periods=N, tz=zone))
    assert drafted_of_parquet(tmp_path, table)["columns"]["applied_on"] == {"role": "date", "type": "date"}


def loans(**columns: object) -> DataFrame:
    """N rows that no column numbers."""
    rows = np.arange(N)
    return DataFrame({"income": (rows * 37) % 401 + 0.5, "status": (rows % 4 == 0).astype(int), **columns})


def test_an_applicant_whose_digits_a_float_has_lost_is_left_out_and_asked_about(tmp_path: Path):
    table = loans(customer_id=2.0**53 + 2 * np.arange(N))
    found = drafted_of_parquet(tmp_path, table)
    assert found["columns"]["customer_id"]["role"] == "ignore"
    assert "columns.customer_id.why" in found["suggested"]
    with pytest.raises(UsageError, match="--applicant customer_id: numbers this long lose digits in a float"):
        drafted_of_parquet(tmp_path, table, roles={"customer_id": "applicant"})


def test_an_index_that_pandas_saved_is_no_feature_whatever_it_is_called(tmp_path: Path):
    table = loans().set_axis((np.arange(N) * 7) % 401, axis=0).rename_axis("line")
    assert drafted_of_parquet(tmp_path, table)["columns"]["line"]["role"] == "ignore"
    assert drafted_of_parquet(tmp_path, table.rename_axis("loan_no"))["columns"]["loan_no"]["role"] == "id"
