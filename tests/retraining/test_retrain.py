"""The command from end to end: what it decides from a real ledger, and that the same evidence never trains twice."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from matured_book import AS_OF, FEW_ROWS, LEDGER, opened, write_settings

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.data.signers import account
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import DataError
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from credit_risk.retraining import candidate, retrain
from credit_risk.retraining.candidate import RetrainedCandidate
from credit_risk.retraining.command import _run
from credit_risk.retraining.record import Past, RetrainingRecords
from identities_trial import commit, write_identities

DAY = ["--as-of", str(AS_OF)]
BY_HAND = ["--by-hand", "Ada Berg", "--reason", "I want it again"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Candidates that pass, in the place of ten seconds of fitting each; the evidence that each was made from."""
    evidence: list[str] = []

    def candidate_of(run: retrain.Retraining, now: retrain.Situation, output: object) -> RetrainedCandidate:
        evidence.append(now.evidence)
        return RetrainedCandidate(run.files, "ca" * 32, {"verdict": "PASS", "title": "t", "checks": [], "notes": []})

    monkeypatch.setattr(retrain, "candidate_of", candidate_of)
    return evidence


def records(files: Files) -> list[dict[str, object]]:
    with opened(files) as ledger, RetrainingRecords(ledger, busy_timeout_s=LEDGER.busy_timeout_s) as store:
        return store.read()[0]


def test_what_is_due_is_trained_once_whoever_asks_and_however_often(files: Files, run: Callable, made: list[str]):
    code, said, _ = run("retrain", *DAY)
    assert (code, len(made)) == (0, 1)
    assert "schedule: 29 months since 2024-01-10" in said
    assert "declined applications of the window have no outcome, and nothing is known of them" in said
    code, said, _ = run("retrain", *BY_HAND, *DAY)
    assert (code, len(made)) == (0, 1)
    assert said.startswith("The same evidence was trained from before.")
    assert [entry["kind"] for entry in records(files)] == ["begun", "ended"]
    report = read_json(files.report("retraining"))
    assert (report["answer"], report["candidate"]["verdict"]) == ("TRAINED BEFORE", "PASS")


@pytest.mark.weekly
def test_another_day_of_the_same_accounts_is_the_same_evidence_and_a_new_recipe_is_not(
    files: Files, run: Callable, made: list[str]
):
    run("retrain", *DAY)
    run("retrain", *BY_HAND, "--as-of", str(AS_OF + timedelta(days=1)))
    assert len(made) == 1
    text = files.config.read_text(encoding="utf-8")
    files.config.write_text(text.replace("max_trees: 200", "max_trees: 100"), encoding="utf-8")
    assert run("retrain", *BY_HAND, *DAY)[1].startswith("A training is due, and has to wait.")
    write_settings(files, limits={"cool_down_days": 0})
    run("retrain", *BY_HAND, *DAY)
    assert len(set(made)) == 2


@pytest.mark.weekly
def test_a_training_that_fails_is_on_record_and_is_not_tried_again(
    files: Files, run: Callable, monkeypatch: pytest.MonkeyPatch
):
    def refuses(*_: object) -> None:
        raise DataError("no row is old enough")

    monkeypatch.setattr(retrain, "candidate_of", refuses)
    code, said, complaint = run("retrain", *DAY)
    assert code == 1
    assert "No candidate: FAIL" in said
    assert "no row is old enough" in complaint
    assert records(files)[-1]["verdict"] == "FAIL"
    assert run("retrain", *BY_HAND, *DAY)[1].startswith("The same evidence was trained from before.")


@pytest.mark.weekly
def test_a_run_that_was_killed_is_taken_up_again_once_it_counts_as_killed(
    files: Files, run: Callable, monkeypatch: pytest.MonkeyPatch, made: list[str]
):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retrain, "candidate_of", killed)
        with pytest.raises(KeyboardInterrupt), opened(files) as ledger:
            retrain.retrain(
                at(files, datetime.now(UTC) - timedelta(hours=7)),
                ledger,
                files.root / "build/made",
                busy_timeout_s=5,
                decide_only=False,
            )
    assert [entry["kind"] for entry in records(files)] == ["begun"]
    assert run("retrain", *DAY)[0] == 0
    assert [entry["kind"] for entry in records(files)] == ["begun", "begun", "ended"]
    assert len(Past(records(files)).begun) == 1


def at(files: Files, clock: datetime) -> retrain.Retraining:
    return _run(load(files.config), files, None, AS_OF, clock)


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory, shared_book: Path) -> tuple[retrain.Retraining, retrain.Situation]:
    """The lender on its day, read once, and nothing trained yet."""
    root = tmp_path_factory.mktemp("lender") / "copy"
    shutil.copytree(shared_book, root)
    run = at(Files(root), datetime.now(UTC))
    with opened(Files(root)) as ledger:
        return run, retrain.situation(run, ledger, Past([]), LEDGER.busy_timeout_s)


@pytest.mark.parametrize(
    ("section", "changed", "reason"),
    [
        ("plan", {"until": date(2026, 6, 19)}, "the plan was approved by Ada Berg until 2026-06-19, which has passed"),
        ("data", {"protected": None}, "sex, age stand in no ledger"),
        ("data", {"least_newest": 10_000}, "10,000 and 10 are needed to compare on"),
        ("data", {"least_known": 0.9}, "the model would learn of its own approvals alone"),
    ],
)
def test_each_objection_refuses_for_its_own_reason(lender, section, changed, reason):
    run, now = lender
    assert retrain.decision_of(run, now, Past([])).answer == "TRAIN"
    part = getattr(run.settings, section).model_copy(update=changed)
    other = replace(run, settings=run.settings.model_copy(update={section: part}))
    decision = retrain.decision_of(other, now, Past([]))
    assert decision.answer == "REFUSED"
    assert len(decision.reasons) == 1
    assert reason in decision.reasons[0]


