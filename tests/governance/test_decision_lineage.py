"""The way back from a decision: scorer, data, approval, each link checked; what is broken is said."""

from collections.abc import Iterator

import pytest

from credit_risk.data import digest
from credit_risk.governance import decision_lineage as module
from credit_risk.governance.decision_lineage import LinkBroken, NoSuchDecision, why
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.replay import decider
from credit_risk.registry.errors import RegistryBroken
from credit_risk.scoring.scorer import Scorer
from registry_trial import WHY, kept_files, move_version

APPLICATION = {
    "employment": "<1y",
    "income": 900.0,
    "purpose": "car",
    "loan_amount": 2_000.0,
    "term_months": 84,
    "utilisation": 0.98,
    "months_late": 4,
    "existing_customer": True,
}


@pytest.fixture
def ledger(tmp_path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", key=bytes(32)) as opened:
        yield opened


@pytest.fixture
def live(opened, registered):
    registered()
    move_version(opened, "nominate", "1")
    move_version(opened, "promote", "1")
    return opened


def decide(ledger: Ledger, files, **changes: object) -> str:
    """A decline of the repository's scorer, as the service records it."""
    scorer = Scorer.load(files.scorer)
    found = decider(scorer)([APPLICATION])[0] | changes
    by = DecidedBy(scorer=scorer.digest, model="", config="", code="")
    return ledger.append([Entry(inputs=APPLICATION, decided=found, by=by, applicant="Ada")])[0].decision_id


def test_a_decline_is_traced_to_its_scorer_data_and_approval(live, files, ledger):
    found, checks = why(decide(ledger, files), ledger, live)
    checks.raise_unless_all_hold()
    assert found["decision"]["decision"] == "decline"
    assert found["decision"]["reasons"][0]["text"] == "payments were late"
    assert found["scorer"] == digest.of_directory(files.scorer)
    assert found["trained_on"]["version"] == 1
    assert found["trained_on"]["raw"] == {"data/applications.csv": digest.of_file(files.root / "data/applications.csv")}
    assert [(one["move"], one["by"]) for one in found["approved"]] == [
        ("register", "Kim Lee"),
        ("nominate", "Ada Berg"),
        ("promote", "Ada Berg"),
    ]
    assert len(checks.sound) == 5
    assert "income" not in str(found["trained_on"])


def test_moves_after_the_decision_are_not_its_approval(live, files, ledger):
    decision = decide(ledger, files)
    live.history.append("nominate", 1, digest.of_directory(files.scorer), by="Eve Late", reason=WHY, facts={}, after=3)
    live.sync()
    found, _ = why(decision, ledger, live)
    assert "Eve Late" not in str(found["approved"])


def test_a_decision_that_is_not_there_is_said(live, ledger):
    with pytest.raises(NoSuchDecision, match="no decision 'none'"):
        why("none", ledger, live)


def test_a_decision_by_a_scorer_that_nobody_registered_is_broken(opened, files, ledger):
    _, checks = why(decide(ledger, files), ledger, opened)
    with pytest.raises(LinkBroken, match="is in the registry"):
        checks.raise_unless_all_hold()


def test_a_decision_by_a_scorer_that_was_not_champion_is_broken(opened, files, ledger, registered):
    registered()
    _, checks = why(decide(ledger, files), ledger, opened)
    with pytest.raises(LinkBroken, match=r"version 1 was champion when it decided \(it was candidate\)"):
        checks.raise_unless_all_hold()


def test_a_decision_that_comes_out_otherwise_is_broken(live, files, ledger):
    _, checks = why(decide(ledger, files, pd=0.5), ledger, live)
    with pytest.raises(LinkBroken, match="the same, to the last digit"):
        checks.raise_unless_all_hold()


def test_a_registered_file_that_was_altered_is_refused(live, files, ledger):
    decision = decide(ledger, files)
    with (kept_files(live, 1) / "artifacts" / "scorer" / "model.txt").open("a") as file:
        file.write(" ")
    with pytest.raises(RegistryBroken, match="version 1 is altered"):
        why(decision, ledger, live)


def test_of_an_erased_person_the_approval_can_still_be_shown(live, files, ledger):
    decision = decide(ledger, files)
    ledger.erase("Ada", by="Kim Lee")
    found, checks = why(decision, ledger, live)
    checks.raise_unless_all_hold()
    assert (found["decision"]["erased"], found["decision"]["pd"]) == (True, None)
    assert found["decision"]["decision"] == "decline"
    assert len(checks.sound) == 4
    assert module.Checks().broken == []
