"""Scoring a file: the same decisions however it is stored, cut into batches, or interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from credit_risk.batch.score import score
from credit_risk.batch.task import SCORER_KEY, result_types
from credit_risk.data.simulated_lender import lender
from credit_risk.errors import CheckFailed, DataError
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.decision import DECLINE, NO_RULE
from credit_risk.scoring.scorer import Scorer

ROWS = 2_000
BATCH = 300


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def scorer(trained) -> Scorer:
    return Scorer.load(trained[1].scorer)


@pytest.fixture(scope="module")
def applications(scorer) -> pd.DataFrame:
    table = lender(ROWS, seed=11).applications
    return table[["application_id", *scorer.config.inputs]]


@pytest.fixture
def parquet(applications, tmp_path) -> Path:
    applications.to_parquet(tmp_path / "in.parquet", index=False)
    return tmp_path / "in.parquet"


@pytest.fixture
def csv(applications, tmp_path) -> Path:
    applications.to_csv(tmp_path / "in.csv", index=False)
    return tmp_path / "in.csv"


def killed_after(parts):
    """A progress callback that ends the run when so many parts were handed over."""
    calls = []

    def watch(rows, share):
        calls.append(rows)
        if len(calls) == parts:
            raise KilledError

    return watch


def interrupted(scorer, source, output, parts=3, batch_rows=BATCH):
    with pytest.raises(KilledError):
        score(scorer, source, output, batch_rows=batch_rows, progress=killed_after(parts))
    assert not output.exists()
    return output.with_name(f"{output.name}.parts")


def test_the_output_holds_the_ids_the_decisions_and_once_the_scorer(scorer, applications, parquet, tmp_path):
    summary = score(scorer, parquet, tmp_path / "out.parquet")
    decided = pd.read_parquet(tmp_path / "out.parquet")
    assert list(decided) == ["application_id", *result_types()]
    assert decided["application_id"].equals(applications["application_id"])
    assert pq.read_schema(tmp_path / "out.parquet").metadata[SCORER_KEY].decode() == scorer.digest
    assert summary.rows == ROWS
    assert summary.decisions == {**dict.fromkeys(summary.decisions, 0), **decided["decision"].value_counts()}
    assert not (tmp_path / "out.parquet.parts").exists()


def test_the_decisions_are_those_of_decide_on_the_table_and_on_each_application(
    scorer, applications, parquet, tmp_path
):
    score(scorer, parquet, tmp_path / "out.parquet", batch_rows=BATCH)
    decided = pd.read_parquet(tmp_path / "out.parquet")
    assert_frame_equal(decided[list(result_types())], scorer.decide(applications).table(), check_exact=True)
    for row, application in enumerate(applications.head(50).to_dict("records")):
        gaps = {name: None if value != value else value for name, value in application.items()}  # noqa: PLR0124 - NaN
        one = scorer.decide(gaps)
        assert np.array_equal(one.table()["pd"], decided["pd"].iloc[[row]], equal_nan=True)
        assert one.table()["decision"].iloc[0] == decided["decision"].iloc[row]


def test_a_decline_of_the_model_carries_its_reasons_and_nothing_else_does(scorer, parquet, tmp_path):
    score(scorer, parquet, tmp_path / "out.parquet", batch_rows=BATCH)
    decided = pd.read_parquet(tmp_path / "out.parquet")
    reasons = scorer.config.reasons
    texts = {f"{each.id} {text}" for each in reasons.families for text, _ in reasons.wordings(each).values()}
    by_rule = decided["why"].str.startswith("very late: six months late or more")
    declined = (decided["decision"] == "decline") & ~by_rule
    assert declined.sum() > 100
    cited = decided.loc[declined, "why"].str.split("; ")
    assert set(cited.explode()) <= texts  # each family, if not in each state
    assert {text[:3] for text in cited.explode()} == {family.id for family in reasons.families}
    assert cited.map(len).between(1, scorer.config.reasons.count).all()
    assert (cited.map(len) == cited.map(set).map(len)).all()
    assert not decided.loc[~declined, "why"].str.contains(r"R\d\d", regex=True).any()


def test_the_reasons_in_the_file_are_those_of_the_explanation(scorer, applications, parquet, tmp_path):
    score(scorer, parquet, tmp_path / "out.parquet", batch_rows=BATCH)
    why, decisions = pd.read_parquet(tmp_path / "out.parquet")["why"], scorer.decide(applications)
    rows = np.flatnonzero((decisions.outcome == DECLINE) & (decisions.rule == NO_RULE))[:50]
    assert len(rows) == 50
    for row in rows:
        assert why[row] == "; ".join(f"{one.id} {one.text}" for one in decisions.explanation(int(row)).reasons)


def test_without_reasons_only_the_reasons_are_left_out_and_declines_in_doubt_stay_declines(scorer, parquet, tmp_path):
    score(scorer, parquet, tmp_path / "with.parquet")
    score(scorer, parquet, tmp_path / "without.parquet", reasons=False)
    told, bare = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("with", "without"))
    assert_frame_equal(bare[["pd", "score", "band"]], told[["pd", "score", "band"]], check_exact=True)
    differ = bare["decision"] != told["decision"]
    assert set(bare.loc[differ, "decision"]) <= {"decline"}
    assert set(told.loc[differ, "decision"]) <= {"refer"}
    declined = told["why"].str.match(r"R\d\d ")
    assert declined.sum() > 100
    assert set(bare.loc[declined | differ, "why"]) == {""}
    assert bare.loc[~declined & ~differ, "why"].equals(told.loc[~declined & ~differ, "why"])


def test_csv_and_parquet_give_the_same_decisions(scorer, csv, parquet, tmp_path):
    for source in (csv, parquet):
        for ending in ("csv", "parquet"):
            score(scorer, source, tmp_path / f"{source.suffix[1:]}_in.{ending}")
    for ending in ("csv", "parquet"):
        assert (tmp_path / f"csv_in.{ending}").read_bytes() == (tmp_path / f"parquet_in.{ending}").read_bytes()
    text = pd.read_csv(tmp_path / "csv_in.csv", keep_default_na=False)
    table = pd.read_parquet(tmp_path / "csv_in.parquet")
    scored = table["pd"].notna()
    assert text.loc[scored, "pd"].astype(float).equals(table.loc[scored, "pd"])
    assert text["decision"].tolist() == table["decision"].tolist()
    assert text["why"].tolist() == table["why"].tolist()
    assert json.loads((tmp_path / "csv_in.csv.json").read_text()) == {"scorer": scorer.digest, "rows": ROWS}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_size_of_a_batch_changes_no_byte(scorer, parquet, tmp_path, monkeypatch, ending):
    monkeypatch.setattr("credit_risk.batch.score.GROUP_ROWS", 700)
    outputs = []
    for rows in (1, 299, 700, 1_000, 100_000):
        source = parquet if rows > 1 else pq_head(parquet, tmp_path)
        score(scorer, source, tmp_path / f"{rows}.{ending}", batch_rows=rows)
        outputs.append((tmp_path / f"{rows}.{ending}").read_bytes())
    assert len(set(outputs[1:])) == 1


def pq_head(path, folder):
    """A few rows, for batches of one row each."""
    pq.write_table(pq.read_table(path).slice(0, 20), folder / "head.parquet")
    return folder / "head.parquet"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("parts", [1, 3, 7])
def test_a_killed_run_that_goes_on_ends_with_the_same_bytes(scorer, parquet, tmp_path, ending, parts):
    whole, output = tmp_path / f"whole.{ending}", tmp_path / f"out.{ending}"
    score(scorer, parquet, whole, batch_rows=BATCH)
    interrupted(scorer, parquet, output, parts)
    summary = score(scorer, parquet, output, batch_rows=BATCH)
    assert summary.resumed >= min((parts - 1) * BATCH, ROWS)
    assert summary.rows == ROWS
    assert output.read_bytes() == whole.read_bytes()
    assert not output.with_name(f"{output.name}.parts").exists()


def test_finished_parts_are_not_decided_again(scorer, parquet, tmp_path, monkeypatch):
    output = tmp_path / "out.parquet"
    interrupted(scorer, parquet, output, parts=4)
    decide, decided = Scorer.decide_inputs, []

    def counting(self, inputs, *, reasons):
        decided.append(len(inputs))
        return decide(self, inputs, reasons=reasons)

    monkeypatch.setattr(Scorer, "decide_inputs", counting)
    summary = score(scorer, parquet, output, batch_rows=BATCH)
    assert sum(decided) == ROWS - summary.resumed
    assert summary.resumed >= 3 * BATCH


@pytest.mark.parametrize("changed", ["scorer", "input", "batch rows", "reasons"])
def test_another_scorer_input_or_setting_starts_anew_and_says_so(scorer, parquet, tmp_path, caplog, changed):
    output, rows, other, reasons = tmp_path / "out.parquet", BATCH, scorer, changed != "reasons"
    interrupted(scorer, parquet, output)
    if changed == "scorer":
        calibration = Calibration(scorer.calibration.intercept + 1, scorer.calibration.slope)
        other = replace(scorer, calibration=calibration, digest="another")
    elif changed == "input":
        pq.write_table(pq.read_table(parquet).slice(0, 1_000), parquet)
    elif changed == "batch rows":
        rows = BATCH + 1
    summary = score(other, parquet, output, batch_rows=rows, reasons=reasons)
    assert summary.resumed == 0
    assert f"Starting anew: the parts in {output}.parts were made with another {changed}" in caplog.text
    fresh = tmp_path / "fresh.parquet"
    score(other, parquet, fresh, reasons=reasons)
    assert output.read_bytes() == fresh.read_bytes()


@pytest.mark.weekly
def test_a_run_killed_by_the_system_goes_on_to_the_same_bytes(trained, scorer, applications, tmp_path):
    source, output = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pd.concat([applications] * 50, ignore_index=True).to_parquet(source, index=False)
    program = (
        "import sys, time; from pathlib import Path; from credit_risk.scoring.scorer import Scorer;"
        "from credit_risk.batch.score import score; scorer, source, output = map(Path, sys.argv[1:]);"
        "score(Scorer.load(scorer), source, output, batch_rows=1_000, progress=lambda *_: time.sleep(0.02))"
    )
    command = [sys.executable, "-c", program, str(trained[1].scorer), str(source), str(output)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    parts = tmp_path / "out.parquet.parts"
    while len(list(parts.glob("*.arrow"))) < 5:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not output.exists()
    summary = score(scorer, source, output, batch_rows=1_000)
    assert summary.resumed >= 5_000
    score(scorer, source, tmp_path / "whole.parquet", batch_rows=1_000)
    assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_an_older_output_stands_until_the_new_one_is_whole(scorer, parquet, tmp_path):
    output = tmp_path / "out.parquet"
    score(scorer, parquet, output)
    before = output.read_bytes()
    with pytest.raises(KilledError):
        score(scorer, parquet, output, batch_rows=BATCH, progress=killed_after(2))
    assert output.read_bytes() == before


def test_a_bad_cell_refuses_its_row_with_the_reason_and_no_other(scorer, applications, csv, tmp_path):
    score(scorer, csv, tmp_path / "sound.csv")
    lines = csv.read_text().splitlines()
    cells = lines[8].split(",")
    cells[list(applications).index("loan_amount")] = "much"
    csv.write_text("\n".join([*lines[:8], ",".join(cells), *lines[9:]]) + "\n")
    summary = score(scorer, csv, tmp_path / "out.csv")
    sound, decided = (pd.read_csv(tmp_path / name, keep_default_na=False) for name in ("sound.csv", "out.csv"))
    assert summary.refused == 1
    assert decided.loc[7, ["pd", "score", "band", "decision"]].tolist() == ["", "", "", "refused"]
    assert decided.loc[7, "why"] == "loan_amount: got something else, expected a number from 1 to 10,000,000"
    assert (decided.drop(7).astype(str) == sound.drop(7).astype(str)).all(axis=None)


def test_the_order_of_columns_and_columns_beside_them_do_not_matter(scorer, applications, parquet, tmp_path):
    mixed = applications[list(applications)[::-1]].assign(comment="none")
    mixed.to_parquet(tmp_path / "mixed.parquet", index=False)
    score(scorer, parquet, tmp_path / "out.parquet")
    score(scorer, tmp_path / "mixed.parquet", tmp_path / "other.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()


def test_a_missing_column_is_named_and_nothing_is_written(scorer, applications, tmp_path):
    applications.drop(columns="purpose").to_csv(tmp_path / "in.csv", index=False)
    with pytest.raises(DataError, match="there is no column 'purpose'"):
        score(scorer, tmp_path / "in.csv", tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in.csv"]


def test_without_an_id_column_rows_are_counted_from_nought(scorer, applications, tmp_path):
    applications.drop(columns="application_id").to_parquet(tmp_path / "in.parquet", index=False)
    score(scorer, tmp_path / "in.parquet", tmp_path / "out.parquet", batch_rows=BATCH)
    assert pd.read_parquet(tmp_path / "out.parquet")["row"].tolist() == list(range(ROWS))


def test_an_id_that_is_no_id_is_an_error_and_a_missing_one_is_not(scorer, applications, tmp_path):
    applications.assign(
        application_id=applications["application_id"].astype("Int64").mask(applications.index == 3)
    ).to_csv(tmp_path / "gap.csv", index=False)
    score(scorer, tmp_path / "gap.csv", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["application_id"].to_pylist()[2:5] == [3, None, 5]
    applications.assign(application_id="A" + applications["application_id"].astype(str)).to_csv(
        tmp_path / "text.csv", index=False
    )
    with pytest.raises(DataError, match=r"application_id: in row 1 \(line 2.*stands an id that is no integer: 'A1'"):
        score(scorer, tmp_path / "text.csv", tmp_path / "other.parquet")


def test_refusals_fail_only_a_strict_run_or_a_run_of_nothing_else(scorer, applications, tmp_path):
    applications.assign(term_months=applications["term_months"].where(applications.index > 0, -1)).to_csv(
        tmp_path / "one.csv", index=False
    )
    assert score(scorer, tmp_path / "one.csv", tmp_path / "out.csv").refused == 1
    with pytest.raises(CheckFailed, match="1 of 2,000 applications are refused"):
        score(scorer, tmp_path / "one.csv", tmp_path / "out.csv", strict=True)
    applications.assign(term_months=-1).to_csv(tmp_path / "all.csv", index=False)
    with pytest.raises(CheckFailed, match="2,000 of 2,000"):
        score(scorer, tmp_path / "all.csv", tmp_path / "all_out.csv")
    assert len(pd.read_csv(tmp_path / "all_out.csv")) == ROWS


@pytest.mark.parametrize("name", ["out.xlsx", "in.parquet"])
def test_an_output_that_cannot_be_is_refused(scorer, parquet, tmp_path, name):
    with pytest.raises(DataError, match=name):
        score(scorer, parquet, tmp_path / name)


def test_a_file_and_the_table_of_decisions_have_the_same_columns(trained):
    table = Scorer.load(trained[1].scorer).decide({}).table()
    assert list(result_types()) == list(table) == ["pd", "score", "band", "decision", "why"]
