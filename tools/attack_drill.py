"""Try every attack of docs/threat-model.md and write what became of each into docs/serving.md.

    python tools/attack_drill.py          exit 1 if an attack got through, or could not be tried

An attack is a test, which the threat model names. It is held or refused where all cases of its test pass.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[1]
MODEL, PAGE, RESULTS = ROOT / "docs/threat-model.md", ROOT / "docs/serving.md", ROOT / "build/attack-drill.xml"
LINE = re.compile(
    r"^\| (?P<who>[^|]+) \| (?P<tries>[^|]+) \| (?P<answer>held|refused|found) \| `(?P<test>[^`]+)` \|(?P<mark>.*)$",
    re.M,
)
BEGIN, END = "<!-- from make attack-drill -->\n", "<!-- end of attack-drill -->"


@dataclass(frozen=True)
class Attack:
    """A line of the threat model: who tries what, how it should end, and the test (file::name) that tries it."""

    who: str
    tries: str
    answer: str
    test: str
    mark: str


def attacks(text: str) -> list[Attack]:
    """Every attack of the threat model. Raises ValueError for a row of its table that is none."""
    listed = [Attack(**line.groupdict()) for line in LINE.finditer(text)]
    table = text.partition("## Held and refused")[2].partition("## ")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ")][1:]
    if len(rows) != len(listed) or not listed:
        raise ValueError(f"{len(rows)} rows, of which {len(listed)} name who, what, held, refused or found, and a test")
    return listed


def outcomes(report: ET.Element) -> dict[str, Counter[str]]:
    """How the cases of each test ended, by file::name, from pytest's JUnit report."""
    ended: dict[str, Counter[str]] = {}
    for case in report.iter("testcase"):
        path = case.get("classname", "").replace(".", "/")
        name = f"{path}.py::{case.get('name', '').partition('[')[0]}"
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        ended.setdefault(name, Counter())[min(kinds, default="passed")] += 1
    return ended


def result(attack: Attack, ended: Mapping[str, Counter[str]]) -> tuple[int, str]:
    """How many cases were tried, and what became of them."""
    cases = ended.get(attack.test, Counter())
    if cases["failure"] or cases["error"]:
        return cases.total(), "GOT THROUGH"
    return cases["passed"], attack.answer if cases["passed"] else "NOT TRIED"


def table(tried: Sequence[Attack], ended: Mapping[str, Counter[str]]) -> str:
    """The table of docs/serving.md."""
    rows = ["| who | tries to | cases | |", "|---|---|---|---|"]
    for attack in tried:
        cases, answer = result(attack, ended)
        rows.append(f"| {attack.who} | {attack.tries} | {cases:,} | {answer} |{attack.mark}")
    return "\n".join(rows) + "\n"


def main() -> int:
    tried = attacks(MODEL.read_text(encoding="utf-8"))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", f"--junitxml={RESULTS}", *(each.test for each in tried)]
    subprocess.run(command, cwd=ROOT, check=False)
    ended = outcomes(ET.parse(RESULTS).getroot()) if RESULTS.is_file() else {}  # noqa: S314  (our own pytest wrote it)
    head, mark, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{head}{mark}\n{table(tried, ended)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    wrong = [attack for attack in tried if result(attack, ended)[1] != attack.answer]
    for attack in wrong:
        print(f"{result(attack, ended)[1]}: {attack.who} tries to {attack.tries} ({attack.test})")
    print(f"{len(tried) - len(wrong)} of {len(tried)} attacks are held, refused or found")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
