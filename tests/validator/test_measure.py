"""`credit-risk validator` on a trained lender."""

import json
import re
from unittest import mock

import pandas as pd

from credit_risk.cli import main
from credit_risk.config.schema import Gate
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.measures.verdict import gate
from credit_risk.stages import gate as gate_stage
from credit_risk.validator import twins

TABLES = {"grades", "periods", "stress", "characteristics", "woe", "correlations", "segments", "groups", "macro"}
TABLES |= {"points", "points_by_characteristic"}


def test_the_tables_are_written_and_the_page_shows_them(harmed, capsys, monkeypatch):
    config, files = harmed
    looked_among = mock.Mock(wraps=twins.twins)
    monkeypatch.setattr(twins, "twins", looked_among)
    assert main(["validator", "--root", str(files.root)]) == 0
    assert "validator.html" in capsys.readouterr().out
    assert looked_among.call_args.kwargs["unordered"] == [config.features.index("purpose")]
    numbers = json.loads(files.part("validator").read_text())
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


def test_a_gate_reads_what_was_measured_and_fails_closed(harmed):
    config, files = harmed
    names = ("grades.least_p", "segments.largest_gap", "groups.largest_gap", "book.bads_ratio", "twins.excess")
    gates = [Gate(name=f"g{n}", measure=f"validator.{name}", at_most=0, reason="x") for n, name in enumerate(names)]
    gates.append(Gate(name="moved", measure="validator.champion.groups_moved", at_most=0, exact=True, reason="x"))
    judged = config.model_copy(update={"gates": tuple(gates)})
    assert gate_stage.absent(judged, files) == {
        "validator": "reports/parts/validator.json is not there, `make validator` writes it"
    }
    assert main(["validator", "--root", str(files.root)]) == 0
    report = json.loads(files.part("validator").read_text())
    unknown = {f"validator.{name}": why for name, why in report["unknown"].items()}
    checks = {check.gate.measure: check for check in gate.decide(gates, {"validator": report}, unknown)}
    assert checks["validator.grades.least_p"].value == report["grades"]["least_p"] > 0
    assert checks["validator.book.bads_ratio"].verdict == "FAIL"
    # So few rows say nothing of a segment, no fairness was measured of this scorer, and there is no champion.
    for measure in ("segments.largest_gap", "groups.largest_gap", "champion.groups_moved"):
        assert checks[f"validator.{measure}"].verdict == "CANNOT SAY"
    assert "dvc repro fairness" in checks["validator.groups.largest_gap"].sentence


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
