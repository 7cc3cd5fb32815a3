"""The stages as boxes, each below those that it reads from: drawn once, without a script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from credit_risk.pipeline_page.state import PipelineStage

WIDTH, HEIGHT, ACROSS, DOWN = 138, 46, 16, 44  # of a box, and between boxes


@dataclass(frozen=True)
class Box:
    stage: PipelineStage
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """Boxes and arrows; an arrow is the curve from the bottom of a box to the top of another."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]


def drawing(stages: Sequence[PipelineStage]) -> Drawing:
    """Every box in the row behind the last stage that it reads from, rows in the middle."""
    before = {stage.name: stage.before for stage in stages}
    row = rows(before)
    in_row = [
        [stage for stage in stages if row[stage.name] == index] for index in range(max(row.values(), default=0) + 1)
    ]
    width = max(map(len, in_row)) * (WIDTH + ACROSS) - ACROSS
    boxes = {
        stage.name: Box(stage, _left(width, len(line), index), number * (HEIGHT + DOWN))
        for number, line in enumerate(in_row)
        for index, stage in enumerate(line)
    }
    arrows = [_arrow(boxes[earlier], boxes[name]) for name, earlier in needed_edges(before)]
    return Drawing(width, len(in_row) * (HEIGHT + DOWN) - DOWN, tuple(boxes.values()), tuple(arrows))


def rows(before: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many stages lie before each one, on the longest way. before: in an order in which none comes too early."""
    row: dict[str, int] = {}
    for name, earlier in before.items():
        row[name] = max((row[each] + 1 for each in earlier), default=0)
    return row


def needed_edges(before: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """The edges that no chain of others shows already, as (stage, the stage before it)."""
    above: dict[str, set[str]] = {}
    for name, earlier in before.items():
        above[name] = set(earlier).union(*(above[each] for each in earlier))
    return [
        (name, each)
        for name, earlier in before.items()
        for each in earlier
        if not any(each in above[between] for between in earlier)
    ]


def _left(width: float, boxes: int, index: int) -> float:
    line = boxes * (WIDTH + ACROSS) - ACROSS
    return (width - line) / 2 + index * (WIDTH + ACROSS)


def _arrow(start: Box, end: Box) -> str:
    x, y, to_x, to_y = start.x + WIDTH / 2, start.y + HEIGHT, end.x + WIDTH / 2, end.y
    bend = DOWN / 2
    return f"M{x:g} {y:g}C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} {to_x:g} {to_y:g}"
