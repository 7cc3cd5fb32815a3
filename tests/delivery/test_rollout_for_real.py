"""A rollout from end to end: registry, HAProxy, BentoML's processes and applicants, by the commands that people use."""

import shutil
import threading
import time
from collections import defaultdict
from pathlib import Path

import httpx
import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.data import digest
from credit_risk.delivery.place import Place
from credit_risk.domain.lifecycle import standing
from credit_risk.records.ledger import Ledger
from credit_risk.records.ledger.verification import verify
from credit_risk.release import moves
from delivery_trial import free_ports
from release_trial import assemble_again, empty_registry, files, opened, registered
from tools import needed

__all__ = ["empty_registry", "files", "opened", "registered"]

KEY = "5e" * 32
KIM = ["--by", "Kim Lee", "--reason", "a reason of five words"]
ADA = ["--by", "Ada Berg", "--reason", "a reason of five words"]
APPLICATION = {
    "employment": ">=7y",
    "income": 6_000.0,
    "purpose": "car",
    "term_months": 12,
    "utilisation": 0.05,
    "months_late": 0,
    "existing_customer": True,
}
# Loose and quick: what the analysis finds is shown elsewhere, and a test machine is slow.
ANALYSIS = {"interval_s": 0.2, "least": 20}
TOLERANCES = {
    "error_rate": 0.3,
    "slow_answers": 1.0,
    "refused_inputs": 0.3,
    "missing_inputs": 0.5,
    "approval_rate": 0.4,
}


def write_environment(root: Path) -> int:
    """A local environment of this repository on free ports, with its registry and quick steps; the router's port."""
    path, yaml = root / "configs" / "deploy" / "local.yaml", YAML()
    own = yaml.load(path)
    tree = yaml.load(Path(__file__).parent / "environments" / "local.yaml")
    tree["registry"] = own["registry"]
    port, blue, green = free_ports(3)
    tree["router"] |= {"port": port, "blue_port": blue, "green_port": green}
    tree["rollout"] |= {"steps": [20, 50, 100], "step_s": 1, "bake_s": 1}
    tree["rollout"]["low_volume"] |= {"below_per_day": 1}
    tree["rollout"]["analysis"] |= ANALYSIS
    tree["rollout"]["analysis"]["tolerances"] |= TOLERANCES
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(tree, stream)
    return port


class Applicants:
    """Applicants who ask again and again, each by a thread of their own; what each was answered, in order."""

    def __init__(self, port: int) -> None:
        self.url, self.stop = f"http://127.0.0.1:{port}/decide", threading.Event()
        self.answers: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.threads = [threading.Thread(target=self._ask, args=(number,), daemon=True) for number in range(4)]

    def _ask(self, number: int) -> None:
        with httpx.Client(timeout=30) as client:
            turn = 0
            while not self.stop.is_set():
                applicant = f"{number}-{turn % 25}"
                application = APPLICATION | {"loan_amount": 500.0 + 997 * turn % 20_000}
                try:
                    answer = client.post(self.url, json=application, headers={"X-Applicant-Id": applicant})
                    scorer = answer.json()["model"]["scorer"] if answer.status_code == 200 else answer.text
                    self.answers[applicant].append((answer.status_code, scorer))
                except httpx.TransportError as error:
                    self.answers[applicant].append((0, repr(error)))
                turn += 1
                time.sleep(0.005)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    @property
    def failed(self):
        return [answer for answers in self.answers.values() for answer in answers if answer[0] != 200]


@pytest.fixture
def up(files, registered, opened, monkeypatch):
    """The repository with version 1 as champion, up; ended afterwards."""
    needed(shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin"), "haproxy (Debian package haproxy)")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    registered()
    for move in ("nominate", "promote"):
        moves.move(opened, move, "1", by="Ada Berg", reason="a reason of five words")
    port = write_environment(files.root)
    root = ["--root", str(files.root)]
    try:
        assert main(["up", *root, "--model-version", "champion"]) == 0
        yield port, root
    finally:
        assert main(["down", *root]) == 0


def test_a_rollout_and_a_rollback_fail_no_request_and_the_registry_follows(up, files, registered, opened, capsys):
    port, root = up
    versions = {1: digest.of_directory(files.scorer)}
    assemble_again(files, lgd=0.51)
    registered()
    versions[2] = digest.of_directory(files.scorer)
    moves.move(opened, "nominate", "2", by="Ada Berg", reason="a reason of five words")
    with Applicants(port) as asking:
        time.sleep(2)
        assert main(["deploy", *root, "--model-version", "2", "--current-version", "1", *ADA]) == 0
        assert standing(opened.events()).champion == 2
        gone_over = {one: [scorer for _, scorer in answers] for one, answers in dict(asking.answers).items()}
        assert main(["rollback", *root, *ADA]) == 0
        assert standing(opened.events()).champion == 1
        time.sleep(0.5)
    assert asking.failed == []
    assert {scorer for scorers in gone_over.values() for scorer in scorers} == set(versions.values())
    for scorers in gone_over.values():  # whoever has met the new scorer stays with it
        assert scorers == sorted(scorers, key=list(versions.values()).index)
    assert {answers[-1][1] for answers in asking.answers.values()} == {versions[1]}
    assert Place(files.root).wanted() == {"blue": "1"}
    answered = sum(map(len, asking.answers.values()))
    with Ledger.open(f"sqlite:///{files.root / 'build/ledger/ledger.db'}", key=bytes.fromhex(KEY)) as ledger:
        assert verify(ledger).holds
        mine = [one for number in range(4) for turn in range(25) for one in ledger.of(f"{number}-{turn}")]
    assert len(mine) == answered  # nothing lost, nothing twice
    assert main(["status", *root]) == 0
    assert "rollback of 1" in capsys.readouterr().out.replace("\n", " ")


def test_a_candidate_that_declines_nearly_all_is_stopped_by_its_shadow(up, files, registered, opened, capsys):
    port, root = up
    assemble_again(files, lgd=2.0)
    registered()
    moves.move(opened, "nominate", "2", by="Ada Berg", reason="a reason of five words")
    with Applicants(port) as asking:
        time.sleep(4)
    assert asking.failed == []
    assert main(["deploy", *root, *ADA]) == 1
    assert "shadow: approval_rate" in capsys.readouterr().err
    assert standing(opened.events()).champion == 1
    assert Place(files.root).wanted() == {"blue": "1"}


def test_who_registered_a_version_does_not_bring_it_into_traffic(up, files, registered, opened, capsys):
    _, root = up
    assemble_again(files, lgd=0.51)
    registered()
    moves.move(opened, "nominate", "2", by="Ada Berg", reason="a reason of five words")
    assert main(["deploy", *root, *KIM]) == 1
    assert "four eyes" in capsys.readouterr().err
    assert Place(files.root).wanted() == {"blue": "1"}
