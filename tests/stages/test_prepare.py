"""Stage prepare: what is left out and counted, what is written where, and what is refused."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.config.columns import Column, Exclusion
from credit_risk.data import digest
from credit_risk.data.files import SPLITS, Files
from credit_risk.data.writing import read_json
from credit_risk.errors import DataError
from credit_risk.modelling.accounts import modelled, outcome_of
from credit_risk.stages import prepare
from passed import hand_on

Trained = tuple[Config, Files]
Change = Callable[..., Config]


def prepared(config: Config, files: Files) -> None:
    hand_on(config, files)
    prepare.run(config, files)


ROW = {
    "application_id": 1,
    "applicant_id": 1,
    "applied_on": pd.Timestamp("2021-01-01"),
    "sex": "female",
    "age": 40,
    "employment": "4-7y",
    "income": 40_000.0,
    "purpose": "car",
    "loan_amount": 10_000.0,
    "term_months": 24,
    "utilisation": 0.3,
    "months_late": 0.0,
    "existing_customer": True,
    "status": "good",
}


def table(*changes: dict[str, Any]) -> DataFrame:
    return DataFrame([ROW | change for change in changes])


@pytest.fixture
def config(trained: Trained) -> Config:
    return trained[0]


def test_every_row_that_is_left_out_is_counted_once_with_its_reason(config: Config):
    accounts = modelled(
        config,
        table(
            {},
            {"status": "bad"},
            {"status": "indeterminate"},
            {"status": None},
            {"term_months": 120},
            {"term_months": 120, "status": None},  # counted with the first reason that holds
            {"utilisation": np.nan},
            {"months_late": np.nan},
            {"purpose": "boat"},
            {"income": np.nan},  # may be missing
        ),
    )
    assert accounts.left_out == {
        "outcome not known": 2,
        "outcome indeterminate": 1,
        "excluded: long terms (product withdrawn)": 1,
        "cannot be scored under the missing and range policy": 3,
    }
    assert_array_equal(accounts.bad, [False, True, False])
    assert len(accounts.table) == len(accounts.inputs) == 3


def test_accounts_younger_than_the_window_are_left_out_with_their_bad_rate(config: Config, changed: Change):
    """Seen until 31 December with a window of 6 months, an account of 1 July is too young by a day."""
    seen = changed(config, "outcome", observed_until=date(2021, 12, 31), performance_window_months=6)
    days = ["2021-06-30", "2021-07-01", "2021-11-01", "2021-12-01", "2021-12-02"]
    rows = [{"applied_on": pd.Timestamp(day), "status": "bad" if day == days[1] else "good"} for day in days]
    accounts = modelled(seen, table(*rows))
    reason = "younger than 6 months on 2021-12-31"
    assert accounts.left_out[reason] == 4
    assert accounts.left_out_bad_rate == {reason: 0.25}
    assert len(accounts.table) == 1
    assert len(modelled(config, table(*rows)).table) == 5


def test_weights_stand_beside_the_outcomes_and_never_among_the_inputs(
    raw_lender: Any, changed: Change, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    config, files = raw_lender()
    rate = changed(config, "outcome", population_bad_rate=0.02)
    prepared(rate, files)
    outcomes = pd.concat([pd.read_parquet(files.outcomes(name)) for name in SPLITS])
    # The embargo leaves some rows out, with a bad rate of their own.
    assert np.average(outcomes["bad"], weights=outcomes["population_weight"]) == pytest.approx(0.02, abs=0.005)
    assert outcomes.groupby("bad")["population_weight"].nunique().tolist() == [1, 1]
    assert (outcomes["weight"] == 1).all()
    assert not {"weight", "population_weight"} & {*pd.read_parquet(files.inputs("train"))}
    assert read_json(files.report("preparation"))["population_bad_rate"] == pytest.approx(0.02)
    left_out = read_json(files.report("preparation"))["left_out"]
    assert any("embargo" in reason for reason in left_out), left_out
    printed = [message for message in caplog.messages if message.startswith("left out: ")]
    assert sorted(printed) == sorted(f"left out: {rows:,} rows, {why}" for why, rows in left_out.items() if rows)


def test_an_exclusion_that_cannot_be_told_excludes_nobody(config: Config, changed: Change):
    rich = Exclusion(name="rich", where="income > 50_000", reason="other product")
    only = changed(config, "outcome", exclusions=(rich,))
    accounts = modelled(only, table({"income": 60_000.0}, {"income": np.nan}, {"income": 40_000.0}))
    assert accounts.left_out["excluded: rich (other product)"] == 1
    assert len(accounts.table) == 2


def test_a_word_that_no_outcome_is_coded_by_is_refused_with_the_known_ones(config: Config):
    with pytest.raises(DataError, match=r"status holds 'defaulted'; the config knows bad, good, indeterminate"):
        modelled(config, table({}, {"status": "defaulted"}))


def test_an_outcome_coded_by_numbers_is_known_by_its_word(config: Config, changed: Change):
    coded = changed(config, "outcome", bad=(1,), good=(0,), indeterminate=())
    assert_array_equal(outcome_of(coded, table({"status": 1}, {"status": 0.0}, {"status": "1"})), [1, 0, 1])


def test_no_row_left_is_refused_with_the_counts(config: Config):
    with pytest.raises(DataError, match=r"no row is left.*'outcome not known': 2"):
        modelled(config, table({"status": None}, {"status": None}))


def test_parts_and_rows_left_out_add_up_to_the_rows_read(trained: Trained):
    _, files = trained
    report = read_json(files.report("preparation"))
    kept = sum(part["rows"] for part in report["parts"].values())
    assert kept + sum(report["left_out"].values()) == report["rows_read"] == 4_000
    for name in SPLITS:
        bad = pd.read_parquet(files.outcomes(name))["bad"]
        part = report["parts"][name]
        assert (part["rows"], part["bads"], part["goods"]) == (len(bad), bad.sum(), (~bad).sum())
        assert part["bad_rate"] == part["bads"] / part["rows"]


def test_the_three_tables_of_a_split_have_the_same_rows_in_the_same_order(trained: Trained):
    _, files = trained
    raw = pd.read_csv(files.root / "data" / "applications.csv").set_index("application_id")
    for name in SPLITS:
        outcomes = pd.read_parquet(files.outcomes(name))
        rows = raw.loc[outcomes["row"]]
        assert_array_equal(rows["status"] == "bad", outcomes["bad"])
        assert_array_equal(pd.read_parquet(files.inputs(name))["loan_amount"], rows["loan_amount"])
        assert_array_equal(pd.read_parquet(files.protected(name))["age"], rows["age"])
        assert_array_equal(pd.to_datetime(rows["applied_on"]), outcomes["date"])


def test_inputs_hold_neither_a_protected_column_nor_the_outcome(trained: Trained):
    config, files = trained
    for name in SPLITS:
        assert tuple(pd.read_parquet(files.inputs(name)).columns) == config.inputs
        assert list(pd.read_parquet(files.outcomes(name)).columns) == ["row", "key", "file_row", "group", "bad", "date"]
        assert list(pd.read_parquet(files.protected(name)).columns) == ["sex", "age"]
    assert not {"sex", "age", "status", "applicant_id", "application_id", "applied_on"} & {*config.inputs}


def test_no_applicant_and_no_equal_application_stands_in_two_parts(trained: Trained):
    _, files = trained
    raw = pd.read_csv(files.root / "data" / "applications.csv").set_index("application_id")
    whole = pd.concat(pd.read_parquet(files.outcomes(name)).assign(part=name) for name in SPLITS)
    rows = raw.loc[whole["row"]].assign(part=whole["part"].to_numpy())
    assert rows["applicant_id"].duplicated().any()
    assert (rows.groupby("applicant_id")["part"].nunique() == 1).all()
    equal = rows.groupby(list(trained[0].inputs), dropna=False)["part"]
    assert (equal.size() > 1).any()
    assert (equal.nunique() == 1).all()


def test_digests_are_those_of_the_files(trained: Trained):
    _, files = trained
    report = read_json(files.report("preparation"))
    assert report["inputs_digest"] == {
        "data/applications.csv": digest.of_file(files.root / "data" / "applications.csv")
    }
    assert len(report["outputs_digest"]) == 9
    for name, value in report["outputs_digest"].items():
        assert value == digest.of_file(files.root / "artifacts" / f"{name}.parquet")


def test_a_split_by_time_says_so_with_its_dates(trained: Trained):
    _, files = trained
    split = read_json(files.report("preparation"))["split"]
    assert (split["by"], split["out_of_time"], split["embargo_months"]) == ("time", True, 12)
    test = pd.read_parquet(files.outcomes("test"))["date"]
    past = pd.concat(pd.read_parquet(files.outcomes(name))["date"] for name in ("train", "selection"))
    assert split["first_test_day"] == str(test.min().date())
    assert split["dates"]["test"] == [str(test.min().date()), str(test.max().date())]
    assert past.max() < test.min() - pd.DateOffset(months=12)


def test_a_random_split_says_why_it_is_one(raw_lender: Any, changed: Change):
    config, files = raw_lender()
    prepared(changed(config, "split", by="random", why_random="one month only"), files)
    report = read_json(files.report("preparation"))
    facts = report["split"]
    assert (facts["by"], facts["out_of_time"], facts["why_random"]) == ("random", False, "one month only")
    assert (facts["identity"], facts["seed"]) == (["application_id"], 7)
    rows = [report["parts"][name]["rows"] for name in SPLITS]
    np.testing.assert_allclose(np.array(rows) / sum(rows), [0.5, 0.2, 0.3], atol=0.01)
    np.testing.assert_allclose([facts["shares"][name] for name in SPLITS], np.array(rows) / sum(rows))
    rates = [report["parts"][name]["bad_rate"] for name in SPLITS]
    assert max(rates) - min(rates) < 0.02


def test_the_same_data_give_the_same_files_whatever_the_order_of_the_columns(raw_lender: Any):
    config, files = raw_lender()
    prepared(config, files)
    before = {path: path.read_bytes() for path in (files.root / "artifacts").rglob("*.parquet")}
    report = files.report("preparation").read_bytes()
    prepared(config, files)
    assert {path: path.read_bytes() for path in (files.root / "artifacts").rglob("*.parquet")} == before
    assert files.report("preparation").read_bytes() == report
    source = files.root / "data" / "applications.csv"
    raw = pd.read_csv(source, dtype=str)
    raw[raw.columns[::-1]].to_csv(source, index=False)
    prepared(config, files)
    assert {path: path.read_bytes() for path in (files.root / "artifacts").rglob("*.parquet")} == before


def parts(files: Files) -> dict[int, str]:
    """The part of each row, by its id."""
    return {row: name for name in SPLITS for row in pd.read_parquet(files.outcomes(name))["row"]}


def test_a_row_stays_in_its_part_whatever_columns_there_are(raw_lender: Any, changed: Change):
    """A column more among the inputs would have drawn another split when a row's part followed from its inputs."""
    config, files = raw_lender()
    random = changed(config, "split", by="random", why_random="a test", equal_rows="own")
    prepared(random, files)
    before = parts(files)
    source = files.root / "data" / "applications.csv"
    raw = pd.read_csv(source)
    raw.assign(height=range(len(raw))).to_csv(source, index=False)
    columns = {**random.columns, "height": Column(role="input_only", type="integer")}
    higher = random.model_copy(update={"columns": columns})
    prepared(higher, files)
    assert parts(files) == before
    prepared(changed(higher, "split", seed=8), files)
    moved = [row for row, name in parts(files).items() if before[row] != name]
    assert len(moved) > 0.4 * len(before)


