"""The report's pictures: tables in, inline SVG out, the same bytes for the same numbers.

Colours are written as CSS variables (`--p-…`), so that a picture follows the page into dark mode
and onto paper; text stays text, in the page's own font. Nothing here touches matplotlib's global state.
"""

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any, TypeAlias

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray
from pandas import DataFrame

Draw: TypeAlias = Callable[[Figure], None]

# Each colour stands for a CSS variable of the page; the value itself is never seen.
INK, MUTED, GRID, PAPER, MODEL, GOOD, BAD, SCORECARD, LOGISTIC = (f"#00000{digit}" for digit in range(1, 10))
VARIABLES = {
    INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper", MODEL: "model",
    GOOD: "good", BAD: "bad", SCORECARD: "scorecard", LOGISTIC: "logistic",
}  # fmt: skip
# Models differ by dash as well as by colour, for print and for readers who see fewer colours.
MODELS = {
    "lightgbm": ("LightGBM", MODEL, "solid"),
    "scorecard": ("Scorecard", SCORECARD, (0, (5, 2))),
    "logistic": ("Logistic regression", LOGISTIC, (0, (1.5, 1.5))),
}
FEW = 8  # points of a curve up to which all are shown
NORMAL, TALL, SMALL = (4.3, 3.1), (4.3, 3.6), (2.35, 1.75)
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "credit-risk",
    "path.simplify": True,
    "font.size": 9.5,
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}


def picture(name: str, alt: str, draw: Draw, size: tuple[float, float] = NORMAL) -> str:
    """An inline SVG with its text alternative; `name` keeps its ids apart from other pictures'."""
    stream = io.StringIO()
    with matplotlib.style.context(STYLE, after_reset=True):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _inline(name, alt, stream.getvalue())


def roc(figure: Figure, table: DataFrame) -> None:
    """One curve a model: the nearer to the upper left corner, the better it ranks."""
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
    for model, curve in _by_model(table):
        label, color, dash = MODELS[model]
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=color, linestyle=dash, label=label)
    axes.text(0.62, 0.56, "no ranking at all", color=MUTED, fontsize=8.5)
    _unit(axes, "Share of goods ranked as risky", "Share of bads ranked as risky")
    axes.legend(loc="lower right")


def ks(figure: Figure, table: DataFrame) -> None:
    """Cumulative shares of goods and bads by score, and where they are furthest apart."""
    axes = figure.subplots()
    gap = widest(table)
    low, high = sorted((gap["goods"], gap["bads"]))
    axes.plot(table["score"], table["bads"], color=BAD, linestyle=(0, (5, 2)), label="Bads")
    axes.plot(table["score"], table["goods"], color=GOOD, label="Goods")
    axes.plot([gap["score"]] * 2, [low, high], color=INK, linewidth=1.4, marker="_", label="Widest gap (KS)")
    axes.set(xlabel="Score (more points: safer)", ylabel="Share with this score or less", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="upper left")


def widest(table: DataFrame) -> dict[str, float]:
    """The row of ks.csv at which goods and bads are furthest apart."""
    row = int((table["bads"] - table["goods"]).abs().argmax())
    return {name: float(table[name].to_numpy()[row]) for name in ("score", "goods", "bads")}


def calibration(figure: Figure, table: DataFrame) -> None:
    """Bad rates with intervals against mean PD; below, how many rows stand behind each point."""
    axes, counts = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    top = 1.05 * float(table[["mean_pd", "high"]].to_numpy().max())
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle=(0, (2, 3)), label="PD equals bad rate")
    look = {"fmt": "o", "color": MODEL, "markersize": 4, "linewidth": 1.3, "capsize": 2.5}
    axes.errorbar(table["mean_pd"], table["bad_rate"], _ends(table), label="Bad rate, with interval", **look)
    axes.set(ylabel="Bad rate", xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left")
    counts.bar(table["mean_pd"], table["rows"], width=top / 70, color=MUTED)
    counts.set(xlabel="Mean PD of the bin", ylabel="Rows")
    counts.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    counts.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))


def gains(figure: Figure, table: DataFrame) -> None:
    """Bad rate of each score band with its interval, in the order of the table."""
    axes = figure.subplots()
    bands = table["band"].astype(str).tolist()
    axes.bar(bands, table["bad_rate"], width=0.62, color=MODEL, alpha=0.35)
    axes.errorbar(bands, table["bad_rate"], _ends(table), fmt="none", ecolor=MODEL, linewidth=1.5, capsize=4)
    top = float(table["high"].max())
    for position, (rate, high) in enumerate(zip(table["bad_rate"], table["high"], strict=True)):
        axes.text(position, high + 0.02 * top, f"{rate:.1%}", ha="center", fontsize=9)
    axes.set(xlabel="Score band, riskiest first", ylabel="Bad rate", ylim=(0, 1.12 * top))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="x")


def scores(figure: Figure, table: DataFrame, axis: str, cut_off: float | None) -> None:
    """Scores of goods and of bads, each as shares of their own number; the less overlap, the better."""
    axes = figure.subplots()
    for name, color, dash in (("goods", GOOD, "solid"), ("bads", BAD, (0, (5, 2)))):
        share = (table[name] / max(table[name].sum(), 1)).to_numpy()
        axes.fill_between(table[axis], share, step="post", color=color, alpha=0.16, linewidth=0)
        axes.step(table[axis], share, where="post", color=color, linestyle=dash, label=name.capitalize())
    axes.set(xlabel="Score (more points: safer)", ylabel="Share of goods, share of bads")
    axes.set_ylim(bottom=0)
    if cut_off is not None:
        axes.axvline(cut_off, color=INK, linewidth=1.1, linestyle=(0, (2, 2)), label=f"Cut-off: {cut_off:.0f} points")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(loc="outside upper left", ncols=3, handlelength=1.6, columnspacing=1.2)


