"""The alerts of an environment, each from its typed config: no limit in them is typed a second time.

Every alert has an owner, a severity and a runbook, a heading of docs/operations.md. They read what the service itself
counts (docs/serving.md, Metrics).
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from credit_risk.rollout.settings import Environment, Monitoring

JOB = 'job="credit-risk"'
PROBLEMS = f"sum(rate(credit_risk_problems_total{{{JOB}}}[5m])) or vector(0)"
ANSWERS = f"(sum(rate(credit_risk_decisions_total{{{JOB}}}[5m])) or vector(0)) + ({PROBLEMS})"
FAILURES = f'sum(rate(credit_risk_problems_total{{{JOB}, status=~"5.."}}[5m])) or vector(0)'
DECISIONS = f"sum(rate(credit_risk_decisions_total{{{JOB}}}[10m])) or vector(0)"
DECIDED, SCORED = (f"credit_risk_{name}{{{JOB}}}" for name in ("decisions_total", "score_count"))
SLOW_SHARE = 0.05  # of answers: the 95th percentile lies above a limit where more than these do
QUEUE_SHARE = 0.5  # of serving.ledger.most_waiting: beyond all of it the service sheds
DAY_S = 86_400
# The last day against the week before, which holds each day of the week. Of the same scorer: another one differs by
# design, and the rollout has compared the two.
LATELY, BEFORE = "[1d]", "[7d] offset 1d"
# Half the width of a 95 % interval, in units of sqrt(1/n + 1/m): of the largest gap between two samples' distributions
# (Kolmogorov and Smirnov; binned scores make it wider than need be), and of a difference of shares.
GAP_WIDTH, SHARE_WIDTH = 1.358, 1.96

Severity = Literal["page", "ticket", "none"]


class Alarm(NamedTuple):
    """An alert. lasts: for how long it must be so before it fires. runbook: a heading of docs/operations.md."""

    name: str
    expr: str
    lasts: str
    severity: Severity
    summary: str
    runbook: str


def alarms(environment: Environment) -> Iterator[Alarm]:
    """Every alert that is looked at with each scrape. Shares and limits are those of the section `monitoring:`."""
    watched = environment.monitoring
    yield from _of_answers(watched)
    yield from _of_applications(watched)
    yield from _of_processes()
    yield from _of_the_ledger(environment.serving.ledger.most_waiting * QUEUE_SHARE, watched)
    yield from _of_validity(watched)
    yield Alarm(
        "CreditRiskDeadMansSwitch",
        "vector(1)",
        "0s",
        "none",
        "Fires always: whoever receives it calls a person when it stays away.",
        "The dead man's switch is silent",
    )


def _of_answers(watched: Monitoring) -> Iterator[Alarm]:
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
        f"{slower(watched)} > {SLOW_SHARE:g}",
        "5m",
        "ticket",
        f"More than {SLOW_SHARE:.0%} of answers take longer than {watched.p95_above_ms:g} ms.",
        "Answers slower than `monitoring.p95_above_ms`",
    )


def slower(watched: Monitoring) -> str:
    """The share of answers that took longer than p95_above_ms.

    A histogram ends at its last bound, so its quantile never lies above that: what is counted is who was slower.
    """
    bound = f'le="{float(watched.p95_above_ms / 1e3)}"'  # as the service writes it: 1.0, 0.25
    fast = f"sum(rate(credit_risk_latency_seconds_bucket{{{JOB}, {bound}}}[5m]))"
    return f"1 - {fast} / sum(rate(credit_risk_latency_seconds_count{{{JOB}}}[5m]))"


def _of_applications(watched: Monitoring) -> Iterator[Alarm]:
    expected, share = watched.expected_per_second, watched.throughput_below
    yield Alarm(
        "CreditRiskFewApplications",
        f"({DECISIONS}) < {expected * share:g}",
        "15m",
        "ticket",
        f"Less than {share:.0%} of the {expected:g} decisions a second that are expected.",
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


def _of_processes() -> Iterator[Alarm]:
    yield Alarm(
        "CreditRiskDown",
        f"up{{{JOB}}} == 0 or absent(up{{{JOB}}})",
        "1m",
        "page",
        "A service does not answer its scrape, or none is there.",
        "A service is down or hangs",
    )


def _of_the_ledger(waiting: float, watched: Monitoring) -> Iterator[Alarm]:
    yield Alarm(
        "CreditRiskLedgerUnavailable",
        f'sum(rate(credit_risk_problems_total{{{JOB}, status="503"}}[2m])) > 0'
        f" unless sum(rate(credit_risk_decisions_total{{{JOB}}}[2m])) > 0",
        "1m",
        "page",
        "The service answers 503 alone: no decision becomes durable.",
        "The ledger cannot be written",
    )
    yield Alarm(
        "CreditRiskLedgerQueue",
        f"credit_risk_ledger_queue{{{JOB}}} > {waiting:g}",
        "1m",
        "ticket",
        f"More than {waiting:g} decisions wait to become durable.",
        "The ledger's queue is long",
    )
    yield Alarm(
        "CreditRiskDiskFull",
        f"credit_risk_disk_free_ratio{{{JOB}}} < {watched.disk_free_below:g}",
        "5m",
        "ticket",
        f"Less than {watched.disk_free_below:.0%} of the disk with the ledger is free.",
        "The ledger's disk is nearly full",
    )


def _of_validity(watched: Monitoring) -> Iterator[Alarm]:
    days = watched.expires_within_days
    yield Alarm(
        "CreditRiskAdmissionLapsed",
        f"credit_risk_admission_lapses{{{JOB}}} > 0",
        "1m",
        "ticket",
        "What serves would not be let start now, or is to be looked at.",
        "What serves would not be let start now",
    )
    yield Alarm(
        "CreditRiskExpires",
        f"credit_risk_expires_timestamp_seconds{{{JOB}}} - time() < {days * DAY_S}",
        "5m",
        "ticket",
        f"A certificate, or a client's last key, ends within {days} days.",
        "A certificate or a key expires",
    )


def population_alarms(watched: Monitoring) -> Iterator[Alarm]:
    """The alerts of who applies and who is approved, over days: looked at less often, as each look reads a week.

    Each fires where the difference lies beyond its limit with its whole 95 % interval: few decisions raise no alarm.
    """
    yield Alarm(
        "CreditRiskScoreDrift",
        f"{score_gap()} - {_chance_of_a_gap()} > {watched.score_gap_above:g}",
        "1h",
        "ticket",
        f"Scores of the last day lie apart from the week before by more than {watched.score_gap_above:g}.",
        "Scores drift",
    )
    yield Alarm(
        "CreditRiskApprovalShift",
        f"abs({_approved(LATELY)} - {_approved(BEFORE)}) - {_chance_of_a_shift()} > {watched.approval_shift_above:g}",
        "1h",
        "ticket",
        f"The share of approvals differs from the week before by more than {watched.approval_shift_above:g}.",
        "Approvals shift",
    )


def score_gap() -> str:
    """The largest difference between the shares of applications below any bound of the scores, by scorer."""

    def below(window: str) -> str:
        shares = f"sum by (scorer, le) (increase(credit_risk_score_bucket{{{JOB}}}{window}))"
        return f"{shares} / ignoring(le) group_left sum by (scorer) (increase({SCORED}{window}))"

    return f"max by (scorer) (abs({below(LATELY)} - {below(BEFORE)}))"


def _chance_of_a_gap() -> str:
    return f"{GAP_WIDTH:g} * sqrt({_per_decision(SCORED)})"


def _approved(window: str) -> str:
    """The share of approvals, by scorer."""
    # A process that has approved nobody yet has no such series.
    decided = f"sum by (scorer) (increase({DECIDED}{window}))"
    approved = f'sum by (scorer) (increase(credit_risk_decisions_total{{{JOB}, outcome="approve"}}{window}))'
    return f"(({approved} or 0 * {decided}) / {decided})"


def _chance_of_a_shift() -> str:
    before = _approved(BEFORE)
    return f"{SHARE_WIDTH:g} * sqrt({before} * (1 - {before}) * ({_per_decision(DECIDED)}))"


def _per_decision(counted: str) -> str:
    """1/n + 1/m: of how many decisions each of the two windows holds."""
    return " + ".join(f"1 / sum by (scorer) (increase({counted}{window}))" for window in (LATELY, BEFORE))
