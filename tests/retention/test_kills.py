"""Killed while it forgets: a key is there or is gone with the chain's word of it, and the same command goes on."""

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from ledger_trial import KEY

from credit_risk.cli import main
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from killing import Moment, killed, moments
from retention.test_certificate import certified
from retention.test_certificate import root as with_ada
from retention.test_command import root
from retention.test_purge import erasures

__all__ = ["root", "with_ada"]

ENVIRONMENT = {"CREDIT_RISK_LEDGER_KEY": KEY.hex()}
LEDGER = "build/ledger/ledger.db"
DRAWN, SEED = 8, 22


def words(root: Path) -> list[str]:
    return ["ledger", "purge", "--policy", "ecoa", "--root", str(root)]


def gone(root: Path) -> tuple[int, int]:
    """How many keys are destroyed, and of how many the chain says so; it holds whatever befell it."""
    path = root / LEDGER
    with Ledger.open(f"sqlite:///{path}", key=KEY) as ledger:
        assert verify(ledger).faults == []
    with sqlite3.connect(path) as connection:
        (destroyed,) = connection.execute("SELECT count(*) FROM keys WHERE wrapped IS NULL").fetchone()
    return destroyed, erasures(path)


def killed_at(root: Path, moment: int | Moment) -> Path:
    died = Path(shutil.copytree(root, root.with_name(f"died {moment}")))
    killed(words(died), ENVIRONMENT, moment)
    return died


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "left"), [("before COMMIT", (0, 0)), ("after COMMIT", (1, 1))])
def test_killed_beside_its_commit_the_key_is_there_or_is_gone_on_record(root, capsys, moment, left):
    died = killed_at(root, moment)
    assert gone(died) == left
    assert main(words(died)) == 0
    assert ("1 key is destroyed" if left == (0, 0) else "0 keys are destroyed") in capsys.readouterr().out
    assert gone(died) == (1, 1)


@pytest.mark.weekly
def test_killed_at_any_moment_it_goes_on(root):
    whole = Path(shutil.copytree(root, root.with_name("whole")))
    met = moments(words(whole), ENVIRONMENT, root.parent)
    assert gone(whole) == (1, 1)
    for moment in sorted(random.Random(SEED).sample(range(len(met)), DRAWN)):
        died = killed_at(root, moment)
        assert gone(died) in ((0, 0), (1, 1)), met[moment]
        assert main(words(died)) == 0, met[moment]
        assert gone(died) == (1, 1), met[moment]


def forget(root: Path) -> list[str]:
    words = ["--applicant", "Ada-77", "--certificate", str(root / "erasure.json"), "--root", str(root)]
    return ["ledger", "forget", *words]


def copied(root: Path, name: object) -> Path:
    return Path(shutil.copytree(root, root.with_name(f"{root.name} {name}")))


def forgotten(died: Path, moment: object) -> None:
    """The next run finishes: a whole certificate of both decisions, which nobody can read."""
    assert gone(died) in ((0, 0), (1, 1)), moment
    code = main(forget(died))
    facts = certified(died)
    assert (facts["what"], facts["whole"], facts["decisions"], facts["read_again"]) == ("erasure", True, 2, 2), moment
    assert code in (0, 2), moment  # 2: the killed run had written its certificate, which is written once
    assert gone(died) == (1, 1), moment


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before COMMIT", "after COMMIT"])
def test_an_erasure_killed_beside_its_commit_is_certified_by_the_next_run(with_ada, moment):
    died = copied(with_ada, "died")
    killed(forget(died), ENVIRONMENT, moment)
    assert certified(died)["what"] == "erasure begun"
    forgotten(died, moment)


@pytest.mark.weekly
def test_an_erasure_killed_at_any_moment_is_certified_by_the_next_run(with_ada):
    whole = copied(with_ada, "whole")
    met = moments(forget(whole), ENVIRONMENT, with_ada.parent)
    assert gone(whole) == (1, 1)
    for moment in sorted(random.Random(SEED).sample(range(len(met)), DRAWN)):
        died = copied(with_ada, moment)
        killed(forget(died), ENVIRONMENT, moment)
        forgotten(died, met[moment])
