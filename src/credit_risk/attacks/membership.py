"""Membership inference: can somebody who sees a PD tell whether that applicant's row trained the model?

The privacy score is 1 - 2 * max(0, AUC - 0.5) of the strongest attack, so 1 minus its Gini: 1 means that the attacker
guesses, 0 that every training row is recognised. The AUC is taken instead of the advantage at one threshold (Yeom and
others 2018), because the attacker may choose the threshold and the AUC counts them all.

Members are training rows, non-members the selection rows, which trained nothing. Under a split by time the two also
differ by date; what an attack tells by the date counts against the model here, so the score errs to the low side.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from credit_risk.attacks import toolbox
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import delong

MOST_ROWS = 20_000  # of each side: the intervals are narrow by then


@dataclass(frozen=True)
class Applicants:
    """One row an applicant, scored by the model: PD, outcome, and whether it was among the training rows."""

    pd: Matrix
    bad: Mask
    member: Mask

    @classmethod
    def of(
        cls, train: tuple[Matrix, Mask, NDArray[np.integer]], held_out: tuple[Matrix, Mask, NDArray[np.integer]]
    ) -> "Applicants":
        """From PDs, outcomes and applicants of training and held-out rows; rows without a PD are left out."""
        parts = []
        for pd_, bad, group in (train, held_out):
            _, first = np.unique(group, return_index=True)
            some = np.sort(first[~np.isnan(pd_[first])])[:MOST_ROWS]
            parts.append((pd_[some], bad[some].astype(bool)))
        (train_pd, train_bad), (other_pd, other_bad) = parts
        return cls(
            np.append(train_pd, other_pd),
            np.append(train_bad, other_bad),
            np.append(np.ones(len(train_pd), bool), np.zeros(len(other_pd), bool)),
        )

    def taken(self, chosen: Mask) -> "Applicants":
        return Applicants(self.pd[chosen], self.bad[chosen], self.member[chosen])


def attacks(applicants: Applicants, *, seed: int, confidence: float) -> dict[str, Figure]:
    """The AUC with which each attack tells members from others, by name, with DeLong's interval.

    loss, rule: on all rows, nothing is learned. The learned attacks see who is a member in one half of the rows, and
    are measured on the other half.
    """
    sure = {
        "loss": -loss(applicants),
        "rule": toolbox.membership(
            "rule", (applicants.pd, applicants.bad, applicants.member), (applicants.pd, applicants.bad), seed
        ),
    }
    aucs = {name: delong(applicants.member, _ranks(by), confidence=confidence) for name, by in sure.items()}
    learns = np.random.default_rng(seed).random(len(applicants.pd)) < 0.5
    known, rest = applicants.taken(learns), applicants.taken(~learns)
    for kind in toolbox.LEARNERS:
        by = toolbox.membership(kind, (known.pd, known.bad, known.member), (rest.pd, rest.bad), seed)
        aucs[kind] = delong(rest.member, _ranks(by), confidence=confidence)
    return aucs


def loss(applicants: Applicants) -> Matrix:
    """Log loss of each row: a model that remembers a row is surer of its outcome than it should be."""
    return np.asarray(-(xlogy(applicants.bad, applicants.pd) + xlogy(~applicants.bad, 1 - applicants.pd)))


def privacy(auc: Figure) -> Figure:
    """The score of an attack's AUC (see the module's first lines)."""
    return Figure(_score(auc.value), _score(auc.high), _score(auc.low), auc.n)


def strongest(aucs: dict[str, Figure]) -> str:
    """The attack that tells most."""
    return max(aucs, key=lambda name: aucs[name].value)


def table(aucs: dict[str, Figure]) -> pd.DataFrame:
    """One line an attack: its AUC and the privacy score that it leaves."""
    lines = []
    for name, auc in aucs.items():
        score = privacy(auc)
        lines.append(
            {
                "attack": name,
                "rows": auc.n,
                "auc": auc.value,
                "auc_low": auc.low,
                "auc_high": auc.high,
                "privacy": score.value,
                "low": score.low,
                "high": score.high,
            }
        )
    return pd.DataFrame(lines)


def _score(auc: float) -> float:
    return float(1 - 2 * np.maximum(0, auc - 0.5))


def _ranks(by: Matrix) -> Matrix:
    """The same order as numbers between 0 and 1, as an AUC takes them."""
    values, rank = np.unique(by, return_inverse=True)
    return np.asarray((rank + 1) / (len(values) + 1))
