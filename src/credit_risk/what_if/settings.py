"""Which policies are tried, and what is withheld: configs/what-if.yaml."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from credit_risk.config import environment
from credit_risk.config.section import Count, Positive, Section

Chance = Annotated[float, Field(gt=0, lt=1)]


class CutOffs(Section):
    """The cut-offs that are tried: steps out from the one in force, between lowest and highest."""

    lowest: Chance
    highest: Chance
    step: Positive

    @model_validator(mode="after")
    def _is_a_range(self) -> "CutOffs":
        if self.lowest >= self.highest:
            raise ValueError(f"lowest is {self.lowest} and highest {self.highest}: expected lowest below highest")
        return self


class WhatIfSettings(Section):
    """refer_within: widths of the referral band that are tried beside the one in force.

    smallest_cell: applications between two neighbouring cut-offs below which one of them is not shown.
    """

    cut_offs: CutOffs
    refer_within: tuple[Annotated[float, Field(ge=0, lt=1)], ...]
    smallest_cell: Count


def load(path: Path) -> WhatIfSettings:
    """Raises ConfigError with every problem; NotFound without the file."""
    return environment.whole(path, WhatIfSettings)
