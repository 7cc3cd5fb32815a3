"""What a pull request costs in runner minutes: the jobs from the YAML, their times measured here.

    python tests/workflows/minutes.py --measure   times, in a clone, each command without a time; half an hour for all
    python tests/workflows/minutes.py             writes the table in docs/workflows.md from what was measured

Bills are in whole minutes for each job, and a minute on Windows counts twice. GitHub's machines were never asked.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner import ROOT, git, read

PAGE = ROOT / "docs/workflows.md"
MEASURED = ROOT / "docs/runner-minutes.json"
BEGIN, END = (
    "<!-- from the YAML and docs/runner-minutes.json: python tests/workflows/minutes.py -->\n",
    "<!-- end of minutes -->\n",
)
ASKED = ("ci", "security", "risk-model-pipeline")  # what starts on a pull request; pr-report follows it
SELDOM = ("removal",)  # on those alone that touch an optional part; not counted
COUNTS = {"windows-2025": 2}
NEVER_THEN = "github.event_name != 'pull_request'"
SET_UP = "make setup"
OURS = {"./.github/actions/set-up": [SET_UP], "./.github/actions/dvc-data": ["make data"]}
ELSEWHERE = {  # billed a minute at least, and never run here
    ("ci", "windows"): "on Windows",
    ("security", "audit"): "asks the database of advisories",
    ("security", "trivy"): "fetches its database",
    ("security", "codeql"): "runs on GitHub alone",
    ("security", "dependencies"): "GitHub compares the dependencies",
    ("pr-report", "comment"): "follows a run on GitHub",
}


INSTEAD = {  # where nothing is pulled from a registry
    'sudo env "PATH=$PATH" make image': "make image BASE=debootstrap",
}
FIRST = (SET_UP, "make data", "make scorer")  # what others stand on: run in every measurement
MAY_FAIL = ("python3 .ci/all_succeeded.py",)  # it judges jobs, and here are none


@dataclass(frozen=True)
class Job:
    """A job as often as its matrix has it, with the commands of one."""

    workflow: str
    name: str
    times: int
    counts: int
    commands: tuple[str, ...]


def jobs() -> list[Job]:
    """Every job of a pull request, those of called workflows in their caller's place."""
    found = []
    for workflow in (*ASKED, "pr-report"):
        for name, job in read(ROOT / f".github/workflows/{workflow}.yml")["jobs"].items():
            if job.get("if") == NEVER_THEN:
                continue
            called = job.get("uses")
            made = read(ROOT / called)["jobs"] if called else {name: job}
            found += [part for one in made.values() for part in _parts(workflow, name, one)]
    return found


def _parts(workflow: str, name: str, job: dict[str, Any]) -> list[Job]:
    """One job, or one for each command where a matrix names the command."""
    counts = COUNTS.get(str(job["runs-on"]), 1)
    commands = [command for step in job["steps"] for command in _commands(step)]
    matrix = job.get("strategy", {}).get("matrix", {})
    if targets := matrix.get("target"):
        told = [tuple(command.replace('"$TARGET"', target) for command in commands) for target in targets]
        return [Job(workflow, f"{name} ({target})", 1, counts, one) for target, one in zip(targets, told, strict=True)]
    times = len(json.loads(_plan()["pythons"])) if "python" in matrix else 1
    return [Job(workflow, name, times, counts, tuple(commands))]


def _commands(step: dict[str, Any]) -> list[str]:
    return OURS.get(step.get("uses", ""), [step["run"]] if "run" in step else [])


def _plan() -> dict[str, str]:
    said = subprocess.run([ROOT / ".ci/plan"], capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in said.splitlines())


def here(job: Job) -> bool:
    return (job.workflow, job.name) not in ELSEWHERE


def needed() -> list[str]:
    """Every command that has to be timed, once."""
    return list(dict.fromkeys(command for job in jobs() if here(job) for command in job.commands))


def minutes(job: Job, seconds: dict[str, float]) -> int:
    """What is billed for all of a job's runs. Raises KeyError for a command that nobody timed."""
    whole = math.ceil(sum(seconds[command] for command in job.commands) / 60) if here(job) else 1
    return max(whole, 1) * job.times * job.counts


def generated(measured: dict[str, Any]) -> str:
    seconds = measured["seconds"]
    lines = ["| workflow | job | runs | billed minutes | |", "|---|---|---|---|---|"]
    total = 0
    for job in jobs():
        billed = minutes(job, seconds)
        total += billed
        why = "" if here(job) else f"not measured: {ELSEWHERE[job.workflow, job.name]}"
        lines.append(f"| {job.workflow} | {job.name} | {job.times} | {billed} | {why} |")
    said = (
        f"A pull request costs about **{total} billed minutes**, measured {measured['day']} on {measured['machine']}."
    )
    return "\n".join([BEGIN, said, "", *lines, "", END])


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
        environment = {**os.environ, "CI": "true", "NEEDS": "{}", "GITHUB_OUTPUT": os.devnull}
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
