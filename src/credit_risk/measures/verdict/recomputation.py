"""The headline figures once more, by scikit-learn and none of the code that measured them.

The gate holds the report against them, so that a figure that somebody wrote there by hand is named.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from credit_risk.config.dotted import lookup
from credit_risk.config.schema import Policy
from credit_risk.data.inputs import Mask, Matrix

RELATIVE, ABSOLUTE = 2e-5, 1e-6  # reports keep six digits; and both sides of a slope stop an iteration


def figures(bad: Mask, pd: Matrix, weight: Matrix, policy: Policy) -> dict[str, float]:
    """AUC, KS, Brier score, calibration slope and what the cut-off approves and earns; NaN where one class is missing.

    bad, pd, weight: (rows,), of rows that could be scored.
    """
    approved = pd < (policy.margin - policy.cost) / (policy.margin + policy.lgd)
    bads = float(weight[approved & bad].sum())
    earned = policy.margin * (weight[approved].sum() - bads) - policy.lgd * bads - policy.cost * weight[approved].sum()
    lending = {
        "approval_rate": float(np.average(approved, weights=weight)),
        "profit_per_application": float(earned / weight.sum()),
        "brier": float(brier_score_loss(bad, pd, sample_weight=weight, pos_label=True)),
    }
    return lending | (_ranking(bad, pd, weight) if bad.any() and not bad.all() else {})


def _ranking(bad: Mask, pd: Matrix, weight: Matrix) -> dict[str, float]:
    false_positive, true_positive, _ = roc_curve(bad, pd, sample_weight=weight, drop_intermediate=False)
    area = float(roc_auc_score(bad, pd, sample_weight=weight))
    known = (pd > 0) & (pd < 1)
    slope = math.nan
    if known.all() and np.ptp(pd) > 0:
        regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=500)
        log_odds = (np.log(pd) - np.log1p(-pd))[:, None]
        slope = float(regression.fit(log_odds, bad, sample_weight=weight).coef_[0, 0])
    return {
        "auc": area,
        "gini": 2 * area - 1,
        "ks": float((true_positive - false_positive).max()),
        "average_precision": float(average_precision_score(bad, pd, sample_weight=weight)),
        "calibration_slope": slope,
    }


def differing(reported: Mapping[str, Any], again: Mapping[str, float]) -> list[str]:
    """A sentence for each figure that a report has otherwise than predictions and outcomes make it.

    A figure that is not known there, or cannot be computed here, is none of it: no gate passes what is not known.
    """
    sentences = []
    for name, value in again.items():
        written = lookup(reported, name)
        if written is None or math.isnan(value):
            continue
        if abs(written - value) > RELATIVE * abs(value) + ABSOLUTE:
            sentences.append(f"{name} is {written:.6g} there, and predictions and outcomes make {value:.6g}")
    return sentences
