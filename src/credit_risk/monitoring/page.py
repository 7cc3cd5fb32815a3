"""reports/monitoring.html, from reports/monitoring.json alone: what changed, then verdicts, bands, vintages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator, PercentFormatter
from pandas import DataFrame

from credit_risk.report import plots
from credit_risk.report.artefacts import Cells, Picture, cells, drawn
from credit_risk.report.figures import Kind, interval, written
from credit_risk.report.templates import template

Report = Mapping[str, Any]
MIX = "mix of reasons"  # the one shift that is a PSI and no share
MOST_CURVES = 6  # vintages drawn: the latest with two points or more; the table has all


def page(report: Report, title: str) -> str:
    """The page as text; equal reports give an equal page. report: as it was written, a missing number being None."""
    return template("monitoring").render(
        title=title,
        report=report,
        changes=[*changes(report["drift"]), *noticed(report["detection"])],
        bands=bands(report["backtest"]),
        figures=figures(report["backtest"]),
        vintages=vintages(report["vintages"]),
        estimates=estimates(report["estimates"]),
        shifts=shifts(report["shifts"]),
        detection=detection(report["detection"]),
        drift=drift(report["drift"]),
        contrasts=contrasts(report["fairness"]),
        groups=groups(report["fairness"]),
        overrides=overrides(report["overrides"]),
        declined=declined(report["declined"]),
        counts=cells(("Decisions that are", "Number"), list(report["counts"]["by_state"].items()), ""),
        pictures=list(pictures(report)),
    )


def changes(drift_report: Report) -> list[str]:
    """A sentence for each series whose verdict of the latest month is another than that of the month before."""
    if len(drift_report.get("windows", ())) < 2:
        return []
    before, latest = drift_report["windows"][-2:]
    return [
        f"{name}: {before['series'][name]['verdict']} in {before['month']}, {now['verdict']} in {latest['month']} "
        f"(PSI {_with_interval(now['psi'])}, {now['psi']['n']:,} decisions)"
        for name, now in latest["series"].items()
        if now["verdict"] != before["series"][name]["verdict"]
    ]


def noticed(detection_report: Report) -> list[str]:
    """A sentence for each series of single decisions in which a change was noticed lately."""
    return [
        f"{name}: a change was noticed on {each['changes'][-1]['noticed_on']}, from "
        f"{written(each['changes'][-1]['before'], 'percent')} to {written(each['changes'][-1]['after'], 'percent')}"
        for name, each in detection_report.get("series", {}).items()
        if each["verdict"] == "OUT"
    ]


def shifts(shift_report: Report) -> Cells:
    """Each series with its verdict, and its latest month that has one."""
    latest: dict[str, tuple[str, Report]] = {}
    for month in shift_report.get("months", ()):
        latest |= {name: (month["month"], series) for name, series in month["series"].items()}
    rows = [
        (
            *(name, shift_report["verdicts"][name], month),
            *(_with_interval(series["now"], "plain" if name == MIX else "percent"), series["now"]["n"]),
            *("" if name == MIX else _share(series["then"]), series["now"]["why"]),
        )
        for name, (month, series) in latest.items()
    ]
    missing = shift_report.get("why", "") or ("" if rows else "no month is later than the first ones")
    return cells(("Series", "Verdict", "Month", "Now", "Number", "Before", ""), rows, missing, texts=3)


def detection(detection_report: Report) -> Cells:
    """Each series of single decisions, and the last change that was noticed in it."""
    rows = [
        (name, each["verdict"], each["n"], *_last_change(each["changes"]), each["why"])
        for name, each in detection_report.get("series", {}).items()
    ]
    headings = ("Series", "Verdict", "Decisions", "Changes", "Last noticed on", "From", "To", "")
    return cells(headings, rows, detection_report.get("why", ""), texts=2)


def _last_change(changed: Sequence[Report]) -> tuple[object, ...]:
    if not changed:
        return (0, "", "", "")
    last = changed[-1]
    return (len(changed), last["noticed_on"], written(last["before"], "percent"), written(last["after"], "percent"))


def bands(backtest: Report) -> Cells:
    together = f"With correlation {backtest['asset_correlation']:g}"
    headings = ("Band", "Verdict", together, "Accounts", "Bads", "Not known", "Foretold", "Came", "Came, average year")
    rows = [
        (
            *(
                band["band"],
                band["verdict"],
                band["correlated"]["verdict"],
                band["rows"],
                band["bads"],
                band["not_known"],
            ),
            *(written(band["mean_pd"], "percent"), _with_interval(band["bad_rate"], "percent")),
            _ends(band["correlated"]),
        )
        for band in backtest["bands"]
    ]
    return cells(headings, rows, backtest["withheld"], texts=3)


def figures(backtest: Report) -> Cells:
    rows = [(name, _with_interval(each), each["n"], each["why"]) for name, each in backtest["figures"].items()]
    return cells(("Figure", "With its interval", "Accounts", ""), rows, backtest["withheld"])


def contrasts(fairness: Report) -> Cells:
    """Each declared contrast: the approval rate of a group over that of its reference."""
    rows = [
        (
            *(each["name"], each["verdict"], each["group"], each["reference"]),
            *(_with_interval(each["ratio"]), each["ratio"]["n"], each["ratio"]["why"]),
        )
        for each in fairness["contrasts"]
    ]
    headings = ("Contrast", "Verdict", "Group", "Reference", "Ratio of approval rates", "Decisions", "")
    return cells(headings, rows, fairness["why"], texts=4)


def groups(fairness: Report) -> Cells:
    """Approval rate of each group that is shown."""
    rows = [
        (name, group, _with_interval(figure, "percent"), figure["n"], figure["why"])
        for name, of_attribute in fairness["attributes"].items()
        for group, figure in of_attribute.items()
    ]
    return cells(("Attribute", "Group", "Approved", "Decisions", ""), rows, fairness["why"], texts=2)


def overrides(directions: Iterable[Report]) -> Cells:
    """Each direction in which a person decided against the scorer, where anybody did."""
    headings = ("Scorer", "Person", "Reasons", "Overrides", "Of the scorer's", "Bad of them", "Accounts")
    rows = [
        (
            *(
                each["by_model"],
                each["to"],
                ", ".join(_reason(name, its) for name, its in each["reasons"].items()),
            ),
            *(each["overrides"], _with_interval(each["rate"], "percent")),
            *(_with_interval(each["bad_rate"], "percent"), each["bad_rate"]["n"]),
        )
        for each in directions
        if each["overrides"]
    ]
    return cells(headings, rows, "" if rows else "nobody decided against the scorer", texts=3)


def _reason(name: str, its: Report) -> str:
    paid = its["bad_rate"]
    bad = f", bad {paid['value']:.0%} of {paid['n']}" if paid["n"] else ""
    return f"{name} {its['overrides']} ({its['rate']['value']:.1%}{bad})"


def declined(report: Report) -> Cells:
    """What approvals say beside what random approvals say of all; a bound where nobody was approved at random."""
    naive, unbiased, bound = report["naive"], report["unbiased"], report["bound"]
    rows: list[tuple[Any, ...]] = [
        ("Bad rate of approvals", _with_interval(naive["bad_rate"], "percent"), naive["bad_rate"]["n"]),
    ]
    if unbiased:
        rows += [
            ("Bad rate with the declined", _with_interval(unbiased["bad_rate"], "percent"), unbiased["bad_rate"]["n"]),
            ("AUC of approvals", "" if naive["auc"] is None else f"{naive['auc']:.3f}", naive["bad_rate"]["n"]),
            ("AUC with the declined", _with_interval(unbiased["auc"], "plain"), unbiased["auc"]["n"]),
        ]
    elif bound and "approved" in bound:
        ends = f"{bound['low']:.1%} to {bound['high']:.1%}, whatever they would have done"
        rows.append(("Bad rate with the declined", ends, bound["approved"] + bound["declined"]))
    return cells(("", "Figure", "Accounts"), rows, "")


def vintages(curves: Report) -> Cells:
    """The last known point of each vintage."""
    rows = [
        (vintage, points[-1]["month"], _with_interval(points[-1], "percent"), points[-1]["n"], points[-1]["why"])
        if points
        else (vintage, "", written(None), "", "no month by which enough accounts were looked up")
        for vintage, points in known_points(curves).items()
    ]
    missing = "" if rows else "no booked account is a month old"
    return cells(("Decided in", "Months on book", "Ever bad", "Accounts", ""), rows, missing)


def estimates(report: Report) -> Cells:
    """Each month of decision: what its approvals were foretold to come to, what came, and whether that was foretold."""
    headings = ("Decided in", "Verdict", "Approvals", "Bad rate foretold", "Came", "AUC foretold", "Came", "Profit", "")
    rows = [
        (
            *(each["month"], _verdicts(each["verdict"]), each["approvals"]),
            *(_with_interval(each["foretold"]["bad_rate"], "percent"), _share(each["truth"].get("bad_rate"))),
            *(_with_interval(each["foretold"]["auc"]), _number(each["truth"].get("auc"))),
            *(_with_interval(each["foretold"]["profit"], "percent"), each["why"]),
        )
        for each in report["vintages"]
        if each["approvals"]
    ]
    return cells(headings, rows, "" if rows else "nobody was approved", texts=2)


def _verdicts(verdict: Report) -> str:
    """OUT if bad rate or AUC came out otherwise than foretold; empty before there is a truth."""
    there = {verdict[name] for name in ("bad_rate", "auc") if name in verdict}
    return "OUT" if "OUT" in there else "IN" if there == {"IN"} else "CANNOT SAY" if there else ""


def known_points(curves: Report) -> dict[str, list[Report]]:
    """The months of each vintage that have a figure."""
    return {vintage: [point for point in curve if point["value"] is not None] for vintage, curve in curves.items()}


def drift(drift_report: Report) -> Cells:
    """Each series with its verdict, and its latest month that has ended."""
    headings = ("Series", "Verdict", "PSI", "Decisions", "Missing", "Missing in training")
    windows = drift_report.get("windows", ())
    if not windows:
        return cells(headings, (), drift_report.get("why", "no month with decisions has ended"), texts=2)
    rows = [
        (
            *(name, drift_report["verdicts"][name], _with_interval(now["psi"]), now["psi"]["n"]),
            *(_with_interval(now["missing"], "percent") if "missing" in now else "", _share(now.get("missing_then"))),
        )
        for name, now in windows[-1]["series"].items()
    ]
    return cells(headings, rows, "", texts=2)


def pictures(report: Report) -> Iterable[Picture]:
    """Bad rates by band, and the latest vintages, where there is something to draw."""
    rows = [
        {"band": band["band"], **_bad_rate(band["bad_rate"])} for band in report["backtest"]["bands"] if band["rows"]
    ]
    if rows:
        table = DataFrame(rows[::-1])
        yield drawn("bands", "Bad rate that came, by band", lambda drawing: plots.gains(drawing, table))
    curves = {
        vintage: [point for point in curve if point["value"] is not None]
        for vintage, curve in report["vintages"].items()
    }
    latest = dict([(vintage, points) for vintage, points in curves.items() if len(points) > 1][-MOST_CURVES:])
    if latest:
        yield drawn("vintages", "Ever bad, by month on book", lambda drawing: draw_vintages(drawing, latest))


def draw_vintages(drawing: Drawing, curves: Mapping[str, list[Report]]) -> None:
    """One curve a vintage, the later the darker, with the whisker of its last point's interval."""
    axes = drawing.subplots()
    for position, (vintage, curve) in enumerate(curves.items(), start=1):
        points = DataFrame(curve)
        last, shade = curve[-1], 0.25 + 0.75 * position / len(curves)
        axes.plot(points["month"], points["value"], color=plots.MODEL, alpha=shade, label=vintage, linewidth=1.4)
        axes.plot([last["month"]] * 2, [last["low"], last["high"]], color=plots.MODEL, alpha=shade, linewidth=0.9)
    axes.set(xlabel="Months on book", ylabel="Ever bad")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    drawing.legend(loc="outside upper left", ncols=3, handlelength=1.4, columnspacing=1.2)


def _bad_rate(figure: Report) -> dict[str, float]:
    return {"bad_rate": figure["value"], "low": figure["low"], "high": figure["high"]}


def _with_interval(figure: Report, kind: Kind = "plain") -> str:
    return interval((figure["value"], figure["low"], figure["high"]), kind)


def _ends(correlated: Report) -> str:
    """The interval of an average year; empty where no account is matured."""
    low, high = correlated["low"], correlated["high"]
    return "" if low is None else f"{written(low, 'percent')} to {written(high, 'percent')}"


def _number(value: float | None) -> str:
    return "" if value is None else written(value)


def _share(value: float | None) -> str:
    return "" if value is None else written(value, "percent")
