"""A run of a business date: accounted for to the row, written once whatever happens, and never by another scorer."""

from dataclasses import replace
from datetime import UTC, date, datetime

import fsspec
import numpy as np
import pandas as pd
import psycopg
import pyarrow.csv as pa_csv
import pytest

from credit_risk.batch_runs import live_then, runs
from credit_risk.batch_runs.file_sink import FileSink
from credit_risk.batch_runs.postgres_sink import PostgresSink
from credit_risk.batch_runs.runs import ControlTotals, TotalsDiffer, execute
from credit_risk.data.simulated_lender import lender
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.scoring.scorer import Scorer
from postgresql import server

__all__ = ["server"]

DAY = date(2026, 11, 30)
ROWS, REFUSED = 400, 5


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def scorer(trained):
    return Scorer.load(trained[1].scorer)


@pytest.fixture(scope="module")
def applications(scorer):
    table = lender(ROWS, seed=11).applications[["application_id", *scorer.config.inputs]].copy()
    table["loan_amount"] = np.arange(ROWS) + 0.1  # 0.1 is no binary fraction: adding up doubles would drift
    for row in range(REFUSED):
        table.loc[row * 7, "purpose"] = None
    return table


@pytest.fixture
def source(applications, tmp_path):
    path = tmp_path / "in.parquet"
    applications.to_parquet(path, index=False)
    return path


@pytest.fixture
def run(scorer, source, tmp_path):
    def execute_run(sink, *, by=scorer, file=source, day=DAY):
        return execute(by, file, day, sink, spool=tmp_path / "spool", exposure="loan_amount")

    return execute_run


@pytest.fixture
def table(server):
    """A sink in an empty database, in small pieces."""
    return PostgresSink(server.new_database(), "decisions")


def stored(sink):
    with psycopg.connect(sink.address) as connection:
        cursor = connection.execute(
            "SELECT run, row, application_id, decision, why, loan_amount FROM decisions ORDER BY run, row"
        )
        return pd.DataFrame(cursor.fetchall(), columns=["run", "row", "id", "decision", "why", "loan_amount"])


