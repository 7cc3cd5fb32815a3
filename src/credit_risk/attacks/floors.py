"""The floors of both scores, configs/policies/attack_floors.yaml: what `make attacks` ends red below."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from credit_risk.config import environment
from credit_risk.config.schema import Gate
from credit_risk.config.section import Section, Text

FILE = Path("configs") / "policies" / "attack_floors.yaml"


class ScoreFloor(Section):
    """The least that a score must reach with its whole interval, and why that much."""

    at_least: Annotated[float, Field(gt=0, le=1)]
    reason: Text


class AttackFloors(Section):
    """What a scorer is held to under attack: a floor for each score."""

    version: Literal[1]
    robustness: ScoreFloor
    privacy: ScoreFloor


def load(root: Path) -> AttackFloors:
    """The floors of a repository. Raises NotFound, ConfigError."""
    return environment.whole(root / FILE, AttackFloors)


def gates(floors: AttackFloors) -> Iterator[Gate]:
    """The floors as gates over reports/parts/attacks.json."""
    for name, floor in (("robustness", floors.robustness), ("privacy", floors.privacy)):
        yield Gate(name=f"{name}_score", measure=f"{name}.score", at_least=floor.at_least, reason=floor.reason)
