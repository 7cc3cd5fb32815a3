"""Which scheduled workflows are due and switched on, as an output of a job; the rest stand on the summary.

SCHEDULE: the cron line that started this run. SWITCHED_ON: names with spaces between, or `all`. A copy of this
repository runs none of them until somebody sets the variable SCHEDULES.
"""

import json
import os
from pathlib import Path

DUE = {
    "17 1 * * *": ("ci", "drift-monitor", "repo-settings"),
    "47 4 * * 1": ("lock", "portable", "risk-model-pipeline", "scorecard", "security"),
    "27 2 * * 6": ("proofs", "retrain"),
    "7 * * * *": ("auto-scaler",),  # part: rollout-local
}


def due(schedule: str, switched_on: str) -> tuple[list[str], list[str]]:
    """Names that run now, and names that would if they were switched on."""
    chosen = switched_on.split()
    names = DUE[schedule]
    runs = [name for name in names if name in chosen or "all" in chosen]
    return runs, [name for name in names if name not in runs]


if __name__ == "__main__":
    runs, off = due(os.environ["SCHEDULE"], os.environ["SWITCHED_ON"])
    print(f"due={json.dumps(runs)}")
    if off:
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(
                f"Not switched on: {', '.join(off)}. To run them: `gh variable set SCHEDULES --body 'NAME NAME'`.\n"
            )
