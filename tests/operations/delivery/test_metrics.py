"""The metrics from records that a reader can count; without a record there is no figure, and never 0."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from credit_risk.operations.delivery import metrics, report
from credit_risk.operations.delivery.changes import DeployedChange
from credit_risk.operations.delivery.gate_history import GateVerdict
from credit_risk.operations.delivery.github import WorkflowRun
from credit_risk.operations.delivery.metrics import Sources
from credit_risk.operations.use_record import Use
from credit_risk.registry.lifecycle import HistoryEvent

NOW = datetime(2026, 6, 29, tzinfo=UTC)
SINCE = NOW - timedelta(days=28)
MADE = {"c1": datetime(2026, 6, 1, tzinfo=UTC), "c2": datetime(2026, 6, 4, tzinfo=UTC)}


def change(day, *, restored_h=None, traffic=True):
    begun = datetime(2026, 6, day, tzinfo=UTC)
    facts = {"in_traffic": begun if traffic else None, "done": begun}
    if restored_h:
        facts |= {"noticed": begun, "back": begun + timedelta(hours=restored_h)}
    return DeployedChange(f"r{day}", "2", "1", False, begun, **facts)


def move(seq, what, version, day, **facts):
    at = datetime(2026, 6, day, tzinfo=UTC)
    return HistoryEvent(seq, at, what, version, "digest", "Ada Berg", "a reason of five words", facts)


def verdict(day, name="PASS", *blocking):
    return GateVerdict("c", datetime(2026, 6, day, tzinfo=UTC), name, blocking)


def run(succeeded, seconds=60.0):
    return WorkflowRun("CI", NOW, seconds, succeeded)


def stage(name, seconds=None, cached=False, run="r1"):
    return Use(NOW.isoformat(), "stage", name, run, cached, seconds, seconds)


def measured(**sources):
    return metrics.measure(Sources(**sources), MADE.get, SINCE, NOW)


def test_without_any_source_every_metric_says_no_record_and_none_is_a_number():
    nothing = measured(missing={"changes": "no rollout was begun"})
    assert {metric.value for metric in nothing.values()} == {None}
    assert all(metric.why.startswith("no record") for metric in nothing.values())
    assert nothing["deployment_frequency"].why == "no record: no rollout was begun"


def test_no_deployment_in_the_window_is_a_frequency_of_nought_and_no_failure_rate():
    quiet = measured(changes=[change(1, traffic=False)])
    assert quiet["deployment_frequency"].value == 0
    assert quiet["change_failure_rate"].value is None


def test_deployments_are_counted_by_the_week_and_failures_by_deployments():
    found = measured(changes=[change(2), change(9, restored_h=2), change(16, restored_h=6), change(23)])
    assert found["deployment_frequency"].value == 1
    assert found["change_failure_rate"].value == 0.5
    assert (found["time_to_restore"].value, found["time_to_restore"].n) == (4 * 3600, 2)


def test_what_was_deployed_before_the_window_does_not_count():
    early = DeployedChange("r", "2", "1", False, SINCE - timedelta(days=1), in_traffic=SINCE - timedelta(hours=1))
    assert measured(changes=[early])["deployment_frequency"].value == 0


def test_from_commit_to_champion_is_from_the_commit_that_was_registered():
    moves = [
        move(1, "register", 1, 2, commit="c1"),
        move(2, "register", 2, 5, commit="c2"),
        move(3, "promote", 1, 3),
        move(4, "promote", 2, 8),
    ]
    metric = measured(registry_history=moves)["commit_to_champion"]
    assert (metric.value, metric.n) == (3 * 86_400, 2)  # the median of two days and four


def test_a_commit_that_nobody_knows_is_said():
    metric = measured(registry_history=[move(1, "register", 1, 2, commit="gone"), move(2, "promote", 1, 3)])[
        "commit_to_champion"
    ]
    assert (metric.value, metric.why[:7]) == (None, "1 of 1 ")


def test_gate_verdicts_are_counted_and_each_check_that_blocked():
    sources = Sources(
        verdicts=[verdict(2), verdict(3, "FAIL", "auc", "latency"), verdict(4, "PASS WITH WAIVERS", "auc")]
    )
    assert metrics.measure(sources, MADE.get, SINCE, NOW)["gate_pass_share"].value == pytest.approx(2 / 3)
    assert metrics.gates(sources)["blocked"] == {"auc": 2, "latency": 1}


def test_cancelled_runs_are_neither_successes_nor_failures():
    found = measured(workflow_runs=[run(True, 60.0), run(False, 180.0), run(None, 9_999.0)])
    assert (found["build_success"].value, found["build_success"].n) == (0.5, 2)
    assert found["workflow_duration"].value == 120


def test_only_cancelled_runs_are_no_record():
    assert measured(workflow_runs=[run(None)])["build_success"].value is None


def test_stages_in_the_cache_are_hits_and_have_no_time():
    whole = Use(NOW.isoformat(), "run", "dvc", "r1", seconds=100.0, ended_well=True)
    other = Use(NOW.isoformat(), "run", "python", "r2", seconds=9_999.0, ended_well=False)  # no run of the pipeline
    uses = [stage("train", 60.0), stage("gate", cached=True), stage("report", cached=True), stage("train", 20.0), whole]
    found = measured(uses=[*uses, other])
    assert (found["pipeline_duration"].value, found["cache_hit_share"].value) == (100, 0.5)
    assert found["run_success"].value == 1
    table = metrics.stages(Sources(uses=uses), SINCE)
    assert table["train"] == {"ran": 2, "cached": 0, "seconds": 40, "cpu_seconds": 40}
    assert table["gate"] == {"ran": 0, "cached": 1, "seconds": None, "cpu_seconds": None}


def test_the_trend_has_a_row_a_week_and_none_where_a_source_is_not_there():
    weeks = metrics.weeks(Sources(changes=[change(2), change(9, restored_h=2)]), SINCE, NOW)
    assert [week["deployments"] for week in weeks] == [1, 1, 0, 0]
    assert [week["failed"] for week in weeks] == [0, 1, 0, 0]
    assert {week["verdicts"] for week in weeks} == {None}


def figures(**sources):
    given = Sources(**sources)
    return report.figures_of(metrics.measure(given, MADE.get, SINCE, NOW), given, "local", SINCE, NOW)


def test_prometheus_gets_what_is_known_and_the_number_of_records_of_everything():
    text = report.prometheus(figures(verdicts=[verdict(2), verdict(3, "FAIL", "auc")], coverage=0.91))
    assert "credit_risk_pipeline_test_coverage_ratio 0.91\n" in text
    assert 'credit_risk_pipeline_gate_blocked{check="auc"} 1.0\n' in text
    assert 'credit_risk_pipeline_records{metric="time_to_restore"} 0.0\n' in text
    assert "credit_risk_pipeline_time_to_restore_seconds" not in text


def test_the_page_sets_the_claims_beside_what_was_measured_and_says_that_they_are_claims():
    page = report.page(figures(changes=[change(9, restored_h=2), change(16)], drill={"slow": 2.1, "errors": 41.9}))
    assert "the article claims" in page.lower()
    assert "65 % → 95 %" in page
    assert "50.0% (of 2)" in page
    assert "Time to restore, drill: 41.9 s (of 2)" in page
    assert "no record" in page
    assert "<script" not in page


def test_equal_figures_give_an_equal_page():
    given = figures(changes=[change(9)], verdicts=[verdict(3)])
    assert report.page(given) == report.page(json.loads(json.dumps(given)))


@pytest.mark.parametrize(
    ("seconds", "text"), [(90, "90.0 s"), (900, "15.0 min"), (14_400, "4.0 h"), (172_800, "2.0 days")]
)
def test_a_duration_is_in_the_largest_unit_of_which_there_are_two(seconds, text):
    assert report.duration(seconds) == text
