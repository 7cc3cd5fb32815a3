"""Monitoring of a ledger's decisions: the verdict on a report, and the workflow executed by act both ways."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from runner import ROOT

sys.path.insert(0, str(Path(__file__).parents[1] / "monitoring"))
sys.path.insert(0, str(ROOT / ".ci"))  # picture.py, beside the program

from deciding import DATABASE, LEDGER, MONITORING, decided, opened, write_yaml

from credit_risk.data.files import Files
from credit_risk.data.simulated_lender import lender
from shared import built_once

DAY = {"inputs": {"as-of": "2026-05-10"}}
MONTHS, A_MONTH = (1, 2, 3, 4), 2_000
VERDICT = runpy.run_path(str(ROOT / ".ci/decisions_verdict.py"))


def figure(value: float, low: float, high: float) -> dict[str, object]:
    return {"value": value, "low": low, "high": high, "n": 900, "why": ""}


def report(drift="IN", shifts="IN", detection="IN"):
    """Five series, each with the verdict of its kind in April."""
    psis = {"income": figure(0.3, 0.25, 0.35), "age": figure(0.4, 0.3, 0.5)}
    shares = {"approve": figure(0.5, 0.45, 0.55), "mix of reasons": figure(0.2, 0.15, 0.3)}
    before = {"approve": 0.7, "mix of reasons": 0.0}
    moved = [{"noticed_on": "2026-04-03", "before": 0.1, "after": 0.25}]
    return {
        "as_of": "2026-05-10",
        "drift": {
            "verdict": drift,
            "verdicts": dict.fromkeys(psis, drift),
            "threshold": 0.2,
            "windows": [
                {"month": "2026-02", "series": {name: {"psi": figure(0.1, 0.05, 0.15)} for name in psis}},
                {"month": "2026-03", "series": {name: {"psi": {**psi, "value": None}} for name, psi in psis.items()}},
                {"month": "2026-04", "series": {name: {"psi": psi} for name, psi in psis.items()}},
            ],
        },
        "shifts": {
            "verdict": shifts,
            "verdicts": dict.fromkeys(shares, shifts),
            "months": [
                {"month": "2026-04", "series": {n: {"now": now, "then": before[n]} for n, now in shares.items()}}
            ],
        },
        "detection": {
            "verdict": detection,
            "delta": 0.002,
            "why": "",
            "series": {"refer": {"verdict": detection, "n": 1_200, "changes": moved}},
        },
    }


def without_the_mix():
    shown = report(shifts="OUT")
    shown["shifts"]["verdicts"].pop("mix of reasons")
    return shown


NOT_SET = {"verdict": "CANNOT SAY", "why": "nobody has set it"}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "IN"),
        ({"drift": NOT_SET}, "IN"),  # what nobody wanted measured says nothing
        ({"drift": NOT_SET, "shifts": NOT_SET, "detection": NOT_SET}, "CANNOT SAY"),
        (report(shifts="CANNOT SAY"), "CANNOT SAY"),
        (report(shifts="CANNOT SAY", detection="OUT"), "OUT"),
        (report(drift="OUT"), "OUT"),
    ],
)
def test_one_series_that_is_out_makes_it_out_and_all_must_be_in(changes, verdict):
    assert VERDICT["verdict"](report() | changes) == verdict


def test_the_three_worst_are_named_with_count_and_interval():
    assert sentences(report("OUT", "OUT", "OUT")) == [
        "age: PSI 0.400 (0.300 to 0.500), 900 decisions, 2026-04",
        "income: PSI 0.300 (0.250 to 0.350), 900 decisions, 2026-04",
        "mix of reasons: PSI 0.200 (0.150 to 0.300), 900 decisions, 2026-04",
    ]
    assert sentences(report("IN", "OUT", "OUT"))[1:] == [
        "approve: 50.0% (45.0% to 55.0%) of 900 decisions, before 70.0%, 2026-04",
        "refer: from 10.0% to 25.0% of 1200 decisions, noticed on 2026-04-03",
    ]
    assert sentences(report("IN", "CANNOT SAY", "IN")) == []


def sentences(of_report):
    return [series.sentence for series in VERDICT["worst"](of_report)]


def test_the_worst_is_drawn_by_month_with_its_limit_and_each_has_its_blocks():
    lines = VERDICT["markdown"](report("OUT", "IN", "IN")).splitlines()
    assert lines[2:4] == [  # 0.1, then a month without a figure, then the latest, the highest
        "- age: PSI 0.400 (0.300 to 0.500), 900 decisions, 2026-04 `▃█`",
        "- income: PSI 0.300 (0.250 to 0.350), 900 decisions, 2026-04 `▃█`",
    ]
    assert lines[4:] == [
        "",
        "```mermaid",
        "xychart-beta",
        '    title "age: PSI (line: the limit)"',
        '    x-axis ["2026-02", "2026-04"]',
        "    y-axis 0 --> 0.4400",
        "    bar [0.1000, 0.4000]",
        "    line [0.2000, 0.2000]",
        "```",
    ]


@pytest.mark.parametrize(
    ("of_report", "title", "bars", "line"),
    [
        (report(detection="OUT"), "refer: share", "[0.1000, 0.2500]", None),
        (report(shifts="OUT"), "mix of reasons: PSI", "[0.2000]", None),
        (without_the_mix(), "approve: share (line: the share before)", "[0.5000]", "[0.7000]"),
    ],
)
def test_shares_are_drawn_with_what_they_were_before(of_report, title, bars, line):
    text = VERDICT["markdown"](of_report)
    assert f'title "{title}"' in text
    assert f"    bar {bars}\n" in text
    assert (f"    line {line}\n" in text) if line else ("    line" not in text)


def test_why_nobody_can_say_stands_below():
    assert VERDICT["markdown"](report(shifts="CANNOT SAY") | {"drift": NOT_SET}).splitlines() == [
        "Decisions until 2026-05-10: **CANNOT SAY**",
        "",
        "- drift: nobody has set it",
    ]


@pytest.mark.parametrize(("code", "verdict"), [(0, "verdict=OUT\n"), (2, ""), (139, "")])
def test_a_fault_ends_with_its_own_code_and_is_no_verdict(tmp_path, code, verdict):
    for folder in (".venv/bin", "reports", ".ci"):
        (tmp_path / folder).mkdir(parents=True)
    stand_in = tmp_path / ".venv/bin/credit-risk"
    stand_in.write_text(f'#!/bin/sh\necho "$@" >words\nexit {code}\n', encoding="utf-8")
    stand_in.chmod(0o755)
    for name in ("monitor", "decisions_verdict.py"):
        (tmp_path / ".ci" / name).symlink_to(ROOT / ".ci" / name)
    (tmp_path / "reports/monitoring.json").write_text(json.dumps(report("OUT")), encoding="utf-8")
    told = {"MONITOR_ENVIRONMENT": "production", "AS_OF": "2026-05-10"}
    pages = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = subprocess.run([".ci/monitor"], cwd=tmp_path, env=os.environ | told | pages, check=False)
    assert done.returncode == code
    assert (tmp_path / "words").read_text() == "monitor --environment production --as-of 2026-05-10\n"
    outputs = tmp_path / "GITHUB_OUTPUT"
    assert (outputs.read_text() if outputs.exists() else "") == verdict


def decide_months(root: Path, scorer: Path, drift: float) -> None:
    """A ledger in which the scorer has decided for four months, the last two with applicants who drifted."""
    files = Files(root)
    shutil.copytree(scorer, files.scorer)
    tables = []
    for month in MONTHS:
        years = lender(6 * A_MONTH, seed=month, months=60, drift=drift if month > 2 else 0.0).applications
        tables.append(years.tail(A_MONTH).assign(day=date(2026, month, 10)))  # drift grows with the months
    with opened(files) as ledger:
        decided(ledger, files, pd.concat(tables, ignore_index=True))


@pytest.fixture(params=[0.0, 2.5], ids=["as_before", "drifted"])
def months(request, trained, tmp_path_factory):
    """How far the applicants of the last two months have drifted, and where the ledger lies that decided them."""
    scorer = trained[1].scorer
    root = built_once(tmp_path_factory, f"months-{request.param}", lambda to: decide_months(to, scorer, request.param))
    return request.param, root


def test_decisions_that_have_drifted_become_one_issue_and_start_a_retraining(clone, months, tmp_path):
    drift, ledger = months
    copy = tmp_path / "ledger.db"
    copy.write_bytes((ledger / DATABASE).read_bytes())
    write_yaml(clone.root / "configs/deploy/ledger.yaml", {"serving": {"ledger": {"url": f"sqlite:///{copy}"}}})
    write_yaml(clone.root / "configs/monitoring.yaml", MONITORING)
    clone.answers["issue list"] = "" if drift else "12"
    key = (ledger / LEDGER.key_file).read_text(encoding="utf-8").strip()
    given = {"variables": {"MONITOR_ENVIRONMENT": "ledger"}, "secrets": {"LEDGER_KEY": key}}
    run = clone.act("workflow_dispatch", "drift-monitor.yml", DAY, **given)
    assert run.jobs == {"decisions": "failure" if drift else "success"}, str(run)
    calls = [call["arguments"] for call in run.called("gh")]
    opened_or_closed = [words[1] for words in calls if words[0] == "issue" and words[1] != "list"]
    assert opened_or_closed == (["create"] if drift else ["close"])
    assert [words[:3] for words in calls if words[0] == "workflow"] == (
        [["workflow", "run", "retrain.yml"]] if drift else []
    )
    assert f"**{'OUT' if drift else 'IN'}**" in run.summary
    if drift:
        (body,) = [words[words.index("--body") + 1] for words in calls if words[:2] == ["issue", "create"]]
        assert [line[: line.index(" PSI") + 4] for line in body.splitlines() if "PSI" in line] == [
            "- utilisation: PSI",
            "- score: PSI",
        ]
    for suffix in ("json", "html"):
        assert (run.artifacts / f"monitoring/monitoring.{suffix}").is_file()
    assert not list(run.artifacts.rglob("*.parquet"))


def test_a_ledger_that_cannot_be_read_is_no_drift(clone):
    nowhere = {"serving": {"ledger": {"url": "sqlite:///nowhere/ledger.db"}}}
    write_yaml(clone.root / "configs/deploy/ledger.yaml", nowhere)
    given = {"variables": {"MONITOR_ENVIRONMENT": "ledger"}, "secrets": {"LEDGER_KEY": "0" * 64}}
    run = clone.act("workflow_dispatch", "drift-monitor.yml", {}, **given)
    assert run.jobs == {"decisions": "failure"}, str(run)
    assert run.called("gh") == []
