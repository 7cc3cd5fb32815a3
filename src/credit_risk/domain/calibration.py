"""From a model's margin to a probability of default, by logistic regression on margins it was not fitted on."""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from credit_risk.domain.inputs import Mask, Matrix
from credit_risk.errors import DataError


@dataclass(frozen=True)
class Calibration:
    """PD = 1 / (1 + exp(-(intercept + slope * margin))); the slope is positive, so the ranking stays."""

    intercept: float
    slope: float

    def pd(self, margin: Matrix) -> Matrix:
        """The probability of default of each margin, between 0 and 1."""
        return np.asarray(expit(self.intercept + self.slope * margin))

    def pd_of(self, margin: float) -> float:
        """The PD of one margin, to the bit as `pd` gives it."""
        return float(expit(self.intercept + self.slope * margin))

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def fit(margin: Matrix, bad: Mask) -> Calibration:
    """Platt's calibration of out-of-fold margins (Platt 1999), without a penalty.

    Isotonic regression would add ties and break the additivity of reasons on the log-odds scale.
    Raises DataError if the margins rank the wrong way round: such a model has learned nothing.
    """
    if np.ptp(margin) == 0:
        raise DataError(
            f"out-of-fold margins are all {margin[0]:.3g}: they have no slope, expected above 0. The model tells "
            "no application from another. Look at the outcome's coding and at the features."
        )
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(margin[:, None], bad)
    slope = float(regression.coef_[0, 0])
    if not slope > 0:
        raise DataError(
            f"out-of-fold margins have a calibration slope of {slope:.3f}, expected above 0: the model ranks no "
            "better than chance on rows it was not fitted on. Look at the outcome's coding and at the features."
        )
    return Calibration(float(regression.intercept_[0]), slope)
