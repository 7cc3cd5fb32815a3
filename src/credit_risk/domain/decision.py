"""From a probability of default to a decision: score, band and what the lender's economics say."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, array
from pandas.api.extensions import ExtensionArray

from credit_risk.config.schema import Policy, Scale
from credit_risk.domain.inputs import Faults, Inputs, Mask, Matrix

Codes = NDArray[np.int8]

OUTCOMES = ("approve", "refer", "decline", "refused")
APPROVE, REFER, DECLINE, REFUSED = range(4)
NO_RULE = -1


def cut_off(policy: Policy) -> float:
    """The PD at which an account earns nothing: below it approving pays, above it declining does.

    Approving earns (1 - PD) * margin - PD * lgd - cost, a share of the exposure; this is its root.
    """
    return (policy.margin - policy.cost) / (policy.margin + policy.lgd)


def score_terms(scale: Scale) -> tuple[float, float]:
    """Offset and factor of score = offset + factor * ln(odds of good): 487.123 and 28.8539 for 600 at 50:1, PDO 20."""
    factor = scale.pdo / log(2)
    return scale.base - factor * log(scale.odds), factor


def scores(pd: Matrix, scale: Scale) -> Matrix:
    """Score points: more is safer, `scale.pdo` points more double the odds of good."""
    offset, factor = score_terms(scale)
    with np.errstate(divide="ignore"):
        return offset + factor * (np.log1p(-pd) - np.log(pd))


def bands(score: Matrix, policy: Policy) -> Codes:
    """The place of each score's band in the config; a score below the last's minimum, or none, belongs to the last."""
    minima = np.array([band.minimum for band in reversed(policy.bands)])
    from_worst = np.maximum(np.searchsorted(minima, np.nan_to_num(score, nan=-np.inf), side="right") - 1, 0)
    return (len(minima) - 1 - from_worst).astype(np.int8)


def outcomes(pd: Matrix, policy: Policy) -> Codes:
    """Approve below the cut-off, decline above it, refer within `refer_within` of it; a PD that is not known refers."""
    limit = cut_off(policy)
    if policy.refer_within == 0:
        decided = np.where(pd < limit, APPROVE, DECLINE)
    else:
        decided = np.where(pd < limit - policy.refer_within, APPROVE, REFER)
        decided = np.where(pd > limit + policy.refer_within, DECLINE, decided)
    return np.where(np.isnan(pd), REFER, decided).astype(np.int8)


@dataclass(frozen=True)
class Decisions:
    """What was decided for each application, and why, one place a row.

    pd and score are NaN where the application could not be scored. `rule` is the place of the
    policy rule that decided, NO_RULE where none did. `unseen` marks features that are missing
    here and never were in training.
    """

    pd: Matrix
    score: Matrix
    band: Codes
    outcome: Codes
    rule: Codes
    inputs: Matrix
    faults: Faults
    unseen: Mask
    names: "Names"

    def __len__(self) -> int:
        return len(self.pd)

    @property
    def approved(self) -> Mask:
        return np.asarray(self.outcome == APPROVE)

    def why_not_scored(self, row: int) -> list[str]:
        """Why no model scored this application; empty if one did."""
        sentences = self.names.inputs.sentences(self.inputs, self.faults, row)
        unseen = [name for name, missing in zip(self.names.features, self.unseen[row], strict=True) if missing]
        return sentences + [f"{name}: cannot be computed, and always could be in training" for name in unseen]

    def table(self) -> DataFrame:
        """One row an application: pd, score, band, decision, and the reason where policy or data decided."""
        scored = ~np.isnan(self.pd)
        reasons = [*self.names.rules, ""]  # the last answers for NO_RULE
        reason = self.rule.astype(np.intp)
        for row in np.flatnonzero(~scored):
            reason[row] = len(reasons)
            # A rule that decided is the reason, also of an application that could not be scored.
            by_rule = [self.names.rules[self.rule[row]]] if self.rule[row] != NO_RULE else []
            reasons.append("; ".join(by_rule + self.why_not_scored(int(row))))
        return DataFrame(
            {
                "pd": self.pd,
                "score": self.score,
                "band": _words([*self.names.bands, None], np.where(scored, self.band, -1)),
                "decision": _words(OUTCOMES, self.outcome),
                "why": _words(reasons, np.where(reason == NO_RULE, len(self.names.rules), reason)),
            }
        )


def _words(words: Sequence[str | None], codes: NDArray[np.integer]) -> ExtensionArray:
    """The word behind each code, the last one for -1: words are looked up, not made, a row."""
    return array(words, dtype="str").take(codes)


@dataclass(frozen=True)
class Names:
    """The words behind the codes of Decisions."""

    inputs: Inputs
    features: Sequence[str]
    bands: Sequence[str]
    rules: Sequence[str]
