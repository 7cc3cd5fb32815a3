"""The policy floor, configs/policies/gate_floor.yaml: what the gates of a model may not go below.

Another team than the model's authors owns the file (CODEOWNERS). A config may be stricter; a looser one is refused,
with its line and the floor's, so that nobody moves a limit to where the model happens to stand.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from credit_risk.config import environment
from credit_risk.config.fairness import Attribute, Contrast
from credit_risk.config.schema import Config, Gate, Kind
from credit_risk.config.section import Section, Text
from credit_risk.config.yaml_positions import Loc, read_tree, sentence

NAME = Path("policies") / "gate_floor.yaml"
CONTRASTS = "fairness.contrasts."
COMPARED_BY = ("ratio", "difference", "equal_opportunity")  # the figures of a contrast that compare its two groups


class FloorCheck(Section):
    """A check that must be among the gates, and the loosest limits that it may have.

    waivable: whether a waiver may lift it. of: the kind of candidate that it must judge; without it, each.
    """

    measure: Text
    at_least: float | None = None
    at_most: float | None = None
    exact: bool = False
    of: Kind | None = None
    waivable: bool = True


class Floor(Section):
    """The least that a model is held to, whoever wrote its config.

    out_of_time: whether the split must be by time. stress: the least that a scenario multiplies the odds of bad by.
    reported: contrasts that are declared and not gated, each with the reason; they are shown beside every verdict.
    """

    version: Literal[1]
    least_confidence: Annotated[float, Field(gt=0, lt=1)]
    least_group: Annotated[int, Field(gt=0)]
    least_bands: Annotated[int, Field(gt=0)]
    referrals_count_as: Literal["approve", "decline"]
    most_waivers: Annotated[int, Field(ge=0)]
    checks: Annotated[tuple[FloorCheck, ...], Field(min_length=1)]
    out_of_time: bool = False
    stress: Mapping[str, float] = {}
    directions: Mapping[str, Literal["increasing", "decreasing"]]
    attributes: Mapping[str, Attribute]
    contrasts: tuple[Contrast, ...]
    reported: Mapping[str, Text] = {}


@dataclass(frozen=True)
class Looser:
    """One key of the config that asks less than the floor: where it stands, what it says, and the floor's key."""

    key: Loc
    message: str
    floor_key: Loc


def read(path: Path) -> Floor:
    """The floor. Raises ConfigError with every problem and its line; NotFound without the file: nothing passes then."""
    return environment.whole(path, Floor)


def sentences(config_path: Path, floor_path: Path, config: Config, floor: Floor) -> list[str]:
    """Every key that asks less than the floor, with the lines of both files; empty if none does."""
    config_tree, floor_tree = read_tree(config_path, ""), read_tree(floor_path, "")
    return [
        sentence(config_path, config_tree, looser.key, looser.message)
        + f" ({sentence(floor_path, floor_tree, looser.floor_key, 'the floor')})"
        for looser in below(config, floor)
    ]


def below(config: Config, floor: Floor) -> Iterator[Looser]:
    """Where a config asks less than the floor."""
    yield from _numbers(config, floor)
    for index, check in enumerate(floor.checks):
        yield from _looser_gates(config.gates, check, ("checks", index))
    for name, direction in floor.directions.items():
        claimed = config.model.directions.get(name, "no direction")
        if claimed != direction:
            message = f"{name}: got {claimed}, expected {direction}"
            yield Looser(("model", "directions"), message, ("directions", name))
    if floor.out_of_time and config.split.by != "time":
        yield Looser(("split", "by"), f"got {config.split.by}, expected time", ("out_of_time",))
    scenarios = {scenario.name: scenario.odds for scenario in config.robustness.scenarios}
    for name, odds in floor.stress.items():
        if scenarios.get(name, 0) < odds:
            message = (
                f"{name} must multiply the odds of bad by {odds:g} or more, got {scenarios.get(name, 'no such one')}"
            )
            yield Looser(("robustness", "scenarios"), message, ("stress", name))
    yield from _fairness(config, floor)


