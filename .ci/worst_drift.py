"""The three columns of a drift report that have moved most as Markdown, the worst first, and a picture of them.

python3 .ci/worst_drift.py build/drift.json >build/drift.md
"""

import json
import sys
from pathlib import Path
from typing import Any

from picture import blocks, chart

MOST = 3


def markdown(columns: list[dict[str, Any]]) -> str:
    worst = sorted(columns, key=lambda column: -column["psi"])[:MOST]
    if not worst:
        return "No column was compared.\n"
    lines = [
        f"- {each['column']}: PSI {each['psi']:.3f} ({each['low']:.3f} to {each['high']:.3f}), {each['rows']} rows, "
        f"{each['verdict']}; most in {each['moved']}"
        for each in worst
    ]
    bars = blocks([each["psi"] for each in worst])
    drawn = chart("PSI (line: the limit)", [(_["column"], _["psi"]) for _ in worst], level=worst[0]["threshold"])
    return "\n".join([*lines, "", f"`{bars}`", "", drawn, ""])


if __name__ == "__main__":
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(markdown(report["drift"]["columns"]))
