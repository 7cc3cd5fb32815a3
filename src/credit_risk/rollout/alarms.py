"""Alert rules for Prometheus, written from an environment's typed config: nothing in them is typed a second time.

Every alert has an owner, a severity and a runbook, a heading of docs/operations.md. They read what the service itself
counts (docs/serving.md, Metrics); what no metric shows (disk, certificates, drift) has no rule here.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ruamel.yaml import YAML

from credit_risk.data.writing import write_text
from credit_risk.errors import CheckFailed
from credit_risk.rollout.settings import Environment

FOLDER = Path("configs") / "alarms"
HEAD = "# Written by `credit-risk alarms --environment {0}` from configs/deploy/{0}.yaml; edits are lost.\n"
PAGE = "docs/operations.md"
JOB = 'job="credit-risk"'
PROBLEMS = f"sum(rate(credit_risk_problems_total{{{JOB}}}[5m])) or vector(0)"
ANSWERS = f"(sum(rate(credit_risk_decisions_total{{{JOB}}}[5m])) or vector(0)) + ({PROBLEMS})"
FAILURES = f'sum(rate(credit_risk_problems_total{{{JOB}, status=~"5.."}}[5m])) or vector(0)'
DECISIONS = f"sum(rate(credit_risk_decisions_total{{{JOB}}}[10m])) or vector(0)"
QUEUE_SHARE = 0.5  # of serving.ledger.most_waiting: beyond all of it the service sheds

Severity = Literal["page", "ticket", "none"]


class StaleAlarms(CheckFailed, ValueError):
    """Rules on disk are not what the config says."""


class Alarm(NamedTuple):
    """An alert. lasts: for how long it must be so before it fires. runbook: a heading of docs/operations.md."""

    name: str
    expr: str
    lasts: str
    severity: Severity
    summary: str
    runbook: str


def alarms(environment: Environment) -> Iterator[Alarm]:
    """Every alert of an environment. Shares and limits are those of its section `monitoring:`."""
    watched = environment.monitoring
    seconds, expected = watched.p95_above_ms / 1e3, watched.expected_per_second
    yield Alarm(
        "CreditRiskErrors",
        f"({FAILURES}) / ({ANSWERS}) > {watched.error_rate_above:g}",
        "2m",
        "page",
        f"More than {watched.error_rate_above:.1%} of answers are errors of ours.",
        "More errors than `monitoring.error_rate_above`",
    )
    yield Alarm(
        "CreditRiskSlow",
        # A histogram ends at its last bound, so its quantile never lies above that: what is counted is who was slower.
        f'1 - sum(rate(credit_risk_latency_seconds_bucket{{{JOB}, le="{_bound(seconds)}"}}[5m]))'
        f" / sum(rate(credit_risk_latency_seconds_count{{{JOB}}}[5m])) > 0.05",
        "5m",
        "ticket",
        f"More than 5 % of answers take longer than {watched.p95_above_ms:g} ms.",
        "Answers slower than `monitoring.p95_above_ms`",
    )
    yield Alarm(
        "CreditRiskFewApplications",
        f"({DECISIONS}) < {expected * watched.throughput_below:g}",
        "15m",
        "ticket",
        f"Less than {watched.throughput_below:.0%} of the {expected:g} decisions a second that are expected.",
        "Fewer applications than `monitoring.throughput_below` of what is expected",
    )
    yield Alarm(
        "CreditRiskNoDecisions",
        f"({DECISIONS}) == 0",
        "10m",
        "page",
        "Nobody has been decided about for 20 minutes.",
        "Nobody is decided about",
    )
    yield Alarm(
        "CreditRiskDown",
        f"up{{{JOB}}} == 0 or absent(up{{{JOB}}})",
        "1m",
        "page",
        "A service does not answer its scrape, or none is there.",
        "A service is down or hangs",
    )
    yield Alarm(
        "CreditRiskLedgerUnavailable",
        f'sum(rate(credit_risk_problems_total{{{JOB}, status="503"}}[2m])) > 0'
        f" unless sum(rate(credit_risk_decisions_total{{{JOB}}}[2m])) > 0",
        "1m",
        "page",
        "The service answers 503 alone: no decision becomes durable.",
        "The ledger cannot be written",
    )
    waiting = environment.serving.ledger.most_waiting * QUEUE_SHARE
    yield Alarm(
        "CreditRiskLedgerQueue",
        f"credit_risk_ledger_queue{{{JOB}}} > {waiting:g}",
        "1m",
        "ticket",
        f"More than {waiting:g} decisions wait to become durable.",
        "The ledger's queue is long",
    )
    yield Alarm(
        "CreditRiskAdmissionLapsed",
        f"credit_risk_admission_lapses{{{JOB}}} > 0",
        "1m",
        "ticket",
        "What serves would not be let start now, or is to be looked at.",
        "What serves would not be let start now",
    )
    yield Alarm(
        "CreditRiskDeadMansSwitch",
        "vector(1)",
        "0s",
        "none",
        "Fires always: whoever receives it calls a person when it stays away.",
        "The dead man's switch is silent",
    )


def rules(environment: Environment) -> dict[str, Any]:
    """The alerts as a file of rules for Prometheus."""
    return {"groups": [{"name": "credit-risk", "rules": [_rule(each, environment) for each in alarms(environment)]}]}


def text(environment: Environment) -> str:
    """`rules` as YAML, with its origin in the first line."""
    stream, yaml = io.StringIO(), YAML()
    yaml.width = 4096
    yaml.dump(rules(environment), stream)
    return HEAD.format(environment.environment) + stream.getvalue()


def path(root: Path, environment: Environment) -> Path:
    return root / FOLDER / f"{environment.environment}.rules.yaml"


def write(root: Path, environment: Environment) -> Path:
    """Write the rules of an environment, and return their file."""
    file = path(root, environment)
    write_text(file, text(environment))
    return file


def check(root: Path, environment: Environment) -> None:
    """Raise StaleAlarms if the rules on disk are not what the config says."""
    file = path(root, environment)
    if not file.is_file() or file.read_text(encoding="utf-8") != text(environment):
        command = f"credit-risk alarms --environment {environment.environment}"
        raise StaleAlarms(f"{file} is stale: `{command}` writes it.")


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading: small letters, no punctuation but - and _, blanks as -."""
    kept = (letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return "".join(kept).replace(" ", "-")


def _rule(alarm: Alarm, environment: Environment) -> dict[str, Any]:
    return {
        "alert": alarm.name,
        "expr": alarm.expr,
        "for": alarm.lasts,
        "labels": {
            "severity": alarm.severity,
            "owner": environment.monitoring.owner,
            "environment": environment.environment,
        },
        "annotations": {"summary": alarm.summary, "runbook_url": f"{PAGE}#{anchor(alarm.runbook)}"},
    }


def _bound(seconds: float) -> str:
    """A bound of a histogram as the service writes it in the label `le`: 1.0, 0.25."""
    return str(float(seconds))
