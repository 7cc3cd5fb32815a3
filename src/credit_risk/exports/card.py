"""A scorecard in whole points: the same scorer with every number of points rounded.

Other systems take over whole points. What they must do is what `decide()` does with them, so the card here is a scorer
like any: margin, contributions and the population's means count in points, and whole numbers add up and tie exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from credit_risk.config import Config
from credit_risk.data.inputs import Matrix
from credit_risk.errors import ScorerError
from credit_risk.scoring import decision
from credit_risk.scoring.background import Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.decision import DECLINE, NO_RULE, OUTCOMES
from credit_risk.scoring.model import Bins, Scorecard
from credit_risk.scoring.reasons import NO_REASON
from credit_risk.scoring.scorer import Scorer
from credit_risk.validator.points import Points

KEY = "row"


class NoPoints(ScorerError):
    """A scorer whose decisions are no sum of points."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"a {kind} scorer cannot be exported: the reasons of its declines are Shapley values of tree paths, which "
            "no table and no SQL expression computes, and a decline without its reasons cannot be notified. Export the "
            "scorecard of the same run: --scorer models/challenger, where it was not the one chosen."
        )


@dataclass(frozen=True)
class PointsCalibration(Calibration):
    """PD of margins that are whole points of bad: log-odds are (intercept + margin) / factor.

    intercept: the offset of the score. slope: 1, so that contributions stay whole. factor: points that multiply the
    odds by e.
    """

    factor: float = 1.0

    def pd(self, margin: Matrix | float) -> Matrix:
        return np.asarray(expit((self.intercept + margin) / self.factor))


@dataclass(frozen=True)
class Thresholds:
    """What whole points decide: up to `decline` they decline, up to `refer` a person decides, above they approve."""

    decline: int
    refer: int


