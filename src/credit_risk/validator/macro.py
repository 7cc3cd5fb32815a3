"""The approved book along declared paths of the economy: odds of bad, bad rate and profit, period by period."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures import recalibration
from credit_risk.measures.metrics import Economics
from credit_risk.validator import book
from credit_risk.validator.settings import Macro

COLUMNS = ("path", "period", "driver", "odds_times", "bad_rate", "profit", "still_pays")


def paths(
    macro: Macro, approved: Mask, bad: Mask, pd_: Matrix, economics: Economics
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The book's figures in each period of each path, and the worst of them for a gate.

    The PDs are first recalibrated to the bads that came of the approved, since a stress of PDs that are too low would
    be too mild. shift: what that adds to their log-odds. A period's odds of bad are those of the test rows, times what
    the driver's distance from its base makes of them; each period stands for a book opened in such times.
    approved, bad, pd_: (rows,). Fewer than two outcomes among the approved: `why` in the place of figures.
    """
    came = bad[approved]
    if not came.any() or came.all():
        return pd.DataFrame(columns=[*COLUMNS]), {"why": "the approved test rows are all good or all bad, or none"}
    foretold = logit(pd_[approved])
    shift = float(recalibration.intercept(foretold, came.astype(float), np.ones((1, len(came))))[0])
    recalibrated = pd_.copy()
    recalibrated[approved] = expit(foretold + shift)
    lines = list(_periods(macro, approved, recalibrated, economics))
    worst = min(lines, key=lambda line: line["profit"])
    return pd.DataFrame(lines, columns=[*COLUMNS]), {
        "shift": shift,
        "worst": f"{worst['path']}, period {worst['period']}",
        "least_profit": float(worst["profit"]),
        "most_bads": float(max(line["bad_rate"] for line in lines)),
    }


def _periods(macro: Macro, approved: Mask, pd_: Matrix, economics: Economics) -> Iterator[dict[str, Any]]:
    for name, values in macro.paths.items():
        odds = [float(np.exp(macro.log_odds * (value - macro.base))) for value in values]
        figures = book.stressed(approved, pd_, economics, odds).to_dict("records")
        for period, (value, its) in enumerate(zip(values, figures, strict=True), start=1):
            yield {"path": name, "period": period, "driver": value, **{str(key): its[key] for key in its}}
