"""A gate record for pull requests (Markdown) and for CI tools (JUnit XML): equal records, equal texts.

Both take what `gate` and `compare` write: verdict, checks, and, if there are, title, stale, waivers, notes, digests.
A verdict that blocks is never shown as a list of passes, whatever the checks in the record say.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from credit_risk.measures.verdict.gate import LETS_THROUGH

TITLE = "Promotion gate"
WAIVED = "WAIVED"
KINDS = {"CANNOT SAY": "error", WAIVED: "skipped"}  # of JUnit; whatever else does not pass is a failure
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters XML 1.0 cannot hold
MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~^$])")

Record = Mapping[str, Any]


def markdown(record: Record) -> str:
    """A heading with the verdict, a row for each check, and what the verdict speaks about."""
    lines = [f"## {cell(record.get('title', TITLE))}: {cell(record.get('verdict'))}", ""]
    lines += _changed(record.get("changed"))
    lines += ["| check | verdict | finding |", "|---|---|---|"]
    lines += [f"| {' | '.join(map(cell, finding))} |" for finding in _findings(record)]
    lines += ["", *(f"- {cell(note)}" for note in record.get("notes", []))]
    lines += [f"- {cell(not_needed(each))}" for each in record.get("waivers_not_needed", [])]
    lines += [f"- {cell(skipped['sentence'])}" for skipped in record.get("not_applicable", [])]
    lines += [f"- {cell(contrast['sentence'])}" for contrast in record.get("not_judged", [])]
    lines += [f"- {cell(name)} {cell(value)}" for name, value in sorted(_digests(record).items())]
    return "\n".join(lines).rstrip("\n") + "\n"


def contrasts_not_judged(record: Record) -> list[str]:
    """How many declared contrasts a verdict says nothing of, and which: a sentence without its stop, or none."""
    names = [contrast["contrast"] for contrast in record.get("not_judged", [])]
    count = "1 declared contrast is" if len(names) == 1 else f"{len(names)} declared contrasts are"
    return [f"{count} not judged: {', '.join(names)}"] if names else []


def _changed(changed: Record | None) -> list[str]:
    """What changed since the champion; nothing for a record that does not say."""
    if not changed:
        return []
    lines = [f"**{cell(changed['sentence'])}**", ""]
    if changed["settings"]:
        lines += ["| kind | key | champion | now |", "|---|---|---|---|"]
        columns = ("kind", "key", "old", "new")
        lines += [f"| {' | '.join(cell(each[name]) for name in columns)} |" for each in changed["settings"]]
        lines.append("")
    lines += [f"- {cell(fact_changed(each))}" for each in changed["facts"]]
    return [*lines, ""] if changed["facts"] else lines


def fact_changed(fact: Record) -> str:
    """A fact of rows or decisions, old and new: counts whole, shares in per cent."""
    old, new = (
        "not known" if value is None else f"{value:,.0f}" if "rows" in fact["fact"] else f"{value:.1%}"
        for value in (fact["old"], fact["new"])
    )
    return f"{fact['fact']}: {old} → {new}"


def not_needed(waiver: Record) -> str:
    """A waiver that lets nothing pass now, in a sentence: it is in force all the same."""
    return f"Given and not needed now: a waiver of {waiver['check']} by {waiver['person']} until {waiver['expires']}."


def junit(record: Record) -> str:
    """One test case a check: FAIL is a failure, CANNOT SAY an error, and CI tools stop at both; waived is skipped."""
    title = _text(record.get("title", TITLE))
    cases = [_case(title, *finding) for finding in _findings(record)]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
    }
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": title, **counts})
    properties = ET.SubElement(suite, "properties")
    for name, value in sorted(_digests(record).items()):
        ET.SubElement(properties, "property", {"name": _text(name), "value": _text(value)})
    suite.extend(cases)
    ET.indent(suites)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(suites, encoding='unicode')}\n"


def _findings(record: Record) -> list[tuple[str, str, str]]:
    """Name, verdict and sentence of each check; a verdict that none of them explains is a finding of its own."""
    waivers = {waiver["check"]: waiver for waiver in record.get("waivers", [])}
    findings = [_finding(check, waivers.get(check["name"])) for check in record.get("checks", [])]
    findings += [("stale", "FAIL", sentence) for sentence in record.get("stale", [])]
    if not findings:
        findings.append(("verdict", "FAIL", "nothing was judged, and nothing passes unjudged"))
    elif record.get("verdict") not in LETS_THROUGH and all(verdict in ("PASS", WAIVED) for _, verdict, _ in findings):
        findings.append(("verdict", "FAIL", f"the verdict is {record.get('verdict')}, and no check says why"))
    return findings


def _finding(check: Record, waiver: Record | None) -> tuple[str, str, str]:
    if waiver is None or check["verdict"] == "PASS":
        return check["name"], check["verdict"], check["sentence"]
    who = f"{waiver['person']} ({waiver['role']}) until {waiver['expires']}: {waiver['reason']}"
    return check["name"], WAIVED, f"{check['verdict']}: {check['sentence']} Waived by {who}"


def _case(title: str, name: str, verdict: str, sentence: str) -> ET.Element:
    case = ET.Element("testcase", {"classname": title, "name": _text(name)})
    if verdict != "PASS":
        outcome = ET.SubElement(case, KINDS.get(verdict, "failure"), {"message": _text(sentence)})
        outcome.text = _text(sentence)
        if verdict != WAIVED:
            outcome.set("type", _text(verdict))
    return case


def _digests(record: Record) -> dict[str, str]:
    """What the verdict speaks about, by name."""
    digests = dict(record.get("digests", {}))
    digests |= {name: record[name]["digest"] for name in ("candidate", "baseline") if name in record}
    return digests | ({"test data": record["data"]["sha256"]} if "data" in record else {})


def _text(value: object) -> str:
    return NOT_XML.sub("�", str(value))


def cell(value: object) -> str:
    """Text that Markdown shows as it is, on one line: no markup, HTML, mention or end of a cell."""
    line = " ".join(_text(value).split())
    escaped = MARKUP.sub(r"\\\1", line.replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace(">", "&gt;").replace("@", "@<!-- -->")
