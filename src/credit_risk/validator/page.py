"""reports/validator.html, from what was measured alone."""

import math
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import cycle
from typing import Any

from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame

from credit_risk.config import Config
from credit_risk.measures.figure import flat_names
from credit_risk.report import plots
from credit_risk.report.artefacts import Cells, Picture, cells, drawn
from credit_risk.report.figures import Kind, interval, model_label, written
from credit_risk.report.templates import template

PICTURES = 9  # characteristics whose weights of evidence are drawn: those that tell most
DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)))  # of the paths of the economy, in turn
LONGEST = 28  # letters of a bin's name in a picture; the table has it whole

Numbers = Mapping[str, Any]
Tables = Mapping[str, DataFrame]


def page(config: Config, numbers: Numbers, tables: Tables) -> str:
    """The page as text; equal figures give an equal page."""
    return template("validator").render(
        title=config.project.title,
        model=model_label(numbers["kind"]),
        numbers=numbers,
        grades_say=grades_say(numbers),
        hosmer_lemeshow=written(numbers["hosmer_lemeshow_p"]),
        segments_say=largest_gap_says(numbers["segments"], "evaluation.segments names no column"),
        groups_say=largest_gap_says(numbers["groups"], "no group was measured of this scorer"),
        book_says=book_says(numbers["book"]),
        twins_say=twins_say(numbers["twins"]),
        points_say=points_say(numbers["points"]),
        macro_says=macro_says(numbers["macro"]),
        macro_picture=macro_picture(tables["macro"]),
        pictures=list(pictures(tables["woe"], tables["characteristics"])),
        tables={
            "grades": _grades(tables["grades"]),
            "book": _book(numbers["book"]),
            "approvals": _approvals(numbers["approvals"]),
            "stress": _stress(tables["stress"]),
            "macro": _macro(tables["macro"], numbers["macro"]),
            "segments": _segments(tables["segments"]),
            "groups": _segments(tables["groups"]),
            "periods": _periods(tables["periods"]),
            "characteristics": _characteristics(tables["characteristics"]),
            "correlations": _correlations(tables["correlations"]),
            "points": _points(tables["points"]),
        },
    )


def grades_say(numbers: Numbers) -> str:
    """Which grades do not hold, in a sentence."""
    failing = numbers["grades_that_do_not_hold"]
    return f"The PD does not hold in {', '.join(failing)}." if failing else "No grade speaks against its PD."


def largest_gap_says(numbers: Numbers, why_none: str) -> str:
    """The segment or group whose PDs are furthest from its bads, in a sentence, and which were not assessed."""
    left_out = f" Not assessed: {', '.join(numbers['not_assessed'])}." if numbers["not_assessed"] else ""
    if numbers["worst"] is None:
        return f"None could be assessed.{left_out}" if left_out else f"There is none: {why_none}."
    gap = _with_interval(numbers, "largest_gap")
    return f"Furthest off is {numbers['worst']}, by {gap} in log-odds, an interval of all at once.{left_out}"


def book_says(book: Numbers) -> str:
    """What the approved book was to be and was, in a sentence."""
    if not book["approved"]:
        return f"There is no book: {book['why']}."
    foretold, came = (written(book[name], "percent") for name in ("mean_pd", "bad_rate"))
    profits = written(book["profit_foretold"], "percent"), written(book["profit"], "percent")
    return (
        f"{foretold} bads were foretold and {came} came; {profits[0]} of the exposure were to be earned an approval, "
        f"and {profits[1]} were."
    )


def twins_say(twins: Numbers) -> str:
    """Whether test rows look like copies of training rows, in a sentence."""
    if twins["verdict"] == "CANNOT SAY":
        return f"Cannot say: {twins['why']}."
    seen = "Test rows look like copies of training rows: " if twins["verdict"] == "TWINS" else ""
    return (
        f"{seen}{_with_interval(twins, 'share', 'percent')} of {twins['rows']:,} distinct test rows lie that much "
        f"closer to training rows than the next one does; {written(twins['expected'], 'percent')} would be natural."
    )


