"""Annotate each gate that does not pass at its line of configs/credit.yaml; say the verdict as output of a step.

A committed report that this run, which measured everything anew, does not confirm is annotated too: the verdict is by
what was measured, and whoever reads the repository should not read another figure.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

TIMED = {"reports/gate.json", "reports/latency.json"}  # times and dates of a run, which the next one cannot repeat


def line_of(name: str, config: str) -> int:
    """The line under `gates:` that names the gate; 1 for one that the config does not declare."""
    before, _, gates = config.partition("\ngates:")
    named = re.compile(rf"\bname: *[\"']?{re.escape(name)}[\"']?\s*(?:[,}}#]|$)")
    first = before.count("\n") + 2
    return next((number for number, line in enumerate(gates.splitlines(), first) if named.search(line)), 1)


def annotations(gate: dict, config: str) -> list[str]:
    """A workflow command for each check that did not pass."""
    made = []
    for check in gate["checks"]:
        if check["verdict"] != "PASS":
            where = f"file=configs/credit.yaml,line={line_of(check['name'], config)}"
            text = f"{check['verdict']}: {check.get('sentence', '')}".replace("%", "%25").replace("\n", "%0A")
            made.append(f"::warning {where},title=Gate {check['name']}::{text}")
    return made


def unconfirmed(changed: Iterable[str]) -> list[str]:
    """A workflow command for each report among these paths, which git says are not as committed."""
    text = "title=Not what this run measured::Run `make run` on this commit, see what differs, and commit the reports."
    return [f"::warning file={path},{text}" for path in changed if path.endswith(".json") and path not in TIMED]


if __name__ == "__main__":
    record = json.loads(Path("reports/gate.json").read_text(encoding="utf-8"))
    print(*annotations(record, Path("configs/credit.yaml").read_text(encoding="utf-8")), sep="\n", file=sys.stderr)
    if os.environ["SOURCE"] == "own":  # the simulated lender's are in nobody's commit
        changed = subprocess.check_output(["git", "diff", "--name-only", "--", "reports"], text=True)
        print(*unconfirmed(changed.splitlines()), sep="\n", file=sys.stderr)
    print(f"verdict={record['verdict']}")
