"""From a model's margin to a probability of default, by logistic regression on margins it was not fitted on.

It is fitted in `modelling.fitting`, with scikit-learn, which a service that only decides need not have.
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import expit

from credit_risk.data.inputs import Matrix


@dataclass(frozen=True)
class Calibration:
    """PD = 1 / (1 + exp(-(intercept + slope * margin))); the slope is positive, so the ranking stays."""

    intercept: float
    slope: float

    def pd(self, margin: Matrix | float) -> Matrix:
        """The probability of default, 0 to 1, of each margin (log-odds of bad, of any shape; a number has none)."""
        return np.asarray(expit(self.intercept + self.slope * margin))

    def as_dict(self) -> dict[str, float]:
        return asdict(self)
