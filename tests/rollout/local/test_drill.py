"""`make drill`: rollouts under a constant load of applicants, sound ones and bad ones, with controllers, services and
the router killed. What it measures is written to build/rollout-drill.json; docs/operations.md shows it.

It takes half an hour and two cores, so `make ci` leaves it out; the parts are tested by themselves.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.data import digest
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from credit_risk.registry.lifecycle import standing
from credit_risk.rollout.evidence import power
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.supervisor import known
from credit_risk.rollout.record.state import RolloutRecord, RolloutState
from credit_risk.rollout.settings import validate_environment_config
from registry_trial import assemble_again, empty_registry, files, move_version, opened, registered
from rollout_trial import ADA, KEY, Applicants, write_environment
from tools import HAPROXY, needed

__all__ = ["empty_registry", "files", "opened", "registered"]
pytestmark = pytest.mark.skipif("DRILL" not in os.environ, reason="takes half an hour: make drill")

ROOT = Path(__file__).parents[3]
FIGURES = ROOT / "build" / "rollout-drill.json"
FAULTS = Path(__file__).parent / "faults"
RATE = 230.0
HEALTHY, BAD = [5, 10, 25, 50, 100], [10, 25, 50, 100]
KINDS = ("slow", "errors 0.05", "errors 0.30", "crash", "scores", "approvals")
PHASES = ("fetch", "shadow", "start", "start", "smoke", "traffic", "traffic", "bake", "promote", "retire")
KILLS = int(os.environ.get("DRILL_KILLS", "10"))  # one in each of these phases, in turn
PATIENCE = 400
MOVED_WITHIN = 1.5  # seconds from the event of a step to the router's map: a tick of the controller, with room


@dataclass
class Field:
    """The machine under the drill: two versions registered, the first with the traffic."""

    root: Path
    port: int
    fault: Path
    digests: dict[str, str]
    opened: Any

    @property
    def folder(self) -> LocalFolder:
        return LocalFolder(self.root)

    @property
    def record(self) -> RolloutRecord:
        return RolloutRecord(self.folder.run)

    def percent(self) -> float:
        """The candidate's share as the router's map has it."""
        split = self.folder.router.split()
        return max(split.end - split.first, 0) / 100

    def deploy(self, *words: str) -> subprocess.Popen[bytes]:
        """The command as a person gives it, in a process of its own."""
        command = [sys.executable, "-m", "credit_risk.cli", "deploy", *words, "--root", str(self.root), *ADA]
        with (self.root / "deploy.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def reset(self) -> None:
        """Version 1 has the traffic again and is champion; nothing is left of a candidate's fault."""
        self.fault.unlink(missing_ok=True)
        if standing(self.opened.events()).champion != 1:
            assert main(["rollback", "--root", str(self.root), *ADA]) == 0
            move_version(self.opened, "nominate", "2")
        assert self.folder.versions()[self.live()] == "1"

    def live(self) -> str:
        return next(colour for colour, version in self.folder.versions().items() if version == "1")


@pytest.fixture
def drilled() -> Iterator[dict[str, Any]]:
    """What is measured, beside what other parts have found; each part is written when it is done."""
    before = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else {}
    found: dict[str, Any] = before | {"rate": RATE, "machine": f"{os.cpu_count()} shared cores"}
    yield found
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


@pytest.fixture
def field(files, registered, opened, monkeypatch, tmp_path):
    """Two versions of one lender's scorer that decide nearly alike; the first is up, whatever ends it is ended."""
    needed(HAPROXY, "haproxy (Debian package haproxy)")
    fault = tmp_path / "fault"
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    monkeypatch.setenv("DRILL_FAULT", str(fault))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FAULTS), os.environ.get("PYTHONPATH", "")]))
    registered()
    for move in ("nominate", "promote"):
        move_version(opened, move, "1")
    port = write_environment(files.root)
    restore_analysis(files.root / "configs" / "deploy" / "local.yaml", BAD)
    digests = {"1": digest.of_directory(files.scorer)}
    assert main(["up", "--no-alarms", "--root", str(files.root), "--model-version", "champion"]) == 0
    assemble_again(files, lgd=0.505)
    registered()
    digests["2"] = digest.of_directory(files.scorer)
    move_version(opened, "nominate", "2")
    try:
        yield Field(files.root, port, fault, digests, opened)
    finally:
        fault.unlink(missing_ok=True)
        assert main(["down", "--root", str(files.root)]) == 0


