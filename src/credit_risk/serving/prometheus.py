"""Metrics for Prometheus: latencies, outcomes, scores and refusals; no value of any single applicant.

With several workers each writes its own files and the reader adds them up (prometheus_client's multi-process mode,
on when PROMETHEUS_MULTIPROC_DIR is set, which BentoML does).
"""

import os
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

LATENCIES = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0)
SCORES = tuple(range(350, 751, 20))


class ServiceMetrics:
    """The service's metrics. Labels are words from the config and the API alone, so that their number is bounded."""

    def __init__(self, scorer: str) -> None:
        self.registry = CollectorRegistry()
        self.scorer = scorer[:12]
        registry = self.registry
        self.latency = Histogram(
            "credit_risk_latency_seconds",
            "From the arrival of a request to its answer, by what the answer was",
            ["outcome"],
            buckets=LATENCIES,
            registry=registry,
        )
        self.decisions = Counter(
            "credit_risk_decisions", "Decisions recorded and answered", ["outcome", "scorer"], registry=registry
        )
        self.refused = Counter(
            "credit_risk_refused_inputs", "Faults of refused applications", ["rule", "field"], registry=registry
        )
        self.problems = Counter("credit_risk_problems", "Answers that were no decision", ["status"], registry=registry)
        self.score = Histogram(
            "credit_risk_score", "Scores of decided applications", ["scorer"], buckets=SCORES, registry=registry
        )
        self.missing = Counter(
            "credit_risk_missing_inputs", "Inputs that decided applications lacked", ["field"], registry=registry
        )
        self.lacking = Counter(
            "credit_risk_decisions_lacking_inputs", "Decisions whose application lacked an input", registry=registry
        )
        self.waiting = Gauge(
            "credit_risk_ledger_queue",
            "Decisions that are not durable yet",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.lapses = Gauge(
            "credit_risk_admission_lapses",
            "Reasons for which what serves would not be let start now, or is to be looked at",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._outcomes: dict[str, tuple[Callable[[float], None], Callable[[], None]]] = {}
        self._scored = self.score.labels(self.scorer).observe

    def count_decision(self, outcome: str, seconds: float, score: float | None, missing: Sequence[str]) -> None:
        """Count one recorded decision. missing: the inputs that its application did not have."""
        if outcome not in self._outcomes:
            counter, latency = self.decisions.labels(outcome, self.scorer), self.latency.labels(outcome)
            self._outcomes[outcome] = latency.observe, counter.inc
        observe, count = self._outcomes[outcome]
        observe(seconds)
        count()
        if score is not None:
            self._scored(score)
        if missing:
            self.lacking.inc()
            for name in missing:
                self.missing.labels(name).inc()

    def text(self) -> bytes:
        """The metrics of all workers in Prometheus' text format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        all_workers = CollectorRegistry()
        MultiProcessCollector(all_workers)  # type: ignore[no-untyped-call]
        return generate_latest(all_workers)
