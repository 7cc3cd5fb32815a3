"""Candidate and baseline on the same rows: what differs between them, each figure with its paired interval."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.measures import fairness, metrics
from credit_risk.measures.fairness import Cases, Grouping
from credit_risk.measures.figure import Figure, flat, reported
from credit_risk.measures.intervals import bootstrap, delong, paired_difference
from credit_risk.measures.metrics import Economics, Sample
from credit_risk.modelling.accounts import Accounts
from credit_risk.scoring import decision
from credit_risk.scoring.decision import Decisions
from credit_risk.scoring.scorer import Scorer

RATES_APART = 0.01  # approval rates further apart than this are not equal: ties of the PD forbid it
SWAPS = ("approved by both", "newly approved", "newly declined", "declined by both")
Numbers = dict[str, Any]
Unknown = dict[str, str]


@dataclass(frozen=True)
class ScorerDecisions:
    """One scorer and what it decides of the rows."""

    scorer: Scorer
    decisions: Decisions
    approved: Mask

    @property
    def pd(self) -> Matrix:
        return self.decisions.pd

    @property
    def cut_off(self) -> float:
        return decision.cut_off(self.scorer.config.policy)


@dataclass(frozen=True)
class Comparison:
    """Candidate and baseline on the same rows; figures are taken where both give a PD."""

    config: Config
    accounts: Accounts
    group: Labels
    candidate: ScorerDecisions
    baseline: ScorerDecisions

    @cached_property
    def scored(self) -> Mask:
        return ~(np.isnan(self.candidate.pd) | np.isnan(self.baseline.pd))

    def sample(self, decided: ScorerDecisions, cut_off: float) -> Sample:
        """Outcomes and PDs with this lender's economics, whatever economics the scorer was assembled under."""
        rows, economics = self.scored, Economics.of(self.config.policy, cut_off)
        return Sample.of(self.accounts.bad[rows], decided.pd[rows], self.group[rows], economics)

    @property
    def draw(self) -> Numbers:
        return self.config.evaluation.model_dump(include={"replicates", "seed", "confidence"})


def candidate_figures(comparison: Comparison, unknown: Unknown) -> Numbers:
    """The candidate's own figures under the names that evaluate gives them, so that the same gates read them."""
    sample = comparison.sample(comparison.candidate, comparison.candidate.cut_off)
    return reported("test", bootstrap(sample, **comparison.draw), unknown)


def compared(comparison: Comparison, unknown: Unknown) -> Numbers:
    """Candidate minus baseline on the same rows: at the cut-off of each, and with as many approved as the baseline's.

    AUC by DeLong where each row is an applicant of its own, by the bootstrap of applicants otherwise.
    """
    candidate, baseline = comparison.candidate, comparison.baseline
    own = (comparison.sample(candidate, candidate.cut_off), comparison.sample(baseline, baseline.cut_off))
    differences = paired_difference(*own, **comparison.draw)
    independent = len(np.unique(comparison.group[comparison.scored])) == int(comparison.scored.sum())
    if independent:
        rows, confidence = comparison.scored, comparison.config.evaluation.confidence
        bad = comparison.accounts.bad[rows]
        differences["auc"] = delong(bad, candidate.pd[rows], baseline.pd[rows], confidence=confidence)
    return {
        "differences": reported("comparison.differences", differences, unknown),
        "auc_interval": "DeLong" if independent else "bootstrap of applicants",
        "equal_approval_rate": at_equal_approvals(comparison, unknown),
        "baseline_scored_candidate_not": int((~np.isnan(baseline.pd) & np.isnan(candidate.pd)).sum()),
    }


def at_equal_approvals(comparison: Comparison, unknown: Unknown) -> Numbers:
    """Profit and bad rate, candidate minus baseline, if the candidate approved as many as the baseline does.

    Both cut-offs are set on all rows and stay in the draws. Not known where ties of the PD keep the rates apart.
    """
    second = comparison.sample(comparison.baseline, comparison.baseline.cut_off)
    share = float(metrics.measure(second)["approval_rate"])
    cut_off = equal_cut_off(comparison.candidate.pd[comparison.scored], share)
    first = comparison.sample(comparison.candidate, cut_off)
    approved = float(metrics.measure(first)["approval_rate"])
    differences = paired_difference(first, second, **comparison.draw)
    money = {name: differences[name] for name in ("profit_per_application", "bad_rate_of_approved")}
    if abs(approved - share) > RATES_APART:
        apart = f"ties of the PD allow the candidate {approved:.3f} approved where the baseline approves {share:.3f}"
        money = {name: Figure.unknown(figure.n, apart) for name, figure in money.items()}
    path = "comparison.equal_approval_rate"
    return {"approval_rate": share, "cut_off": cut_off, **reported(path, money, unknown)}


