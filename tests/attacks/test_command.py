"""The room's own sub-command, from arguments to reports, and that the rest of the house does without it."""

import json
import re
import sys
from pathlib import Path

import pytest

import credit_risk
from credit_risk.attacks import floors, measure, toolbox
from credit_risk.attacks.floors import AttackFloors, ScoreFloor
from credit_risk.attacks.toolbox import ToolboxMissing
from credit_risk.cli import main
from credit_risk.config import Config, environment
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json, write_text
from credit_risk.errors import CheckFailed
from credit_risk.scoring.scorer import Scorer

SETTINGS = {
    "plausible": {"utilisation": 1, "purpose": 0.4},
    "budget": 0.5,
    "rows": 60,
}

OWN_FLOORS = """\
version: 1
robustness: {at_least: 0.5, reason: free to move}
privacy: {at_least: 0.9, reason: few rows}
"""
FLOORS = AttackFloors(
    version=1,
    robustness=ScoreFloor(at_least=0.7, reason="house policy"),
    privacy=ScoreFloor(at_least=0.8, reason="house policy"),
)


def with_settings(config: Config, **changes: object) -> Config:
    return Config.model_validate({**config.model_dump(), "attacks": {**SETTINGS, **changes}})


@pytest.fixture
def lender(trained, tmp_path):
    """The trained lender's artefacts, and reports of its own."""
    config, files = trained
    for name in ("artifacts", "models"):
        (tmp_path / name).symlink_to(files.root / name)
    return with_settings(config), Files(tmp_path)


@pytest.mark.usefixtures("art")
def test_the_run_writes_both_scores_with_their_ends_and_what_they_rest_on(lender):
    measure.run(*lender)
    found = json.loads(lender[1].part("attacks").read_text())
    for name in ("robustness", "privacy"):
        assert found[name]["score_low"] <= found[name]["score"] <= found[name]["score_high"]
    assert found["scorer"] == Scorer.load(lender[1].scorer).digest
    assert found["robustness"]["attacked"] == 60 <= found["robustness"]["declined"]
    assert set(found["robustness"]["by_attack"]) == {"search", "fgsm", "pgd", "hop_skip_jump"}
    assert found["robustness"]["score"] <= min(
        each["survived"] for each in found["robustness"]["by_attack"].values()
    )  # fmt: skip
    tables = {path.stem for path in (lender[1].parts / "attacks").glob("*.csv")}
    assert tables == {"flips", "survival", "levers", "membership"}
    page = (lender[1].reports / "attacks.html").read_text()
    assert page.count("<svg") == 1
    assert all(words in page for words in ("The same declines under each attack", "HopSkipJump", "Learned (logistic)"))


@pytest.mark.usefixtures("art")
def test_without_a_gameable_column_the_score_is_not_known_rather_than_perfect(lender):
    config, files = lender
    measure.run(with_settings(config, plausible={}), files)
    found = json.loads(files.part("attacks").read_text())
    assert found["robustness"]["score"] is None
    assert found["unknown"]["robustness.score"] == "attacks.plausible names no column"
    assert "attacks.plausible names no column" in (files.reports / "attacks.html").read_text()


@pytest.mark.usefixtures("art")
def test_too_few_rows_to_attack_with_are_not_called_private(lender, monkeypatch):
    monkeypatch.setattr(measure, "FEWEST", 1_000_000)
    measure.run(*lender)
    found = json.loads(lender[1].part("attacks").read_text())
    assert found["privacy"]["score"] is None
    assert found["unknown"]["privacy.score"].startswith("fewer than 1000000 scored training or selection rows")