def test_without_an_id_a_row_stays_in_its_part_by_its_declared_identity(raw_lender: Any, changed: Change):
    config, files = raw_lender()
    columns = {name: column for name, column in config.columns.items() if column.role != "id"}
    nameless = config.model_copy(update={"columns": columns})
    random = changed(nameless, "split", by="random", why_random="a test", identity=("applicant_id",))
    source = files.root / "data" / "applications.csv"
    raw = pd.read_csv(source).drop(columns="application_id")
    raw.to_csv(source, index=False)
    prepared(random, files)
    before = parts(files)
    raw.iloc[::-1].assign(height=1.0).to_csv(source, index=False)
    prepared(
        random.model_copy(update={"columns": {**columns, "height": Column(role="input_only", type="number")}}), files
    )
    assert {len(raw) - 1 - row: name for row, name in parts(files).items()} == before


def test_a_part_of_one_class_is_refused_by_its_name(raw_lender: Any):
    def only_old_ones_go_bad(raw: DataFrame) -> DataFrame:
        late = raw["applied_on"] > "2022-12-31"
        return raw.assign(status=raw["status"].mask(late, "good"))

    config, files = raw_lender(change=only_old_ones_go_bad)
    with pytest.raises(DataError, match="the test rows hold no good or no bad account"):
        prepared(config, files)
    assert not files.report("preparation").exists()


def test_a_refused_split_leaves_the_files_of_the_run_before(raw_lender: Any):
    config, files = raw_lender()
    prepared(config, files)
    before = files.outcomes("test").read_bytes()
    source = files.root / "data" / "applications.csv"
    pd.read_csv(source).replace({"status": {"bad": "good"}}).to_csv(source, index=False)
    with pytest.raises(DataError, match="the train and selection and test rows hold no good or no bad account"):
        prepared(config, files)
    assert files.outcomes("test").read_bytes() == before


def test_rows_without_an_id_are_named_by_their_place_in_the_file(config: Config, changed: Change):
    columns = {name: column for name, column in config.columns.items() if column.role != "id"}
    nameless = config.model_copy(update={"columns": columns})
    accounts = modelled(nameless, table({"status": None}, {}, {"status": "bad"}))
    assert list(prepare._row_names(nameless, accounts.table)) == [1, 2]
