"""The tables and curves behind the report's pictures, one small table each; ranked rows come riskiest first."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_risk.config.schema import Policy
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.measures.figure import flat
from credit_risk.measures.intervals import delong, proportion, z_of
from credit_risk.measures.metrics import Sample
from credit_risk.scoring import decision

POINTS = 200  # of a curve: more cannot be seen
FEW = 10  # distinct numbers up to which each is a segment of its own
EFFECT_BINS = 16

ProbabilityOfDefault = Callable[[Matrix], Matrix]


def roc(bad: Mask, pd_: Matrix) -> pd.DataFrame:
    """Share of bads found over share of goods wrongly refused, for every cut-off, thinned to POINTS points."""
    order = np.argsort(-pd_, kind="stable")
    last = _ends_of_ties(pd_[order])
    bads, goods = np.cumsum(bad[order])[last], np.cumsum(~bad[order])[last]
    curve = pd.DataFrame(
        {"false_positive_rate": goods / max((~bad).sum(), 1), "true_positive_rate": bads / max(bad.sum(), 1)}
    )
    start = pd.DataFrame({"false_positive_rate": [0.0], "true_positive_rate": [0.0]})
    return _thinned(pd.concat([start, curve], ignore_index=True))


def ks(bad: Mask, score: Matrix) -> pd.DataFrame:
    """Cumulative shares of goods and of bads up to each score; KS is the widest gap, which thinning keeps."""
    order = np.argsort(score, kind="stable")
    last = _ends_of_ties(score[order])
    bads, goods = np.cumsum(bad[order])[last], np.cumsum(~bad[order])[last]
    curve = pd.DataFrame(
        {"score": score[order][last], "goods": goods / max((~bad).sum(), 1), "bads": bads / max(bad.sum(), 1)}
    )
    return _thinned(curve, keep=int((curve["goods"] - curve["bads"]).abs().to_numpy().argmax()))


def calibration(bad: Mask, pd_: Matrix, confidence: float) -> pd.DataFrame:
    """Mean PD against bad rate in the bins of the ECE, safest first, with Wilson's interval of the bad rate."""
    sample = Sample.of(bad, pd_)
    ends = np.append(sample.bins[1:], sample.pd.size)
    lines = [
        {"mean_pd": sample.pd[start:end].mean(), **_rate(sample.bad[start:end], confidence)}
        for start, end in zip(sample.bins[::-1], ends[::-1], strict=True)
    ]
    table = pd.DataFrame(lines)
    table.insert(0, "bin", range(1, len(table) + 1))
    return table[["bin", "mean_pd", "bad_rate", "low", "high", "rows"]]


def gains(band: NDArray[np.integer], names: Sequence[str], bad: Mask, confidence: float) -> pd.DataFrame:
    """Goods and bads by band, the riskiest (last named) band first, with what refusing down to it would catch.

    lift: bad rate of the band over that of all rows; 1 is what a random refusal hits. A band without rows has no rates.
    """
    lines = [{"band": names[code], **_rate(bad[band == code], confidence)} for code in reversed(range(len(names)))]
    table = pd.DataFrame(lines)
    for kind in ("rows", "goods", "bads"):
        table[f"cumulative_{kind}"] = table[kind].cumsum() / max(table[kind].sum(), 1)
    table["lift"] = table["bad_rate"] / bad.mean() if bad.any() else np.nan
    return table


def deciles(bad: Mask, pd_: Matrix, confidence: float) -> pd.DataFrame:
    """The gains table over ten equally large groups, 1 the riskiest, with the mean PD of each.

    Rows of one PD that a boundary cuts through are divided by their order in the table.
    """
    rank = np.empty(len(pd_), dtype=np.int64)
    rank[np.argsort(-pd_, kind="stable")] = np.arange(len(pd_))
    decile = 9 - rank * 10 // len(pd_)
    table = gains(decile, [str(number) for number in range(10, 0, -1)], bad, confidence)
    table = table.rename(columns={"band": "decile"})
    mean = pd.Series(pd_).groupby(10 - decile).mean()
    table.insert(1, "mean_pd", table["decile"].astype(int).map(mean))
    return table


