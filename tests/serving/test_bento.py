"""The real server: BentoML's processes on a port of this machine, asked over the network, ended, and looked at."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parent))
import server

from credit_risk.cli import main
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from credit_risk.scoring.scorer import Scorer
from tools import PATIENCE, free_port

pytestmark = pytest.mark.slow

KEY = "5e" * 32
ENVIRONMENT = {"CREDIT_RISK_LEDGER_KEY": KEY}


def ledger_of(folder: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{folder / 'build/ledger/ledger.db'}", key=bytes.fromhex(KEY))


@pytest.fixture(scope="module")
def served(root, tmp_path_factory):
    folder = server.place(tmp_path_factory.mktemp("real"), root)
    with server.serving(folder, "--workers", "2", environment=ENVIRONMENT) as found:
        yield found, folder


def test_two_workers_decide_as_the_scorer_does_and_write_one_chain(served, application, risky):
    found, folder = served
    scorer = Scorer.load(folder / "models" / "scorer")
    decided = []
    for turn in range(40):
        one = (application, risky)[turn % 2]
        # A connection each, so that both workers are met.
        reply = server.ask("POST", f"{found.url}/decide", json=one).json()
        assert reply["pd"] == scorer.decide(one).record()["pd"]
        decided.append(reply["decision_id"])
    with ledger_of(folder) as ledger:
        verification = verify(ledger)
        assert verification.holds
        assert all(ledger.get(one) is not None for one in decided)


def test_metrics_add_up_over_the_workers(served, application):
    found, _ = served
    before = _decisions(found.url)
    for _ in range(10):
        server.ask("POST", f"{found.url}/decide", json=application)
    assert _decisions(found.url) == before + 10


@pytest.mark.weekly
def test_a_service_beside_it_leaves_its_metrics_alone(served, application, root, tmp_path):
    found, _ = served
    server.ask("POST", f"{found.url}/decide", json=application)
    before = _decisions(found.url)
    with server.serving(server.place(tmp_path, root), environment=ENVIRONMENT) as beside:
        assert (_decisions(found.url), _decisions(beside.url)) == (before, 0)
        server.ask("POST", f"{beside.url}/decide", json=application)
        assert (_decisions(found.url), _decisions(beside.url)) == (before, 1)


def _decisions(url: str) -> float:
    lines = server.ask("GET", f"{url}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("credit_risk_decisions_total{"))


def test_the_framework_adds_no_page_of_its_own_and_says_it_lives(served):
    found, _ = served
    assert server.ask("GET", f"{found.url}/livez").status_code == 200
    assert server.ask("GET", f"{found.url}/readyz").status_code == 200
    assert server.ask("GET", f"{found.url}/docs.json").status_code == 404
    headers = server.ask("GET", f"{found.url}/").headers
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_a_worker_has_lightgbm_in_memory_and_no_scikit_learn(served):
    for worker in psutil.Process(served[0].process.pid).children():
        loaded = {part for mapped in worker.memory_maps() for part in Path(mapped.path).parts}
        assert loaded & {"lightgbm", "sklearn"} == {"lightgbm"}


def test_the_start_says_that_access_is_off_and_what_the_gate_says(served):
    said = served[0].log.read_text()
    assert "ACCESS IS OFF" in said
    assert "the gate says: nothing (there is no record)" in said


@pytest.mark.parametrize(
    "case",
    [
        (lambda folder: shutil.rmtree(folder / "models"), 2, "there is no such directory"),
        (lambda folder: (folder / "models/scorer/model.txt").write_text("tree"), 2, "is not the model"),
        (lambda folder: (folder / "configs/deploy/local.yaml").unlink(), 2, "there is no such file"),
        (lambda folder: _set(folder, gate="required"), 2, "gate: required needs signed_by"),
        (lambda folder: _set(folder, gate="required", signed_by={"public_key": "none.pub"}), 1, "scorer is not signed"),
        (lambda folder: _set(folder, access={"mode": "keys"}), 2, "credit-risk keys add"),
    ],
)
def test_what_cannot_serve_ends_with_a_sentence_and_a_code(root, tmp_path, monkeypatch, capsys, case):
    break_it, code, sentence = case
    folder = server.place(tmp_path, root)
    break_it(folder)
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("the server was started all the same"))
    assert main(["serve", "--root", str(folder), "--port", str(free_port())]) == code
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("home", ["", "kept"])
def test_every_service_of_a_machine_has_a_folder_of_its_own_for_metrics(root, tmp_path, monkeypatch, home):
    """BentoML empties it when it starts."""
    folder, homes = server.place(tmp_path / "root", root), set()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    monkeypatch.setattr(os, "execv", lambda *_: homes.add(os.environ["BENTOML_HOME"]))
    for port in ("3001", "3002"):
        monkeypatch.setattr(os, "environ", os.environ | {"BENTOML_HOME": home})
        main(["serve", "--root", str(folder), "--port", port])
    above = home or str(tmp_path / "bentoml")
    assert homes == {f"{above}/serve-127.0.0.1-3001", f"{above}/serve-127.0.0.1-3002"}


def test_what_it_accepted_is_finished_when_it_is_told_to_stop(served, application):
    """It ends the service of this file, so it comes behind what asks it."""
    found, folder = served
    answers, stop = [], threading.Event()

    def ask():
        with httpx.Client(base_url=found.url, timeout=PATIENCE) as client:
            while not stop.is_set():
                try:
                    answers.append(client.post("/decide", json=application))
                except httpx.TransportError:
                    return  # not accepted any more

    try:
        askers = [threading.Thread(target=ask) for _ in range(4)]
        for one in askers:
            one.start()
        while len(answers) <= 4:  # under way, however slow the machine
            assert found.process.poll() is None, found.log.read_text()
            time.sleep(0.05)
        os.kill(found.process.pid, signal.SIGTERM)
        for one in askers:
            one.join(PATIENCE)
        assert found.process.wait(PATIENCE) is not None
    finally:
        stop.set()
    assert len(answers) > 4
    assert {answer.status_code for answer in answers} <= {200, 503}
    with ledger_of(folder) as ledger:
        recorded = [answer.json()["decision_id"] for answer in answers if answer.status_code == 200]
        assert all(ledger.get(one) is not None for one in recorded)
        assert verify(ledger).holds


def _set(folder: Path, **serving) -> None:
    path = folder / "configs" / "deploy" / "local.yaml"
    settings = YAML(typ="safe", pure=True).load(path)["serving"] | serving
    with path.open("w") as file:
        YAML().dump({"serving": settings}, file)


@pytest.mark.weekly
def test_a_scorer_that_goes_away_while_it_serves_ends_the_server_and_no_loop_of_tries(root, tmp_path):
    folder = server.place(tmp_path, root)
    found = server.begin(folder, environment=ENVIRONMENT)
    try:
        server.wait(found)
        shutil.rmtree(folder / "models")
        workers = subprocess.run(
            ["pgrep", "-P", str(found.process.pid)], check=False, capture_output=True, text=True
        ).stdout.split()
        for pid in workers:
            os.kill(int(pid), signal.SIGKILL)
        assert found.process.wait(PATIENCE) is not None
    finally:
        server.end(found)
    assert "there is no such directory" in found.log.read_text()
