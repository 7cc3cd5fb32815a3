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
from credit_risk.measures.fairness import Cases, Grouping, Measure
from credit_risk.measures.intervals import Interval, bootstrap, delong, paired_difference
from credit_risk.measures.metrics import Economics, Sample
from credit_risk.scoring import decision
from credit_risk.scoring.decision import Decisions
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages.evaluate import flat
from credit_risk.stages.prepare import Book

RATES_APART = 0.01  # approval rates further apart than this are not equal: ties of the PD forbid it
SWAPS = ("approved by both", "newly approved", "newly declined", "declined by both")
Numbers = dict[str, Any]
Unknown = dict[str, str]


@dataclass(frozen=True)
class Contender:
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
class Contest:
    """Candidate and baseline on the same rows; figures are taken where both give a PD."""

    config: Config
    book: Book
    group: Labels
    candidate: Contender
    baseline: Contender

    @cached_property
    def scored(self) -> Mask:
        return ~(np.isnan(self.candidate.pd) | np.isnan(self.baseline.pd))

    def sample(self, contender: Contender, cut_off: float) -> Sample:
        """Outcomes and PDs with this lender's economics, whatever economics the scorer was assembled under."""
        policy, rows = self.config.policy, self.scored
        economics = Economics(cut_off, policy.margin, policy.lgd, policy.cost)
        return Sample.of(self.book.bad[rows], contender.pd[rows], self.group[rows], economics)

    @property
    def draw(self) -> Numbers:
        return self.config.evaluation.model_dump(include={"replicates", "seed", "confidence"})


def candidate_figures(contest: Contest, unknown: Unknown) -> Numbers:
    """The candidate's own figures under the names that evaluate gives them, so that the same gates read them."""
    sample = contest.sample(contest.candidate, contest.candidate.cut_off)
    return flat("test", bootstrap(sample, **contest.draw), metrics.why_undefined(sample), unknown)


def compared(contest: Contest, unknown: Unknown) -> Numbers:
    """Candidate minus baseline on the same rows: at the cut-off of each, and with as many approved as the baseline's.

    AUC by DeLong where each row is an applicant of its own, by the bootstrap of applicants otherwise.
    """
    one, other = contest.candidate, contest.baseline
    own = (contest.sample(one, one.cut_off), contest.sample(other, other.cut_off))
    found = paired_difference(*own, **contest.draw)
    independent = len(np.unique(contest.group[contest.scored])) == int(contest.scored.sum())
    if independent:
        rows, confidence = contest.scored, contest.config.evaluation.confidence
        found["auc"] = delong(contest.book.bad[rows], one.pd[rows], other.pd[rows], confidence=confidence)
    why = metrics.why_undefined(own[0]) | metrics.why_undefined(own[1])
    return {
        "differences": flat("comparison.differences", found, why, unknown),
        "auc_interval": "DeLong" if independent else "bootstrap of applicants",
        "equal_approval_rate": at_equal_approvals(contest, unknown),
        "baseline_scored_candidate_not": int((~np.isnan(other.pd) & np.isnan(one.pd)).sum()),
    }


def at_equal_approvals(contest: Contest, unknown: Unknown) -> Numbers:
    """Profit and bad rate, candidate minus baseline, if the candidate approved as many as the baseline does.

    Both cut-offs are set on all rows and stay in the draws. Not known where ties of the PD keep the rates apart.
    """
    path = "comparison.equal_approval_rate"
    second = contest.sample(contest.baseline, contest.baseline.cut_off)
    share = float(metrics.measure(second)["approval_rate"])
    cut_off = equal_cut_off(contest.candidate.pd[contest.scored], share)
    first = contest.sample(contest.candidate, cut_off)
    reached = float(metrics.measure(first)["approval_rate"])
    found = paired_difference(first, second, **contest.draw)
    wanted = {name: found[name] for name in ("profit_per_application", "bad_rate_of_approved")}
    why = metrics.why_undefined(first) | metrics.why_undefined(second)
    if abs(reached - share) > RATES_APART:
        apart = f"ties of the PD allow the candidate {reached:.3f} approved where the baseline approves {share:.3f}"
        wanted = {name: Interval(math.nan, math.nan, math.nan, one.n) for name, one in wanted.items()}
        why = dict.fromkeys(wanted, apart)
    return {"approval_rate": share, "cut_off": cut_off, **flat(path, wanted, why, unknown)}


