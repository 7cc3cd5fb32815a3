"""Whether groups of applicants are decided alike: approvals, ranking and PDs by protected group, with intervals.

Rows of one applicant are one draw, so every interval sums them first. A group that is too small or
absent makes a figure unknown, with the reason, never good.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame

from credit_risk.config.fairness import Attribute, Contrast, Fairness
from credit_risk.config.floor import COMPARED_BY
from credit_risk.config.schema import Policy
from credit_risk.data.inputs import Mask, Matrix, word_of
from credit_risk.data.split import Labels
from credit_risk.errors import DataError
from credit_risk.measures.figure import Figure, Figures, flat, flat_names
from credit_risk.measures.intervals import calibration_level, clustered_auc, normal, share
from credit_risk.scoring import decision
from credit_risk.scoring.decision import Decisions

NOT_KNOWN = "not known"  # the group of applicants whose label is missing
FEWEST = 10  # goods and bads below which the spread of a figure that needs both cannot be estimated
MEASURES = ("approval_rate", "approval_rate_of_goods", "bad_rate", "mean_pd", "calibration_gap",
            "calibration_in_the_large", "auc")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Cases:
    """Decided applications, one entry a row; pd is NaN where none was scored.

    applicant: rows that count as one draw (see split.groups: one person's, or equal in all inputs), counted from 0.
    """

    approved: Mask
    pd: Matrix
    bad: Mask
    applicant: Labels

    def __len__(self) -> int:
        return len(self.approved)

    def take(self, rows: Mask | Labels) -> "Cases":
        return Cases(self.approved[rows], self.pd[rows], self.bad[rows], self.applicant[rows])


@dataclass(frozen=True, eq=False)
class Grouping:
    """The group of each row as an index into `names`: all declared groups, and NOT_KNOWN if a label is missing."""

    attribute: str
    names: tuple[str, ...]
    code: Labels

    def rows(self, name: str) -> Mask:
        """Which rows belong to a group; none for a group that nobody declared."""
        code = self.names.index(name) if name in self.names else -1
        return np.asarray(self.code == code)


def grouped(name: str, values: pd.Series, attribute: Attribute) -> Grouping:
    """Rows by declared words or bands; without either each word is a group of its own.

    Raises DataError for a value that no group holds: it would drop out of every comparison unseen.
    """
    word_index, uniques = pd.factorize(values)
    words = [word_of(word) for word in uniques]
    if attribute.bands is not None:
        names = [band.name for band in attribute.bands]
        of_word = [_band(word, attribute) for word in words]
    else:
        groups = attribute.groups or {word: (word,) for word in sorted(words)}
        names = list(groups)
        known = {word: index for index, group in enumerate(groups.values()) for word in group}
        of_word = [known.get(word, -1) for word in words]
    if outside := sorted(word for word, code in zip(words, of_word, strict=True) if code < 0):
        raise DataError(
            f"{name}: {', '.join(map(repr, outside[:5]))} belongs to no group; the groups are {', '.join(names)}. "
            f"Give it one under fairness.attributes.{name} in configs/credit.yaml."
        )
    if (word_index < 0).any():
        names.append(NOT_KNOWN)
    code = np.array([*of_word, len(names) - 1], dtype=np.int64)[word_index]
    return Grouping(name, tuple(names), code)


def _band(word: str, attribute: Attribute) -> int:
    try:
        number = float(word)
    except ValueError:
        return -1
    matching = (index for index, band in enumerate(attribute.bands or ()) if band.low <= number <= band.high)
    return next(matching, -1)


def crossed(first: Grouping, second: Grouping) -> Grouping:
    """The intersections of two groupings: every pair of their groups, held by somebody or not."""
    names = tuple(f"{of_first} & {of_second}" for of_first in first.names for of_second in second.names)
    return Grouping(f"{first.attribute} × {second.attribute}", names, first.code * len(second.names) + second.code)


def approvals(decisions: Decisions, settings: Fairness) -> Mask:
    """Who is approved; whether a referral counts as approved is declared, and a refused application never is."""
    referred = np.asarray(decisions.outcome == decision.REFER)
    return decisions.approved | referred if settings.refer_counts_as == "approve" else decisions.approved


def approvals_at(cut_off: float, decisions: Decisions, policy: Policy, settings: Fairness) -> Mask:
    """Who would be approved at another cut-off; what policy rules or faults of the data decided stays decided."""
    within, pds = policy.refer_within, decisions.pd
    referrals_approved = settings.refer_counts_as == "approve" and within > 0
    below = pds <= cut_off + within if referrals_approved else pds < cut_off - within
    by_model = (decisions.rule == decision.NO_RULE) & ~np.isnan(pds) & (decisions.outcome != decision.REFUSED)
    return np.where(by_model, below, approvals(decisions, settings))


def by_group(cases: Cases, grouping: Grouping, *, min_n: int, confidence: float) -> dict[str, Figures]:
    """Every figure of MEASURES for each group, in the order of the grouping (fairlearn's MetricFrame divides)."""

    def figures(_: Mask, approved: Mask, *, row: Labels) -> Figures:  # noqa: ARG001, the signature is fairlearn's
        return measured(cases.take(row), min_n=min_n, confidence=confidence)

    frame = MetricFrame(
        metrics={"figures": figures},
        y_true=~cases.bad,
        y_pred=cases.approved,
        sensitive_features=pd.Series(np.array(grouping.names, dtype=object)[grouping.code], name="group"),
        sample_params={"figures": {"row": np.arange(len(cases))}},
    )
    of_group = frame.by_group["figures"].to_dict()
    nobody = measured(cases.take(np.empty(0, dtype=np.int64)), min_n=min_n, confidence=confidence)
    return {name: of_group.get(name, nobody) for name in grouping.names}


def measured(cases: Cases, *, min_n: int, confidence: float) -> Figures:
    """The figures of one group of rows.

    approval_rate: share approved; approval_rate_of_goods: the same among those who turned out good.
    calibration_gap: mean PD minus bad rate, above 0 the group is made to look riskier than it is.
    calibration_in_the_large and auc as in measures.metrics. PDs are those of rows that could be scored.
    """
    goods, scored = cases.take(~cases.bad), cases.take(~np.isnan(cases.pd))
    rates = {
        "approval_rate": rate(cases.approved, cases.applicant, min_n=min_n, confidence=confidence),
        "approval_rate_of_goods": rate(goods.approved, goods.applicant, min_n=min_n, confidence=confidence, of="goods"),
        "bad_rate": rate(cases.bad, cases.applicant, min_n=min_n, confidence=confidence),
    }
    rows = len(scored)
    if rows < max(min_n, 1):
        why = too_few(rows, min_n, "scored rows")
        return rates | {name: Figure.unknown(rows, why) for name in MEASURES if name not in rates}
    mean, gap = scored.pd.mean(), scored.pd - scored.bad
    return rates | {
        "mean_pd": normal(mean, (scored.pd - mean) / rows, scored.applicant, confidence=confidence),
        "calibration_gap": normal(gap.mean(), (gap - gap.mean()) / rows, scored.applicant, confidence=confidence),
        **_of_both_classes(scored, confidence),
    }


def _of_both_classes(scored: Cases, confidence: float) -> Figures:
    """Calibration in the large and AUC, which need goods and bads."""
    rows, bads = len(scored), int(scored.bad.sum())
    if min(bads, rows - bads) < FEWEST:
        why = f"{bads} bads and {rows - bads} goods, and {FEWEST} of each are needed"
        return {name: Figure.unknown(rows, why) for name in ("calibration_in_the_large", "auc")}
    return {
        "calibration_in_the_large": calibration_level(scored.bad, scored.pd, scored.applicant, confidence=confidence),
        "auc": clustered_auc(scored.bad, scored.pd, scored.applicant, confidence=confidence),
    }


def rate(flags: Mask, applicant: Labels, *, min_n: int, confidence: float, of: str = "rows") -> Figure:
    """A share with its interval (see intervals.share); unknown for fewer than `min_n` rows."""
    if len(flags) < max(min_n, 1):
        return Figure.unknown(len(flags), too_few(len(flags), min_n, of))
    return share(flags, applicant, confidence=confidence)


def too_few(rows: int, min_n: int, of: str = "rows") -> str:
    return f"{rows} {of}, and fairness.min_n asks for {min_n}" if rows else f"no {of}"


def ratio(group: Figure, reference: Figure) -> Figure:
    """One rate over another: 1 is alike, below 0.8 misses the four-fifths rule of thumb.

    Ends by the closed form of Donner and Zou (2012) from the ends of both rates; good also near 0 and 1.
    """
    rows = group.n + reference.n
    if reference.value == 0:
        return Figure.unknown(rows, "nobody in the reference is approved, so there is nothing to compare with")
    p, l, u = group.value, group.low, group.high  # noqa: E741, the letters of the paper
    p0, l0, u0 = reference.value, reference.low, reference.high
    product = p * p0
    low = (product - math.sqrt(max(product**2 - l * u0 * (2 * p - l) * (2 * p0 - u0), 0))) / (u0 * (2 * p0 - u0))
    high = (product + math.sqrt(max(product**2 - u * l0 * (2 * p - u) * (2 * p0 - l0), 0))) / (l0 * (2 * p0 - l0))
    return Figure(p / p0, max(low, 0.0), high, rows)


def difference(group: Figure, reference: Figure) -> Figure:
    """One rate minus another: 0 is alike, below 0 the group fares worse. Ends by Newcombe (1998, method 10)."""
    value = group.value - reference.value
    low = value - math.hypot(group.value - group.low, reference.high - reference.value)
    high = value + math.hypot(group.high - group.value, reference.value - reference.low)
    return Figure(value, low, high, group.n + reference.n)


def compared(group: Figures, reference: Figures, names: tuple[str, str]) -> Figures:
    """Approval ratio, difference and equal-opportunity difference of two groups; `names` are for the reasons."""
    answer: Figures = {}
    for name, of in zip(COMPARED_BY, ("approval_rate", "approval_rate", "approval_rate_of_goods"), strict=True):
        sides = group[of], reference[of]
        whys = [f"{who}: {side.why}" for who, side in zip(names, sides, strict=True) if not side.known]
        if whys:
            answer[name] = Figure.unknown(sum(side.n for side in sides), "; ".join(whys))
        else:
            answer[name] = ratio(*sides) if name == "ratio" else difference(*sides)
    return answer


def contrast(declared: Contrast, cases: Cases, grouping: Grouping, *, min_n: int, confidence: float) -> Figures:
    """The comparison that the config declared beforehand; unknown if either group is too small or absent."""
    names = (declared.group, declared.reference)
    group, reference = (_rates(cases.take(grouping.rows(name)), min_n=min_n, confidence=confidence) for name in names)
    return compared(group, reference, names)


def _rates(cases: Cases, *, min_n: int, confidence: float) -> Figures:
    goods = cases.take(~cases.bad)
    return {
        "approval_rate": rate(cases.approved, cases.applicant, min_n=min_n, confidence=confidence),
        "approval_rate_of_goods": rate(goods.approved, goods.applicant, min_n=min_n, confidence=confidence, of="goods"),
    }


def against_highest(cases: Cases, grouping: Grouping, *, min_n: int, confidence: float) -> dict[str, Figures]:
    """Each group that is large enough against the one that is approved most often.

    The pair is picked after seeing the rates, so the intervals are widened (Bonferroni) to hold for all pairs at once.
    """
    large = [name for name in grouping.names if grouping.rows(name).sum() >= max(min_n, 1)]
    pairs = max(math.comb(len(large), 2), 1)
    wide = 1 - (1 - confidence) / pairs
    rates = {name: _rates(cases.take(grouping.rows(name)), min_n=min_n, confidence=wide) for name in large}
    if not rates:
        return {}
    highest = max(rates, key=lambda name: rates[name]["approval_rate"].value)
    return {name: compared(rates[name], rates[highest], (name, highest)) for name in rates if name != highest}


def widest(cases: Cases, grouping: Grouping, *, min_n: int, confidence: float) -> Figures:
    """Lowest group approval rate against the highest; unknown while any group, the missing label too, is too small.

    Checked against fairlearn.metrics.demographic_parity_ratio.
    """
    small = [
        f"{name}: {too_few(rows, min_n)}"
        for name in grouping.names
        if (rows := int(grouping.rows(name).sum())) < max(min_n, 1)
    ]
    others = against_highest(cases, grouping, min_n=min_n, confidence=confidence)
    if small or not others:
        why = "; ".join(small) or "fewer than two groups"
        return {name: Figure.unknown(len(cases), why) for name in COMPARED_BY}
    return others[min(others, key=lambda name: others[name]["difference"].value)]


def sweep(
    approved: Mapping[float, Mask],
    cases: Cases,
    groupings: Mapping[str, Grouping],
    contrasts: Sequence[Contrast],
    *,
    min_n: int,
    confidence: float,
) -> pd.DataFrame:
    """The declared contrasts at other cut-offs: for information, because some cut-off fails most fair models."""
    lines = []
    for cut_off, flags in approved.items():
        at = Cases(flags, cases.pd, cases.bad, cases.applicant)
        for each in contrasts:
            figures = contrast(each, at, groupings[each.attribute], min_n=min_n, confidence=confidence)
            line = {"contrast": each.name, "cut_off": cut_off, "approval_rate": float(flags.mean())}
            lines.append(line | flat(figures))
    return pd.DataFrame(lines, columns=["contrast", "cut_off", "approval_rate", *flat_names(COMPARED_BY)])
