"""The stage and the commands that check a data set: one report, all failures, and exit codes a workflow can use."""

import hashlib
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import smallest
from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.reading.tables import read_passed
from credit_risk.errors import CheckFailed, DataError, NotFound, UsageError
from credit_risk.measures import drift
from credit_risk.stages import validate_data
from credit_risk.stages.validate_data import Report, raise_unless_passed, render, validate

COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"role": "id", "type": "integer"},
    "day": {"role": "date", "type": "date"},
    "income": {"role": "feature", "type": "number", "range": [0, 9000], "missing": "allow"},
    "job": {"role": "feature", "type": "category", "categories": ["none", "some"], "missing": "allow"},
    "status": {"role": "target", "type": "integer"},
}
RULE = {"name": "income rises", "must": "income >= 10", "allowed": 0, "reason": "a test"}
ROWS = [f"{n},2026-01-{n % 28 + 1:02},{n * 10},{'some' if n % 2 else 'none'},{n % 4 // 3}" for n in range(1, 41)]


def config(**sections: Any) -> Config:
    own: dict[str, Any] = {
        "data": {"sources": [{"path": "data/loans.csv"}]},
        "columns": COLUMNS,
        "contract": {"min_rows": 1, "max_duplicates": 1, "rules": [RULE]},
        "drift": {"bins": 2, "threshold": 0.1, "confidence": 0.95},
    }
    return smallest.config(**own | sections)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A repository with forty sound rows."""
    files = Files(tmp_path)
    write(files, ROWS)
    return files


def write(files: Files, rows: list[str]) -> None:
    path = files.root / "data" / "loans.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["id,day,income,job,status", *rows]) + "\n")


def check(files: Files, **options: Any) -> Report:
    return validate(config(), files, today=date(2026, 6, 30), **options)


def reference(files: Files, income: Any) -> Path:
    """A scorer's reference.json over these incomes and as many of each job."""
    jobs = np.arange(len(income)) % 2.0
    made = drift.of({"income": np.array(income, float), "job": jobs}, 2, {"job": ("none", "some")})
    path = files.root / "reference.json"
    path.write_text(json.dumps({"inputs": made.as_dict()}))
    return path


def shown(report: Report) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(render(report))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_sound_data_pass_and_the_stage_writes_its_report(files: Files):
    validate_data.run(config(), files)
    written = json.loads(files.report("validation").read_text())
    assert written["passed"]
    assert written["contract"]["rows"] == 40
    assert written["sources"][0]["path"] == "data/loans.csv"
    assert written["sources"][0]["sha256"] == hashlib.sha256((files.root / "data/loans.csv").read_bytes()).hexdigest()
    assert written["drift"]["note"] == "not assessed: no reference"
    assert written["control_totals"]["income"] == {"known": 40, "sum": 8200}
    assert "income rises" in written["contract"]["checked"]
    assert str(files.root) not in files.report("validation").read_text()


def test_the_stage_writes_the_same_report_twice(files: Files):
    validate_data.run(config(), files)
    first = files.report("validation").read_bytes()
    validate_data.run(config(), files)
    assert files.report("validation").read_bytes() == first


def test_what_passes_is_handed_on_and_what_fails_takes_it_away(files: Files):
    validate_data.run(config(), files)
    assert len(read_passed(files.table, config())) == 40
    write(files, [*ROWS, "43,2026-01-01,1,some,0"])
    with pytest.raises(CheckFailed):
        validate_data.run(config(), files)
    assert not files.table.exists()


def test_a_check_of_another_file_leaves_the_handed_on_table_alone(files: Files):
    validate_data.run(config(), files)
    before = files.table.read_bytes()
    copy = files.root / "other.csv"
    copy.write_text((files.root / "data" / "loans.csv").read_text() + "43,2026-01-01,1,some,0\n")
    assert not check(files, paths=[copy]).passed
    assert files.table.read_bytes() == before


def test_all_failures_stand_in_one_report_before_the_stage_fails(files: Files):
    write(files, [*ROWS, "1,2026-01-01,lots,some,0", "42,05.01.2026,9001,rare,7", "43,2026-01-01,1,some,0"])
    with pytest.raises(
        CheckFailed, match=r"The data do not pass: \d problems. All stand in reports/validation.json"
    ) as caught:
        validate_data.run(config(), files)
    assert caught.value.exit_code == 1
    written = json.loads(files.report("validation").read_text())
    found = {(finding["rule"], finding["column"]): finding for finding in written["contract"]["findings"]}
    assert set(found) == {
        ("unique", "id"),
        ("type", "income"),
        ("range", "income"),
        ("category", "job"),
        ("outcome", "status"),
        ("type", "day"),
        ("missing", "day"),
        ("income rises", None),
    }
    assert found["type", "income"]["got"] == "1 cell, as 'lots'"
    assert found["type", "day"]["got"] == "1 cell, as '05.01.2026'"
    assert found["type", "day"]["rows"] == ["row 42"]
    assert found["range", "income"]["rows"] == ["id 42"]
    assert len(written["problems"]) == 8


def test_cross_field_rules_count_only_where_they_are_asked_for(files: Files):
    write(files, [*ROWS, "43,2026-01-01,1,some,0"])
    assert check(files).exit_code == 1
    assert check(files, rules=False).exit_code == 0


