"""Whether the applications that a scorer decides still are those it was fitted on, month by month.

Each decision is counted into the bins that were frozen on the scorer's training rows; of a month only counts are kept.
Within a month the population's PSI lies in an interval: IN where that lies at or below the threshold, OUT where it lies
above, CANNOT SAY where it holds it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.schema import Drift
from credit_risk.data.inputs import Inputs, Matrix
from credit_risk.ledger.entry import StoredDecision
from credit_risk.measures import drift
from credit_risk.measures.drift import BinCounts, Counts, Reference
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import proportion
from credit_risk.monitoring.calendar import month_of
from credit_risk.monitoring.outcomes.adding import decided_on
from credit_risk.monitoring.settings import DriftRule
from credit_risk.scoring.scorer import Scorer

DriftVerdict = Literal["IN", "OUT", "CANNOT SAY"]
SCORE = "score"
NO_DECISIONS = "no decision of this month was counted by bin"


@dataclass
class MonthCounts:
    """How many decisions of a month there are, how many approve, and how score and inputs fall into frozen bins."""

    decisions: int = 0
    approved: int = 0
    bins: dict[str, Counts] = field(default_factory=dict)


@dataclass
class DriftWindows:
    """One scorer's decisions by month. Fill it page by page with `add`, then ask for the `report`.

    erased, refused, other_scorers: decisions that are not compared, as their inputs cannot be read, were not accepted,
    or met another scorer. frozen_months: counted already, and not added again (see `with_frozen`).
    """

    scorer: str
    inputs: Inputs
    names: tuple[str, ...]
    frozen: Mapping[str, BinCounts]
    months: dict[str, MonthCounts] = field(default_factory=dict)
    frozen_months: frozenset[str] = frozenset()
    erased: int = 0
    refused: int = 0
    other_scorers: int = 0

    @classmethod
    def of(cls, scorer: Scorer) -> "DriftWindows":
        return cls.of_reference(scorer.config, scorer.reference, scorer.digest)

    @classmethod
    def of_reference(cls, config: Config, reference: Mapping[str, Any], scorer: str) -> "DriftWindows":
        """reference: a scorer's reference.json. Raises DataError for one that is damaged."""
        inputs, scores = (Reference.from_dict(reference[name]) for name in ("inputs", SCORE))
        frozen = {SCORE: scores.columns[SCORE], **{name: inputs.columns[name] for name in config.inputs}}
        return cls(scorer, Inputs.of(config), tuple(config.inputs), frozen)

    @cached_property
    def middle_score(self) -> float | None:
        """The end of the frozen bin in which the middle of the training rows' scores lies; None without such a bin."""
        bins = self.frozen[SCORE]
        edges = bins.edges or ()
        up_to = np.cumsum(bins.counts[: len(edges)])
        below = np.flatnonzero(up_to >= sum(bins.counts) / 2)
        return float(edges[below[0]]) if len(below) else None

    def with_frozen(
        self, months: Mapping[str, MonthCounts], *, erased: int, refused: int, other_scorers: int
    ) -> "DriftWindows":
        """These windows, still empty, with months that were counted once and for all: nothing of them is added again.

        erased, refused, other_scorers: their decisions that were not compared.
        """
        frozen = replace(self, erased=erased, refused=refused, other_scorers=other_scorers)
        return replace(frozen, months=dict(months), frozen_months=frozenset(months))

    def add(self, decisions: Iterable[StoredDecision], as_of: date) -> None:
        """Count decisions of months that have ended by a day."""
        by_month: dict[str, list[StoredDecision]] = {}
        running = month_of(as_of)
        for each in decisions:
            month = month_of(decided_on(each))
            ended = month < running and month not in self.frozen_months
            if ended and self._is_compared(each):
                by_month.setdefault(month, []).append(each)
        for month, records in by_month.items():
            self._count(self.months.setdefault(month, MonthCounts()), records)

    def report(self, settings: Drift, rule: DriftRule, as_of: date) -> dict[str, Any]:
        """Figures and verdicts of every month that has ended, and of each series over the last (see `over_windows`)."""
        months = ended_months(self.months, as_of)
        windows = [self._window(month, settings) for month in months]
        series = {name: [window["series"][name]["verdict"] for window in windows] for name in self.frozen}
        verdicts = {name: over_windows(verdicts, rule) for name, verdicts in series.items()}
        return {
            "scorer": self.scorer,
            "not_compared": {name: getattr(self, name) for name in ("erased", "refused", "other_scorers")},
            "threshold": settings.threshold,
            "rule": f"OUT: {rule.out} of the last {rule.of} months that have ended, the latest included",
            "verdicts": verdicts,
            "verdict": worst(verdicts.values()),
            "windows": windows,
        }

    def _is_compared(self, decision: StoredDecision) -> bool:
        if decision.by.scorer != self.scorer:
            self.other_scorers += 1
        elif decision.erased:
            self.erased += 1
        elif decision.decision == "refused":
            self.refused += 1
        else:
            return True
        return False

    def _count(self, counts: MonthCounts, records: Sequence[StoredDecision]) -> None:
        matrix = np.vstack([self.inputs.single_row(record.inputs or {}) for record in records])
        scores = [(record.decided or {}).get(SCORE) for record in records]
        known = np.array([score for score in scores if score is not None], dtype=np.float64)
        columns: dict[str, Matrix] = {SCORE: known, **dict(zip(self.names, matrix.T, strict=True))}
        counts.decisions += len(records)
        counts.approved += sum(record.decision == "approve" for record in records)
        for name, values in columns.items():
            counts.bins[name] = counts.bins.get(name, 0) + self.frozen[name].count(values.copy())

    def _window(self, month: str, settings: Drift) -> dict[str, Any]:
        counts = self.months.get(month, MonthCounts())
        each = drift.at_once(settings.confidence, len(self.names))
        confidence = {SCORE: settings.confidence, **dict.fromkeys(self.names, each)}
        return {
            "month": month,
            "decisions": counts.decisions,
            "approval_rate": asdict(proportion(counts.approved, counts.decisions, confidence=settings.confidence)),
            "series": {
                name: _compared(bins, counts.bins.get(name), settings.threshold, confidence[name])
                for name, bins in self.frozen.items()
            },
        }


