"""What happens on the days on which the real service runs: a rollout, a replica that dies, an erasure.

What people do follows a script, by the commands that they would give.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from credit_risk.errors import CheckFailed
from credit_risk.rollout.record.state import RolloutRecord
from credit_risk.simulation.events import Event
from credit_risk.simulation.processes import PATIENCE_S, LiveService, Processes, until

KIM, ADA = ("--by", "Kim Lee", "--reason"), ("--by", "Ada Berg", "--reason")
DOWN = "CreditRiskDown"
DIES = "blue-1", "green-1"
SOME, SLOW_S, FAST_S = 0.3, 0.5, 0.05  # of the month's applications before a rollout, and the time between two


@dataclass
class Applications:
    """The applications of a month that are still to be decided, and the answers so far. inputs: names of columns."""

    rows: pd.DataFrame
    inputs: list[str]
    answers: list[dict[str, Any]]

    @property
    def left(self) -> int:
        return len(self.rows) - len(self.answers)

    def ask(self, service: LiveService, most: int) -> None:
        """Let the next applicants ask."""
        first = len(self.answers)
        part = self.rows.iloc[first : first + most]
        ids = part[["application_id", "applicant_id"]].astype(str).itertuples(index=False)
        for (application, applicant), inputs in zip(ids, _records(part[self.inputs]), strict=True):
            self.answers.append(service.decide(application, applicant, inputs))


def _records(part: pd.DataFrame) -> Iterator[dict[str, Any]]:
    yield from json.loads(part.to_json(orient="records"))


def register(processes: Processes, day: date, root: Path, why: str) -> str:
    """A scorer of some root into the lender's registry, as a challenger; its version."""
    output = processes.run(day, "register", *KIM, why, root=root)
    version = output.split()[1].rstrip(":")
    processes.run(day, "registry nominate", version, *ADA, why)
    return version


def roll_out(service: LiveService, version: str, applications: Applications) -> tuple[bool, str]:
    """Bring a version into traffic while applicants ask; whether it has all of it, and a sentence that says so."""
    begun, failed = time.monotonic(), service.failed
    why = "passed its gates and the comparison"
    deploy = service.processes.begin(service.day, "deploy", "--model-version", version, *ADA, why)
    record, left = RolloutRecord(service.processes.root / "build" / "delivery"), applications.left
    while deploy.poll() is None and time.monotonic() - begun < PATIENCE_S:
        state = record.load()
        in_traffic = state is not None and state.candidate == version and state.percent > 0
        if in_traffic or applications.left > left * (1 - SOME):
            applications.ask(service, 1)
        time.sleep(FAST_S if in_traffic else SLOW_S)
    took = (
        f"in {time.monotonic() - begun:.0f} s, {service.failed - failed} of {left - applications.left} requests failed"
    )
    return _ended(deploy, record, service, version, took)


def _ended(
    deploy: subprocess.Popen[bytes], record: RolloutRecord, service: LiveService, version: str, took: str
) -> tuple[bool, str]:
    if deploy.poll() is None:
        service.processes.run(service.day, "deploy abort", *ADA, "too few applications to prove it")
        deploy.wait(PATIENCE_S)
    state = record.load()
    if deploy.returncode == 0 and state is not None:
        steps = ", ".join(f"{percent} %" for percent in state.steps)
        return True, f"version {version} by steps of {steps} into all traffic {took}"
    cause = state.cause if state is not None and state.candidate == version else "see deploy.log"
    return False, f"version {version} went back {took}: {cause}"


def lose_a_replica(service: LiveService, applications: Applications, day: date) -> Event:
    """A replica is killed and cannot start again, until the alarm has called a person who restores its release."""
    event = Event("A replica dies, and what it would start from is damaged", day.isoformat())
    processes, failed = service.processes, service.failed
    until(service.is_watched, "Prometheus has seen both replicas")
    name = next(each["process"] for each in service.facts()["processes"] if each["process"] in DIES)
    scorer = (
        processes.root / "build" / "delivery" / "colours" / name.split("-")[0] / "models" / "scorer" / "scorer.json"
    )
    kept = scorer.read_bytes()
    scorer.write_text("{}", encoding="utf-8")
    begun, left = time.monotonic(), applications.left
    service.kill(name)
    while not processes.pager.has(DOWN) and time.monotonic() - begun < PATIENCE_S:
        applications.ask(service, 1)
        time.sleep(SLOW_S)
    called = time.monotonic() - begun
    scorer.write_bytes(kept)
    until(lambda: service.replica(name)["in_traffic"], f"{name} serves again")
    alarm = next((each for each in processes.pager.alarms if each["name"] == DOWN), None)
    if alarm:
        event.noticed, event.by, event.runbook = day.isoformat(), f"{DOWN}, {called:.0f} s later", alarm["runbook"]
    event.done = (
        f"release restored (script), in traffic again after {time.monotonic() - begun:.0f} s; meanwhile "
        f"{service.failed - failed} of {left - applications.left} requests failed, the other replica answered"
    )
    event.cost = 0.0 if service.failed == failed else None
    return event


def erase(service: LiveService, applicant: str, decision_id: str, day: date) -> Event:
    """A person asks to be forgotten: their key is destroyed, and the running service knows the facts alone."""
    before = service.decision_of(decision_id)
    processes = service.processes
    processes.run(day, "ledger erase", "--applicant", applicant)
    after = service.decision_of(decision_id)
    verified = json.loads(processes.run(day, "ledger verify", "--json"))
    gone = "cannot be read" if before.get("inputs") and not after.get("inputs") else "CAN STILL BE READ"
    return Event(
        "A person asks to be forgotten",
        *(day.isoformat(), day.isoformat(), "the request"),
        f"the running service was asked before and after: the inputs {gone}; the chain of {verified['entries']:,} "
        f"entries {'holds' if verified['holds'] else 'DOES NOT HOLD'}",
        runbook="docs/ledger.md#erasing-a-person",
    )


def refused_by_registry(processes: Processes, day: date, scorer: Path, scratch: Path) -> str:
    """Somebody puts a scorer that no gate has judged beside the champion's record and registers it; the refusal."""
    for folder in ("configs", "models", "reports"):
        shutil.copytree(processes.root / folder, scratch / folder)
    (scratch / "src").symlink_to((processes.root / "src").resolve(), target_is_directory=True)
    shutil.rmtree(scratch / "models" / "scorer")
    shutil.copytree(scorer, scratch / "models" / "scorer")
    try:
        version = register(processes, day, scratch, "it ranks better, says whoever made it")
    except CheckFailed as refusal:
        return f"the registry refuses it: {refusal}"
    return f"THE REGISTRY TOOK IT as version {version}"
