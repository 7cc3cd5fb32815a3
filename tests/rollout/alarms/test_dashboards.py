"""The dashboard as Grafana would read it: each query parses, each legend has its label, each limit is the config's."""

import json
import re
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.rollout.alarms import dashboards
from credit_risk.rollout.alarms.alerts import alarms, population_alarms
from credit_risk.rollout.settings import validate_environment_config
from rollout.alarms.queries import metrics_named

ENVIRONMENTS = Path(__file__).parents[1] / "environments"


@pytest.fixture(scope="module")
def environment():
    return validate_environment_config(ENVIRONMENTS / "production.yaml", "production")


@pytest.fixture(scope="module")
def panels(environment):
    return json.loads(dashboards.text(environment))["panels"]


def test_every_query_of_every_panel_parses_and_names_a_metric_of_this_service(panels):
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(queries) >= len(panels) == 16
    for query in queries:
        named = metrics_named(query)
        assert named, query
        assert all(name.startswith("credit_risk_") or name == "up" for name in named), named


@pytest.mark.parametrize("query", ["sum(rate(x[5m])", "sum by (le (x)", "rate(x)"])
def test_a_query_that_does_not_parse_would_be_seen(query):
    with pytest.raises(ValueError):  # noqa: PT011  (the parser's own words)
        metrics_named(query)


def test_every_alert_of_the_service_has_its_metrics_on_the_dashboard(environment, panels):
    shown = {name for panel in panels for target in panel["targets"] for name in metrics_named(target["expr"])}
    watched = [*alarms(environment), *population_alarms(environment.monitoring)]
    assert set().union(*(metrics_named(alarm.expr) for alarm in watched)) <= shown


def test_a_label_of_a_legend_is_one_that_the_query_leaves(panels):
    for panel in panels:
        for target in panel["targets"]:
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                grouped = re.search(rf"by \(([^)]*\b{label}\b[^)]*)\)", target["expr"])
                assert grouped or (label == "instance" and " by " not in target["expr"]), (panel["title"], label)


def test_limits_are_lines_at_what_the_environment_says(panels):
    limits = {
        panel["title"]: panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"]
        for panel in panels
        if "thresholds" in panel["fieldConfig"]["defaults"]
    }
    assert limits == {
        "All decisions a second": 35.0,
        "Failed answers": 0.05,
        "Time to answer": 1.0,
        "Answers slower than 1 s": 0.05,
        "Decisions that are not durable yet": 512.0,
        "Free disk of the ledger": 0.1,
        "Days until it expires": 14,
        "Scores against the week before": 0.1,
    }


def test_panels_lie_side_by_side_and_never_on_one_another(panels):
    fields = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(set(fields)) == len(fields)
    assert max(x for x, _ in fields) < 24


def test_the_command_writes_where_it_is_told(tmp_path, capsys):
    file = tmp_path / "own.json"
    words = ["dashboard", "--environment", str(ENVIRONMENTS / "staging.yaml"), "--output", str(file)]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{file} is written.\n"
    assert json.loads(file.read_text(encoding="utf-8"))["uid"] == "credit-risk-staging"