def not_judged(config: Config) -> list[str]:
    """The declared contrasts that no gate judges, by name: a PASS says nothing of them.

    A gate on the rows of a group, say, compares nothing and judges none.
    """
    judged = {gate.measure for gate in config.gates}
    return [contrast.name for contrast in config.fairness.contrasts if not judged & measures_of(contrast.name)]


def measures_of(contrast: str) -> set[str]:
    """The measures by which a gate can judge a contrast."""
    return {f"{CONTRASTS}{contrast}.{figure}" for figure in COMPARED_BY}


def unwaivable(floor: Floor, gates: Sequence[Gate]) -> list[str]:
    """The gates, by name, that no waiver may lift."""
    measures = {check.measure for check in floor.checks if not check.waivable}
    return [gate.name for gate in gates if gate.measure in measures]


def _numbers(config: Config, floor: Floor) -> Iterator[Looser]:
    values: tuple[tuple[Loc, float, str, float], ...] = (
        (("evaluation", "confidence"), config.evaluation.confidence, "least_confidence", floor.least_confidence),
        (("fairness", "min_n"), config.fairness.min_n, "least_group", floor.least_group),
        (("policy", "bands"), len(config.policy.bands), "least_bands", floor.least_bands),
    )
    for key, got, floor_key, least in values:
        if got < least:
            yield Looser(key, f"got {got:g}, expected at least {least:g}", (floor_key,))


def _looser_gates(gates: Sequence[Gate], check: FloorCheck, key: Loc) -> Iterator[Looser]:
    """The gates on a measure are judged together: the strictest of them counts."""
    named = [(index, gate) for index, gate in enumerate(gates) if gate.measure == check.measure]
    if not named:
        yield Looser(("gates",), f"no gate judges {check.measure}", key)
    elif not any(_is_as_strict(gate, check) for _, gate in named):
        index, gate = named[0]
        yield Looser(("gates", index), f"{gate.name} judges {_asks(gate)}, expected {_asks(check)} or stricter", key)


def _is_as_strict(gate: Gate, check: FloorCheck) -> bool:
    lower = check.at_least is None or (gate.at_least is not None and gate.at_least >= check.at_least)
    upper = check.at_most is None or (gate.at_most is not None and gate.at_most <= check.at_most)
    return lower and upper and gate.of in (None, check.of) and (check.exact or not gate.exact)


def _asks(limits: Gate | FloorCheck) -> str:
    parts = [f"{name} {value:g}" for name in ("at_least", "at_most") if (value := getattr(limits, name)) is not None]
    parts += ["by its value alone" if limits.exact else "by its interval", *([f"of {limits.of}"] if limits.of else [])]
    return ", ".join(parts)


def _fairness(config: Config, floor: Floor) -> Iterator[Looser]:
    fairness = config.fairness
    if floor.referrals_count_as == "decline" != fairness.refer_counts_as:
        yield Looser(("fairness", "refer_counts_as"), "a referral counts as no approval", ("referrals_count_as",))
    for name, attribute in floor.attributes.items():
        if fairness.attributes.get(name) != attribute:
            yield Looser(("fairness", "attributes"), f"{name} must fall into other groups", ("attributes", name))
    declared = {contrast.name: contrast for contrast in fairness.contrasts}
    for index, contrast in enumerate(floor.contrasts):
        if declared.get(contrast.name) != contrast:
            groups = f"{contrast.group} over {contrast.reference} by {contrast.attribute}"
            yield Looser(("fairness", "contrasts"), f"{contrast.name} must compare {groups}", ("contrasts", index))
    for name in not_judged(config):
        if name not in floor.reported:
            message = f"{name} is declared, and no gate judges {CONTRASTS}{name}: add a gate"
            yield Looser(("fairness", "contrasts"), message, ("reported",))
