"""The verdict on a ledger's decisions as an output of a step; the three worst figures as Markdown, the worst drawn.

    python3 .ci/decisions_verdict.py reports/monitoring.json build/monitoring.md

OUT where drift, shifts or detection is, IN where all that were measured are; else CANNOT SAY.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picture import blocks, chart

MEASURED = {"drift": "windows", "shifts": "months", "detection": "delta"}  # by a key that only measuring gives
MOST = 3
MIX = "mix of reasons"  # the one shift that is a PSI and no share

Report = dict[str, Any]


def verdict(report: Report) -> str:
    verdicts = {report[part]["verdict"] for part, key in MEASURED.items() if key in report[part]}
    return "OUT" if "OUT" in verdicts else "IN" if verdicts == {"IN"} else "CANNOT SAY"


@dataclass(frozen=True)
class Series:
    """A series that is OUT: how far, what is said of it, and its figure by month. level: what line is drawn there."""

    size: float
    sentence: str
    name: str
    points: tuple[tuple[str, float], ...]
    level: tuple[str, float] | None


def worst(report: Report) -> list[Series]:
    """The series that are OUT: PSIs of inputs and score before shares, and these before changes of single decisions."""
    of_each_kind = (drifted(report), shifted(report), changed(report))
    return [
        each
        for kind in of_each_kind
        for each in sorted(kind, key=lambda series: (series.size, series.sentence), reverse=True)
    ][:MOST]


def drifted(report: Report) -> Iterator[Series]:
    for name, of_series in report["drift"].get("verdicts", {}).items():
        if of_series == "OUT":
            windows = report["drift"]["windows"]
            psi = windows[-1]["series"][name]["psi"]
            yield Series(
                psi["value"],
                f"{name}: {of_psi(psi)}, {windows[-1]['month']}",
                f"{name}: PSI",
                by_month((window["month"], window["series"][name]["psi"]["value"]) for window in windows),
                ("the limit", report["drift"]["threshold"]),
            )


def shifted(report: Report) -> Iterator[Series]:
    for name, of_series in report["shifts"].get("verdicts", {}).items():
        if of_series == "OUT":
            months = [month for month in report["shifts"]["months"] if name in month["series"]]
            now, then = months[-1]["series"][name]["now"], months[-1]["series"][name]["then"]
            share = (
                f"{now['value']:.1%} ({now['low']:.1%} to {now['high']:.1%}) of {now['n']} decisions, before {then:.1%}"
            )
            yield Series(
                abs(now["value"] - then),
                f"{name}: {of_psi(now) if name == MIX else share}, {months[-1]['month']}",
                f"{name}: {'PSI' if name == MIX else 'share'}",
                by_month((month["month"], month["series"][name]["now"]["value"]) for month in months),
                None if name == MIX else ("the share before", then),
            )


def changed(report: Report) -> Iterator[Series]:
    for name, series in report["detection"].get("series", {}).items():
        if series["verdict"] == "OUT":
            last = series["changes"][-1]
            moved = f"from {last['before']:.1%} to {last['after']:.1%} of {series['n']} decisions"
            yield Series(
                abs(last["after"] - last["before"]),
                f"{name}: {moved}, noticed on {last['noticed_on']}",
                f"{name}: share",
                (("before", last["before"]), (f"as noticed on {last['noticed_on']}", last["after"])),
                None,
            )


def by_month(points: Iterable[tuple[str, float | None]]) -> tuple[tuple[str, float], ...]:
    """The months that have a figure."""
    return tuple((month, value) for month, value in points if value is not None)


def of_psi(figure: Report) -> str:
    return f"PSI {figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f}), {figure['n']} decisions"


def markdown(report: Report) -> str:
    answer = f"Decisions until {report['as_of']}: **{verdict(report)}**"
    reasons = [f"- {part}: {report[part]['why']}" for part in MEASURED if report[part].get("why")]
    series = worst(report)
    lines = [f"- {each.sentence} `{blocks([value for _, value in each.points])}`" for each in series]
    return "\n".join([answer, "", *lines, *reasons, "", *drawn(series[:1])])


def drawn(series: Sequence[Series]) -> Iterator[str]:
    """The picture of each series, as GitHub draws it."""
    for each in series:
        line = f" (line: {each.level[0]})" if each.level else ""
        yield chart(each.name + line, each.points, level=each.level[1] if each.level else None) + "\n"


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    measured = json.loads(source.read_text(encoding="utf-8"))
    target.write_text(markdown(measured), encoding="utf-8")
    print(f"verdict={verdict(measured)}")