def test_a_score_must_clear_its_floor_with_its_whole_interval(tmp_path):
    scores = {
        "robustness": {"score": 0.75, "score_low": 0.65, "score_high": 0.85},
        "privacy": {"score": 0.95, "score_low": 0.9, "score_high": 1.0},
        "unknown": {},
    }
    write_json(Files(tmp_path).part("attacks"), scores)
    robustness, privacy = floors.gates(FLOORS)
    measure.check(Files(tmp_path), [privacy])
    measure.check(Files(tmp_path), [])
    with pytest.raises(CheckFailed, match=r"CANNOT SAY: .*\(robustness\.score\) is 0\.75 \(0\.65 to 0\.85\)"):
        measure.check(Files(tmp_path), [robustness, privacy])
    lower = FLOORS.model_copy(update={"robustness": ScoreFloor(at_least=0.6, reason="all of it is free to move")})
    measure.check(Files(tmp_path), list(floors.gates(lower)))


def test_a_score_that_is_not_known_clears_no_floor(tmp_path):
    scores = {"robustness": {"score": None}, "unknown": {"robustness.score": "no test row was declined by the model"}}
    write_json(Files(tmp_path).part("attacks"), scores)
    with pytest.raises(CheckFailed, match=r"(?s)no test row was declined.*privacy\.score\) was not measured"):
        measure.check(Files(tmp_path), list(floors.gates(FLOORS)))


@pytest.fixture
def steps(monkeypatch):
    """What the command does, in its order: the measuring, then the floors that scores are held against."""
    noted = []
    monkeypatch.setattr("credit_risk.data.repository.load", lambda path: path)
    monkeypatch.setattr(measure, "run", lambda config, files: noted.append((config, files.root)))
    monkeypatch.setattr(measure, "check", lambda _, gates: noted.append([(g.measure, g.at_least) for g in gates]))
    return noted


def test_the_command_measures_and_then_holds_the_scores_against_the_floors(steps, tmp_path):
    assert main(["attacks", "--root", str(tmp_path), "--privacy-at-least", "0.8"]) == 0
    assert steps == [(tmp_path / "configs" / "credit.yaml", tmp_path), [("privacy.score", 0.8)]]


def test_the_floors_are_those_of_the_lenders_own_file(steps, tmp_path):
    write_text(tmp_path / floors.FILE, OWN_FLOORS)
    assert main(["attacks", "--root", str(tmp_path), "--check", "--privacy-at-least", "0.95"]) == 0
    assert steps[1] == [("robustness.score", 0.5), ("privacy.score", 0.9), ("privacy.score", 0.95)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN_FLOORS.replace("robustness: {at_least: 0.5, reason: free to move}\n", ""), "robustness"),
        (OWN_FLOORS.replace("at_least: 0.5", "at_least: 0"), "robustness"),
        (OWN_FLOORS.replace(", reason: free to move", ""), "reason"),
        (None, "there is no such file"),
    ],
)
def test_without_a_floor_for_both_scores_with_its_reason_nothing_is_measured(steps, tmp_path, capsys, text, words):
    if text is not None:
        write_text(tmp_path / floors.FILE, text)
    assert main(["attacks", "--root", str(tmp_path), "--check"]) == 2
    assert (words in capsys.readouterr().err, steps) == (True, [])


def test_the_repositorys_floors_and_those_of_the_tests_lender_can_be_read():
    root = Path(__file__).parents[2]
    mine = root / "tests" / "lender" / "policies" / floors.FILE.name
    assert [gate.at_least for gate in floors.gates(floors.load(root))] == [0.7, 0.8]
    assert [gate.at_least for gate in floors.gates(environment.whole(mine, AttackFloors))] == [0.55, 0.8]


def test_a_missing_toolbox_is_said_in_a_sentence(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "art"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "art", None)
    with pytest.raises(ToolboxMissing, match=r"pip install \.\[attacks\]"):
        toolbox._art("attacks.evasion")


def test_nothing_outside_the_room_imports_it():
    package = Path(credit_risk.__file__).parent
    outside = [path for path in package.rglob("*.py") if "attacks" not in path.relative_to(package).parts]
    asked = re.compile(r"^\s*(from|import) credit_risk\.attacks", re.MULTILINE)
    assert [path for path in outside if asked.search(path.read_text(encoding="utf-8"))] == []