def over_windows(verdicts: Sequence[DriftVerdict], rule: DriftRule) -> DriftVerdict:
    """The verdict on a series, its months in order: OUT where `rule.out` of the last `rule.of` are, and the latest is.

    A single month that is OUT may be chance, so it alone makes CANNOT SAY.
    """
    if not verdicts:
        return "CANNOT SAY"
    if verdicts[-1] != "OUT":
        return verdicts[-1]
    return "OUT" if verdicts[-rule.of :].count("OUT") >= rule.out else "CANNOT SAY"


def worst(verdicts: Iterable[DriftVerdict]) -> DriftVerdict:
    """OUT if any is, IN if all are."""
    there = set(verdicts)
    return "OUT" if "OUT" in there else "IN" if there == {"IN"} else "CANNOT SAY"


def ended_months(known: Iterable[str], as_of: date) -> list[str]:
    """Every month from the first known one to the last that has ended, those without a decision too."""
    first, last = min(known, default=None), pd.Period(as_of, freq="M") - 1
    return [] if first is None else [str(month) for month in pd.period_range(first, last, freq="M")]


def _compared(bins: BinCounts, now: Counts | None, threshold: float, confidence: float) -> dict[str, Any]:
    then = np.array(bins.counts)
    rows = 0 if now is None else int(now.sum())
    if now is None or not rows:
        return {"psi": asdict(Figure.unknown(0, NO_DECISIONS)), "verdict": "CANNOT SAY"}
    low, high = drift.interval(then, now, confidence)
    verdict = "OUT" if low > threshold else "IN" if high <= threshold else "CANNOT SAY"
    missing = len(then) - 2  # see BinCounts
    return {
        "psi": asdict(Figure(drift.index(then, now), low, high, rows)),
        "verdict": verdict,
        "missing": asdict(proportion(int(now[missing]), rows, confidence=confidence)),
        "missing_then": float(then[missing] / then.sum()),
    }
