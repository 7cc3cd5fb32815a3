"""A database's answer frozen: exact, reproducible byte for byte, and without its address in any file or message."""

import sqlite3
from pathlib import Path

import psycopg
import pytest

from credit_risk.cli import main
from credit_risk.errors import CreditRiskError
from credit_risk.extracts import extracting, freezing
from credit_risk.extracts.databases import answer
from postgresql import server

__all__ = ["server"]

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


def test_what_is_no_single_select_is_refused_in_words_and_not_sent(database: Path):
    for query, fault in (
        ("DELETE FROM loans", "begins with DELETE"),
        ("UPDATE loans SET income = 0 RETURNING loan_no", "begins with UPDATE"),
        ("DROP TABLE loans", "begins with DROP"),  # SQLite takes no such statement back
        ("-- tidy up\n(delete FROM loans)", "begins with delete"),
        ("SELECT 1; DELETE FROM loans", "holds 2 statements"),
        ("", "is empty"),
        ("( ", "begins with ("),
        (" ;\n-- SELECT 1\n/* SELECT 1 */", "is empty"),
    ):
        with pytest.raises(CreditRiskError) as refused:
            answer(query, VARIABLE)
        assert str(refused.value) == (
            f"{VARIABLE}: the query {fault}, and a query is a single SELECT (or WITH, VALUES, TABLE). It was not sent "
            "to the database, where nothing was changed. Write the SELECT that gives the rows to freeze."
        )
    assert answer(QUERY, VARIABLE).num_rows == 3


def test_a_query_that_writes_within_a_select_is_refused_by_the_database(database: Path):
    with pytest.raises(CreditRiskError, match=r"refused the query \(attempt to write a readonly database\)"):
        answer("WITH a AS (SELECT 1) DELETE FROM loans RETURNING loan_no", VARIABLE)
    assert answer(QUERY, VARIABLE).num_rows == 3


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'a;b' AS x, 'half past :twelve, 100%' AS y, 7 % 4 AS z; -- and; no more\n",
        "/* one; two */ with t AS (SELECT 'a;b' AS x) SELECT x, 'half past :twelve, 100%' AS y, 3 AS z FROM t",
        "SELECT 'a;b' AS x, 'half past :twelve, 100%' AS y, 3 AS z WHERE 'C:\\' <> 'D:\\;'",
        "SELECT 'a;b' AS x, 'half past :twelve, 100%' AS y, 3 AS z WHERE 'it''s; so' <> '\\'",
    ],
)
def test_signs_within_words_and_comments_are_no_statements_and_no_parameters(database: Path, query: str):
    assert answer(query, VARIABLE).to_pylist() == [{"x": "a;b", "y": "half past :twelve, 100%", "z": 3}]


def test_a_quotation_mark_behind_a_backslash_is_left_to_the_database(database: Path):
    with pytest.raises(CreditRiskError, match="the database refused the query"):  # MySQL reads it as part of the word
        answer(r"SELECT 'it\'s; so' AS x", VARIABLE)


def test_postgresql_is_read_and_never_written(server, monkeypatch: pytest.MonkeyPatch):
    address = server.new_database()
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE loans (loan_no bigint, income float8, purpose text)")
        connection.execute("INSERT INTO loans VALUES (3, 10, NULL), (1582218195625938001, 2375.09, 'car')")
        connection.execute("CREATE SEQUENCE numbers")
        connection.execute("CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM loans; SELECT 1'")
    monkeypatch.setenv(VARIABLE, address.replace("postgresql", "postgresql+psycopg", 1))
    before = answer(QUERY, VARIABLE)
    assert before.to_pydict() == {
        "loan_no": [3, 1582218195625938001],
        "income": [10.0, 2375.09],
        "purpose": [None, "car"],
    }
    signs = answer("SELECT 'half past :twelve, 100%' AS y, 7 % 4 AS z, '1'::int AS one", VARIABLE)
    assert signs.to_pylist() == [{"y": "half past :twelve, 100%", "z": 3, "one": 1}]
    for query, cause in (
        ("DELETE FROM loans", "begins with DELETE"),
        ("SELECT 1; COMMIT; DELETE FROM loans", "holds 3 statements"),
        ("SELECT wipe()", "cannot execute DELETE in a read-only transaction"),
        ("SELECT nextval('numbers')", r"cannot execute nextval\(\) in a read-only transaction"),
        ("WITH gone AS (DELETE FROM loans RETURNING *) SELECT * FROM gone", "must not contain data-modifying"),
    ):
        with pytest.raises(CreditRiskError, match=cause):
            answer(query, VARIABLE)
    assert answer(QUERY, VARIABLE).equals(before)
    assert answer("SELECT is_called FROM numbers", VARIABLE).to_pydict() == {"is_called": [False]}


def test_an_empty_query_on_the_command_line_is_not_taken_for_none(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "loans.parquet"
    assert main(["extract", "--query", "", "--database", VARIABLE, "--output", str(output)]) == 2
    assert f"{VARIABLE}: the query is empty" in " ".join(capsys.readouterr().err.split())
    assert not output.exists()


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