def test_a_champion_without_figures_of_its_own_refuses(lender, files: Files):
    run, now = lender
    assert retrain.is_measured(files, now.champion.digest)
    write_json(files.report("metrics"), read_json(files.report("metrics")) | {"scorer": "another"})
    assert not retrain.is_measured(files, now.champion.digest)
    unmeasured = replace(now, champion=replace(now.champion, is_measured=False))
    decision = retrain.decision_of(run, unmeasured, Past([]))
    assert "the champion's figures are not there" in decision.reasons[0]


def test_a_person_who_asks_is_named_and_says_why(files: Files, run: Callable):
    assert "expected a first and a last name" in run("retrain", "--by-hand", "ops", *DAY)[2]
    assert "expected a sentence" in run("retrain", "--by-hand", "Ada Berg", "--reason", "now", *DAY)[2]
    assert run("retrain", "--decide-only", *DAY)[0] == 0
    assert records(files) == []
    assert "give --by-hand too" in run("retrain", "--reason", "a product was withdrawn", *DAY)[2]


def test_nobody_asks_in_the_name_of_another_where_identities_count(files: Files, run: Callable, monkeypatch, made):
    site = files.root / "configs" / "deploy" / "local.yaml"
    site.write_text(site.read_text(encoding="utf-8").replace("four_eyes: names", "four_eyes: identities"), "utf-8")
    write_identities(files.root, {"name": "Kim Lee", "accounts": [account()]})
    commit(files.root)
    code, _, err = run("retrain", *BY_HAND, *DAY)
    assert (code, "is Kim Lee. Nobody signs for another" in err) == (2, True)
    assert (made, records(files)) == ([], [])


def test_records_that_somebody_changed_decide_nothing(files: Files, run: Callable, made):
    with opened(files) as ledger, RetrainingRecords(ledger, busy_timeout_s=5) as store:
        store.add([{"kind": "begun"}, {"kind": "ended", "verdict": "PASS"}], store.read()[1])
    url = f"sqlite:///{files.root / 'build/ledger/ledger.db'}"
    with Outcomes(url, busy_timeout_s=5) as store, store.store.core() as connection:
        connection.exec_driver_sql("UPDATE retraining_records_1 SET body = replace(body, 'PASS', 'FAIL')")
    code, _, complaint = run("retrain", *DAY)
    assert code == 1
    assert "retraining: entry 2 is not what was recorded behind entry 1" in complaint


def test_what_retraining_asks_beside_the_gates(files: Files):
    scorer = "5c" * 32
    write_json(files.report("metrics"), {"rows": {"test": 10}})
    ends = {"beyond_materiality": 0.01, "beyond_materiality_low": 0.001, "beyond_materiality_high": 0.02}
    gate = {"verdict": "PASS", "kind": "lightgbm", "stale": [], "checks": []}

    def verdicts(again: str = scorer, **changed: object) -> dict[str, str]:
        judged = gate | {"digest": candidate.digest.of_directory(files.scorer)} | changed
        write_json(files.report("gate"), judged)
        mine = candidate.digest.of_directory(files.scorer) if again == scorer else again
        return {each["name"]: each["verdict"] for each in candidate.own_checks(files, mine)}

    write_json(files.report("selection"), ends)
    names = ("reproduces", "gates_of_its_own", "beats_scorecard_materially")
    assert verdicts() == dict.fromkeys(names, "PASS")
    assert verdicts(again="ff")["reproduces"] == "FAIL"
    assert verdicts(verdict="CANNOT SAY")["gates_of_its_own"] == "FAIL"
    assert verdicts(digest="of another")["gates_of_its_own"] == "FAIL"
    assert "beats_scorecard_materially" not in verdicts(kind="scorecard")
    write_json(files.report("selection"), ends | {"beyond_materiality_low": -0.001})
    assert verdicts()["beats_scorecard_materially"] == "CANNOT SAY"
    write_json(files.report("selection"), {})
    assert verdicts()["beats_scorecard_materially"] == "FAIL"


def test_newest_accounts_are_asked_what_they_can_answer(files: Files):
    config = load(files.config)
    gates = [
        config.gates[0].model_copy(update={"measure": name}) for name in ("test.auc", "comparison.differences.auc")
    ]
    narrowed = candidate.for_comparison(config.model_copy(update={"gates": tuple(gates)}))
    assert [gate.measure for gate in narrowed.gates] == ["comparison.differences.auc"]


@pytest.mark.weekly
def test_a_candidate_is_fitted_twice_judged_and_compared_on_rows_that_neither_has_seen(files: Files, run: Callable):
    text = files.config.read_text(encoding="utf-8")
    for old, new in FEW_ROWS.items():
        text = text.replace(old, new, 1)
    files.config.write_text(text, encoding="utf-8")
    code, _, complaint = run("retrain", *DAY, "--markdown", str(files.root / "gate.md"))
    assert code == 0, complaint
    report = read_json(files.report("retraining"))
    by = {check["name"]: check["verdict"] for check in report["comparison"]["checks"]}
    assert (by["reproduces"], by["gates_of_its_own"], by["not_worse"]) == ("PASS", "PASS", "PASS")
    newest = report["version"]["newest"]
    assert report["comparison"]["rows"]["compared"] == newest["rows"]
    assert date.fromisoformat(newest["from"]) > date.fromisoformat(report["candidate"]["trained_until"])
    folder = files.root / "build/retraining"
    assert (folder / "models/scorer/scorer.json").is_file()
    assert not (folder / "data").exists()
    assert not (folder / "artifacts").exists()
    assert "# Retraining" in (files.root / "gate.md").read_text(encoding="utf-8")