def equal_cut_off(pd: Matrix, share: float) -> float:
    """The PD below which as near as ties allow to this share of the rows lies."""
    ordered = np.sort(pd)
    above = np.nextafter(ordered[-1], math.inf)
    candidates = np.append(np.unique(ordered), above)
    below = np.searchsorted(ordered, candidates, side="left") / len(ordered)
    return float(candidates[np.abs(below - share).argmin()])


def accuracy(contest: Contest) -> Numbers:
    """Share of the candidate's scored rows that are called right at its cut-off: bads at or above it, goods below."""
    pds = contest.candidate.pd
    rows = ~np.isnan(pds)
    right = (pds[rows] >= contest.candidate.cut_off) == contest.book.bad[rows]
    confidence = contest.config.evaluation.confidence
    return fairness.flat({"accuracy": fairness.rate(right, contest.group[rows], min_n=1, confidence=confidence)})


def cases(contest: Contest) -> Cases:
    return Cases(contest.candidate.approved, contest.candidate.pd, contest.book.bad, contest.group)


def groupings(contest: Contest) -> dict[str, Grouping]:
    """The groups of the declared attributes. Raises DataError for a value that belongs to none."""
    declared = contest.config.fairness.attributes
    return {name: fairness.grouped(name, contest.book.table[name], each) for name, each in declared.items()}


def contrasts(contest: Contest, unknown: Unknown) -> Numbers:
    """The declared contrasts of the candidate's approvals on these rows."""
    settings, confidence = contest.config.fairness, contest.config.evaluation.confidence
    groups, numbers = groupings(contest), {}
    for each in settings.contrasts:
        found = fairness.contrast(
            each, cases(contest), groups[each.attribute], min_n=settings.min_n, confidence=confidence
        )
        for name, figure in found.items():
            if not figure.known:
                unknown[f"fairness.contrasts.{each.name}.{name}"] = figure.why
        numbers[each.name] = fairness.flat(found)
    return numbers


def alike(contest: Contest, unknown: Unknown) -> Numbers:
    """The lowest approval ratio, lowest group over highest, of all declared attributes; not known while one is not."""
    settings, everything = contest.config.fairness, contest.config.evaluation
    groups = groupings(contest)
    # One attribute is picked after seeing all, so each interval is widened to hold for all at once.
    confidence = 1 - (1 - everything.confidence) / max(len(groups), 1)
    found = {
        name: fairness.widest(cases(contest), each, min_n=settings.min_n, confidence=confidence)["ratio"]
        for name, each in groups.items()
    }
    whys = [f"{name}: {one.why}" for name, one in found.items() if not one.known]
    if whys or not found:
        why = "; ".join(whys) or settings.unavailable or "no protected attribute is declared"
        unknown["candidate.fairness"] = why
        return fairness.flat({"fairness": Measure.unknown(len(contest.book.bad), why)}) | {"least_alike": None}
    ends = (min(getattr(one, end) for one in found.values()) for end in ("value", "low", "high", "n"))
    worst = min(found, key=lambda name: found[name].value)
    return fairness.flat({"fairness": Measure(*ends)}) | {"least_alike": worst}


def swap_set(contest: Contest) -> list[Numbers]:
    """Who would be decided otherwise, and how they turned out, with Wilson's interval of the bad rate."""
    new, old = contest.candidate.approved, contest.baseline.approved
    lines = []
    for name, rows in zip(SWAPS, (new & old, new & ~old, ~new & old, ~new & ~old), strict=True):
        confidence = contest.config.evaluation.confidence
        found = fairness.rate(contest.book.bad[rows], contest.group[rows], min_n=1, confidence=confidence)
        line = {"group": name, "rows": int(rows.sum()), "bads": int(contest.book.bad[rows].sum())}
        lines.append(line | fairness.flat({"bad_rate": found}))
    return lines


def counts(contest: Contest) -> Numbers:
    return {
        "compared": len(contest.book.bad),
        "bads": int(contest.book.bad.sum()),
        "scored_by_both": int(contest.scored.sum()),
        "applicants": int(contest.group.max(initial=-1)) + 1,
    }
