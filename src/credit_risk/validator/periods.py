"""Ranking and calibration period by period: by month of application, or by the order of the file without one."""

import numpy as np
import pandas as pd

from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures.figure import Figure, flat
from credit_risk.measures.intervals import delong, jeffreys

BLOCKS = 6
PSEUDO = "no day of application is known: blocks in the order of the file, a pseudo out-of-time"
MONTHS = "by month of application"


def periods(outcomes: pd.DataFrame) -> tuple[pd.Series, str]:
    """The period of each test row, and what a period is. outcomes: as artifacts/outcomes holds them."""
    if "date" in outcomes:
        return outcomes["date"].dt.strftime("%Y-%m"), MONTHS
    rank = outcomes["file_row"].rank(method="first").to_numpy()
    block = np.ceil(rank * BLOCKS / len(outcomes)).astype(int)
    return pd.Series([f"block {number} of {BLOCKS}" for number in block], index=outcomes.index), PSEUDO


def table(period: Matrix | pd.Series, bad: Mask, pd_: Matrix, *, confidence: float) -> pd.DataFrame:
    """A row a period: rows, bads, bad rate (Jeffreys), mean PD, AUC (DeLong). (rows,) each."""
    lines = []
    for name in sorted(set(period)):
        rows = np.asarray(period == name)
        bads, n = int(bad[rows].sum()), int(rows.sum())
        rate = Figure(bads / n, *jeffreys(bads, n, confidence=confidence), n)
        both = 0 < bads < n
        auc = delong(bad[rows], pd_[rows], confidence=confidence) if both else Figure.unknown(n, "one class only")
        lines.append(
            {
                "period": name,
                "rows": n,
                "bads": bads,
                "mean_pd": pd_[rows].mean(),
                **flat({"bad_rate": rate, "auc": auc}),
            }
        )
    return pd.DataFrame(lines)