def profit(figure: Figure, table: DataFrame, cut_off: float | None) -> None:
    """Profit per application over every cut-off, the one that the economics give, and what it approves."""
    axes, approved = figure.subplots(2, sharex=True, height_ratios=(2.6, 1))
    axes.axhline(0, color=MUTED, linewidth=0.9)
    axes.plot(table["cut_off"], table["profit"], color=MODEL)
    approved.plot(table["cut_off"], table["approval_rate"], color=MODEL)
    axes.set(ylabel="Profit per application,\nshare of exposure", xlim=(0, 1))
    approved.set(xlabel="Cut-off (approved: PD below it)", ylabel="Approved", ylim=(0, 1.05))
    if cut_off is not None:
        for each in (axes, approved):
            each.axvline(cut_off, color=INK, linewidth=1.1, linestyle=(0, (2, 2)))
        figure.legend(axes.lines[-1:], [f"Closed form: {cut_off:.1%}"], loc="outside upper left", handlelength=1.6)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    for axis in (approved.xaxis, approved.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))


def effect(figure: Figure, table: DataFrame, bounds: tuple[float, float], words: bool) -> None:
    """How the mean PD moves with one feature; `bounds` is the PD axis that all these pictures share."""
    axes = figure.subplots()
    if words:
        names = [str(value) if len(str(value)) <= 8 else f"{str(value)[:7]}…" for value in table["value"]]
        axes.errorbar(
            range(len(names)), table["mean_pd"], _ends(table, "mean_pd"), fmt="o", color=MODEL, markersize=3.5
        )
        axes.set_xticks(
            range(len(names)), names, rotation=40 if len(names) > 3 else 0, ha="right" if len(names) > 3 else "center"
        )
        axes.set_xlim(-0.5, len(names) - 0.5)
    else:
        axes.fill_between(table["value"], table["low"], table["high"], color=MODEL, alpha=0.2, linewidth=0)
        axes.plot(table["value"], table["mean_pd"], color=MODEL, marker="o", markersize=2)
        axes.set_xlim(*_crowded(table["value"].to_numpy(dtype=np.float64)))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=bool((table["value"] % 1 == 0).all())))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set(ylim=bounds, ylabel="Mean PD")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(4))


def boosting(figure: Figure, table: DataFrame) -> None:
    """Log loss on held-out folds by number of trees: boosting stops where it is lowest."""
    axes = figure.subplots()
    lowest = table.iloc[[int(table["log_loss"].argmin())]]
    low, high = table["log_loss"] - table["spread"], table["log_loss"] + table["spread"]
    axes.fill_between(table["trees"], low, high, color=MODEL, alpha=0.16, linewidth=0, label="Spread over the folds")
    axes.plot(table["trees"], table["log_loss"], color=MODEL, label="Mean over the folds")
    axes.plot(lowest["trees"], lowest["log_loss"], "o", color=INK, markersize=4.5, label="Lowest: boosting stops here")
    axes.set(xlabel="Trees", ylabel="Log loss on held-out folds", xlim=(0, None))
    axes.legend(loc="upper right")


def short(value: float) -> str:
    """An axis label that fits: 250k for 250,000, 1.5M for 1,500,000."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def _crowded(values: NDArray[np.float64]) -> tuple[float, float]:
    """Where the axis of a feature ends: short of a few extreme accounts that would press all others to one side."""
    low, high = float(values[0]), float(values[-1])
    if len(values) > FEW:
        low, high = max(low, 3 * values[1] - 2 * values[-2]), min(high, values[-2] + 0.5 * (values[-2] - values[1]))
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def _ends(table: DataFrame, middle: str = "bad_rate") -> NDArray[np.float64]:
    """How far the interval reaches below and above, as error bars are drawn."""
    ends, values = table[["low", "high"]].to_numpy(dtype=np.float64), table[middle].to_numpy(dtype=np.float64)
    return np.asarray(np.abs(ends.T - values))


def _by_model(table: DataFrame) -> list[tuple[str, DataFrame]]:
    return [(name, table[table["model"] == name]) for name in reversed(MODELS) if (table["model"] == name).any()]


def _unit(axes: Axes, xlabel: str, ylabel: str) -> None:
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, 1), ylim=(0, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))


def _inline(name: str, alt: str, svg: str) -> str:
    """Matplotlib's file as a part of a page: no headers, own ids, the page's colours and font, short numbers."""
    body = svg[svg.index("<svg") :]
    view = re.search(r'viewBox="([^"]+)"', body)
    box = view.group(1) if view else ""
    body = re.sub(r"<svg[^>]*>", "", body, count=1).replace("xlink:href", "href")
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.S)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', body))
    body = re.sub(r' id="([^"]+)"', lambda match: f' id="{name}-{match[1]}"' if match[1] in used else "", body)
    body = re.sub(r'(url\(|href=")#', rf"\1#{name}-", body)
    body = re.sub(r"font-family: [^;\"]+;? ?", "", re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", body))
    body = re.sub(r'(?<= )(?:d|x|y|width|height|transform|points)="[^"]*"', _rounded, body)
    for color, variable in VARIABLES.items():
        body = body.replace(color, f"var(--p-{variable})")
    body = re.sub(r"\s*\n\s*", "\n", body)
    return f'<svg class="plot" role="img" aria-label="{escape(alt)}" viewBox="{box}">\n{body.strip()}\n'


def _rounded(attribute: re.Match[str]) -> Any:
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), attribute[0])
