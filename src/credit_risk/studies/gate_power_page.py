"""docs/gate-power.md, every number of it from the record of `credit-risk gate-power`."""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROUNDING = 1e-9
HEAD = """# How often the gates are wrong

Every figure here is counted on simulated lenders whose truth is known, and written by `make gate-power`, which leaves
the counts themselves in `build/gate-power.json`. The lender has dates, a policy that declined
the riskiest, outcomes that mature after twelve months, and applicants of two sexes. Each gate reads its figure through
the code that judges a real model, and the same rule gives the verdict. The limits are those of `configs/credit.yaml`.

A gate **misses** when it says PASS and the true value lies outside the limit. It **fails falsely** when it says FAIL
and the true value lies inside. CANNOT SAY is neither: it blocks and asks for more rows. The true value of each dose is
taken from {truth_rows:,} rows and, where outcomes matter, on average over them. Whether a verdict was wrong is judged
by that value, not by the dose's name.

## What a gate passes

![Share of draws that pass, by test rows and true value](pictures/gate-power-passes.svg)

Blue lines are models whose true value lies inside the limit: they should rise to 100 %. Orange ones lie outside: what
is above 0 is the miss rate. A few thousand rows never separate a true value from a limit close to it, on either side.
"""
COVERAGE = """
## Whether intervals hold the truth

![Share of the intervals that hold the truth](pictures/gate-power-coverage.svg)

{seeds} draws of {coverage_size:,} test rows, {coverage_replicates} bootstrap samples each (the pipeline takes as many
as `evaluation.replicates` says). A 95 % interval should hold the truth in 93 to 97 % of them. The last column but one
is what this number of draws leaves open. PSI and CSI are held against the index of the population in the bins that a
draw froze.

"""
# Why an interval of this name cannot be expected to keep the aim; shown only where it does not.
WHY = {
    "ece": "noise raises every bin's gap, in the sample and once more in each replicate; no gate reads it",
    "ks": "the largest of many gaps: chance raises it, in the sample and once more in each replicate; no gate reads it",
}
NOTES = """
What is not tried: {exact} are exact, so chance has no part in them. {not_tried} speak about a fitted model's features,
reasons or speed, and the models here are distortions of the truth that were never fitted. `stress_profit` is judged
against the PDs' own truth: with PDs that are too low it stays green, and the calibration gates are what stands against
that.
"""


def signature(source: str) -> str:
    """Twelve digits that change with every text and number format of a renderer, and with no name or comment of it.

    The page ends with them: where they differ from those of the code, the page was written by another renderer. The
    figures are hours of work and stand in no commit, so that the page cannot be rendered again to see it.
    """
    tree = ast.parse(source)
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    explained = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = sorted(value for value in constants if isinstance(value, str) and value not in explained)
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def last_line() -> str:
    """How the page ends: by which renderer it was written."""
    return f"<!-- by the renderer {signature(Path(__file__).read_text(encoding='utf-8'))}: make gate-power -->\n"


def render(result: Mapping[str, Any]) -> str:
    """The whole page."""
    plan = result["plan"]
    parts = [HEAD.format(**plan), "\n".join(_good(result)), ""]
    for gate in result["gates"]:
        parts += ["\n".join(_gate(gate)), ""]
    parts.append(NOTES.format(exact=_names(result["exact"]), not_tried=_names(result["not_tried"])).lstrip())
    parts.append(COVERAGE.format(**plan).lstrip("\n") + "\n".join(_coverage(result["coverage"])))
    return "\n".join(parts) + "\n\n" + last_line()


def _good(result: Mapping[str, Any]) -> Iterator[str]:
    """The good model of every gate: how often it passes, and how often it fails falsely."""
    sizes = result["plan"]["sizes"]
    yield "### The good model\n\nDose 0, or the least: PASS / CANNOT SAY / FAIL, in percent of the draws.\n"
    yield from _head(["gate", "true value", *(f"{size:,} rows" for size in sizes)])
    for gate in result["gates"]:
        cells = _good_cells(gate)
        yield _line([f"`{gate['name']}`", value(cells[0]["truth"]), *map(_split, cells)])
    yield f"\n{_too_few(result)}"


def _too_few(result: Mapping[str, Any]) -> str:
    """Which gates have too few rows, at the two largest sizes, to see that the good model is good."""
    sentences = []
    for size in result["plan"]["sizes"][-2:]:
        good = {gate["name"]: cell for gate in result["gates"] for cell in _good_cells(gate) if cell["rows"] == size}
        blind = [name for name, cell in good.items() if cell["passed"] < _draws(cell) / 2]
        sentences.append(f"With {size:,} rows {_names(blind)} would pass the good model in less than half of the draws")
    return ". ".join(sentences) + ": the price of never passing what is not known to be good."


def _good_cells(gate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [cell for cell in gate["cells"] if cell["dose"] == gate["doses"][0]]


def value(number: float) -> str:
    """Four digits; what is 0 but for rounding is 0."""
    return f"{0 if abs(number) < ROUNDING else number:.4g}"


def _gate(gate: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {gate['name']}\n"
    note = "" if gate["declared"] else " (not declared in this config)"
    yield f"`{gate['measure']}` {_limits(gate)}{note}. Dose: {gate['fault']}.\n"
    sizes = sorted({cell["rows"] for cell in gate["cells"]})
    yield from _head(["dose", "true value", "should", *(f"{size:,} rows" for size in sizes), "wrong"])
    for dose in gate["doses"]:
        cells = [cell for cell in gate["cells"] if cell["dose"] == dose]
        word = "pass" if cells[0]["sound"] else "not pass"
        yield _line([f"{dose:g}", value(cells[0]["truth"]), word, *map(_split, cells), _wrong(cells)])
    draws = ", ".join(f"{_draws(cell):,}" for cell in gate["cells"] if cell["dose"] == gate["doses"][0])
    yield f"\nDraws by size: {draws}."


def _wrong(cells: Sequence[Mapping[str, Any]]) -> str:
    """Miss rates of a model that should not pass, false fails of one that should, by size."""
    key, word = ("false_fail", "false fail") if cells[0]["sound"] else ("miss", "miss")
    return f"{word} " + " · ".join(f"{cell[key]:.0%}".replace("%", " %") for cell in cells)


def _coverage(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield from _head(["interval", "true value", "holds it", "95 % of the count", "against 93–97 %"])
    for line in lines:
        truth = "of each" if line["truth"] is None else value(line["truth"])
        if line["share"] is None:
            yield _line([line["interval"], truth, "not known", "", "never had ends"])
            continue
        why = "" if line["verdict"] == "within" else WHY.get(line["interval"].split(": ")[1], "")
        share, low, high = (f"{100 * line[key]:.1f}" for key in ("share", "low", "high"))
        yield _line([line["interval"], truth, f"{share} % of {line['known']}", f"{low} to {high}",
                     line["verdict"] + (f": {why}" if why else "")])  # fmt: skip


def _split(cell: Mapping[str, Any]) -> str:
    return " / ".join(f"{100 * cell[key] / _draws(cell):.0f}" for key in ("passed", "cannot_say", "failed"))


def _draws(cell: Mapping[str, Any]) -> int:
    return int(cell["passed"] + cell["cannot_say"] + cell["failed"])


def _limits(gate: Mapping[str, Any]) -> str:
    words = {"at_least": "at least", "at_most": "at most"}
    return " and ".join(f"{word} {gate[key]:g}" for key, word in words.items() if gate[key] is not None)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "no gate"


def _head(columns: Sequence[str]) -> Iterator[str]:
    yield _line(columns)
    yield "|" + "---|" * len(columns)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
