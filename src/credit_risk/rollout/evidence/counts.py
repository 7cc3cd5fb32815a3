"""What the service says of itself at /metrics, as counts that the analysis compares."""

import urllib.request
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from credit_risk.errors import CreditRiskError
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.serving.prometheus import SCORES

WITHIN = 5.0

Sample: TypeAlias = tuple[str, dict[str, str], float]  # name, labels, value


class NotCounted(CreditRiskError, ConnectionError):
    """A service does not say what it did."""


def read(url: str, slow_above_ms: float) -> Counts:
    """The counts of the service there; requests and errors are the router's to count. Raises NotCounted."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=WITHIN) as answer:  # noqa: S310  (http on this machine)
            text = answer.read().decode()
    except OSError as error:
        raise NotCounted(f"{url}/metrics does not answer ({error}); a step is not judged meanwhile.") from None
    return counts(text, slow_above_ms)


def counts(text: str, slow_above_ms: float) -> Counts:
    """The counts in an exposition. slow_above_ms: one of the bounds of the latency histogram."""
    samples = _samples(text)

    def total(name: str, **labels: str) -> int:
        matching = (value for _, value in _of(samples, name, labels))
        return round(sum(matching))

    decisions = total("credit_risk_latency_seconds_count")
    fast = sum(
        value
        for labels, value in _of(samples, "credit_risk_latency_seconds_bucket", {})
        if abs(float(labels["le"]) - slow_above_ms / 1e3) < 1e-9
    )
    return Counts(
        decisions=decisions,
        slow=decisions - round(fast),
        approved=total("credit_risk_decisions_total", outcome="approve"),
        missing=total("credit_risk_decisions_lacking_inputs_total"),
        refused=total("credit_risk_problems_total", status="422"),
        scores=_bands(list(_of(samples, "credit_risk_score_bucket", {}))),
    )


def answers(text: str) -> tuple[int, int]:
    """All decisions and problems in an exposition, and how many of them were faults of the service itself."""
    samples = _samples(text)
    problems = list(_of(samples, "credit_risk_problems_total", {}))
    decisions = sum(value for _, value in _of(samples, "credit_risk_latency_seconds_count", {}))
    errors = sum(value for labels, value in problems if labels["status"].startswith("5"))
    return round(decisions + sum(value for _, value in problems)), round(errors)


def _samples(text: str) -> list[Sample]:
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def _of(samples: list[Sample], name: str, labels: Mapping[str, str]) -> Iterator[tuple[dict[str, str], float]]:
    for sample_name, own, value in samples:
        if sample_name == name and labels.items() <= own.items():
            yield own, value


def _bands(buckets: list[tuple[dict[str, str], float]]) -> tuple[int, ...]:
    """Scores by band, the last band being open; the histogram's buckets hold all below their bound."""
    upto = [0.0] * (len(SCORES) + 1)
    for labels, value in buckets:
        bound = float(labels["le"])
        band = len(SCORES) if bound == float("inf") else SCORES.index(int(bound))
        upto[band] += value
    return tuple(round(high - low) for low, high in zip([0.0, *upto], upto, strict=False))