@dataclass(frozen=True, eq=False)
class Card:
    """A scorecard whose points are whole numbers, and the scorer that decides by them.

    original: the scorer whose points they were. exact: the points before they were rounded. base: everybody's points.
    bins: points of each characteristic by bin, columns: its index among the features. mean: what the population lost by
    feature, in points, (features,): reasons are about what an applicant lost beyond it.
    """

    original: Scorer
    scorer: Scorer
    exact: Points
    base: int
    bins: tuple[Bins, ...]
    columns: tuple[int, ...]
    mean: tuple[int, ...]

    @classmethod
    def of(cls, scorer: Scorer) -> "Card":
        """Raises ScorerError for a model without points, or a scorer without a background for its reasons."""
        config, background = scorer.config, scorer.background
        if not isinstance(scorer.model, Scorecard):
            raise NoPoints(scorer.model.kind)
        if background is None:
            raise ScorerError("this scorer has no background to compare declines with; it cannot give their reasons.")
        exact = Points.of(config, scorer)
        offset, factor = decision.score_terms(config.policy.scale)
        base, bins = round(exact.base), tuple(map(_whole, exact.by_bin))
        mean = tuple(round(factor * value) for value in background.mean)
        model = Scorecard(exact.columns, bins, (-1.0,) * len(bins), float(-base))
        of_card = replace(
            scorer,
            model=model,
            calibration=PointsCalibration(offset, 1.0, factor),
            background=_in_points(background, mean, offset - base),
        )
        return cls(scorer, of_card, exact, base, bins, exact.columns, mean)

    @property
    def config(self) -> Config:
        return self.scorer.config

    @property
    def features(self) -> tuple[str, ...]:
        """The characteristics, each a feature of the model's matrix."""
        return self.exact.features

    @cached_property
    def totals(self) -> range:
        """All sums of points that there can be."""
        ends = [
            sorted((*bins.woe, bins.missing, *bins.special, *([0.0] if bins.by_code else []))) for bins in self.bins
        ]
        lowest = self.base + sum(int(values[0]) for values in ends)
        highest = self.base + sum(int(values[-1]) for values in ends)
        return range(lowest, highest + 1)

    @cached_property
    def thresholds(self) -> Thresholds:
        """Where the policy's cut-off and zone of referral lie, in whole points."""
        totals = np.array(self.totals)
        outcome = decision.outcomes(self.scorer.calibration.pd(-totals.astype(np.float64)), self.config.policy)
        before = int(totals[0]) - 1
        declined, not_approved = totals[outcome == DECLINE], totals[outcome != decision.APPROVE]
        return Thresholds(int(max(declined, default=before)), int(max(not_approved, default=before)))

    def decide(self, applications: pd.DataFrame) -> pd.DataFrame:
        """What an export must say of these applications, a row each (see `result_columns`); None for nothing."""
        decisions = self.scorer.decide(applications)
        points = np.round(decisions.score)
        band = decision.bands(points, self.config.policy)
        bands, rules = [its.name for its in self.config.policy.bands], self.config.rules
        scored = decisions.scored
        table: dict[str, Sequence[str | int | None]] = {
            KEY: list(range(len(decisions))),
            "decision": [OUTCOMES[code] for code in decisions.outcome],
            "points": [int(value) if known else None for value, known in zip(points, scored, strict=True)],
            "band": [bands[code] if known else None for code, known in zip(band, scored, strict=True)],
            "rule": [None if code == NO_RULE else rules[code].name for code in decisions.rule],
        }
        for rank, (ids, texts) in enumerate(self._reasons(decisions)):
            table |= dict(zip(reason_columns(rank), (ids, texts), strict=True))
        return pd.DataFrame(table, dtype=object)

    def _reasons(self, decisions: decision.Decisions) -> Iterator[tuple[list[str | None], list[str | None]]]:
        """Of each rank the ids and texts of the reasons of declines; a rule that declined is the only reason."""
        wordings, rules = self.scorer.explainer.wordings, self.config.rules
        declined = decisions.outcome == DECLINE
        by_rule = np.where(declined, decisions.rule, NO_RULE)
        which = np.full((len(decisions), self.ranks), NO_REASON)
        explained = decisions.reasons
        if explained is not None and explained.explanations is not None:
            rows = np.flatnonzero(declined & (explained.index >= 0))
            which[rows] = explained.explanations.wording[explained.index[rows]]
        for rank in range(self.ranks):
            chosen = [
                (rules[rule].name, rules[rule].reason)
                if rule != NO_RULE and rank == 0
                else (wordings[wording].id, wordings[wording].text)
                if wording != NO_REASON
                else (None, None)
                for rule, wording in zip(by_rule.tolist(), which[:, rank].tolist(), strict=True)
            ]
            yield [its for its, _ in chosen], [its for _, its in chosen]

    @property
    def ranks(self) -> int:
        """How many reasons a decline has at most."""
        return min(self.config.reasons.count, len(self.config.reasons.families))

    def cost(self, applications: pd.DataFrame) -> dict[str, float]:
        """What whole points change on these applications, of those that both score.

        The largest change of a score, in points; the share with another decision; of those that both decline, the share
        whose first reason is another.
        """
        exact, whole = self.original.decide(applications), self.scorer.decide(applications)
        both = np.flatnonzero((exact.outcome == DECLINE) & (whole.outcome == DECLINE) & (exact.rule == NO_RULE))
        first = [(exact.explanation(row).reasons[0].id, whole.explanation(row).reasons[0].id) for row in both.tolist()]
        return {
            "rows": len(exact),
            "largest_change_of_score": float(np.nanmax(np.abs(np.round(whole.score) - exact.score), initial=0.0)),
            "share_decided_otherwise": float((exact.outcome != whole.outcome).mean()),
            "share_with_another_first_reason": float(np.mean([was != becomes for was, becomes in first]))
            if first
            else 0.0,
        }


def result_columns(ranks: int) -> list[str]:
    """What an export answers for each application: decision, whole points, band, rule, and the reasons by rank."""
    return ["decision", "points", "band", "rule", *(name for rank in range(ranks) for name in reason_columns(rank))]


def reason_columns(rank: int) -> tuple[str, str]:
    """The columns of the reason of this rank, counted from 0: its id and its text for the applicant."""
    return f"reason_{rank + 1}", f"reason_{rank + 1}_text"


def _whole(bins: Bins) -> Bins:
    woe, special = (tuple(float(round(value)) for value in values) for values in (bins.woe, bins.special))
    return Bins(bins.edges, woe, float(round(bins.missing)), bins.by_code, special)


def _in_points(background: Background, mean: Sequence[int], intercept: float) -> Background:
    """The population with its contributions in points; with base and means they add up to the points lost."""
    return replace(background, base=intercept + sum(mean), mean=tuple(map(float, mean)))
