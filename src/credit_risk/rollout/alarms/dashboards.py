"""The dashboard of an environment for Grafana: what its alerts look at, with their limits as lines."""

from collections.abc import Mapping
from string import ascii_uppercase
from typing import NamedTuple

from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.timeseries import Panel
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import GraphTresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

from credit_risk.rollout.alarms.alerts import (
    ANSWERS,
    DAY_S,
    FAILURES,
    JOB,
    QUEUE_SHARE,
    SLOW_SHARE,
    score_gap,
    slower,
)
from credit_risk.rollout.settings import Environment, Monitoring

SOURCE = "datasource"  # a variable of the dashboard: which Prometheus is asked
WIDTH, HEIGHT = 8, 8  # of a panel; a row is 24 wide
LATENCY = f"sum by (le) (rate(credit_risk_latency_seconds_bucket{{{JOB}}}[5m]))"


class Chart(NamedTuple):
    """A panel. queries: legend, in which {{label}} stands for a label's value, to PromQL. limit: drawn as a line."""

    title: str
    unit: str
    queries: Mapping[str, str]
    limit: float | None = None


def charts(environment: Environment) -> list[Chart]:
    """Every panel, in reading order: what is decided, how it is answered, what it runs on, who applies."""
    watched = environment.monitoring
    return [
        *_of_answers(watched),
        *_of_supplies(watched, environment.serving.ledger.most_waiting * QUEUE_SHARE),
        *_of_applicants(watched),
    ]


def _of_answers(watched: Monitoring) -> list[Chart]:
    floor, slow = watched.expected_per_second * watched.throughput_below, watched.p95_above_ms / 1e3
    percentiles = {f"p{part}": f"histogram_quantile({part / 100:g}, {LATENCY})" for part in (50, 95, 99)}
    return [
        Chart("Decisions a second", "reqps", {"{{outcome}}": _per_second("decisions_total", "outcome")}),
        Chart("All decisions a second", "reqps", {"decisions": _per_second("decisions_total")}, floor),
        Chart("Failed answers", "percentunit", {"failed": f"({FAILURES}) / ({ANSWERS})"}, watched.error_rate_above),
        Chart("Time to answer", "s", percentiles, slow),
        Chart(f"Answers slower than {slow:g} s", "percentunit", {"slower": slower(watched)}, SLOW_SHARE),
        Chart("Answers that were no decision", "reqps", {"{{status}}": _per_second("problems_total", "status")}),
    ]


def _of_supplies(watched: Monitoring, waiting: float) -> list[Chart]:
    ends = f"min by (what) (credit_risk_expires_timestamp_seconds{{{JOB}}} - time()) / {DAY_S}"
    return [
        Chart("Services that answer", "short", _each("up")),
        Chart("Decisions that are not durable yet", "short", _each("credit_risk_ledger_queue"), waiting),
        Chart("Free disk of the ledger", "percentunit", _each("credit_risk_disk_free_ratio"), watched.disk_free_below),
        Chart("Days until it expires", "d", {"{{what}}": ends}, watched.expires_within_days),
        Chart("Reasons not to serve", "short", _each("credit_risk_admission_lapses")),
    ]


def _of_applicants(watched: Monitoring) -> list[Chart]:
    refused = {"{{rule}} {{field}}": _per_second("refused_inputs_total", "rule, field")}
    return [
        Chart("Approved of the last hour", "percentunit", {"{{scorer}}": _approved_of_the_hour()}),
        Chart("Scores of the last hour", "short", {"median, {{scorer}}": _median_score()}),
        Chart("Scores against the week before", "percentunit", {"{{scorer}}": score_gap()}, watched.score_gap_above),
        Chart("Inputs that were missing", "reqps", {"{{field}}": _per_second("missing_inputs_total", "field")}),
        Chart("Faults of refused inputs", "reqps", refused),
    ]


def _each(metric: str) -> dict[str, str]:
    """A metric of every replica."""
    return {"{{instance}}": f"{metric}{{{JOB}}}"}


def _per_second(counter: str, by: str = "") -> str:
    return f"sum by ({by}) (rate(credit_risk_{counter}{{{JOB}}}[5m]))"


def _approved_of_the_hour() -> str:
    approved = f'sum by (scorer) (increase(credit_risk_decisions_total{{{JOB}, outcome="approve"}}[1h]))'
    return f"{approved} / sum by (scorer) (increase(credit_risk_decisions_total{{{JOB}}}[1h]))"


def _median_score() -> str:
    return f"histogram_quantile(0.5, sum by (scorer, le) (increase(credit_risk_score_bucket{{{JOB}}}[1h])))"


def text(environment: Environment) -> str:
    """The dashboard as the JSON that Grafana imports."""
    name = environment.environment
    board = (
        Dashboard(f"Credit decisions, {name}")
        .uid(f"credit-risk-{name}")
        .tags(["credit-risk", name])
        .refresh("30s")
        .time("now-6h", "now")
        .with_variable(DatasourceVariable(SOURCE).label("Prometheus").type("prometheus"))
    )
    for chart in charts(environment):
        board = board.with_panel(_panel(chart))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def _panel(chart: Chart) -> Panel:
    panel = Panel().title(chart.title).unit(chart.unit).span(WIDTH).height(HEIGHT)
    panel = panel.datasource(DataSourceRef(type_val="prometheus", uid=f"${{{SOURCE}}}"))
    for letter, (legend, query) in zip(ascii_uppercase, chart.queries.items(), strict=False):
        panel = panel.with_target(Dataquery().expr(query).legend_format(legend).ref_id(letter))
    if chart.limit is None:
        return panel
    steps = [Threshold(value=None, color="transparent"), Threshold(value=chart.limit, color="red")]
    limit = ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    return panel.thresholds(limit).thresholds_style(GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.LINE))