def macro_says(macro: Numbers) -> str:
    """The worst period of all paths, and what the figures rest on, in sentences."""
    if "why" in macro:
        return f"Not known: {macro['why']}."
    moved = "raised" if macro["shift"] > 0 else "lowered"
    return (
        f"Least is earned in {macro['worst']}: {written(macro['least_profit'], 'percent')} of an exposure. "
        f"First the PDs of the approved were {moved} by {abs(macro['shift']):.3f} in log-odds, to the bads that came. "
        f"{macro['assumption']}"
    )


def macro_picture(table: DataFrame) -> Picture | None:
    """Profit along each path."""
    return None if table.empty else drawn("macro", "Profit an approval, by path", partial(draw_paths, table=table))


def draw_paths(drawing: Drawing, table: DataFrame) -> None:
    """A line a path; below zero the book loses."""
    axes = drawing.subplots()
    styles = cycle((plots.GOOD, plots.MODEL, plots.BAD))
    for (name, its), colour, dash in zip(table.groupby("path", sort=False), styles, cycle(DASHES), strict=False):
        axes.plot(its["period"], its["profit"], color=colour, linestyle=dash, marker="o", markersize=4, label=name)
    axes.axhline(0, color=plots.MUTED, linewidth=0.8)
    axes.set_xticks(sorted(table["period"].unique()))
    axes.set(xlabel="Period", ylabel="Profit an approval, of the exposure")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend()


def points_say(points: Numbers) -> str:
    """How close the table comes to the score, and what whole points would cost."""
    whole = points["whole"]
    return (
        f"The points add up to the score of each test row within {points['largest_difference_from_the_score']:.1g}. "
        f"Whole points would change the AUC by {whole['auc_change']:+.5f} and a score by at most "
        f"{whole['largest_change_of_score']:.1f}, and decide {written(whole['share_decided_otherwise'], 'percent')} "
        "of the test rows otherwise."
        + (f" Doubtful beside the others: {', '.join(points['doubtful'])}." if points["doubtful"] else "")
    )


def pictures(woe: DataFrame, characteristics: DataFrame) -> Iterable[Picture]:
    """The weights of evidence of the characteristics that tell most."""
    for name in characteristics["feature"].head(PICTURES):
        bins = woe[woe["feature"] == name]
        yield drawn(f"woe-{name}", f"Weights of evidence: {name}", partial(draw_woe, bins=bins))


def draw_woe(drawing: Drawing, bins: DataFrame) -> None:
    """A bar a bin: to the right what is safer than the average, to the left what is riskier."""
    axes = drawing.subplots()
    colours = [plots.GOOD if value >= 0 else plots.BAD for value in bins["woe"]]
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in bins["bin"]]
    positions = range(len(names), 0, -1)
    axes.barh(list(positions), bins["woe"], color=colours, height=0.7)
    axes.set_yticks(list(positions), names)
    axes.axvline(0, color=plots.MUTED, linewidth=0.8)
    axes.set(xlabel="Weight of evidence (right: safer)")


def _grades(table: DataFrame) -> Cells:
    headings = (
        *("Grade", "Verdict", "Rows", "Bads", "Mean PD", "Bad rate (Jeffreys)"),
        *("Jeffreys p", "Binomial p", "Margin", "Most prudent", "Bads needed"),
    )
    rows = [
        (
            *(its["name"], its["verdict"], f"{its['rows']:,}", f"{its['bads']:,}", written(its["mean_pd"], "percent")),
            *(_with_interval(its, "bad_rate", "percent"), written(its["jeffreys_p"]), written(its["binomial_p"])),
            *(written(its["margin"], "percent"), written(its["most_prudent"], "percent"), _whole(its["bads_needed"])),
        )
        for its in table.to_dict("records")
    ]
    return cells(headings, rows, "", texts=2)


def _whole(value: float) -> str:
    return "not known" if math.isnan(value) else f"{math.ceil(value):,}"


def _book(book: Numbers) -> Cells:
    if not book["approved"]:
        return cells((), (), book["why"])
    rows = [
        ("Approvals", f"{book['approved']:,}", ""),
        ("Bads", f"{book['bads_foretold']:,.1f}", f"{book['bads']:,}"),
        ("Bad rate", written(book["mean_pd"], "percent"), _with_interval(book, "bad_rate", "percent")),
        ("Jeffreys p of the book", "", written(book["jeffreys_p"])),
        ("Profit an approval", written(book["profit_foretold"], "percent"), _with_interval(book, "profit", "percent")),
    ]
    return cells(("Of the approved", "Foretold", "Came"), rows, "")