def restore_analysis(path: Path, steps: list[int], bake_s: float = 10) -> None:
    """The shipped analysis, not the loose one of the quick test, with these steps; two replicas, as in production."""
    yaml = YAML()
    tree = yaml.load(path)
    own = yaml.load(Path(__file__).parents[1] / "environments" / "local.yaml")["rollout"]
    tree["rollout"]["analysis"] = own["analysis"]
    tree["rollout"] |= {"steps": steps, "step_s": 3, "bake_s": bake_s}
    tree["scaling"]["min_replicas"] = 2
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(tree, stream)


def ended(field: Field, process: subprocess.Popen[bytes], patience: float = PATIENCE) -> str:
    process.wait(timeout=patience)
    state = field.record.load()
    assert state is not None
    assert state.ended, (field.root / "deploy.log").read_text()[-2000:]
    return state.phase


def ledger_of(field: Field, asking: Applicants) -> dict[str, Any]:
    """Whether every answered decision stands in the ledger, and stands there once."""
    answered = {one.decision for one in asking.answers if one.status == 200}
    with Ledger.open(f"sqlite:///{field.root / 'build/ledger/ledger.db'}", key=bytes.fromhex(KEY)) as ledger:
        holds = verify(ledger).holds
        people = {one.applicant for one in asking.answers}
        recorded = [one.decision_id for person in people for one in ledger.decisions_about(person)]
    return {
        "chain holds": holds,
        "answered": len(answered),
        "lost": len(answered - set(recorded)),
        "twice": len(recorded) - len(set(recorded)),
    }


