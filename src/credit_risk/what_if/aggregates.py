"""Counts and figures at each cut-off that is shown: all that leaves the rows, and no cell that is too small."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.config.fairness import Contrast
from credit_risk.data.inputs import Mask
from credit_risk.data.split import Labels
from credit_risk.measures import fairness
from credit_risk.measures.fairness import Cases, Grouping
from credit_risk.measures.figure import Figure, Figures
from credit_risk.measures.intervals import share, z_of
from credit_risk.scoring import decision
from credit_risk.what_if.grid import count_below, in_force, kept, tried
from credit_risk.what_if.rows import JudgedRows
from credit_risk.what_if.settings import WhatIfSettings

Numbers = dict[str, Any]
TOO_SMALL = "the cells of a group are too small at every cut-off"
DECIDED = (decision.APPROVE, decision.REFER, decision.DECLINE, decision.REFUSED)


def of_rows(config: Config, settings: WhatIfSettings, rows: JudgedRows, groupings: Mapping[str, Grouping]) -> Numbers:
    """What the page holds: policies that can be shown, counts by PD between their ends, and contrasts of groups."""
    now, policies = in_force(config.policy), tried(config.policy, settings)
    limits = sorted({limit for policy in policies for limit in (policy.lower, policy.upper)})
    moved = rows.pd[rows.by_pd | rows.by_pd_or_referred]
    counts = count_below(moved, limits)[:, None]
    ends = kept(limits, counts, np.array([len(moved)]), smallest=settings.smallest_cell, first=(now.lower, now.upper))
    index = {limit: position for position, limit in enumerate(ends)}
    shown = [policy for policy in policies if policy.lower in index and policy.upper in index]
    return {
        "rows": len(rows),
        "bads": int(rows.bad.sum()),
        "smallest": settings.smallest_cell,
        "approvals_end": "upper" if config.fairness.refer_counts_as == "approve" else "lower",
        "z": z_of(config.evaluation.confidence),
        "policy": config.policy.model_dump(include={"margin", "lgd", "cost"}),
        "policies": [
            {
                "cut_off": policy.cut_off,
                "refer_within": policy.refer_within,
                "lower": index[policy.lower],
                "upper": index[policy.upper],
            }
            for policy in shown
        ],
        "in_force": shown.index(now) if now in shown else None,
        "limits": [at_limit(rows, limit, config.evaluation.confidence) for limit in ends],
        "fixed": [_goods_and_bads(rows, rows.fixed & (rows.at_best == outcome)) for outcome in DECIDED],
        "ruled": _goods_and_bads(rows, rows.by_pd_or_referred),
        "by_pd": _goods_and_bads(rows, rows.by_pd),
        "contrasts": of_contrasts(config, settings, rows, groupings, ends),
    }


def at_limit(rows: JudgedRows, limit: float, confidence: float) -> Numbers:
    """Goods and bads below a PD and up to it, and the book that would be approved below it.

    variance: of approved goods and bads as shares of all rows, and their covariance, between applicants: what the
    interval of a profit follows from, whatever a good earns and a bad loses.
    """
    approved = rows.by_pd & (rows.pd < limit)
    rate = share(rows.bad[approved], rows.applicant[approved], confidence=confidence)
    return {
        "pd": limit,
        "below": _goods_and_bads(rows, approved),
        "up_to": _goods_and_bads(rows, rows.by_pd & (rows.pd <= limit)),
        "ruled_below": _goods_and_bads(rows, rows.by_pd_or_referred & (rows.pd < limit)),
        "ruled_up_to": _goods_and_bads(rows, rows.by_pd_or_referred & (rows.pd <= limit)),
        "foretold": float(rows.pd[approved].sum()),
        "bad_rate": [number if math.isfinite(number) else None for number in (rate.low, rate.high)],
        "variance": _variance(approved & ~rows.bad, approved & rows.bad, rows.applicant),
    }


def of_contrasts(
    config: Config,
    settings: WhatIfSettings,
    rows: JudgedRows,
    groupings: Mapping[str, Grouping],
    ends: Sequence[float],
) -> list[Numbers]:
    """Each declared contrast at the limits whose cells are large enough in every group of its attribute.

    Approval ends below a limit, or with it where referrals count as approvals.
    """
    shown = {name: shown_limits(config, settings, rows, each, ends) for name, each in groupings.items()}
    answer = []
    for each in config.fairness.contrasts:
        figures = {
            ends.index(limit): contrast_at(config, each, rows, groupings[each.attribute], limit=limit)
            for limit in shown[each.attribute]
        }
        at = {
            end: [_ends(its[name]) for name in ("ratio", "difference")]
            for end, its in figures.items()
            if its["ratio"].known
        }
        whys = [its["ratio"].why for its in figures.values() if not its["ratio"].known]
        answer.append(each.model_dump() | {"at": at, "why": "" if at else next(iter(whys), TOO_SMALL)})
    return answer


def shown_limits(
    config: Config, settings: WhatIfSettings, rows: JudgedRows, grouping: Grouping, ends: Sequence[float]
) -> list[float]:
    """The same for all groups of an attribute: what one lacks could be worked out from the others and the whole."""
    now = in_force(config.policy)
    limit = now.upper if config.fairness.refer_counts_as == "approve" else now.lower
    members = [grouping.code == code for code in range(len(grouping.names))]
    below = np.stack([count_below(rows.pd[rows.by_pd & member], ends) for member in members], axis=1)
    total = np.array([int(member.sum()) for member in members])
    return kept(ends, below, total, smallest=settings.smallest_cell, first=[limit])


def contrast_at(config: Config, each: Contrast, rows: JudgedRows, grouping: Grouping, *, limit: float) -> Figures:
    """A declared contrast of the approvals that end at a limit."""
    cases = Cases(_approved(config, rows, limit), rows.pd, rows.bad, rows.applicant)
    how: dict[str, Any] = {"min_n": config.fairness.min_n, "confidence": config.evaluation.confidence}
    return fairness.contrast(each, cases, grouping, **how)


def _approved(config: Config, rows: JudgedRows, limit: float) -> Mask:
    """Approvals that end at a limit, as fairness counts them: with referrals or without."""
    if config.fairness.refer_counts_as == "decline":
        return np.asarray(rows.by_pd & (rows.pd < limit))
    referred = (rows.by_pd_or_referred & (rows.pd <= limit)) | (rows.fixed & (rows.at_best == decision.REFER))
    return np.asarray((rows.by_pd & (rows.pd <= limit)) | referred)


def _ends(figure: Figure) -> list[float]:
    return [figure.value, figure.low, figure.high]


def _goods_and_bads(rows: JudgedRows, which: Mask) -> list[int]:
    bads = int(rows.bad[which].sum())
    return [int(which.sum()) - bads, bads]


def _variance(goods: Mask, bads: Mask, applicant: Labels) -> list[float]:
    """Variances of two means and their covariance; rows of one applicant move together (see intervals.mean)."""
    applicants, number = int(applicant.max()) + 1, len(goods)
    small_sample = applicants / max(applicants - 1, 1)
    of_goods, of_bads = (
        np.bincount(applicant, weights=(flags - flags.mean()) / number, minlength=applicants) for flags in (goods, bads)
    )
    return [
        float(first @ second) * small_sample
        for first, second in ((of_goods, of_goods), (of_bads, of_bads), (of_goods, of_bads))
    ]
