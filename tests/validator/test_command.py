"""`credit-risk validator` on a trained lender."""

import json
import re

import pandas as pd

from credit_risk.cli import main
from credit_risk.data import digest
from credit_risk.data.files import Files

TABLES = {"grades", "periods", "stress", "characteristics", "woe", "correlations", "points"}


def test_the_tables_are_written_and_the_page_shows_them(harmed, capsys):
    config, files = harmed
    assert main(["validator", "--root", str(files.root)]) == 0
    assert "validator.html" in capsys.readouterr().out
    numbers = json.loads(files.report("validator").read_text())
    assert numbers["scorer"] == digest.of_directory(files.scorer)
    assert numbers["points"]["largest_difference_from_the_score"] < 1e-6
    written = {path.stem for path in (files.reports / "validator").glob("*.csv")}
    assert written == TABLES
    graded = pd.read_csv(files.reports / "validator" / "grades.csv")
    assert graded["rows"].sum() == numbers["rows"]
    assert list(graded["name"]) == [band.name for band in config.policy.bands]
    page = (files.reports / "validator.html").read_text()
    assert "<script" not in page
    assert str(files.root) not in page
    assert all(re.search(rf"<h2>{heading}</h2>", page) for heading in ("Grades", "Characteristics", "Period by period"))


def test_the_same_run_gives_the_same_bytes(harmed):
    _, files = harmed
    pages = []
    for _ in range(2):
        assert main(["validator", "--root", str(files.root)]) == 0
        pages.append((files.reports / "validator.html").read_bytes())
    assert pages[0] == pages[1]


def test_without_a_run_it_says_what_to_do(harmed, capsys):
    _, files = harmed
    Files(files.root).outcomes("test").unlink()
    assert main(["validator", "--root", str(files.root)]) != 0
    assert "outcomes/test.parquet" in capsys.readouterr().err
