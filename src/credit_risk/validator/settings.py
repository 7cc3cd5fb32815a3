"""Paths of the economy and what they do to the odds of bad, configs/macro.yaml: declared by the lender."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from credit_risk.config import environment
from credit_risk.config.section import Section, Text

FILE = Path("configs") / "macro.yaml"

Value = Annotated[float, Field(allow_inf_nan=False)]


class Macro(Section):
    """One driver, its value while the test rows performed, and what it becomes on each path, a value a period.

    log_odds: what one more of the driver adds to the log-odds of bad of everybody; assumption: where that comes from.
    """

    version: Literal[1]
    driver: Text
    base: Value
    log_odds: Value
    assumption: Text
    paths: Annotated[Mapping[str, Annotated[tuple[Value, ...], Field(min_length=1)]], Field(min_length=1)]


def load(root: Path) -> Macro | None:
    """The lender's paths; None where there is no such file. Raises ConfigError for one that cannot be read."""
    path = root / FILE
    return environment.whole(path, Macro) if path.is_file() else None
