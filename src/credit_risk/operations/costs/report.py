"""build/operations/costs.json and costs.html: the month against its budget, and what a unit of each work costs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from credit_risk.data.writing import write_json, write_text
from credit_risk.operations.costs import pricing, tracking
from credit_risk.operations.costs.budget import WAIVERS, BudgetEnforcer, BudgetVerdict
from credit_risk.operations.use_record import FOLDER, Use, UseRecord, of_month
from credit_risk.report import plots
from credit_risk.report.artefacts import Cells, Picture, cells, drawn
from credit_risk.report.templates import template
from credit_risk.rollout.settings import Costs, Environment
from credit_risk.stages.gate import read_waivers

UNITS = {
    "run": "A run of the pipeline",
    "retraining": "A retraining",
    "runner_job": "A job of a runner",
    "thousand_decisions": "1,000 decisions of the service",
}


def write(root: Path, environment: Environment) -> tuple[BudgetVerdict, dict[str, Any]]:
    """Write both files, and return the budget's verdict with the figures. Raises WaiverRefused, ConfigError."""
    uses, now = UseRecord(root).read(), datetime.now(UTC)
    month = pricing.month_to_date(uses, environment.costs, now)
    verdict = _enforcer(root, environment.costs).judge(month, now.date())
    figures = {
        "at": now.isoformat(timespec="seconds"),
        "environment": environment.environment,
        "prices": environment.costs.model_dump(),
        "month": month,
        "budget": verdict.as_dict(),
        "units": pricing.unit_costs(uses, environment.costs),
        "by_day": by_day(uses, environment.costs, now),
    }
    write_json(root / FOLDER / "costs.json", figures)
    write_text(root / FOLDER / "costs.html", page(figures))
    return verdict, figures


def enforced(root: Path, environment: Environment) -> BudgetVerdict:
    """The verdict before something is started. Raises BudgetExceeded, WaiverRefused, ConfigError."""
    now = datetime.now(UTC)
    month = pricing.month_to_date(UseRecord(root).read(), environment.costs, now)
    return _enforcer(root, environment.costs).enforce(month, now.date())


def _enforcer(root: Path, prices: Costs) -> BudgetEnforcer:
    return BudgetEnforcer(prices.alert_above, read_waivers(root, root / WAIVERS))


def by_day(uses: Sequence[Use], prices: Costs, now: datetime) -> list[dict[str, Any]]:
    """What the month had cost by the end of each of its days so far, storage included."""
    begin, _ = pricing.bounds_of_month(now)
    days = []
    for day in range(1, now.day + 1):
        end = min(begin.replace(day=day, hour=23, minute=59, second=59), now)
        work = [use for use in of_month(uses, now) if use.when <= end]
        storage = pricing.of_storage(uses, prices, begin, end)
        days.append({"day": day, "spent": pricing.total(work, prices).amount + storage.amount})
    return days


def sentences(figures: Mapping[str, Any]) -> list[str]:
    """The report for the screen."""
    currency, units = figures["month"]["currency"], figures["units"]
    lines = [figures["budget"]["sentence"], tracking.prices_said(Costs.model_validate(figures["prices"]))]
    lines += [f"  {label}: {_amount(units[name], currency)}" for name, label in UNITS.items()]
    lines += [f"  stage {name}: {_amount(amount, currency)}" for name, amount in units["stages"].items()]
    lines += [f"  not counted: {reason}" for reason in figures["month"]["unknown"]]
    return [*lines, f"{FOLDER / 'costs.html'} shows it."]


def page(figures: Mapping[str, Any]) -> str:
    """The page as text; equal figures give an equal page."""
    return template("operations.costs").render(
        title="Costs",
        figures=figures,
        prices=tracking.prices_said(Costs.model_validate(figures["prices"])),
        kinds=_kinds(figures["month"]),
        units=_units(figures),
        stages=_stages(figures),
        pictures=list(_pictures(figures)),
    )


def _kinds(month: Mapping[str, Any]) -> Cells:
    rows = [(kind, f"{amount:,.2f}") for kind, amount in month["by_kind"].items()]
    return cells(("Work", month["currency"]), rows, "" if month["records"] else "nothing was measured this month")


def _units(figures: Mapping[str, Any]) -> Cells:
    currency = figures["month"]["currency"]
    rows = [(label, _amount(figures["units"][name], currency)) for name, label in UNITS.items()]
    return cells(("Unit", "Mean cost"), rows, "")


def _stages(figures: Mapping[str, Any]) -> Cells:
    currency, stages = figures["month"]["currency"], figures["units"]["stages"]
    rows = [(name, _amount(amount, currency)) for name, amount in stages.items()]
    return cells(
        ("Stage", "Mean cost of a run of it"), rows, "" if rows else "no stage was measured: make measured-run"
    )


def _pictures(figures: Mapping[str, Any]) -> Sequence[Picture]:
    if not figures["month"]["records"]:
        return ()
    title = f"Spent in {figures['month']['month']}, against the budget"
    return (drawn("costs", title, lambda drawing: draw(drawing, figures)),)


def draw(drawing: Drawing, figures: Mapping[str, Any]) -> None:
    """What was spent by the end of each day, with the budget and where somebody is called."""
    axes = drawing.subplots()
    budget, alert_above = figures["month"]["budget"], figures["prices"]["alert_above"]
    days = [each["day"] for each in figures["by_day"]]
    axes.plot(days, [each["spent"] for each in figures["by_day"]], color=plots.MODEL, marker="o", markersize=3)
    for level, name, colour in ((budget, "budget", plots.BAD), (alert_above * budget, "alert", plots.MUTED)):
        axes.axhline(level, color=colour, linestyle="--", linewidth=1)
        axes.annotate(name, (days[0], level), xytext=(2, 3), textcoords="offset points", color=colour, fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="Day of the month", ylabel=figures["month"]["currency"], ylim=(0, None))
    axes.margins(y=0.15)


def _amount(amount: float | None, currency: str) -> str:
    """To the millionth: a stage costs fractions of a cent."""
    return pricing.NO_RECORD if amount is None else f"{amount:,.6f} {currency}"
