"""Writes the drill in docs/operations.md from build/rollout-drill.json (`make drill`)."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from credit_risk.report.plots import BAD, MODEL, SCORECARD, picture
from credit_risk.report.standalone_svg import standalone

ROOT = Path(__file__).parents[3]
FIGURES = ROOT / "build" / "rollout-drill.json"
PAGE = ROOT / "docs" / "operations.md"
PICTURE = ROOT / "docs" / "pictures" / "rollout.svg"
BEGIN, END = "<!-- from build/rollout-drill.json: make drill -->\n", "<!-- end of drill -->\n"
FAULTS = {
    "slow": "200 ms slower",
    "errors 0.05": "5 % errors",
    "errors 0.30": "30 % errors",
    "crash": "crashes at each request",
    "scores": "scores shifted",
    "approvals": "approves hardly anybody",
}


def generated(found: dict[str, Any]) -> str:
    """The section between the marks."""
    healthy, bad, kills = found["healthy"], found["bad"], found["kills"]
    lines = [
        f"Applicants asked {healthy['per second']:g} times a second, {found['machine']}. "
        f"Failed requests of {healthy['requests']:,} in the sound rollout: **{healthy['failed']}**, in "
        f"{healthy['seconds']:g} s from the command to 100 % and promoted. The achieved share is that of some 2,000",
        "applicants, each in one bucket for the whole rollout.",
        "",
        "| step | seconds | achieved | applicants who met both within it |",
        "|---|---|---|---|",
        *(
            f"| {one['percent']} % | {one['seconds']:g} | {one['achieved']:.1f} % | {one['met both']} |"
            for one in healthy["steps"]
        ),
        "",
        "![Requests, the candidate's share and failures, second by second](pictures/rollout.svg)",
        "",
        "| candidate | back after the fault | failed requests | what stopped it |",
        "|---|---|---|---|",
        *(
            f"| {FAULTS[kind]} | {one['seconds']:g} s | {one['failed']} of {one['of']:,} | {one['cause']} |"
            for kind, one in sorted(bad["kinds"].items(), key=lambda item: list(FAULTS).index(item[0]))
        ),
        "",
        "| killed with -9 | what came of it | failed requests |",
        "|---|---|---|",
        f"| controller, {kills['controller']['kills']} times: {_counted(kills['controller']['in'])} | resumed: "
        f"{_counted(kills['controller']['ended'])}; registry and traffic agreed each time "
        f"| {kills['controller']['failed']} |",
        *(
            f"| {what} | up again after {kills[name]['seconds']:g} s | {kills[name]['failed']} |"
            for name, what in (("service", "one of two replicas"), ("router", "router"))
        ),
        "",
        "| ledger | answered decisions | lost | twice | chain |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {one['ledger']['answered']:,} | {one['ledger']['lost']} | {one['ledger']['twice']} | "
            f"{'holds' if one['ledger']['chain holds'] else 'BROKEN'} |"
            for name, one in (("sound rollout", healthy), ("bad candidates", bad), ("kills", kills))
        ),
        "",
        f"Simulated, where the truth is known, with {found['rate']:g} requests between two looks. A step that is "
        "neither good nor bad after 150 looks is held:",
        "",
        *(f"- {line}" for line in found["simulated"]),
    ]
    return "\n".join([BEGIN, *lines, "", END])


def _counted(kinds: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def page(text: str, found: dict[str, Any]) -> str:
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    return before + generated(found) + after


def drawn(timeline: list[dict[str, float]]) -> str:
    """The picture as a file: second by second, what each colour answered, and what failed."""
    alt = "Requests a second of the live version and of the candidate, step by step, and failures"
    return standalone(str(picture("rollout", alt, partial(_stack, timeline=timeline), (7.2, 2.6))))


def _stack(figure: Figure, timeline: list[dict[str, float]]) -> None:
    axes = figure.subplots()
    seconds = [one["second"] for one in timeline]
    candidate = [one["candidate"] for one in timeline]
    live = [one["requests"] - one["candidate"] - one["failed"] for one in timeline]
    axes.stackplot(seconds, live, candidate, labels=["live version", "candidate"], colors=[MODEL, SCORECARD])
    axes.plot(seconds, [one["failed"] for one in timeline], color=BAD, label="failed")
    axes.set(xlabel="Seconds", ylabel="Requests a second", ylim=(0, None), xlim=(0, max(seconds)))
    figure.legend(loc="outside upper right", ncols=3)


if __name__ == "__main__":
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    PICTURE.write_text(drawn(figures["healthy"]["timeline"]), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")
