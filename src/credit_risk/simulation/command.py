"""`credit-risk simulate`: a year of a lender, played back."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer

from credit_risk.command_line import HERE, STUDIES, Json, Root, add, say

MORE = """
A simulated lender, whose applicants' true PDs are known, decides for a year in the ledger's clock: slow drift, a feed
fault, a dead replica, a bad candidate, an erasure (configs/simulation.yaml). A training takes a minute of processor
time, and there are up to five; the days of events need haproxy, prometheus and datefudge (`.ci/packages`).

example:
  credit-risk simulate --seed 1
"""
YEARS_MORE = """
Reads what `credit-risk simulate --output` wrote of several seeds: profits with intervals, delays, how often nothing was
noticed. `make simulate-years` plays the years first.

example:
  credit-risk simulated-years REPORTS --markdown build/years.md    # REPORTS: build/years/1.json build/years/2.json
"""


def add_commands(app: Typer) -> None:
    """Add the command that plays a year back."""
    add(app, "simulate", _simulate, group=STUDIES, more=MORE)
    add(app, "simulated-years", _years, group=STUDIES, more=YEARS_MORE)


def _simulate(
    root: Root = HERE,
    seed: Annotated[int, Option(min=0, help="The same seed plays the same year.")] = 1,
    output: Annotated[
        Path | None, Option(help="Where the report goes (default: reports/year.json); the page lies beside it.")
    ] = None,
    service: Annotated[
        bool, Option(help="Run the real service, its alarms and the registry on the days of events.")
    ] = True,
    json: Json = False,
) -> None:
    """Play a year of a lender back: what happened, when it was noticed, what was done, what it cost."""
    import tempfile
    from contextlib import nullcontext

    from credit_risk.data.files import Files
    from credit_risk.data.writing import json_text, read_json, write_report, write_text
    from credit_risk.simulation import page, pager, settings, year

    given = settings.load(root / "configs" / "simulation.yaml")
    listening = pager.listening() if service else nullcontext()
    with tempfile.TemporaryDirectory(prefix="credit-risk-year-") as folder, listening as called:
        report = year.play(root.resolve(), given, seed, Path(folder) / "lender", called)
    path = output or Files(root).report("year")
    write_report(path, report)
    write_text(path.with_suffix(".html"), page.page(read_json(path), "A simulated lender"))
    say(json_text(report) if json else f"{report['decisions']:,} decisions of a year: {path.with_suffix('.html')}")


def _years(
    reports: Annotated[list[Path], Argument(help="Reports of single years, as JSON.")],
    confidence: Annotated[float, Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    markdown: Annotated[Path | None, Option(help="Write the table here.")] = None,
    json: Json = False,
) -> None:
    """What several simulated years say together."""
    from credit_risk.data.writing import json_text, read_json, write_text
    from credit_risk.simulation import years

    figures = years.measure([read_json(path) for path in reports], confidence=confidence)
    table = years.markdown(figures)
    if markdown:
        write_text(markdown, table)
    say(json_text(figures) if json else table)
