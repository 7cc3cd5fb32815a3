"""What a pull request costs in runner minutes: the jobs from the YAML, their times measured here.

    python tests/workflows/minutes.py --measure   times, in a clone, each command without a time; half an hour for all
    python tests/workflows/minutes.py             writes the table in docs/workflows.md from what was measured

Bills are in whole minutes for each job, and a minute on Windows counts twice. GitHub's machines were never asked.
"""

import json
import math
import os
import runpy
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from runner import ROOT, git, read

PAGE = ROOT / "docs/workflows.md"
MEASURED = ROOT / "docs/runner-minutes.json"
BEGIN, END = (
    "<!-- from the YAML and docs/runner-minutes.json: python tests/workflows/minutes.py -->\n",
    "<!-- end of minutes -->\n",
)
ASKED = ("ci", "security")  # what starts on a pull request; pr-report follows it
SELDOM = ("removal",)  # on those alone that touch an optional part; not counted
KINDS = {"a usual change": ["src/credit_risk/cli/__init__.py"], "documents only": ["docs/data.md", "README.md"]}
COUNTS = {"windows-2025": 2}
SET_UP = "make setup"
OURS = {
    "./.github/actions/set-up": [SET_UP],
    "./.github/actions/dvc-data": ["make data"],
}
SHARES = {'.ci/test "$SHARD" 2': ("make coverage", 2)}  # a shard takes its part of what all tests take
# What cannot run here, in seconds: an allowance, so that it is not counted as nothing.
ALLOWED = {
    "make audit": 20.0,
    "make workflows-online": 20.0,
    "aquasecurity/trivy-action": 20.0,
    "actions/dependency-review-action": 5.0,
    "github/codeql-action/init": 30.0,
    "github/codeql-action/analyze": 90.0,
    ".ci/coverage-floor build/shards": 8.0,
    ".ci/pull-of-head": 1.0,
    ".venv/bin/python .ci/against_base.py": 15.0,  # the base's stages from DVC's cache, which main's runs left
    ".venv/bin/python .ci/settings_changes.py": 4.0,
    "python3 .ci/comment.py": 3.0,
}
INSTEAD = {  # where nothing is pulled from a registry
    'sudo env "PATH=$PATH" make image': "make image BASE=debootstrap",
}
FIRST = (SET_UP, "make data", "make verdict", "make scorer")  # what others stand on: run in every measurement
MAY_FAIL = ("python3 .ci/all_succeeded.py", "python3 .ci/model_gate.py")  # they judge jobs, and here are none


@dataclass(frozen=True)
class Job:
    """A job as often as its matrix has it, with the commands of one."""

    workflow: str
    name: str
    times: int
    counts: int
    commands: tuple[str, ...]


def planned(paths: list[str]) -> set[str]:
    """The jobs of CI that `.ci/plan` asks for when a pull request changes these paths."""
    plan = runpy.run_path(str(ROOT / ".ci/plan"))["plan"]
    return {"plan", "ci-ok", "model-gate", *plan("pull_request", paths, image=True)["jobs"]}


def starts(workflow: str, paths: list[str]) -> bool:
    """Whether the workflow's `paths-ignore` lets a pull request with these paths start it."""
    ignored = (read(ROOT / f".github/workflows/{workflow}.yml")["on"].get("pull_request") or {}).get("paths-ignore", [])
    return not ignored or not all(
        any(fnmatch(path, pattern.replace("**", "*")) for pattern in ignored) for path in paths
    )


def jobs(paths: list[str]) -> list[Job]:
    """Every job of a pull request that changes these paths."""
    made = []
    for workflow in (*(name for name in ASKED if starts(name, paths)), "pr-report"):
        for name, job in read(ROOT / f".github/workflows/{workflow}.yml")["jobs"].items():
            if workflow != "ci" or name in planned(paths):
                made.append(_job(workflow, name, job))
    return made


