"""reports/attacks.html: attack by attack, from what was measured alone."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.report.artefacts import Cells, cells, read_table, records
from credit_risk.report.plots import INK, MODEL, MUTED
from credit_risk.report.plots_robustness import counted, in_words, panel, value_and_ends
from credit_risk.report.templates import template

ATTACKS = {
    "search": "Our own search over the model’s thresholds",
    "fgsm": "FGSM, carried over from a surrogate",
    "pgd": "PGD, carried over from a surrogate",
    "hop_skip_jump": "HopSkipJump (sees decisions alone)",
    "all": "All together",
    "loss": "Threshold on the loss",
    "rule": "“Right guess, so trained on”",
    "gradient boosting": "Learned (gradient boosting)",
    "logistic": "Learned (logistic)",
}


def page(config: Config, files: Files, numbers: Mapping[str, Any]) -> str:
    """The page as text; equal figures give an equal page. numbers: as reports/parts/attacks.json holds them."""
    survived = panel(files, "parts/attacks/survival", "Declines that stand, by what an attack may cost", survival)
    return template("attacks").render(
        title=config.project.title,
        scores={name: score(numbers[name]) for name in ("robustness", "privacy")},
        unknown=numbers["unknown"],
        attacked=counted(numbers["robustness"].get("attacked")),
        budget=in_words(numbers["robustness"].get("budget")),
        survival=survived,
        tables={"flips": flips(files), "levers": levers(files), "membership": membership(files)},
    )


def score(numbers: Mapping[str, Any]) -> str:
    """A score with its interval."""
    return value_and_ends(numbers, "score", "score_low", "score_high", "{:.2f}")


def survival(figure: Figure, table: DataFrame) -> None:
    """The share of declines that no attack of at most this cost turns over."""
    axes = figure.subplots()
    axes.fill_between(table["cost"], table["low"], table["high"], color=MODEL, alpha=0.16, linewidth=0)
    axes.plot(table["cost"], table["survived"], color=MODEL)
    axes.axvline(table["cost"].max(), color=INK, linewidth=1.1, linestyle=(0, (2, 2)))
    axes.text(table["cost"].max(), 0.03, "budget ", ha="right", color=MUTED, fontsize=8.5)
    axes.set(
        xlabel="Cost of the change (1: a standard step of weight 1)", ylabel="Decisions that stand", ylim=(0, 1.02)
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def flips(files: Files) -> Cells:
    """What each attack achieved on the same declined applications."""
    table, why = read_table(files.parts / "attacks" / "flips.csv")
    rows = [
        [ATTACKS.get(row["attack"], row["attack"]), counted(row["rows"]), counted(row["flipped"]),
         value_and_ends(row, "survived", "low", "high", "{:.1%}"), in_words(row["median_cost"]),
         counted(row["found_alone"])]
        for row in records(table)
    ]  # fmt: skip
    headings = ["Attack", "Declines", "Flipped", "Stand (interval)", "Median cost of a flip", "Found by no other"]
    return cells(headings, rows, why)


def levers(files: Files) -> Cells:
    """Which columns the cheapest flips move, and which way."""
    table, why = read_table(files.parts / "attacks" / "levers.csv")
    rows = [
        [row["input"], counted(row["raised"]), counted(row["lowered"]), in_words(row["median_move"], "{:,.4g}")]
        for row in records(table)
    ]
    return cells(["Input", "Raised", "Lowered", "Median change"], rows, why)


def membership(files: Files) -> Cells:
    """How well each attack tells training rows from others."""
    table, why = read_table(files.parts / "attacks" / "membership.csv")
    rows = [
        [ATTACKS.get(row["attack"], row["attack"]), counted(row["rows"]),
         value_and_ends(row, "auc", "auc_low", "auc_high", "{:.3f}"),
         value_and_ends(row, "privacy", "low", "high", "{:.3f}")]
        for row in records(table)
    ]  # fmt: skip
    return cells(["Attack", "Accounts", "AUC (0.5: a guess)", "Privacy score"], rows, why)
