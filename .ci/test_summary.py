"""Write the ten slowest tests of a JUnit report on the run's summary, and annotate each failure at its line."""

import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET  # the report is pytest's own, of this job

ROOT = Path(__file__).resolve().parents[1]


def message(text: str) -> str:
    """Text as a workflow command takes it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def source(case: ET.Element, root: Path = ROOT) -> str | None:
    """The test's file, from the dotted name of its module or class."""
    parts = case.get("classname", "").split(".")
    names = ["/".join(parts[:end]) + ".py" for end in range(len(parts), 0, -1)]
    return next((name for name in names if (root / name).is_file()), None)


def annotations(cases: list[ET.Element], root: Path = ROOT) -> list[str]:
    """An `::error` for every failed test, at the last line of its own file that the traceback names."""
    made = []
    for case in cases:
        failure = next((case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None), None)
        if failure is None:
            continue
        file, text = source(case, root), failure.text or ""
        lines = re.findall(rf"^{re.escape(file)}:(\d+):", text, re.MULTILINE) if file else []
        at = f"file={file},line={lines[-1] if lines else 1}," if file else ""
        made.append(f"::error {at}title={case.get('name')}::{message(failure.get('message', '')[:1000])}")
    return made


def slowest(cases: list[ET.Element], count: int = 10) -> str:
    """A table in Markdown."""
    longest = sorted(cases, key=lambda case: -float(case.get("time", 0)))[:count]
    rows = [f"| {float(case.get('time', 0)):.1f} | {case.get('classname')}.{case.get('name')} |" for case in longest]
    return "\n".join(["", "| seconds | slowest tests |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    report = Path(sys.argv[1])
    if not report.is_file():
        sys.exit(0)  # pytest did not begin, which its own message says
    found = list(ET.parse(report).iter("testcase"))  # noqa: S314
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(slowest(found))
    print(*annotations(found), sep="\n")