TOTALS = ControlTotals(ROWS - REFUSED, REFUSED, 10_000 * (ROWS * (ROWS - 1) // 2) + 1_000 * ROWS)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_hold_the_decided_and_the_rejects_and_the_totals_come_last(run, applications, tmp_path, kind):
    sink = FileSink(str(tmp_path / "out"), kind)
    finished = run(sink)
    assert finished.totals == TOTALS
    assert finished.name.startswith("2026-11-30-")
    folder = tmp_path / "out" / "business_date=2026-11-30"
    assert {path.name.removeprefix(finished.name) for path in folder.iterdir()} == {
        f".{kind}",
        f".rejects.{kind}",
        ".json",
    }
    read = pd.read_parquet if kind == "parquet" else lambda path: pa_csv.read_csv(path).to_pandas()
    decided, rejects = (read(folder / f"{finished.name}{suffix}.{kind}") for suffix in ("", ".rejects"))
    assert list(rejects["row"]) == [0, 7, 14, 21, 28]
    assert rejects["why"].str.contains("purpose: missing, expected one of").all()
    assert sorted([*decided["row"], *rejects["row"]]) == list(range(ROWS))
    assert list(decided["application_id"]) == list(applications["application_id"].drop(list(rejects["row"])))
    assert sink.finished(finished.name) == finished
    assert not list((tmp_path / "spool").iterdir())


def test_a_finished_run_is_not_decided_again(run, tmp_path, monkeypatch):
    sink = FileSink(str(tmp_path / "out"))
    first = run(sink)
    monkeypatch.setattr(runs, "score", None)
    assert run(sink) == first


def test_a_late_file_is_a_run_of_its_own_beside_the_first(run, applications, tmp_path):
    sink, late = FileSink(str(tmp_path / "out")), tmp_path / "late.parquet"
    applications.head(50).to_parquet(late, index=False)
    first, second = run(sink), run(sink, file=late)
    assert first.business_date == second.business_date
    assert first.name != second.name
    assert (first.totals.rows, second.totals.rows) == (ROWS, 50)
    assert len(list((tmp_path / "out" / "business_date=2026-11-30").glob("*.json"))) == 2
    assert run(sink, day=date(2026, 11, 29)).name != first.name


def test_what_was_decided_by_another_scorer_stands(run, scorer, tmp_path):
    sink = FileSink(str(tmp_path / "out"))
    run(sink)
    with pytest.raises(UsageError, match="is finished, decided by the scorer"):
        run(sink, by=replace(scorer, digest="f" * 64))


def test_an_object_store_is_written_to_by_its_url(run):
    sink = FileSink("memory://bucket/decisions")
    finished = run(sink)
    there = fsspec.filesystem("memory").ls("/bucket/decisions/business_date=2026-11-30", detail=False)
    assert len(there) == 3
    assert sink.finished(finished.name).totals == TOTALS


def test_rows_that_are_lost_on_the_way_leave_the_run_unfinished(run, tmp_path, monkeypatch):
    sink, pieces = FileSink(str(tmp_path / "out")), runs.pieces
    monkeypatch.setattr("credit_risk.batch_runs.file_sink.pieces", lambda path: (its.slice(1) for its in pieces(path)))
    with pytest.raises(TotalsDiffer, match=r"400 rows .* were read, and 399 rows"):
        run(sink)
    assert not list((tmp_path / "out").rglob("*.json"))
    monkeypatch.undo()
    assert run(sink).totals == TOTALS


def test_exposure_that_is_changed_on_the_way_leaves_the_run_unfinished(run, tmp_path, monkeypatch):
    exposed = runs.exposed
    monkeypatch.setattr(
        "credit_risk.batch_runs.file_sink.exposed", lambda table, name: exposed(table, name) + (len(table) > 100)
    )
    with pytest.raises(TotalsDiffer):
        run(FileSink(str(tmp_path / "out")))


@pytest.mark.parametrize("pieces_before", [0, 1, 3])
def test_killed_between_any_two_pieces_no_row_of_a_table_is_lost_or_doubled(run, table, monkeypatch, pieces_before):
    monkeypatch.setattr(runs, "PIECE", 100)
    insert, calls = PostgresSink._insert, []

    def killed(self, connection, its_run, piece):
        if len(calls) == pieces_before:
            insert(self, connection, its_run, piece)  # within the transaction that never ends
            raise KilledError
        calls.append(insert(self, connection, its_run, piece))

    monkeypatch.setattr(PostgresSink, "_insert", killed)
    with pytest.raises(KilledError):
        run(table)
    assert len(stored(table)) == 100 * pieces_before
    monkeypatch.setattr(PostgresSink, "_insert", insert)
    finished = run(table)
    assert finished.totals == TOTALS
    there = stored(table)
    assert list(there["row"]) == list(range(ROWS))
    assert set(there["run"]) == {finished.name}
    assert (there["decision"] == "refused").sum() == REFUSED
    assert run(table) == finished
    assert len(stored(table)) == ROWS


def test_a_table_that_somebody_wrote_to_does_not_become_a_finished_run(run, table):
    finished = run(table)
    with psycopg.connect(table.address, autocommit=True) as connection:
        connection.execute("UPDATE decisions SET loan_amount = 1 WHERE row = 3")
        connection.execute("DELETE FROM decisions_runs")
    with pytest.raises(TotalsDiffer):
        run(table)
    assert table.finished(finished.name) is None


def test_rows_of_another_scorer_are_not_taken_for_this_ones(run, scorer, table):
    run(table)
    with psycopg.connect(table.address, autocommit=True) as connection:
        connection.execute("DELETE FROM decisions_runs")
    with pytest.raises(TotalsDiffer, match="and 0 rows"):
        run(table, by=replace(scorer, digest="f" * 64))


def test_a_table_is_named_and_reached_or_refused():
    with pytest.raises(UsageError, match="a table is named by"):
        PostgresSink("", "decisions; DROP TABLE x")
    with pytest.raises(UsageError, match="does not answer there"):
        PostgresSink("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1", "decisions").finished("x")


def event(seq, move, version, scorer, day):
    at = datetime(2026, 3, day, tzinfo=UTC)
    facts = {"verdict": "PASS", "waivers": [], "commit": None, "digests": {}}
    return HistoryEvent(seq, at, move, version, scorer, "Kim Lee", "because", facts)


def test_a_backfill_is_decided_by_what_was_live_then(scorer):
    ours, theirs = scorer.digest, "b" * 64
    events = [
        event(1, "register", 1, ours, 1),
        event(2, "promote", 1, ours, 10),
        event(3, "register", 2, theirs, 11),
        event(4, "promote", 2, theirs, 20),
    ]
    live_then.refuse_other(scorer, events, date(2026, 3, 15))
    with pytest.raises(CheckFailed, match="version 2 was live at the end of 2026-03-20"):
        live_then.refuse_other(scorer, events, date(2026, 3, 20))
    with pytest.raises(CheckFailed, match="nothing was live at the end of 2026-03-09"):
        live_then.refuse_other(scorer, events, date(2026, 3, 9))
