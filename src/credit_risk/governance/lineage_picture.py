"""The lineage as a picture: what was made from what, from the raw files to the decisions."""

from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
from matplotlib.figure import Figure

from credit_risk.report.plots import GRID, INK, MODEL, MUTED, PAPER, picture
from credit_risk.report.standalone_svg import standalone

WIDTH, HEIGHT, ROW = 1.45, 0.62, 1.0  # of a box, in the figure's own units, and between two rows


def svg(lineage: Mapping[str, Any]) -> str:
    """A file of its own: raw data, the stages in the order they depend on each other, scorer and what came after it."""
    graph = of(lineage)
    positions = layout(graph)
    columns = 1 + max(x for x, _ in positions.values())
    rows = 1 + max(abs(y) for _, y in positions.values()) * 2

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_axis_off()
        for start, end in graph.edges:
            (x, y), (to_x, to_y) = positions[start], positions[end]
            axes.annotate(
                "",
                (to_x * 2 - WIDTH / 2, to_y * ROW),
                (x * 2 + WIDTH / 2, y * ROW),
                arrowprops={"arrowstyle": "->", "color": MUTED, "shrinkA": 0, "shrinkB": 0},
            )
        for name, (x, y) in positions.items():
            _box(axes, graph.nodes[name], name, (x * 2, y * ROW))
        axes.set_xlim(-1, columns * 2 - 1)
        axes.set_ylim(-rows * ROW / 2 - 0.2, rows * ROW / 2 + 0.2)

    edges = ", ".join(f"{start} to {end}" for start, end in graph.edges)
    return standalone(picture("lineage", f"What was made from what: {edges}", draw, (columns * 1.35, rows * 0.8)))


def of(lineage: Mapping[str, Any]) -> nx.DiGraph:
    """Stages and what they hand on, without the edges that follow from others; each node with a short digest."""
    graph = nx.DiGraph()
    graph.add_node("raw data", digest=_short(lineage["raw"].values()), stage=False)
    stages = lineage["transformations"]
    for stage in stages:
        graph.add_node(stage["name"], digest="", stage=True)
    for stage in stages:
        for path in stage["inputs"]:
            for maker in _makers(path, stages, lineage["raw"]):
                graph.add_edge(maker, stage["name"])
    if lineage["scorer"]:
        graph.add_node("scorer", digest=lineage["scorer"][:10], stage=False)
        for maker in _makers("models/scorer", stages, {}):
            graph.add_edge(maker, "scorer")
    if events := (lineage.get("registry") or []):
        last = events[-1]
        graph.add_node("registry", digest=f"{last['move']} {last['version']}", stage=False)
        graph.add_edges_from([("scorer", "registry"), ("gate", "registry")])
    if count := (lineage.get("decisions") or {}).get("count"):
        graph.add_node("decisions", digest=f"{count:,}", stage=False)
        graph.add_edge("registry" if events else "scorer", "decisions")
    reduced = nx.transitive_reduction(graph)
    reduced.add_nodes_from(graph.nodes(data=True))
    return reduced


def layout(graph: nx.DiGraph) -> dict[str, tuple[int, float]]:
    """A column for each step of dependence, its boxes one above the other around the middle."""
    positions = {}
    for column, names in enumerate(nx.topological_generations(graph)):
        ordered = sorted(names)
        for row, name in enumerate(ordered):
            positions[name] = (column, (len(ordered) - 1) / 2 - row)
    return positions


def _makers(path: str, stages: Sequence[Mapping[str, Any]], raw: Mapping[str, Any]) -> list[str]:
    """Who wrote a path, or something below or above it."""
    if any(_overlap(path, source) for source in raw):
        return ["raw data"]
    return [stage["name"] for stage in stages if any(_overlap(path, output) for output in stage["outputs"])]


def _overlap(left: str, right: str) -> bool:
    return left == right or left.startswith(f"{right}/") or right.startswith(f"{left}/")


def _short(digests: Any) -> str:
    return ", ".join((digest or "missing")[:10] for digest in digests)


def _box(axes: Any, node: Mapping[str, Any], name: str, middle: tuple[float, float]) -> None:
    colour = MODEL if node["stage"] else INK
    label = f"{name}\n{node['digest']}" if node["digest"] else name
    box = {"boxstyle": "round,pad=0.35", "facecolor": PAPER, "edgecolor": colour if node["stage"] else GRID}
    axes.text(*middle, label, ha="center", va="center", fontsize=8.5, color=colour, bbox=box)
