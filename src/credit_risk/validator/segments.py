"""Calibration by segment and by protected group: where the PDs of some applicants are too low or too high.

Level and slope can both be right while those of one segment are wrong. Gaps are in log-odds, as those of score bands.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.measures import bands, results
from credit_risk.measures.bands import ScoreBand
from credit_risk.measures.drift import at_once
from credit_risk.measures.figure import Figure, flat
from credit_risk.measures.intervals import z_of

LEVEL = "calibration_in_the_large"


def by_segment(
    config: Config, columns: Mapping[str, Matrix], bad: Mask, pd_: Matrix, applicant: Labels
) -> tuple[ScoreBand, ...]:
    """Each part of each column under evaluation.segments: rows, mean PD, bad rate and the gap between them.

    columns, bad, pd_, applicant: (rows,) each. The intervals hold for all parts of all columns at once (Šidák).
    """
    names = config.evaluation.segments
    each = at_once(config.evaluation.confidence, max(len(names), 1))
    measured: list[ScoreBand] = []
    for name in names:
        parts = list(results.parts_of(columns[name], config.categories(name)))
        index = np.select([rows for _, rows in parts], range(len(parts)))
        labels = [f"{name}: {label}" for label, _ in parts]
        measured += bands.measure(index, labels, bad, pd_, applicant, confidence=each)
    return tuple(measured)


def by_group(fairness: Mapping[str, Any], *, confidence: float) -> tuple[ScoreBand, ...]:
    """Each group of the protected attributes, as the stage `fairness` measured it, which alone opens those columns.

    Its intervals hold for one group; these are widened to hold for all assessed groups at once (Šidák). A group with
    fewer than bands.FEWEST goods or bads is not assessed, as a score band is not.
    """
    measured = [
        (f"{attribute}: {group}", its)
        for attribute, of in fairness.get("attributes", {}).items()
        for group, its in of["groups"].items()
    ]
    assessed = sum(not _too_few(its) for _, its in measured)
    wider = z_of(at_once(confidence, max(assessed, 1))) / z_of(confidence)
    return tuple(_of_group(name, its, wider) for name, its in measured)


def _of_group(name: str, its: Mapping[str, Any], wider: float) -> ScoreBand:
    rows, mean_pd, bad_rate = its["rows"], its["mean_pd"], its["bad_rate"]
    why = _too_few(its)
    if why:
        gap = Figure.unknown(rows, why)
    else:
        level, low, high = (its[f"{LEVEL}{end}"] for end in ("", "_low", "_high"))
        gap = Figure(level, level - wider * (level - low), level + wider * (high - level), rows)
    foretold, came = (math.nan if value is None else float(value) for value in (mean_pd, bad_rate))
    return ScoreBand(name, rows, foretold, came, gap, why)


def _too_few(its: Mapping[str, Any]) -> str:
    if its["bad_rate"] is None or its[LEVEL] is None:
        return f"{its['rows']} rows say nothing of a bad rate"
    bads = its["bad_rate"] * its["rows"]
    least = min(bads, its["rows"] - bads)
    return f"{least:.0f} rows of one class, and {bands.FEWEST} are needed" if least < bands.FEWEST else ""


def summary(measured: Sequence[ScoreBand], why_none: str, unknown: dict[str, str], name: str) -> dict[str, Any]:
    """What a gate reads of them: the largest gap with its interval, whose it is, and how many were not assessed."""
    worst, largest = bands.largest(measured) if measured else (None, Figure.unknown(0, why_none))
    if not largest.known:
        unknown[f"{name}.largest_gap"] = largest.why
    return {
        "worst": worst,
        **flat({"largest_gap": largest}),
        "assessed": sum(band.gap.known for band in measured),
        "not_assessed": [band.name for band in measured if not band.gap.known],
    }


def table(measured: Sequence[ScoreBand]) -> pd.DataFrame:
    """A row a segment or group: what was foretold, what came, the gap in log-odds, and whether it is chance."""
    lines = [
        {
            "segment": band.name,
            "rows": band.rows,
            "mean_pd": band.mean_pd,
            "bad_rate": band.bad_rate,
            **flat({"gap": band.gap}),
            "verdict": verdict(band),
        }
        for band in measured
    ]
    names = ["segment", "rows", "mean_pd", "bad_rate", "gap", "gap_low", "gap_high", "verdict"]
    return pd.DataFrame(lines, columns=names)


def verdict(band: ScoreBand) -> str:
    """PD TOO LOW or TOO HIGH where the whole interval, of all at once, lies on one side of 0."""
    if not band.gap.known:
        return "NOT ASSESSED"
    return "PD TOO LOW" if band.gap.low > 0 else "PD TOO HIGH" if band.gap.high < 0 else "HOLDS"
