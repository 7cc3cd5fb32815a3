"""The report's pictures of the explain stage, from the tables in reports/explain."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from textwrap import fill, shorten
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.config.columns import CATEGORY_TYPES
from credit_risk.data.files import Files
from credit_risk.report import plots
from credit_risk.report.artefacts import Picture, drawn, read_table
from credit_risk.report.plots import BAD, GOOD, INK, LOGISTIC, MODEL, MUTED, SCORECARD

FEATURES = 12
DEPENDENCE = 6
INTERACTIONS = 8
WIDE = (4.3, 3.9)
PARTS = {"high": BAD, "middle": MUTED, "low": GOOD, "missing": LOGISTIC}


def figures(config: Config, files: Files) -> dict[str, Any]:
    """Every picture by name; `dependence` is a list, the most important feature first."""
    directory = files.reports / "explain"
    names = {name: _label(config, name) for name in config.features}
    titles: dict[str, tuple[str, Callable[..., None], Sequence[str]]] = {
        "families": ("Reasons given for declines", families, ("id", "text", "cited", "top")),
        "importance": ("What the model looks at", partial(importance, labels=names), ("feature", "share")),
        "summary": ("Which values raise the PD", partial(summary, labels=names), ("feature", "values", "p50")),
        "interactions": ("Which features act on each other", partial(interactions, labels=names), ("first", "share")),
    }
    pictures: dict[str, Any] = {
        name: _picture(directory, name, title, draw, needed) for name, (title, draw, needed) in titles.items()
    }
    return {**pictures, "dependence": _dependence(config, directory, names)}


def families(figure: Figure, table: DataFrame) -> None:
    """Share of declines that cite each reason family, and of those that cite it first, with intervals."""
    figure.set_size_inches(WIDE[0], max(WIDE[1], 0.9 + 0.34 * len(table)))  # each label takes two lines
    axes, positions = figure.subplots(), np.arange(len(table))[::-1]
    for name, label, color, shift in (("cited", "Among the reasons", MODEL, 0.18), ("top", "First", SCORECARD, -0.18)):
        ends = np.abs(table[[f"{name}_low", f"{name}_high"]].to_numpy().T - table[name].to_numpy())
        axes.barh(positions + shift, table[name], height=0.34, color=color, alpha=0.45, label=label)
        axes.errorbar(table[name], positions + shift, xerr=ends, fmt="none", ecolor=color, linewidth=1.3, capsize=2)
    names = [shorten(text, 80, placeholder=" …") for text in table["text"]]
    labels = [fill(f"{id_}: {name}", 32) for id_, name in zip(table["id"], names, strict=True)]
    _shares(axes, positions, labels, "Share of declines", fontsize=8)
    axes.set(xlim=(0, 1))
    figure.legend(loc="outside upper center", ncols=2)


def importance(figure: Figure, table: DataFrame, labels: dict[str, str]) -> None:
    """Share of each feature in the mean absolute contribution, over rows of every outcome and over declines."""
    axes = figure.subplots()
    shown = table.head(FEATURES)
    positions = np.arange(len(shown))[::-1]
    axes.barh(positions, shown["share"], height=0.62, color=MODEL, alpha=0.45, label="All")
    axes.plot(shown["share_declines"], positions, "D", color=BAD, markersize=4, label="Declines")
    _shares(axes, positions, [labels.get(name, name) for name in shown["feature"]], "Share of all contributions")
    figure.legend(loc="outside upper center", ncols=2)


def summary(figure: Figure, table: DataFrame, labels: dict[str, str]) -> None:
    """Contributions by feature, apart for its low, middle and high values: median, middle half and middle 90 %."""
    axes = figure.subplots()
    features = list(table["feature"].unique())
    axes.axvline(0, color=INK, linewidth=0.8)
    for part, color in PARTS.items():
        lines = table[table["values"] == part]
        if lines.empty:
            continue
        shift = {"high": 0.24, "middle": 0.0, "low": -0.24, "missing": -0.4}[part]
        positions = np.array([len(features) - 1 - features.index(name) for name in lines["feature"]]) + shift
        axes.hlines(positions, lines["p05"], lines["p95"], color=color, linewidth=1)
        axes.hlines(positions, lines["p25"], lines["p75"], color=color, linewidth=3)
        axes.plot(lines["p50"], positions, "o", color=color, markersize=3, label=part.capitalize())
    axes.set_yticks(range(len(features)), [labels.get(name, name) for name in reversed(features)])
    axes.set(xlabel="Log-odds against the population")
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper center", ncols=4)


def interactions(figure: Figure, table: DataFrame, labels: dict[str, str]) -> None:
    """Pairs of features by the mean absolute log-odds that only both together explain."""
    axes = figure.subplots()
    shown = table.head(INTERACTIONS)
    positions = np.arange(len(shown))[::-1]
    pairs = [
        f"{labels.get(first, first)}\n× {labels.get(second, second)}"
        for first, second in zip(shown["first"], shown["second"], strict=True)
    ]
    axes.barh(positions, shown["share"], height=0.6, color=MODEL, alpha=0.45)
    _shares(axes, positions, pairs, "Share of all effects", fontsize=8)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))


def _shares(axes: Axes, positions: Any, names: Sequence[str], title: str, **text: Any) -> None:
    """A share for each name, from top to bottom."""
    axes.set_yticks(positions, names, **text)
    axes.set(xlabel=title, xlim=(0, None))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="y")


def dependence(figure: Figure, table: DataFrame, bounds: tuple[float, float], words: bool) -> None:
    """Mean contribution by value of one feature, and where the middle 80 % of rows lie."""
    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=0.9)
    if words:
        positions: Any = range(len(table))
        axes.set_xticks(positions, [str(value)[:8] for value in table["value"]])
        spread = np.abs(table[["p10", "p90"]].to_numpy().T - table["mean"].to_numpy())
        axes.errorbar(positions, table["mean"], spread, fmt="o", color=MODEL, markersize=3.5)
    else:
        axes.fill_between(table["value"], table["p10"], table["p90"], color=MODEL, alpha=0.2, linewidth=0)
        axes.plot(table["value"], table["mean"], color=MODEL, marker="o", markersize=2)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plots.short(value)))
    axes.set(ylim=bounds, ylabel="Log-odds")
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _dependence(config: Config, directory: Path, labels: dict[str, str]) -> list[Picture]:
    """The most important features, on one axis of log-odds."""
    table, why = read_table(directory / "dependence.csv", ("feature", "value", "mean", "p10", "p90"))
    if table is None:
        return [Picture("dependence", "How a contribution depends on the value", None, why)]
    chosen = list(table["feature"].unique()[:DEPENDENCE])
    ends = table.loc[table["feature"].isin(chosen), ["p10", "p90"]].to_numpy(dtype=np.float64)
    margin = 0.06 * float(ends.max() - ends.min())
    bounds = (float(ends.min()) - margin, float(ends.max()) + margin)
    pictures = []
    for number, name in enumerate(chosen):
        curve, words = table[(table["feature"] == name) & table["value"].notna()], _has_words(config, name)
        if not words:  # what is missing, or has a special code, has no point on an axis of numbers
            curve = curve.assign(value=pd.to_numeric(curve["value"], errors="coerce")).dropna(subset="value")
        draw = partial(dependence, table=curve, bounds=bounds, words=words)
        pictures.append(drawn(f"dependence{number}", labels.get(name, name), draw, plots.SMALL))
    return pictures


def _has_words(config: Config, name: str) -> bool:
    return name in config.columns and config.columns[name].type in (*CATEGORY_TYPES, "boolean")


def _picture(directory: Path, name: str, title: str, draw: Callable[..., None], needed: Sequence[str]) -> Picture:
    table, why = read_table(directory / f"{name}.csv", needed)
    if table is None:
        return Picture(f"explain-{name}", title, None, why)
    return drawn(f"explain-{name}", title, partial(draw, table=table), WIDE)


def _label(config: Config, name: str) -> str:
    described = config.columns.get(name) or config.derived.get(name)
    label = (described.label if described else None) or name.replace("_", " ")
    return label[:1].upper() + label[1:]