def _approvals(numbers: Numbers) -> Cells:
    rows = [
        ("Approved by the PD alone", f"{numbers['approved_by_pd']:,}"),
        ("of them declined or referred by the policy", f"{numbers['taken_by_rules_or_referral']:,}"),
        ("Approved by the policy against the PD", f"{numbers['approved_against_the_pd']:,}"),
        ("Approved by the final decision", f"{numbers['approved']:,}"),
    ]
    return cells(("Applications", "Rows"), rows, "")


def _stress(table: DataFrame) -> Cells:
    rows = [
        (
            f"{its['odds_times']:g} times",
            *(written(its[name], "percent") for name in ("bad_rate", "profit", "still_pays")),
        )
        for its in table.to_dict("records")
    ]
    return cells(("Odds of bad", "Bad rate", "Profit an approval", "Still below the cut-off"), rows, "")


def _macro(table: DataFrame, macro: Numbers) -> Cells:
    rows = [
        (
            *(its["path"], f"{its['period']}", f"{its['driver']:g}", f"{its['odds_times']:.2f} times"),
            *(written(its[name], "percent") for name in ("bad_rate", "profit", "still_pays")),
        )
        for its in table.to_dict("records")
    ]
    driver = str(macro.get("driver", "Driver"))
    headings = ("Path", "Period", f"{driver[:1].upper()}{driver[1:]}", "Odds of bad", "Bad rate", "Profit an approval")
    return cells((*headings, "Still below the cut-off"), rows, macro.get("why", ""))


def _segments(table: DataFrame) -> Cells:
    rows = [
        (
            *(its["segment"], its["verdict"], f"{its['rows']:,}"),
            *(written(its[name], "percent") for name in ("mean_pd", "bad_rate")),
            _with_interval(its, "gap"),
        )
        for its in table.to_dict("records")
    ]
    headings = ("Of", "Verdict", "Rows", "Mean PD", "Bad rate", "Gap in log-odds, all at once")
    return cells(headings, rows, "" if rows else "nothing is declared or measured", texts=2)


def _periods(table: DataFrame) -> Cells:
    rows = [
        (
            *(its["period"], f"{its['rows']:,}", f"{its['bads']:,}", written(its["mean_pd"], "percent")),
            *(_with_interval(its, "bad_rate", "percent"), _with_interval(its, "auc")),
        )
        for its in table.to_dict("records")
    ]
    return cells(("Period", "Rows", "Bads", "Mean PD", "Bad rate (Jeffreys)", "AUC (DeLong)"), rows, "")


def _characteristics(table: DataFrame) -> Cells:
    kinds = [name for name in table if name in {"lightgbm", "scorecard"}]  # the logistic regression reads all
    headings = (
        *("Characteristic", "Moves most with", *map(model_label, kinds), "Information value", "Bins", "Missing"),
        *("PSI", "Correlation", "Variance inflation"),
    )
    rows = [
        (
            *(its["feature"], its["like"], *(its[kind] for kind in kinds), written(its["iv"]), its["bins"]),
            *(
                written(its["missing"], "percent"),
                written(its["psi"]),
                written(its["correlation"]),
                written(its["vif"]),
            ),
        )
        for its in table.to_dict("records")
    ]
    return cells(headings, rows, "", texts=2 + len(kinds))


def _correlations(table: DataFrame) -> Cells:
    rows = [(a, b, written(strength)) for a, b, strength in table.itertuples(index=False)]
    return cells(
        ("Characteristic", "With", "Rank correlation"), rows, "" if rows else "no pair moves so much together", texts=2
    )


def _points(table: DataFrame) -> Cells:
    rows = [(name, bin_, f"{points:.2f}", whole) for name, bin_, points, whole in table.itertuples(index=False)]
    return cells(("Characteristic", "Bin", "Points", "Whole points"), rows, "", texts=2)


def _with_interval(numbers: Mapping[Any, Any], name: str, kind: Kind = "plain") -> str:
    ends = (numbers[key] for key in flat_names([name]))
    value, low, high = (None if math.isnan(number) else number for number in ends)
    return interval((value, low, high), kind)
