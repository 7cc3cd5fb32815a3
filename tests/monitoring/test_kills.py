"""Commands of monitoring that are killed: nothing of theirs is half there, and the same command again is right."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from book import decide, delivery, entry
from deciding import DATABASE, MONITORING, write_yaml

from credit_risk.cli import main
from credit_risk.data.files import Files
from credit_risk.ledger.entry import DecidedBy
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from credit_risk.monitoring.outcomes import deliveries, overrides
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from credit_risk.monitoring.protected.protected_store import ProtectedAttributes
from credit_risk.monitoring.records.frozen_store import FrozenRecords
from credit_risk.scoring.scorer import Scorer
from killing import Moment, killed, moments
from ledger_fixtures import KEY

DAY = date(2025, 1, 10)
OWN_KEY = bytes(range(32))
ENVIRONMENT = {"CREDIT_RISK_LEDGER_KEY": KEY.hex(), "CREDIT_RISK_PROTECTED_KEY": OWN_KEY.hex()}
DEPLOYED = {"serving": {"ledger": {"url": f"sqlite:///{DATABASE}"}}}
PEOPLE = ("Ada", "Ben", "Cid")
DRAWN = 8  # kills of each command, over all moments of its run
SEED = 22


@dataclass(frozen=True)
class Command:
    """A command that writes. state: what it leaves, read back whole; again: the exit codes of a second run."""

    words: Callable[[Path], list[str]]
    state: Callable[[Ledger, Path], Any]
    again: tuple[int, ...] = (0,)


def outcomes_of(ledger: Ledger, root: Path) -> Any:
    with Outcomes(ledger.store.url.render_as_string(), busy_timeout_s=5) as outcomes:
        facts = sorted((fact.month, fact.outcome) for history in outcomes.histories().values() for fact in history)
    assert deliveries.verify(ledger, busy_timeout_s=5) == len(facts)
    rejects = root / "outcomes.csv.rejects.csv"
    assert not rejects.exists() or rejects.read_text(encoding="utf-8").startswith("row,decision_id,reason\n3,")
    return facts


def attributes_of(ledger: Ledger, _: Path) -> Any:
    subjects = [ledger.secret.digest(b"subject", "applicant", name) for name in PEOPLE]
    with ProtectedAttributes(ledger, OWN_KEY, busy_timeout_s=5) as store:
        return sorted(said["sex"] for said in store.of_subjects(subjects).values())


def overrides_of(ledger: Ledger, _: Path) -> Any:
    return [(each.to, each.by, each.reason) for each in overrides.read(ledger).values()]


def frozen_of(ledger: Ledger, _: Path) -> Any:
    with FrozenRecords(ledger, busy_timeout_s=5) as store:
        return [{**record, "until": ""} for record in store.read()[0]]  # the hash of another chain's entry


def delivered(root: Path) -> list[str]:
    rows = [
        {"applicant": name, "decided_on": str(DAY), "outcome": "good", "month": 12} for name in ("Ada", "Ben", "Eve")
    ]
    return [
        "outcomes",
        "add",
        str(delivery(root / "outcomes.csv", [{**row, "observed_on": "2026-01-31"} for row in rows])),
    ]


def said(root: Path) -> list[str]:
    rows = [{"applicant": name, "sex": sex} for name, sex in zip(PEOPLE, ("female", "male", "female"), strict=True)]
    return ["protected", "add", str(delivery(root / "said.csv", rows))]


def overridden(root: Path) -> list[str]:
    decision = (root / "declined").read_text(encoding="utf-8")
    return ["overrides", "add", decision, "--to", "approve", "--by", "Jo Roe", "--reason", "income_proved"]


COMMANDS = {
    "outcomes add": Command(delivered, outcomes_of, (1,)),  # Eve is nobody's
    "protected add": Command(said, attributes_of),
    "overrides add": Command(overridden, overrides_of, (0, 2)),  # it stands already, and that is said
    "windows freeze": Command(lambda _: ["windows", "freeze", "--as-of", "2025-03-01"], frozen_of),
}


@pytest.fixture(params=COMMANDS)
def command(request) -> Command:
    return COMMANDS[request.param]


@pytest.fixture
def root(trained, tmp_path, monkeypatch) -> Path:
    """A repository whose scorer decided about three people in January 2025, one of them against."""
    root = tmp_path / "as_it_was"
    shutil.copytree(trained[1].root / "configs", root / "configs")
    shutil.copytree(trained[1].scorer, Files(root).scorer)
    write_yaml(root / "configs/deploy/local.yaml", DEPLOYED)
    settings = {"override_reasons": ["income_proved"], "override_by": "names"}
    write_yaml(root / "configs/monitoring.yaml", {**MONITORING, **settings})
    by = DecidedBy(Scorer.load(Files(root).scorer).digest, "30", "c0", "c1")
    with opened(root) as ledger:
        answers = zip(PEOPLE, ("approve", "approve", "decline"), strict=True)
        ids = decide(ledger, DAY, [entry(name, answer, inputs={"income": 2_000.0}, by=by) for name, answer in answers])
    (root / "declined").write_text(ids[-1], encoding="utf-8")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return root


def opened(root: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{root / DATABASE}", key=KEY)


def copied(root: Path, name: str) -> Path:
    return Path(shutil.copytree(root, root.with_name(name)))


def state(command: Command, root: Path) -> Any:
    """What a command has left; the ledger's chain holds whatever befell it."""
    with opened(root) as ledger:
        assert verify(ledger).faults == []
        return command.state(ledger, root)


def run(command: Command, root: Path) -> int:
    return main([*command.words(root), "--root", str(root)])


def kill_and_run_again(command: Command, root: Path, moment: int | Moment) -> tuple[Any, Any]:
    """What is there when a run was killed at a moment, and when it was run again."""
    died = copied(root, f"died {moment}")
    killed([*command.words(died), "--root", str(died)], ENVIRONMENT, moment)
    left = state(command, died)
    assert run(command, died) in command.again
    return left, state(command, died)


@pytest.mark.slow
def test_killed_beside_its_commit_it_has_written_nothing_or_all(command, root):
    before, whole = copied(root, "before"), copied(root, "whole")
    run(command, whole)
    nothing, everything = state(command, before), state(command, whole)
    assert nothing != everything
    assert kill_and_run_again(command, root, "before COMMIT") == (nothing, everything)
    assert kill_and_run_again(command, root, "after COMMIT") == (everything, everything)


@pytest.mark.weekly
def test_killed_at_any_moment_it_has_written_nothing_or_all(command, root):
    before, whole = copied(root, "before"), copied(root, "whole")
    met = moments([*command.words(whole), "--root", str(whole)], ENVIRONMENT, root.parent)
    nothing, everything = state(command, before), state(command, whole)
    for moment in sorted(random.Random(SEED).sample(range(len(met)), DRAWN)):
        left, again = kill_and_run_again(command, root, moment)
        assert left in (nothing, everything), met[moment]
        assert again == everything, met[moment]