def equal_cut_off(pd: Matrix, share: float) -> float:
    """The PD below which as near as ties allow to this share of the rows lies."""
    ordered = np.sort(pd)
    above = np.nextafter(ordered[-1], math.inf)
    candidates = np.append(np.unique(ordered), above)
    below = np.searchsorted(ordered, candidates, side="left") / len(ordered)
    return float(candidates[np.abs(below - share).argmin()])


def accuracy(comparison: Comparison) -> Numbers:
    """Share of the candidate's scored rows that are called right at its cut-off: bads at or above it, goods below."""
    pds = comparison.candidate.pd
    rows = ~np.isnan(pds)
    right = (pds[rows] >= comparison.candidate.cut_off) == comparison.accounts.bad[rows]
    confidence = comparison.config.evaluation.confidence
    return flat({"accuracy": fairness.rate(right, comparison.group[rows], min_n=1, confidence=confidence)})


def cases(comparison: Comparison) -> Cases:
    return Cases(comparison.candidate.approved, comparison.candidate.pd, comparison.accounts.bad, comparison.group)


def groupings(comparison: Comparison) -> dict[str, Grouping]:
    """The groups of the declared attributes. Raises DataError for a value that belongs to none."""
    declared = comparison.config.fairness.attributes
    return {name: fairness.grouped(name, comparison.accounts.table[name], each) for name, each in declared.items()}


def contrasts(comparison: Comparison, unknown: Unknown) -> Numbers:
    """The declared contrasts of the candidate's approvals on these rows."""
    settings, confidence = comparison.config.fairness, comparison.config.evaluation.confidence
    groups, numbers = groupings(comparison), {}
    for each in settings.contrasts:
        figures = fairness.contrast(
            each, cases(comparison), groups[each.attribute], min_n=settings.min_n, confidence=confidence
        )
        numbers[each.name] = reported(f"fairness.contrasts.{each.name}", figures, unknown)
    return numbers


def lowest_approval_ratio(comparison: Comparison, unknown: Unknown) -> Numbers:
    """The lowest approval ratio, lowest group over highest, of all declared attributes; not known while one is not."""
    settings, everything = comparison.config.fairness, comparison.config.evaluation
    groups = groupings(comparison)
    # One attribute is picked after seeing all, so each interval is widened to hold for all at once.
    confidence = 1 - (1 - everything.confidence) / max(len(groups), 1)
    ratios = {
        name: fairness.widest(cases(comparison), each, min_n=settings.min_n, confidence=confidence)["ratio"]
        for name, each in groups.items()
    }
    whys = [f"{name}: {ratio.why}" for name, ratio in ratios.items() if not ratio.known]
    if whys or not ratios:
        why = "; ".join(whys) or settings.unavailable or "no protected attribute is declared"
        lowest, worst = Figure.unknown(len(comparison.accounts.bad), why), None
    else:
        lowest = Figure(
            *(min(getattr(ratio, end) for ratio in ratios.values()) for end in ("value", "low", "high", "n"))
        )
        worst = min(ratios, key=lambda name: ratios[name].value)
    return reported("candidate", {"fairness": lowest}, unknown) | {"least_alike": worst}


def swap_set(comparison: Comparison) -> list[Numbers]:
    """Who would be decided otherwise, and how they turned out, with Wilson's interval of the bad rate."""
    new, old = comparison.candidate.approved, comparison.baseline.approved
    lines = []
    for name, rows in zip(SWAPS, (new & old, new & ~old, ~new & old, ~new & ~old), strict=True):
        confidence = comparison.config.evaluation.confidence
        bad_rate = fairness.rate(comparison.accounts.bad[rows], comparison.group[rows], min_n=1, confidence=confidence)
        line = {"group": name, "rows": int(rows.sum()), "bads": int(comparison.accounts.bad[rows].sum())}
        lines.append(line | flat({"bad_rate": bad_rate}))
    return lines


def counts(comparison: Comparison) -> Numbers:
    return {
        "compared": len(comparison.accounts.bad),
        "bads": int(comparison.accounts.bad.sum()),
        "scored_by_both": int(comparison.scored.sum()),
        "applicants": int(comparison.group.max(initial=-1)) + 1,
    }
