"""From a probability of default to a decision: score, band and what the lender's economics say."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, array
from pandas.api.extensions import ExtensionArray

from credit_risk.config.schema import Policy, PolicyRule, Reasons, Scale
from credit_risk.data.inputs import Faults, Inputs, Mask, Matrix
from credit_risk.errors import ScorerError
from credit_risk.scoring import reasons
from credit_risk.scoring.reasons import Explanation, Explanations, Places

Codes = NDArray[np.int8]
Rules = NDArray[np.int16]  # a policy may have more than 127 rules

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
class Plain:
    """The same for the PD of a single application, known and between 0 and 1, in plain numbers."""

    offset: float
    factor: float
    minima: tuple[float, ...]
    approve_below: float
    decline_above: float
    may_refer: bool

    @classmethod
    def of(cls, policy: Policy) -> "Plain":
        limit = cut_off(policy)
        minima = tuple(band.minimum for band in reversed(policy.bands))
        return cls(
            *score_terms(policy.scale),
            minima,
            limit - policy.refer_within,
            limit + policy.refer_within,
            policy.refer_within != 0,
        )

    def score(self, pd: float) -> float:
        return float(self.offset + self.factor * (np.log1p(-pd) - np.log(pd)))

    def band(self, score: float) -> int:
        return len(self.minima) - max(bisect_right(self.minima, score), 1)

    def outcome(self, pd: float) -> int:
        if pd < self.approve_below:
            return APPROVE
        return REFER if self.may_refer and pd <= self.decline_above else DECLINE


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
    rule: Rules
    inputs: Matrix
    faults: Faults
    unseen: Mask
    names: "Names"
    told: "Told | None" = None

    def __len__(self) -> int:
        return len(self.pd)

    @property
    def approved(self) -> Mask:
        return np.asarray(self.outcome == APPROVE)

    def explanation(self, row: int) -> Explanation:
        """The reasons of a decline, the prompts and doubt of a referral; empty where nothing spoke against."""
        if self.told is None:
            raise ScorerError("these decisions were made without a background to compare declines with.")
        return self.told.explanation(row, int(self.rule[row]))

    def why_not_scored(self, row: int) -> list[str]:
        """Why no model scored this application; empty if one did."""
        sentences = self.names.inputs.sentences(self.inputs, self.faults, row)
        unseen = [name for name, missing in zip(self.names.features, self.unseen[row], strict=True) if missing]
        return sentences + [f"{name}: cannot be computed, and always could be in training" for name in unseen]

    def table(self) -> DataFrame:
        """One row an application: pd, score, band, decision, and why: reasons of a decline, a rule, or faulty data."""
        scored = ~np.isnan(self.pd)
        reasons = [*self.names.rules, ""]  # the last answers for NO_RULE
        reason = self.rule.astype(np.intp)
        for row in np.flatnonzero(~scored):
            reason[row] = len(reasons)
            # A rule that decided is the reason, also of an application that could not be scored.
            by_rule = [self.names.rules[self.rule[row]]] if self.rule[row] != NO_RULE else []
            reasons.append("; ".join(by_rule + self.why_not_scored(int(row))))
        if self.told is not None:
            rows, texts, which = self.told.declines(self.outcome)
            reason[rows] = len(reasons) + which
            reasons += texts
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


@dataclass(frozen=True)
class Told:
    """The explanations of the rows that the model itself declines or refers, and the place of each row among them."""

    found: Explanations | None
    place: Places
    rules: Sequence[PolicyRule]
    settings: Reasons

    def declines(self, outcome: Codes) -> tuple[Places, list[str], Places]:
        """The rows that the model declined, every list of reasons that occurs, and which of them each row has."""
        if self.found is None:
            return np.array([], dtype=np.intp), [], np.array([], dtype=np.intp)
        rows = np.flatnonzero((self.place >= 0) & (outcome == DECLINE))
        lists, which = np.unique(self.found.family[self.place[rows]], axis=0, return_inverse=True)
        families = self.settings.families
        texts = ["; ".join(f"{families[one].id} {families[one].text}" for one in cited if one >= 0) for cited in lists]
        return rows, texts, which

    def explanation(self, row: int, rule: int) -> Explanation:
        if rule != NO_RULE:
            return reasons.of_rule(self.rules[rule], self.settings)
        place = int(self.place[row])
        return Explanation(()) if self.found is None or place < 0 else self.found.row(place)
