"""The verdict on a ledger's decisions as an output of a step, and the three figures that are worst as Markdown.

    python3 .ci/decisions_verdict.py reports/monitoring.json build/monitoring.md

OUT where drift, shifts or detection is, IN where all that were measured are; else CANNOT SAY.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MEASURED = {"drift": "windows", "shifts": "months", "detection": "delta"}  # by a key that only measuring gives
MOST = 3
MIX = "mix of reasons"  # the one shift that is a PSI and no share

Report = dict[str, Any]


def verdict(report: Report) -> str:
    verdicts = {report[part]["verdict"] for part, key in MEASURED.items() if key in report[part]}
    return "OUT" if "OUT" in verdicts else "IN" if verdicts == {"IN"} else "CANNOT SAY"


def worst(report: Report) -> list[str]:
    """The series that are OUT: PSIs of inputs and score before shares, and these before changes of single decisions."""
    each = [sorted(series, reverse=True) for series in (drifted(report), shifted(report), changed(report))]
    return [sentence for series in each for _, sentence in series][:MOST]


def drifted(report: Report) -> Iterator[tuple[float, str]]:
    for name, of_series in report["drift"].get("verdicts", {}).items():
        if of_series == "OUT":
            month = report["drift"]["windows"][-1]
            psi = month["series"][name]["psi"]
            yield psi["value"], f"{name}: {of_psi(psi)}, {month['month']}"


def shifted(report: Report) -> Iterator[tuple[float, str]]:
    for name, of_series in report["shifts"].get("verdicts", {}).items():
        if of_series == "OUT":
            month = [month for month in report["shifts"]["months"] if name in month["series"]][-1]
            now, then = month["series"][name]["now"], month["series"][name]["then"]
            share = (
                f"{now['value']:.1%} ({now['low']:.1%} to {now['high']:.1%}) of {now['n']} decisions, before {then:.1%}"
            )
            yield abs(now["value"] - then), f"{name}: {of_psi(now) if name == MIX else share}, {month['month']}"


def changed(report: Report) -> Iterator[tuple[float, str]]:
    for name, series in report["detection"].get("series", {}).items():
        if series["verdict"] == "OUT":
            last = series["changes"][-1]
            moved = f"from {last['before']:.1%} to {last['after']:.1%} of {series['n']} decisions"
            yield abs(last["after"] - last["before"]), f"{name}: {moved}, noticed on {last['noticed_on']}"


def of_psi(figure: Report) -> str:
    return f"PSI {figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f}), {figure['n']} decisions"


def markdown(report: Report) -> str:
    answer = f"Decisions until {report['as_of']}: **{verdict(report)}**"
    reasons = [f"- {part}: {report[part]['why']}" for part in MEASURED if report[part].get("why")]
    return "\n".join([answer, "", *(f"- {sentence}" for sentence in worst(report)), *reasons, ""])


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    measured = json.loads(source.read_text(encoding="utf-8"))
    target.write_text(markdown(measured), encoding="utf-8")
    print(f"verdict={verdict(measured)}")