def _job(workflow: str, name: str, job: dict[str, Any]) -> Job:
    matrix = job.get("strategy", {}).get("matrix", {})  # on a pull request one Python
    commands = tuple(command for step in job["steps"] for command in _commands(step))
    return Job(workflow, name, len(matrix.get("shard", [1])), COUNTS.get(str(job["runs-on"]), 1), commands)


def _commands(step: dict[str, Any]) -> list[str]:
    action = step.get("uses", "").partition("@")[0]
    if action in ALLOWED:
        return [action]
    run = step.get("run", "").partition(" >>")[0]
    at_no_cost = not run or run.startswith(("echo ", "cat "))
    return OURS.get(action, [] if at_no_cost else [run])


def needed() -> list[str]:
    """Every command that has to be timed, once."""
    commands = [command for paths in KINDS.values() for job in jobs(paths) for command in job.commands]
    commands = [SHARES.get(command, (command, 1))[0] for command in commands]
    return [command for command in dict.fromkeys(commands) if command not in ALLOWED]


def minutes(job: Job, seconds: dict[str, float]) -> int:
    """What is billed for all of a job's runs. Raises KeyError for a command that nobody timed."""
    total = 0.0
    for command in job.commands:
        timed, parts = SHARES.get(command, (command, 1))
        total += (ALLOWED | seconds)[timed] / parts
    return max(math.ceil(total / 60), 1) * job.times * job.counts


def generated(measured: dict[str, Any]) -> str:
    seconds = measured["seconds"]
    billed = {
        kind: {(job.workflow, job.name): minutes(job, seconds) for job in jobs(paths)} for kind, paths in KINDS.items()
    }
    totals = " and ".join(f"**{sum(each.values())}** for {kind}" for kind, each in billed.items())
    lines = [f"| workflow | job | {' | '.join(KINDS)} |", "|---|---|" + "---|" * len(KINDS)]
    for workflow, name in billed["a usual change"]:
        cells = [str(each.get((workflow, name), "")) for each in billed.values()]
        lines.append(f"| {workflow} | {name} | {' | '.join(cells)} |")
    text = f"Billed minutes of a pull request: {totals}, from times of {measured['day']} on {measured['machine']}."
    allowed = ", ".join(f"`{command}` {seconds:.0f} s" for command, seconds in ALLOWED.items())
    return "\n".join([BEGIN, text, "", *lines, "", f"Allowances for what cannot run here: {allowed}.", "", END])


def page(text: str, measured: dict[str, Any]) -> str:
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    return before + generated(measured) + after


def measure() -> None:
    """Run every command that has no time yet in a fresh clone, one after the other, as the jobs would."""
    known = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {"seconds": {}}
    seconds = {command: known["seconds"][command] for command in needed() if command in known["seconds"]}
    with tempfile.TemporaryDirectory() as room:
        root = Path(room) / "repository"
        git(ROOT, "clone", "--quiet", str(ROOT), str(root))
        environment = {**os.environ, "CI": "true", "NEEDS": "{}", "SINCE": "HEAD^1"}
        environment |= {"GITHUB_OUTPUT": os.devnull, "GITHUB_STEP_SUMMARY": os.devnull}
        for command in needed():
            if command in seconds and command not in FIRST:
                continue
            begun = time.monotonic()
            shell = ["bash", "-c", INSTEAD.get(command, command)]
            done = subprocess.run(shell, cwd=root, env=environment, check=False, capture_output=True, text=True)
            took = round(time.monotonic() - begun, 1)
            print(f"{took:7.1f} s  {command}", flush=True)
            if done.returncode and command not in MAY_FAIL:
                said = f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
                sys.exit(f"exit code {done.returncode}: a command that fails takes no time worth knowing\n{said}")
            seconds.setdefault(command, took)
            day, machine = (
                datetime.now(UTC).date().isoformat(),
                f"{os.cpu_count()} shared cores, packages from a near cache",
            )
            told = {"day": day, "machine": machine, "seconds": seconds}
            MEASURED.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--measure" in sys.argv:
        measure()
    found = json.loads(MEASURED.read_text(encoding="utf-8"))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
