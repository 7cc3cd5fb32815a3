"""`credit-risk summary` and `credit-risk review`: what a run says, on one screen and to a reviewer."""

from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import GATES, HERE, ConfigFile, Json, Root, add, say, show
from credit_risk.errors import DataError

REVIEW_EXAMPLE = "\nexample:\n  credit-risk review --before main/reports --after reports --output comment.md\n"


def add_commands(app: Typer) -> None:
    """Add the commands that show a run's reports."""
    add(app, "summary", _summary, group=GATES)
    add(app, "review", _review, group=GATES, more=REVIEW_EXAMPLE)


def _summary(root: Root = HERE, config: ConfigFile = None, json: Json = False) -> None:
    """Show on one screen the headline figures, the gate's verdict, and where the report is."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text
    from credit_risk.report import summary

    settings, files = opened(root, config)
    try:
        if json:
            say(json_text(summary.facts(settings, files)))
        else:
            show(summary.screen(settings, files))
    except (LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"{files.report('metrics').parent}: metrics, gate or preparation is not as a run leaves it ({error!r}). "
            "It was altered, or is of another version: `make run` writes them anew."
        ) from None


def _review(
    output: Annotated[Path, Option(help="Where the Markdown goes.")],
    root: Root = HERE,
    after: Annotated[Path | None, Option(help="The changed run's reports (default: reports).")] = None,
    before: Annotated[Path | None, Option(help="The reports it is compared with (default: none).")] = None,
    page: Annotated[
        str | None, Option(help="The https address where the changed run keeps its report page, to link to.")
    ] = None,
) -> None:
    """Say in Markdown, for its reviewer, what a change does to gate and figures; the reports need not be trusted."""
    from credit_risk.data.files import Files
    from credit_risk.data.writing import write_text
    from credit_risk.report import review

    write_text(output, review.review(after or Files(root).reports, before, page=page))