def test_another_file_may_be_checked_in_place_of_the_configs_own(files: Files, tmp_path: Path):
    other = tmp_path / "other.csv"
    other.write_text("id,day,income,job,status\n1,2026-01-01,20,some,1\n2,2026-01-01,30,none,0\n")
    report = check(files, paths=[other])
    assert report.contract.rows == 2
    assert report.sources[0]["path"] == "other.csv"
    with pytest.raises(DataError, match="2 data files were named; the config has 1"):
        check(files, paths=[other, other])


def test_a_joined_file_with_gaps_is_a_warning(files: Files):
    columns = COLUMNS | {"delays": {"role": "feature", "type": "integer", "missing": "allow"}}
    (files.root / "data" / "bureau.csv").write_text("id,delays\n" + "\n".join(f"{n},{n}" for n in range(2, 41)))
    sources = [{"path": "data/loans.csv"}, {"path": "data/bureau.csv", "join_on": "id"}]
    report = validate(config(columns=columns, data={"sources": sources}), files)
    (finding,) = report.contract.findings
    assert (finding.rule, finding.severity, finding.got) == (
        "join",
        "warning",
        "1 of 40 rows without a row in bureau.csv",
    )
    assert report.passed


def test_broken_files_are_errors_with_exit_code_2_not_reports(files: Files):
    (files.root / "data" / "loans.csv").write_text("")
    with pytest.raises(DataError, match="the file is empty") as caught:
        check(files)
    assert caught.value.exit_code == 2


def test_an_all_missing_column_and_one_class_are_said(files: Files):
    write(files, [f"{n},2026-01-01,,some,0" for n in range(40)])
    problems = check(files, rules=False).problems
    assert "income: all missing: got no known cell, expected some known cells" in problems
    assert "status: two classes: got 0 bad and 40 good, expected bad ('1') and good ('0') outcomes" in problems


@pytest.mark.parametrize("threshold", [-1.0, 0.0, float("nan"), float("inf")])
def test_a_drift_threshold_that_is_none_is_refused(files: Files, threshold: float):
    with pytest.raises(UsageError, match="expected a number above 0"):
        validate(config(), files, reference=files.scorer, drift_threshold=threshold)


def test_drift_asked_for_without_a_reference_is_an_error_and_never_a_pass(files: Files):
    with pytest.raises(DataError, match=r"drift was asked for \(threshold 0.1\) but there is no reference") as caught:
        check(files, drift_threshold=0.1)
    assert caught.value.exit_code == 2
    with pytest.raises(NotFound, match="Drift needs the reference of a trained scorer"):
        check(files, reference=files.root / "nothing.json")


def test_the_same_population_passes_where_there_are_enough_rows_and_cannot_be_told_where_not(files: Files):
    same = reference(files, [n * 10 for n in range(1, 41)] * 100)
    few = check(files, reference=same, drift_threshold=0.05)
    assert {shift.verdict for shift in few.drift or ()} == {"CANNOT SAY"}
    assert few.exit_code == 1
    # Two bins at 95 %: chance gives up to 3.84 * (1/4000 + 1/40) = 0.097, below the config's threshold of 0.1.
    enough = check(files, reference=same)
    assert enough.drift_note == "2 columns compared, 0 drifted, 0 cannot be judged at this sample size"
    assert enough.exit_code == 0


def test_a_moved_population_fails_and_the_table_says_where(files: Files):
    report = check(files, reference=reference(files, np.arange(4000.0) / 4000), drift_threshold=0.1)
    income = (report.drift or ())[0]
    assert (income.column, income.verdict) == ("income", "FAIL")
    assert (income.share_then, income.share_now) == (0.5, 0)  # all forty incomes lie above the lower half of then
    assert any(problem.startswith("income: drifted: PSI") for problem in report.problems)
    assert "FAIL" in shown(report)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "this is no JSON"),
        ("{}", "the key `inputs` is missing"),
        ('{"inputs": {}}', "the drift reference is not one"),
    ],
)
def test_a_reference_that_is_none_is_refused(files: Files, content: str, sentence: str):
    path = files.root / "reference.json"
    path.write_text(content)
    with pytest.raises(DataError, match=sentence):
        check(files, reference=path)


def test_a_reference_that_lacks_a_column_is_refused(files: Files):
    path = files.root / "reference.json"
    path.write_text(json.dumps({"inputs": drift.of({"income": np.ones(3)}, 2).as_dict()}))
    with pytest.raises(DataError, match="the drift reference lacks job"):
        check(files, reference=path)


def test_the_table_for_people_holds_findings_and_a_verdict(files: Files):
    write(files, [*ROWS, "43,2026-01-01,9001,some,0"])
    text = shown(check(files))
    assert "a number from 0 to 9,000" in text
    assert "id 43" in text
    assert "Drift: not assessed: no reference." in text
    assert "FAIL: 1 problem" in text
    assert "PASS" in shown(check(files, rules=False, paths=[sound(files)]))


def test_a_failure_is_told_in_short(files: Files):
    write(files, [f"{n},2026-01-01,-5,rare,7" for n in (1, 1, 1)])
    report = check(files)
    with pytest.raises(CheckFailed, match=r"The data do not pass: \d problems.\n  id: unique") as caught:
        raise_unless_passed(report)
    assert str(caught.value).endswith(f"and {len(report.problems) - 5} more")
    assert len(report.problems) > 5
    raise_unless_passed(check(files, paths=[sound(files)]))


def sound(files: Files) -> Path:
    path = files.root / "sound.csv"
    path.write_text("\n".join(["id,day,income,job,status", *ROWS]))
    return path
