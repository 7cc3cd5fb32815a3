"""Metrics for Prometheus: latencies, outcomes, scores and refusals; no value of any single applicant.

With several workers each writes its own files and the reader adds them up (prometheus_client's multi-process mode,
on when PROMETHEUS_MULTIPROC_DIR is set, which BentoML does).
"""

import os
from collections.abc import Callable, Sequence
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

LATENCIES = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0)
SCORES = tuple(range(350, 751, 20))


class ServiceMetrics:
    """The service's metrics. Labels are words from the config and the API alone, so that their number is bounded."""

    def __init__(self, scorer: str, supplies: Collector) -> None:
        self.registry, self.supplies, self.scorer = CollectorRegistry(), supplies, scorer[:12]
        counter, gauge = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        self.latency = histogram("credit_risk_latency_seconds", "Time to answer", ["outcome"], buckets=LATENCIES)
        self.decisions = counter("credit_risk_decisions", "Decisions recorded and answered", ["outcome", "scorer"])
        self.refused = counter("credit_risk_refused_inputs", "Faults of refused applications", ["rule", "field"])
        self.problems = counter("credit_risk_problems", "Answers that were no decision", ["status"])
        self.score = histogram("credit_risk_score", "Scores of decided applications", ["scorer"], buckets=SCORES)
        self.missing = counter("credit_risk_missing_inputs", "Inputs that decided applications lacked", ["field"])
        self.lacking = counter("credit_risk_decisions_lacking_inputs", "Decisions whose application lacked an input")
        self.waiting = gauge("credit_risk_ledger_queue", "Decisions not durable yet", multiprocess_mode="livesum")
        self.lapses = gauge("credit_risk_admission_lapses", "Reasons not to let it start", multiprocess_mode="livemax")
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
        registry: Collector = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(self.supplies)
