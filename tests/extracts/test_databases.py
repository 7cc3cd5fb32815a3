"""A database's answer frozen: exact, reproducible byte for byte, and without its address in any file or message."""

import sqlite3
from pathlib import Path

import pytest

from credit_risk.errors import CreditRiskError
from credit_risk.extracts import extracting, freezing
from credit_risk.extracts.databases import answer

VARIABLE = "LOANS_DATABASE"
QUERY = "SELECT loan_no, income, purpose FROM loans ORDER BY loan_no"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "loans.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE loans (loan_no INTEGER, income REAL, purpose TEXT)")
        rows = [(1582218195625938001, 2375.09, "car"), (1582218195625938002, None, "Größe"), (3, 10.0, None)]
        connection.executemany("INSERT INTO loans VALUES (?, ?, ?)", rows)
    connection.close()
    monkeypatch.setenv(VARIABLE, f"sqlite:///{path}")
    return path


def test_an_answer_keeps_every_digit_and_every_gap(database: Path):
    assert answer(QUERY, VARIABLE).to_pydict() == {
        "loan_no": [3, 1582218195625938001, 1582218195625938002],
        "income": [10.0, 2375.09, None],
        "purpose": [None, "car", "Größe"],
    }


def test_an_equal_answer_is_an_equal_file_that_says_where_it_comes_from(database: Path, tmp_path: Path):
    for name in ("first.parquet", "second.parquet"):
        sentence = extracting.extract(None, None, QUERY, VARIABLE, tmp_path / name)
    assert sentence == f"Froze 3 rows of {VARIABLE} as {tmp_path / 'second.parquet'}."
    first, second = ((tmp_path / name).read_bytes() for name in ("first.parquet", "second.parquet"))
    assert first == second
    assert freezing.origin(tmp_path / "first.parquet") == {"query": QUERY, "database": VARIABLE}


def test_a_query_changes_nothing(database: Path):
    with pytest.raises(CreditRiskError):
        answer("DELETE FROM loans", VARIABLE)
    assert answer(QUERY, VARIABLE).num_rows == 3


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELECT * FROM lones", r"LOANS_DATABASE: the database refused the query \(no such table: lones\)"),
        ("SELECT * FROM loans WHERE loan_no = 0", "LOANS_DATABASE: the query gives no rows"),
        ("SELECT loan_no, loan_no FROM loans", "gives two columns one name"),
    ],
)
def test_a_query_without_a_table_is_refused(database: Path, query: str, sentence: str):
    with pytest.raises(CreditRiskError, match=sentence):
        answer(query, VARIABLE)


@pytest.mark.parametrize("address", ["", "no address: pw-of-the-bank", "nothing://me:{}@host/loans"])
def test_an_address_that_is_none_is_said_without_showing_it(monkeypatch: pytest.MonkeyPatch, address: str):
    monkeypatch.setenv(VARIABLE, address.format("pw-of-the-bank"))
    with pytest.raises(CreditRiskError, match=VARIABLE) as refused:
        answer(QUERY, VARIABLE)
    assert "pw-of-the-bank" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {"workbook": Path("a.xlsx"), "sheet": None, "query": None, "database": None, "output": None},
        {"workbook": Path("a.xlsx"), "sheet": None, "query": QUERY, "database": VARIABLE, "output": Path("a.parquet")},
        {"workbook": None, "sheet": None, "query": QUERY, "database": None, "output": Path("a.parquet")},
    ],
)
def test_options_that_do_not_belong_together_are_refused(given: dict):
    with pytest.raises(CreditRiskError, match="--"):
        extracting.extract(**given)
