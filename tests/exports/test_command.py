"""`credit-risk export`: what is written, its record, and what is refused before anything is."""

import json

import pandas as pd
import pytest

from credit_risk.data import digest
from credit_risk.exports import writing
from credit_risk.exports.equality import NotEqual
from credit_risk.exports.writing import RECORD, Export


@pytest.fixture
def files(harmed):
    return harmed[1]


@pytest.fixture
def few(monkeypatch):
    """As many applications as the test rows have: all that the full number adds is in test_equality."""
    monkeypatch.setattr(writing, "ROWS", 0)


def test_the_three_exports_are_written_and_recorded_by_digest(run, files, few):
    card = ["--scorer", str(files.challenger)]
    for words in (["points"], ["sql", "--dialect", "snowflake", "--table", "risk.loans"], ["pmml"]):
        code, screen, complaint = run("export", *words, *card)
        assert (code, complaint) == (0, "")
        assert str(files.reports / "exports") in screen
    folder = files.reports / "exports"
    record = json.loads((folder / RECORD).read_text())
    assert record["scorer"] == digest.of_directory(files.challenger)
    names = {"points.csv", "points.html", "scorecard.snowflake.sql", "scorecard.pmml"}
    assert {path.name for path in folder.iterdir()} == names | {RECORD}
    assert {name: facts["sha256"] for name, facts in record["files"].items()} == {
        name: digest.of_file(folder / name) for name in names
    }
    compared = record["files"]["scorecard.snowflake.sql"]["compared"]
    assert compared["rows"] == len(pd.read_parquet(files.inputs("test")))
    assert (compared["different"], len(compared["engines"])) == (0, 1)
    assert 0 <= record["cost"]["share_decided_otherwise"] < 0.1
    text = (folder / "scorecard.snowflake.sql").read_text()
    assert 'FROM "risk"."loans"' in text
    assert "was not run in Snowflake" in text
    points = pd.read_csv(folder / "points.csv")
    assert points["whole_points"].eq(points["points"].round()).all()
    assert "What rounding costs" in (folder / "points.html").read_text()


def test_what_lies_there_of_another_scorer_is_removed(run, files):
    folder = files.reports / "exports"
    folder.mkdir()
    (folder / "scorecard.old.sql").write_text("SELECT 1")
    (folder / RECORD).write_text(json.dumps({"scorer": "another", "files": {"scorecard.old.sql": {}}}))
    assert run("export", "pmml", "--scorer", str(files.challenger))[0] == 0
    assert {path.name for path in folder.iterdir()} == {"scorecard.pmml", RECORD}


def test_nothing_is_written_where_a_database_decides_otherwise(files, few, monkeypatch):
    class Liar:
        name, dialect = "Liar 1", "duckdb"

        def answer(self, query, applications, types):
            return []

    with pytest.raises(NotEqual, match=r"Liar 1 decides .* otherwise than the card, so nothing was exported"):
        Export.of(files, files.challenger, None).sql("duckdb", [Liar()], "loans", "id")
    assert not (files.reports / "exports").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["points"], "a lightgbm scorer cannot be exported"),
        (["sql", "--dialect", "oracle"], "expected one of ansi, duckdb, postgres, snowflake"),
        (["sql", "--dialect", "postgres", "--database", "NOT_SET"], "NOT_SET is not set"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_words(run, files, words, sentence):
    code, _, complaint = run("export", *words)
    assert code == 2
    assert sentence in complaint
    assert not (files.reports / "exports").exists()