def steps_of(field: Field, rollout: str) -> list[tuple[float, int]]:
    """When each share of traffic began, from the audit trail."""
    found = []
    for event in field.record.events():
        if event.rollout == rollout and event.what.endswith("% traffic"):
            at = time.mktime(time.strptime(event.at[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
            found.append((at + float("0" + event.at[19:23]), int(event.what.split()[0])))
    return found


def test_a_sound_rollout(field, drilled):
    restore_analysis(field.root / "configs" / "deploy" / "local.yaml", HEALTHY)
    with Applicants(field.port, RATE) as asking:
        time.sleep(8)
        begun = time.time()
        assert ended(field, field.deploy("--model-version", "2")) == "done"
        done = time.time()
        time.sleep(2)
    state = field.record.load()
    edges = [*steps_of(field, state.id), (done, 100)]
    steps = [
        {
            "percent": percent,
            "seconds": round(after - start, 1),
            "achieved": round(100 * asking.share(field.digests["2"], start + MOVED_WITHIN, after), 2),
            "met both": asking.met_both(start + MOVED_WITHIN, after),
        }
        for (start, percent), (after, _) in pairwise(edges)
    ]
    drilled["healthy"] = {
        "requests": len(asking.answers),
        "per second": round(len(asking.answers) / (asking.answers[-1].at - asking.answers[0].at), 1),
        "failed": len(asking.failed()),
        "seconds": round(done - begun, 1),
        "steps": steps,
        "timeline": timeline(asking, field.digests["2"]),
        "ledger": ledger_of(field, asking),
    }
    print(json.dumps(drilled["healthy"] | {"timeline": "…"}, indent=2))
    assert asking.failed() == []
    assert [one["met both"] for one in steps] == [0] * len(steps)
    assert drilled["healthy"]["ledger"] | {"answered": 0} == {"chain holds": True, "answered": 0, "lost": 0, "twice": 0}


def timeline(asking: Applicants, candidate: str) -> list[dict[str, float]]:
    """Second by second: requests, the candidate's share, failures."""
    first = asking.answers[0].at
    seconds: dict[int, list[Any]] = {}
    for one in asking.answers:
        seconds.setdefault(int(one.at - first), []).append(one)
    return [
        {
            "second": second,
            "requests": len(them),
            "candidate": sum(one.scorer == candidate for one in them),
            "failed": sum(one.status != 200 for one in them),
        }
        for second, them in sorted(seconds.items())
    ]


def test_bad_candidates_go_back_by_themselves(field, drilled):
    found = {}
    with Applicants(field.port, RATE, seed=2) as asking:
        time.sleep(8)
        for kind in KINDS:
            process = field.deploy("--model-version", "2")
            wait_for(lambda: field.percent() >= BAD[0], process)
            time.sleep(1)
            field.fault.write_text(kind)
            begun = time.time()
            wait_for(lambda: field.record.load().phase in ("rolling back", "rolled back"), process)
            wait_for(lambda: field.percent() == 0, process)
            back = time.time()
            assert ended(field, process) == "rolled back"
            state = field.record.load()
            failed = asking.failed(begun, back + 2)
            found[kind] = {
                "seconds": round(back - begun, 1),
                "failed": len(failed),
                "of": sum(1 for _ in asking.between(begun, back + 2)),
                "cause": state.cause,
            }
            print(kind, found[kind])
            field.reset()
            assert asking.failed(back + 2) == []
    found_ledger = ledger_of(field, asking)
    drilled["bad"] = {"kinds": found, "ledger": found_ledger}
    assert set(found) == set(KINDS)
    assert (found_ledger["lost"], found_ledger["twice"], found_ledger["chain holds"]) == (0, 0, True)


def wait_for(what, process: subprocess.Popen[bytes], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not what():
        assert time.monotonic() < deadline, "it did not come to it"
        if process.poll() is not None and not what():
            raise AssertionError("the controller ended before it came to it")
        time.sleep(0.02)


def test_killed_controllers_services_and_routers(field, drilled):
    """The state on disk is what is tried here, not the analysis: two steps and a short bake."""
    restore_analysis(field.root / "configs" / "deploy" / "local.yaml", [50, 100], bake_s=3)
    rng, found = random.Random(5), dict[str, Any]()
    ends, phases = list[str](), list[str]()
    with Applicants(field.port, RATE, seed=3) as asking:
        time.sleep(8)
        for number, phase in enumerate(islice(cycle(PHASES), KILLS)):
            last = field.record.load()
            process = field.deploy("--model-version", "2")
            wait_for(partial(is_in, field, phase, last), process)
            time.sleep(rng.uniform(0, 2) if number % 2 else 0)
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait()
            phases.append(field.record.load().phase)
            if not field.record.load().ended:
                ended(field, field.deploy("resume"))
            ends.append(field.record.load().phase)
            champion = standing(field.opened.events()).champion
            assert field.folder.versions().keys() == {field.folder.versions() and next(iter(field.folder.versions()))}
            assert str(champion) == next(iter(field.folder.versions().values())), "registry and traffic agree"
            field.reset()
        found["controller"] = {
            "kills": KILLS,
            "in": dict(Counter(phases)),
            "ended": dict(Counter(ends)),
            "failed": len(asking.failed()),
        }
        for name in (f"{field.live()}-1", "router"):
            before, begun = len(asking.failed()), time.time()
            kill(field, name)
            time.sleep(1)
            wait_up(field)
            found["service" if name != "router" else "router"] = {
                "seconds": round(time.time() - begun, 1),
                "failed": len(asking.failed()) - before,
            }
            time.sleep(3)
        after = time.time()
        time.sleep(3)
        assert asking.failed(after) == []
    drilled["kills"] = found | {"ledger": ledger_of(field, asking)}
    print(json.dumps(drilled["kills"], indent=2))
    assert found["controller"]["failed"] == 0
    assert found["service"]["failed"] <= asking.threads, "only what the killed process had in hand"
    assert drilled["kills"]["ledger"] | {"answered": 0} == {"chain holds": True, "answered": 0, "lost": 0, "twice": 0}


def is_in(field: Field, phase: str, before: RolloutState | None) -> bool:
    """Whether a rollout after this one has come so far, or further."""
    state = field.record.load()
    if state is None or (before and state.id == before.id):
        return False
    order = list(dict.fromkeys(PHASES))
    return state.phase not in order or order.index(state.phase) >= order.index(phase)


def kill(field: Field, name: str) -> None:
    """Kill -9 of a kept process with all that it started."""
    process = psutil.Process(int(known(field.folder)[name]["pid"]))
    for one in (*process.children(recursive=True), process):
        with suppress(psutil.NoSuchProcess):
            one.kill()


def wait_up(field: Field) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError):
            servers = field.folder.router.servers()
            if all(servers[f"{field.live()}-{number}"].up for number in (1, 2)):
                return
        time.sleep(0.1)
    raise AssertionError("it did not come back")


def test_false_alarms_of_sound_rollouts(drilled):
    environment = validate_environment_config(Path(__file__).parents[1] / "environments" / "local.yaml")
    steps = [step for step in environment.rollout.steps if step < 100]
    analysis = environment.rollout.analysis
    kinds = list(power.measure(analysis, steps, rollouts=200, per_look=int(RATE), seed=7))
    drilled["simulated"] = [kind.sentence for kind in kinds]
    print("\n".join(drilled["simulated"]))
    assert [kind.wrong(analysis.false_alarms) for kind in kinds] == [None] * 9
