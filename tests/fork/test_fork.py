"""Two forks from data to a decision, and no Python edited: German credit by docs/fork.md's own commands, and a lender
whose outcomes are coded the other way round, with a date, gaps and names that no identifier could be."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from starlette.testclient import TestClient

from credit_risk import cli
from credit_risk.modelling import resplits
from credit_risk.serving import engine, settings, web
from credit_risk.serving.clients import access
from fork_trial import ROOT, Fork, fork
from tools import PATIENCE, free_port, needed

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "fork.md"


def documented() -> list[str]:
    """The commands of the page, block by block."""
    return re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@contextmanager
def served(made: Fork) -> Iterator[str]:
    """`make trial`, until its address answers; ended with its whole process group."""
    port = free_port()
    with (made.root.parent / "serve.log").open("wb") as said:
        process = subprocess.Popen(
            ["make", "trial", f"PORT={port}"], cwd=made.root, env=made.environment, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert process.poll() is None, (made.root.parent / "serve.log").read_text()
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def report(made: Fork, name: str) -> Any:
    return json.loads((made.root / "reports" / f"{name}.json").read_text(encoding="utf-8"))


def verdicts(made: Fork) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in report(made, "gate")["checks"]}


def edited_python(made: Fork) -> str:
    return made.run(
        "git diff --name-only $(git rev-list --max-parents=0 HEAD) -- src tests scripts Makefile dvc.yaml"
    ).stdout


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fork, dict[str, Any]]:
    """The fork after every command of the page, and the decision that the last but one gave."""
    needed(Path("/usr/bin/curl").exists(), "curl is not installed: apt-get install curl")
    made = fork(tmp_path_factory.mktemp("german"))
    draft, take_in, run, decide, check = documented()
    for command in (draft, take_in):
        done = made.run(f"set -e\n{command}")
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    done = made.run(run)
    assert "The gate does not let this scorer through." in done.stderr, done.stdout + done.stderr
    assert done.returncode == 2, "make says 2 where its command said 1"
    with served(made) as url:
        answer = made.run(decide.replace("http://127.0.0.1:3000", url))
        page = httpx.get(url, timeout=PATIENCE).text
    left = made.run(check)
    return made, {"decision": json.loads(answer.stdout), "page": page, "check": left, "run": done}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fork, dict[str, Any]]:
    """1,200 rows in a file that no Englishman wrote, taken from init to one decision."""
    made = fork(tmp_path_factory.mktemp("odd"))
    path = made.root.parent / "Kredite 2024.csv"
    odd_lender(1_200).to_csv(path, sep=";", index=False, encoding="cp1252", na_rep="NA")
    told = ["--target", "zurück gezahlt", "--bad", "0", "--window", "3", "--accept-suggestions"]
    assert cli.main(["init", "--data", str(path), *told, "--root", str(made.root)]) == 0
    be_quick(made.root / "configs" / "credit.yaml")
    # That the same commands, `dvc repro` and `make trial` do so in processes of their own, the German fork shows.
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(resplits, "FEWEST", 1)
        for stage in YAML(typ="safe", pure=True).load(made.root / "dvc.yaml")["stages"]:
            assert cli.main([stage, "--root", str(made.root)]) in {0, 1}, stage
    serving = settings.load(made.root / "configs" / "deploy" / "trial.yaml")
    guard = access.guard(serving.access, made.root)
    service = web.application(lambda: web.Service.of(serving, engine.start(made.root, serving), guard))
    with TestClient(service) as client:
        described = client.get("/openapi.json").json()
        body = described["paths"]["/decide"]["post"]["requestBody"]["content"]["application/json"]["example"]
        answer = client.post("/decide", json=body)
        refused = client.post("/decide", json=body | {"Verzüge 12M": 99})
    return made, {"body": body, "answer": answer, "refused": refused}


def be_quick(config: Path) -> None:
    """What is measured here does not depend on how often it is."""
    text = config.read_text(encoding="utf-8")
    for much, little in {"replicates: 1_000": "replicates: 100", "max_trees: 1_000": "max_trees: 40"}.items():
        assert text.count(much) == 1, much
        text = text.replace(much, little)
    config.write_text(text.replace("  rows: 1_000", "  rows: 100"), encoding="utf-8")


def odd_lender(rows: int) -> pd.DataFrame:
    """Applications of a made-up lender; 0 means that a loan was not paid back."""
    rng = np.random.default_rng(11)
    income = np.exp(rng.normal(8, 0.5, rows))
    debt = income * rng.beta(2, 5, rows) * 3
    late = rng.poisson(0.6, rows)
    home = rng.choice(["Eigentum", "Miete", "bei Eltern"], rows, p=[0.4, 0.45, 0.15])
    bad = rng.random(rows) < 1 / (1 + np.exp(3.0 - 0.9 * late - 1.2 * (debt / income - 0.8) - 0.4 * (home == "Miete")))
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 900, rows)), unit="D")
    table = pd.DataFrame(
        {
            "Antrags-Nr.": np.arange(rows) + 1000,
            "Antragsdatum": days.strftime("%Y-%m-%d"),
            "Monatliches Einkommen (€)": income.round(2),
            "Schulden.gesamt": debt.round(2),
            "Verzüge 12M": late,
            "Wohnsituation": home,
            "hat: Konto": rng.choice(["true", "false"], rows),
            "Beschäftigt seit": rng.choice(["<1", "1-4", "4-7", ">=7"], rows),
            "Geschlecht": rng.choice(["w", "m"], rows),
            "Inkasso": np.where(bad, rng.uniform(100, 900, rows).round(2), 0),
            "zurück gezahlt": np.where(bad, 0, 1),
        }
    )
    table.loc[rng.random(rows) < 0.08, "Monatliches Einkommen (€)"] = np.nan
    table.loc[rng.random(rows) < 0.05, "Wohnsituation"] = np.nan
    return table


@pytest.mark.weekly
def test_german_credit_is_decided_without_a_line_of_python(german):
    made, found = german
    decision = found["decision"]
    assert decision["decision"] == "decline"
    assert 0 < decision["pd"] < 1
    assert decision["reasons"]
    assert decision["model"]["project"] == "german-credit"
    assert edited_python(made) == ""


@pytest.mark.weekly
def test_small_data_give_wide_intervals_and_honest_verdicts(german):
    made, found = german
    metrics, gate = report(made, "metrics"), report(made, "gate")
    assert metrics["test"]["auc_high"] - metrics["test"]["auc_low"] > 0.1
    assert gate["kind"] == "scorecard", "so few rows cannot show that LightGBM is clearly better"
    assert "Keep the scorecard" in found["run"].stdout + found["run"].stderr
    said = verdicts(made)
    assert said["calibration_slope"] == "CANNOT SAY"
    assert said["fairness_age_under_25"] == "CANNOT SAY"
    assert said["monotone"] == said["reasons_add_up"] == said["not_scored_by_accident"] == "PASS"
    assert gate["verdict"] == "FAIL"


@pytest.mark.weekly
def test_a_trial_says_so_wherever_somebody_reads(german):
    made, found = german
    assert "TRIAL: nobody has decided project.legal_basis" in found["run"].stdout
    assert "TRIAL: nobody has decided" in found["page"]
    for name in ("index.html", "dictionary.md"):
        assert "TRIAL: nobody has decided" in (made.root / "reports" / name).read_text(encoding="utf-8")
    assert any("nobody has decided what a program suggested" in one for one in report(made, "gate")["stale"])


@pytest.mark.weekly
def test_private_data_are_nowhere_in_git(german):
    made, _ = german
    assert made.run("git ls-files data artifacts").stdout == ""
    assert "german_credit" not in made.run("git log --all --name-only --format= -- data").stdout
    assert made.run(".venv/bin/dvc config core.remote").stdout.strip() == "storage"
    assert not Path(made.run(".venv/bin/dvc remote list | awk '/storage/ {print $2}'").stdout).is_relative_to(made.root)


@pytest.mark.weekly
def test_what_is_left_is_told_with_its_commands(german):
    _, found = german
    said = found["check"].stdout
    assert found["check"].returncode == 2
    for what in (
        "policy.margin: a program suggested what stands there",
        "nobody has read the wordings of reasons",
        "age under 25: about 29 test rows, fairness.min_n asks for 100",
        ".github/CODEOWNERS still says '@acme/'",
        "gh variable set DVC_ROLE --body VALUE",
    ):
        assert what in said
    assert "dictionary.md" not in said, "it was made a moment ago"


def test_the_other_lender_is_decided_by_its_own_names(odd):
    made, found = odd
    told = {"Monatliches Einkommen (€)", "Schulden.gesamt", "Verzüge 12M", "Wohnsituation", "hat: Konto"}
    assert set(found["body"]) == told | {"Beschäftigt seit"}
    assert found["answer"].status_code == 200
    assert found["answer"].json()["decision"] in ("approve", "refer", "decline")
    assert found["refused"].status_code == 422
    assert "Verzüge 12M" in found["refused"].text
    assert edited_python(made) == ""


def test_its_outcome_is_read_the_right_way_round(odd):
    made, _ = odd
    truth = (odd_lender(1_200)["zurück gezahlt"] == 0).mean()
    page = (made.root / "reports" / "dictionary.md").read_text(encoding="utf-8")
    assert f"({truth:.2%} of the two are bad)" in page
    assert report(made, "metrics")["test"]["auc"] > 0.5


def test_its_date_splits_by_time_and_its_leak_is_left_out(odd):
    made, _ = odd
    assert report(made, "preparation")["split"]["out_of_time"] is True
    config = (made.root / "configs" / "credit.yaml").read_text(encoding="utf-8")
    assert re.search(r"^  Inkasso: \{role: ignore.*collections, as its name says", config, re.MULTILINE)
    assert re.search(r"^  Geschlecht: \{role: protected", config, re.MULTILINE)
    assert "Verzüge 12M: increasing" in config