def scores(bad: Mask, score: Matrix, bins: int = 40) -> pd.DataFrame:
    """How many goods and bads fall into each of equally wide bins of score."""
    edges = np.histogram_bin_edges(score, bins)
    goods, bads = np.histogram(score[~bad], edges)[0], np.histogram(score[bad], edges)[0]
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "goods": goods, "bads": bads})


def profit(bad: Mask, pd_: Matrix, policy: Policy) -> pd.DataFrame:
    """Profit per application (in shares of the exposure of one) and approval rate, if PDs below `cut_off` are approved.

    The closed-form cut-off of the policy is one of the points; the curve shows how flat the top is, and picks nothing.
    """
    cut_offs = np.unique([*np.quantile(pd_, np.linspace(0, 1, POINTS - 2)), decision.cut_off(policy), pd_.max() + 1e-9])
    order = np.argsort(pd_, kind="stable")
    approved = np.searchsorted(pd_[order], cut_offs, side="left")
    bads = np.append(0, np.cumsum(bad[order]))[approved]
    earned = policy.margin * (approved - bads) - policy.lgd * bads - policy.cost * approved
    return pd.DataFrame({"cut_off": cut_offs, "profit": earned / len(pd_), "approval_rate": approved / len(pd_)})


def segments(
    name: str, values: Matrix, categories: Sequence[str] | None, bad: Mask, pd_: Matrix, *, confidence: float
) -> pd.DataFrame:
    """How the model does in each part of the population: by category, by value where there are few, else by quarter.

    The AUC's interval is DeLong's; where a part holds one class only, or too few of one, it is not known.
    """
    lines = []
    for label, part in parts_of(values, categories):
        auc = delong(bad[part], pd_[part], confidence=confidence)
        lines.append(
            {
                "segment": name,
                "value": label,
                "rows": int(part.sum()),
                "bad_rate": bad[part].mean(),
                "mean_pd": pd_[part].mean(),
                **flat({"auc": auc}),
            }
        )
    return pd.DataFrame(lines)


