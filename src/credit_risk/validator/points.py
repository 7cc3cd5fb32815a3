"""The scorecard as a table of points that adds up to the score, and what whole points would cost."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from credit_risk.config import Config
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.scoring import decision
from credit_risk.scoring.model import Bins, Scorecard
from credit_risk.scoring.scorer import Scorer
from credit_risk.validator import words

BASE = "base points"
CHANCE = 0.05  # of a weight no further from 0, from which a characteristic may be there by chance


@dataclass(frozen=True, eq=False)
class Points:
    """Points by characteristic and bin, and the base that everybody has: their sum is the score.

    by_bin: for each characteristic of the scorecard its bins with the points of their weights of evidence.
    """

    features: tuple[str, ...]
    by_bin: tuple[Bins, ...]
    columns: tuple[int, ...]
    base: float

    @classmethod
    def of(cls, config: Config, scorer: Scorer) -> "Points":
        """Score = offset - factor * (intercept + slope * margin), and the margin is a sum over characteristics.

        Raises TypeError for a scorer that is no scorecard.
        """
        card, (offset, factor) = scorer.model, decision.score_terms(config.policy.scale)
        if not isinstance(card, Scorecard):
            raise TypeError(f"a {card.kind} has no points")
        rate = factor * scorer.calibration.slope
        bins = tuple(_scaled(its, -rate * weight) for its, weight in zip(card.bins, card.coefficients, strict=True))
        base = offset - factor * scorer.calibration.intercept - rate * card.intercept
        return cls(tuple(config.features[column] for column in card.columns), bins, card.columns, base)

    def score(self, matrix: Matrix, *, whole: bool = False) -> Matrix:
        """The score of each row, (rows, features) to (rows,); whole: with every number of points rounded."""
        parts = [bins.transform(matrix[:, column]) for column, bins in zip(self.columns, self.by_bin, strict=True)]
        if whole:
            return np.asarray(np.round(self.base) + np.sum(np.round(parts), axis=0))
        return np.asarray(self.base + np.sum(parts, axis=0))

    def table(self, config: Config) -> pd.DataFrame:
        """Feature, bin, points and whole points; the base first."""
        lines = [(BASE, "", self.base)]
        for name, bins in zip(self.features, self.by_bin, strict=True):
            lines += [(name, bin_, points) for bin_, points in _bins_in_words(config, name, bins)]
        lined = pd.DataFrame(lines, columns=["feature", "bin", "points"])
        return lined.assign(whole_points=lined["points"].round().astype(int))


def characteristics(points: Points, card: Scorecard, train: Matrix, weight: Matrix) -> pd.DataFrame:
    """A row a characteristic of the scorecard: weight, p of its weight, whole points from and to, and what is doubtful.

    p: the chance of a weight at least this far from 0 if its characteristic added nothing to the others (Wald, training
    rows). train: (rows, features); weight: (rows,).
    """
    whole = [np.round([*bins.woe, bins.missing, *bins.special]) for bins in points.by_bin]
    lines = [
        {
            "feature": name,
            "weight": coefficient,
            "p": p,
            "whole_points_from": int(each.min()),
            "whole_points_to": int(each.max()),
            "doubt": "the same points for everybody" if np.ptp(each) == 0 else "may be chance" if p > CHANCE else "",
        }
        for name, coefficient, p, each in zip(
            points.features, card.coefficients, wald_p(card, train, weight), whole, strict=True
        )
    ]
    return pd.DataFrame(lines, columns=["feature", "weight", "p", "whole_points_from", "whole_points_to", "doubt"])


def wald_p(card: Scorecard, train: Matrix, weight: Matrix) -> Matrix:
    """The p of each weight: twice the normal tail beyond it in standard errors, by the fitted PDs' information."""
    evidence = [bins.transform(train[:, column]) for column, bins in zip(card.columns, card.bins, strict=True)]
    design = np.column_stack([np.ones(len(train)), *evidence])
    pd_ = expit(card.margin(train))
    information = design.T @ (design * (weight * pd_ * (1 - pd_))[:, None])
    errors = np.sqrt(np.diag(np.linalg.pinv(information)))[1:]
    return np.asarray(2 * norm.sf(np.abs(card.coefficients) / errors))


def cost_of_whole_points(points: Points, matrix: Matrix, bad: Mask, score_at_cut_off: float) -> dict[str, float]:
    """What whole points change on these rows: AUC, the largest change of a score, and the share decided otherwise."""
    exact, whole = points.score(matrix), points.score(matrix, whole=True)
    aucs = [roc_auc_score(bad, -score) for score in (exact, whole)]
    return {
        "auc_change": float(aucs[1] - aucs[0]),
        "largest_change_of_score": float(np.abs(whole - exact).max()),
        "share_decided_otherwise": float(((whole > score_at_cut_off) != (exact > score_at_cut_off)).mean()),
    }


def _scaled(bins: Bins, rate: float) -> Bins:
    """The bins with points in the place of weights of evidence."""
    woe, special = (tuple(rate * value for value in values) for values in (bins.woe, bins.special))
    return Bins(bins.edges, woe, rate * bins.missing, bins.by_code, special)


def _bins_in_words(config: Config, name: str, bins: Bins) -> list[tuple[str, float]]:
    if bins.by_code:
        values = list(zip(config.categories(name) or (), bins.woe, strict=True))
    else:
        values = list(zip(words.ranges(bins), bins.woe, strict=True))
    return [*values, (words.MISSING, bins.missing), *zip(config.meanings(name), bins.special, strict=True)]
