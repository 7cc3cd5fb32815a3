"""Reports and tables as the page reads them: what is not there is said, never raised.

A page about a broken run must still be written, so each reader gives a reason in place of what it cannot read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
from markupsafe import Markup
from pandas import DataFrame

from credit_risk.config.yaml_positions import plain_values, read_tree
from credit_risk.errors import ConfigError, NotFound
from credit_risk.report.plots import NORMAL, Draw, picture

Cells: TypeAlias = dict[str, Any]
"""A table as the page's `table` macro takes it: why it is missing, headings and rows of (cell, is it a number)."""


@dataclass(frozen=True)
class Picture:
    """A figure of the page: what to look at, and the drawing or the reason why there is none."""

    name: str
    title: str
    svg: Markup | None
    missing: str = ""
    note: str = ""


def drawn(name: str, title: str, draw: Draw, size: tuple[float, float] = NORMAL, *, alt: str = "") -> Picture:
    """A picture with its text alternative. The drawing is our own; every text in it was escaped when it was drawn."""
    return Picture(name, title, Markup(picture(name, alt or f"Chart. {title}.", draw, size)))  # noqa: S704


def read_report(path: Path, needed: Sequence[str] = ()) -> tuple[dict[str, Any], str]:
    """A stage's figures, or nothing and the reason why. needed: keys without which the report is not shown at all."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, f"{_shown(path)} was not written"
    except ValueError:
        return {}, f"{_shown(path)} is not JSON"
    if lacking := [name for name in needed if not isinstance(report, dict) or name not in report]:
        return {}, f"{_shown(path)} lacks {', '.join(lacking)}"
    return (report, "") if isinstance(report, dict) else ({}, f"{_shown(path)} holds no figures")


def read_inventory(path: Path) -> dict[str, Any]:
    """Who answers for the model and until when, as people wrote it down; nothing where nobody did, or no YAML."""
    try:
        return dict(plain_values(read_tree(path, "The page does without it.")))
    except (NotFound, ConfigError):
        return {}


def read_table(path: Path, needed: Sequence[str] = ()) -> tuple[DataFrame | None, str]:
    """A table behind a picture, or the reason why there is none. needed: columns that it must have."""
    try:
        table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        return None, f"{_shown(path)} was not written"
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError):
        return None, f"{_shown(path)} is not a table"
    if lacking := [name for name in needed if name not in table]:
        return None, f"{_shown(path)} lacks {', '.join(lacking)}"
    return (None, f"{_shown(path)} has no rows") if table.empty else (table, "")


def records(table: DataFrame | None) -> list[dict[Any, Any]]:
    """The rows of a table by column; none of a table that is not there."""
    return [] if table is None else table.to_dict("records")


def cells(headings: Sequence[str], rows: Sequence[Sequence[object]], missing: str, *, texts: int = 1) -> Cells:
    """Rows for the page. texts: how many columns are text, from the left; one without a heading is text too."""
    numeric = [column >= texts and bool(heading) for column, heading in enumerate(headings)]
    return {
        "missing": missing,
        "headings": list(zip(headings, numeric, strict=True)),
        "rows": [list(zip(map(str, row), numeric, strict=True)) for row in rows],
    }


def _shown(path: Path) -> str:
    """A path as people know it, from `reports` or `artifacts` on."""
    start = max((path.parts.index(top) for top in ("reports", "artifacts") if top in path.parts), default=-1)
    return "/".join(path.parts[start:])
