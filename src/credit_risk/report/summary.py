"""The closing screen of `make run`: headline figures with intervals, the gate's verdict, where the report is."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from credit_risk.config import Config
from credit_risk.config.dotted import lookup
from credit_risk.config.open_decisions import trial_notice
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import NotFound
from credit_risk.measures.verdict.wording import HEADLINES
from credit_risk.report.gate_output import contrasts_not_judged, fact_changed, not_needed

STARS = {"approval_rate": "*", "profit_per_application": "*", "final_profit_per_application": "**"}  # see below
OF_GATE = ("verdict", "checks", "stale", "waivers", "waivers_not_needed", "not_applicable", "not_judged")
NO_PAGE = "These figures came with the repository, its page did not: `make run` makes both anew."
MOST_CHANGES = 12  # keys on the screen
STYLES = {"PASS": "green", "PASS WITH WAIVERS": "bold yellow", "FAIL": "bold red", "CANNOT SAY": "bold yellow"}


def screen(config: Config, files: Files) -> RenderableType:
    """What a person sees when the pipeline has ended. Raises NotFound if it has not."""
    metrics, gate, split = _reports(files)
    lines: list[RenderableType] = [Text(config.project.title, style="bold")]
    if trial := trial_notice(config.undecided):
        lines.append(Text(trial, style="bold yellow"))
    lines += [*_changed(gate.get("changed", {})), _figures(metrics), _checks(gate)]
    lines += [Text(not_needed(waiver), style="yellow") for waiver in gate.get("waivers_not_needed", [])]
    lines += [Text(skipped["sentence"]) for skipped in gate["not_applicable"]]
    lines += [Text(contrast["sentence"], style="yellow") for contrast in gate.get("not_judged", [])]
    lines.append(Text(f"The candidate is the {metrics['kind']}; its challengers stand beside it."))
    if not split["out_of_time"]:
        lines.append(Text(f"No out-of-time test: {split['why_random']}."))
    lines.append(Text("* before referrals and policy rules; ** as a share of the exposure"))
    verdict = Text("The gate says ") + Text(gate["verdict"], style=STYLES[gate["verdict"]]) + Text(".")
    if config.undecided:
        verdict += Text(" It is not promotable: a person has to decide, and read, what stands above.")
    page = f"Report: {files.page}" if files.page.is_file() else NO_PAGE
    return Group(*lines, verdict, Text(page))


def facts(config: Config, files: Files) -> dict[str, Any]:
    """What the screen says, for a program: figures with their interval, and the gate's verdict. Raises NotFound."""
    metrics, gate, split = _reports(files)
    return {
        "project": config.project.name,
        "trial": trial_notice(config.undecided) or None,
        "kind": metrics["kind"],
        "confidence": metrics["information"]["confidence"],
        "figures": {
            name: {
                "value": lookup(metrics, f"test.{name}"),
                "low": lookup(metrics, f"test.{name}_low"),
                "high": lookup(metrics, f"test.{name}_high"),
                "challengers": {kind: lookup(metrics, f"challengers.{kind}.{name}") for kind in metrics["challengers"]},
            }
            for name in HEADLINES
        },
        "out_of_time": split["out_of_time"],
        "gate": {name: gate.get(name) for name in OF_GATE},
        "report": str(files.page),
    }


def _reports(files: Files) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    for name in ("metrics", "gate", "preparation"):
        if not files.report(name).is_file():
            raise NotFound(files.report(name), "The pipeline has not run to its end: run `make run`.")
    metrics, gate = read_json(files.report("metrics")), read_json(files.report("gate"))
    return metrics, gate, read_json(files.report("preparation"))["split"]


def _figures(metrics: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left")
    challengers = sorted(metrics["challengers"], key="logistic".__eq__)  # the floor last
    for heading in ("on the test rows", metrics["kind"], "95 % interval", *challengers):
        table.add_column(heading, justify="left" if heading == "on the test rows" else "right")
    table.columns[2].header = f"{metrics['information']['confidence']:.0%} interval"
    for name, label in HEADLINES.items():
        low, high = (lookup(metrics, f"test.{name}_{end}") for end in ("low", "high"))
        others = [_number(lookup(metrics, f"challengers.{kind}.{name}")) for kind in challengers]
        interval = "not known" if low is None or high is None else f"{low:.4f} to {high:.4f}"
        table.add_row(label + STARS.get(name, ""), _number(lookup(metrics, f"test.{name}")), interval, *others)
    return table


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"


def _changed(changed: Mapping[str, Any]) -> list[RenderableType]:
    """What changed since the champion, the most serious keys first; the page has all of them."""
    if not changed:
        return []
    lines: list[RenderableType] = [Text(changed["sentence"], style="yellow" if changed["settings"] else "")]
    lines += [Text(f"  {each['key']}: {each['old']} → {each['new']}") for each in changed["settings"][:MOST_CHANGES]]
    if (more := len(changed["settings"]) - MOST_CHANGES) > 0:
        lines.append(Text(f"  and {more} more keys: see the page"))
    return lines + [Text(f"  {fact_changed(each)}") for each in changed["facts"]]


def _checks(gate: dict[str, Any]) -> RenderableType:
    """How many checks pass, and each that does not."""
    blocking = [check for check in gate["checks"] if check["verdict"] != "PASS"]
    counted = f"{len(gate['checks']) - len(blocking)} of {len(gate['checks'])} checks pass"
    passed = Text("; ".join([counted, *contrasts_not_judged(gate)]) + ".")
    if not blocking and not gate["stale"]:
        return passed
    table = Table(box=None, pad_edge=False)
    for heading in ("gate", "verdict", "finding"):
        table.add_column(heading)
    for check in blocking:
        table.add_row(check["name"], Text(check["verdict"], style=STYLES[check["verdict"]]), check["sentence"])
    for sentence in gate["stale"]:
        table.add_row("stale", Text("FAIL", style=STYLES["FAIL"]), sentence)
    waived = [
        Text(f"Waived: {waiver['check']} by {waiver['person']} until {waiver['expires']}") for waiver in gate["waivers"]
    ]
    return Group(passed, table, *waived)
