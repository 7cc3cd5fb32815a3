"""A query decides as the card does, row by row, in DuckDB and in PostgreSQL, or it is refused."""

from collections import Counter
from dataclasses import replace

import pandas as pd
import pytest

from credit_risk.data.writing import read_parquet
from credit_risk.errors import ScorerError, UsageError
from credit_risk.exports import dialects, engines, query
from credit_risk.exports.card import KEY, Card
from credit_risk.exports.engines import TABLE, DuckDB, PostgreSQL
from credit_risk.exports.equality import ROWS, EqualityTrial, NotEqual
from credit_risk.scoring.scorer import Scorer
from postgresql import server

__all__ = ["server"]

FEW = 3_000


@pytest.fixture(scope="module")
def lender(trained) -> tuple[Card, pd.DataFrame]:
    """The trained lender's scorecard and its test rows."""
    files = trained[1]
    return Card.of(Scorer.load(files.challenger)), read_parquet(files.inputs("test"))


@pytest.fixture(scope="module")
def hard(hard_card, hard_applications) -> EqualityTrial:
    return EqualityTrial.of(hard_card, hard_applications, FEW)


def answer(engine: engines.Engine, card: Card, comparison: EqualityTrial, change=lambda text: text):
    text = change(dialects.written(query.query(card, TABLE), engine.dialect))
    return engine.answer(text, comparison.applications, query.table_columns(card))


def test_the_changed_rows_meet_everything_that_can_happen(hard):
    table = hard.expected
    assert len(table) == FEW
    assert set(table["decision"]) == {"approve", "refer", "decline", "refused"}
    assert set(table["rule"].dropna()) == {"look", "never", "look again", "too large"}
    assert {"R01", "R02", "R03", "R04", "never"} <= set(table["reason_1"].dropna())
    assert table["reason_2"].notna().sum() > 50
    texts = {*table["reason_1_text"], *table["reason_2_text"]}
    assert {"R03 no_record", "R01's gap"} - texts == set()
    assert Counter(table["points"].isna())[True] > 200


@pytest.mark.parametrize("dialect", ["ansi", "duckdb"])
def test_duckdb_decides_as_the_card_does(hard_card, hard, dialect):
    hard.refuse_difference("DuckDB", answer(DuckDB(dialect), hard_card, hard), hard_card.ranks)


def test_postgresql_decides_as_the_card_does(hard_card, hard, server):
    engine = PostgreSQL(server.new_database())
    hard.refuse_difference(engine.name, answer(engine, hard_card, hard), hard_card.ranks)


@pytest.mark.weekly
def test_a_hundred_thousand_applications_are_decided_alike_by_both(lender, hard_card, hard_applications, server):
    for card, test in (lender, (hard_card, hard_applications)):
        comparison = EqualityTrial.of(card, test)
        assert len(comparison.expected) == ROWS == 100_000
        for engine in (DuckDB(), PostgreSQL(server.new_database())):
            comparison.refuse_difference(engine.name, answer(engine, card, comparison), card.ranks)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("ELSE -50", "ELSE -49"),  # a bin's points
        ("< CAST('0.5' AS DOUBLE)", "<= CAST('0.5' AS DOUBLE)"),  # which side of an edge its value is on
        ("> CAST('1.0' AS DOUBLE)", "> CAST('1.5' AS DOUBLE)"),  # what is out of range
        ("'R02'", "'R01'"),  # a reason's id
        ("'debt is not known'", "'debt is high'"),  # and its text
        ("<= 510", "<= 509"),  # the cut-off
    ],
)
def test_a_query_that_decides_otherwise_is_refused(small_card, was, becomes):
    rows = pd.DataFrame({"late": [0, 3, 3, 3, 0], "debt": [0.1, 0.5, None, 1.2, None]})
    comparison = EqualityTrial.of(small_card, rows, 1_000)
    comparison.refuse_difference("DuckDB", answer(DuckDB(), small_card, comparison), small_card.ranks)
    harmed = answer(DuckDB(), small_card, comparison, lambda text: text.replace(was, becomes))
    with pytest.raises(NotEqual, match=r"DuckDB decides [\d,]+ of 1,000 applications otherwise.*expected"):
        comparison.refuse_difference("DuckDB", harmed, small_card.ranks)


def test_a_row_too_few_is_a_difference(small_card):
    comparison = EqualityTrial.of(small_card, pd.DataFrame({"late": [0, 3], "debt": [0.1, 0.5]}), 2)
    rows = answer(DuckDB(), small_card, comparison)
    with pytest.raises(NotEqual, match="decides 1 of 2 applications otherwise"):
        comparison.refuse_difference("DuckDB", rows[:1], small_card.ranks)


def test_a_name_that_postgresql_would_cut_off_is_refused(small_card):
    name = "x" * 60
    config = small_card.config.model_copy(update={"columns": {name: small_card.config.columns["late"]}})
    card = replace(small_card, scorer=replace(small_card.scorer, config=config))
    with pytest.raises(ScorerError, match="longer than 48 bytes"):
        query.query(card, TABLE)


def test_the_table_is_quoted_and_the_key_named(small_card):
    text = dialects.written(query.query(small_card, 'risk.appl"ications', "loan no"), "postgres")
    assert '"risk"."appl""ications"' in text
    assert f'"{KEY}" AS "loan no"' in text


def test_postgresql_is_asked_only_where_its_address_is_set(monkeypatch):
    monkeypatch.delenv("EXPORT_DATABASE", raising=False)
    with pytest.raises(UsageError, match="EXPORT_DATABASE is not set"):
        engines.postgresql_of("EXPORT_DATABASE")
    monkeypatch.setenv("EXPORT_DATABASE", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1")
    with pytest.raises(UsageError, match="does not answer there"):
        engines.postgresql_of("EXPORT_DATABASE")