def segment_table(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The segments of several columns in one table; only its head if no column was named."""
    columns = ["segment", "value", "rows", "bad_rate", "mean_pd", "auc", "auc_low", "auc_high"]
    return pd.concat([pd.DataFrame(columns=columns).astype(object), *tables], ignore_index=True)[columns]


def effect(
    matrix: Matrix, feature: int, pd_of: ProbabilityOfDefault, *, codes: int | None, confidence: float
) -> pd.DataFrame:
    """How the mean PD moves with one feature: value, mean_pd, low, high, and the rows behind each.

    Numbers: accumulated local effects (Apley and Zhu 2020). Each row is moved only to the ends of its own bin, so no
    applicant is invented who owes nothing on a full limit; the curve is set so that its mean is the mean PD.
    low and high: how far sampling could move the curve. Plain categories (`codes` of them) have no neighbours, so
    there all rows take each code in turn (partial dependence). Rows that lack the feature are left out.
    """
    rows = matrix[~np.isnan(matrix[:, feature])]
    if not len(rows):
        return pd.DataFrame({"value": [], "mean_pd": [], "low": [], "high": [], "rows": []})
    z = z_of(confidence)
    if codes is not None:
        return _partial_dependence(rows, feature, pd_of, codes, z)
    return _accumulated(rows, feature, pd_of, z)


def spread(curve: pd.DataFrame) -> float:
    """How much a feature moves the PD: the standard deviation of its effect over the rows."""
    if curve["rows"].sum() == 0:
        return 0.0
    mean = np.average(curve["mean_pd"], weights=curve["rows"])
    return float(np.sqrt(np.average((curve["mean_pd"] - mean) ** 2, weights=curve["rows"])))


def _accumulated(rows: Matrix, feature: int, pd_of: ProbabilityOfDefault, z: float) -> pd.DataFrame:
    values = rows[:, feature]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, EFFECT_BINS + 1), method="nearest"))
    level = float(pd_of(rows).mean())
    if len(edges) == 1:
        return pd.DataFrame({"value": edges, "mean_pd": level, "low": level, "high": level, "rows": len(rows)})
    bin_ = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    low, high = rows.copy(), rows.copy()
    low[:, feature], high[:, feature] = edges[bin_], edges[bin_ + 1]
    steps = pd.Series(pd_of(high) - pd_of(low)).groupby(bin_).agg(["mean", "var", "size"])
    steps = steps.reindex(range(len(edges) - 1)).fillna(0.0)
    share = steps["size"].to_numpy() / len(rows)
    # Each point as a sum of steps: those below it, less what the whole curve must sink for its mean to be 0.
    below = np.tri(len(edges), len(edges) - 1, -1)
    below -= (np.append(share, 0) + np.append(0, share)) / 2 @ below
    curve = level + below @ steps["mean"].to_numpy()
    error = z * np.sqrt(below**2 @ (steps["var"] / steps["size"].clip(lower=1)).to_numpy())
    at_rows = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges))
    return pd.DataFrame(
        {"value": edges, "mean_pd": curve, "low": curve - error, "high": curve + error, "rows": at_rows}
    )


def _partial_dependence(rows: Matrix, feature: int, pd_of: ProbabilityOfDefault, codes: int, z: float) -> pd.DataFrame:
    lines = []
    for code in range(codes):
        moved = rows.copy()
        moved[:, feature] = code
        pds = pd_of(moved)
        error = z * pds.std() / np.sqrt(len(pds))
        lines.append(
            {"value": float(code), "mean_pd": pds.mean(), "low": pds.mean() - error, "high": pds.mean() + error}
        )
    return pd.DataFrame(lines).assign(rows=np.bincount(rows[:, feature].astype(np.intp), minlength=codes)[:codes])


def _rate(bad: Mask | Matrix, confidence: float) -> dict[str, float]:
    """Counts and the bad rate of some rows, with Wilson's interval."""
    bads, rows = int(bad.sum()), len(bad)
    share = proportion(bads, rows, confidence=confidence)
    counts = {"rows": rows, "goods": rows - bads, "bads": bads}
    return {**counts, "bad_rate": share.value, "low": share.low, "high": share.high}


def parts_of(values: Matrix, categories: Sequence[str] | None) -> Iterator[tuple[str, Mask]]:
    """Each part's label and rows; empty parts do not come, missing cells come last."""
    known = np.unique(values[~np.isnan(values)])
    if categories is not None:
        parts = [(word, values == code) for code, word in enumerate(categories)]
    elif len(known) <= FEW:
        parts = [(f"{value:.6g}", values == value) for value in known]
    else:
        edges = np.unique(np.nanquantile(values, [0.25, 0.5, 0.75], method="lower"))
        quarter = np.searchsorted(edges, values, side="left")
        names = [
            f"up to {high:.6g}" if np.isinf(low) else f"above {low:.6g}" + ("" if np.isinf(high) else f" to {high:.6g}")
            for low, high in pairwise((-np.inf, *edges, np.inf))
        ]
        parts = [(name, (quarter == index) & ~np.isnan(values)) for index, name in enumerate(names)]
    yield from ((label, part) for label, part in (*parts, ("missing", np.isnan(values))) if part.any())


def _ends_of_ties(ordered: Matrix) -> Mask:
    """True at the last row of each distinct value."""
    return np.append(ordered[1:] != ordered[:-1], True)


def _thinned(curve: pd.DataFrame, keep: int | None = None) -> pd.DataFrame:
    """At most POINTS points of a curve, evenly spread, both ends and the point `keep` among them."""
    room = POINTS if keep is None else POINTS - 1
    points = np.unique(np.linspace(0, len(curve) - 1, room).round().astype(int))
    if keep is not None:
        points = np.union1d(points, [keep])
    return curve.iloc[points].reset_index(drop=True)
