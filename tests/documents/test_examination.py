"""One decision examined: every question answered in a signed folder, and a link that is broken said there."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from credit_risk.cli import main
from credit_risk.config import permission
from credit_risk.data import digest
from credit_risk.data.writing import read_json
from credit_risk.documents import examination
from credit_risk.errors import CheckFailed
from credit_risk.governance.decision_lineage import NoSuchDecision
from credit_risk.ledger.entry import DecidedBy, Entry
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.replay import decider
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from registry_trial import move_version

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
AT = datetime(2026, 11, 30, tzinfo=UTC)


def test_a_decision_is_examined_and_what_is_broken_is_said(files, opened, registered, tmp_path):
    registered()
    move_version(opened, "nominate", "1")
    move_version(opened, "promote", "1")
    scorer, key = Scorer.load(files.scorer), signing.private_key(files.root, {})
    recorded = decider(scorer)([APPLICATION])[0]
    by = DecidedBy(scorer=scorer.digest, model="", config="", code="")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", key=bytes(32)) as ledger:
        ids = [
            ledger.append([Entry(APPLICATION, decided, by, applicant="Ada-77")])[0].decision_id
            for decided in (recorded, recorded | {"pd": 0.5})
        ]
        whole, checks = examination.examine(ids[0], ledger, opened, tmp_path / "whole", key=key, at=AT)
        _, broken = examination.examine(ids[1], ledger, opened, tmp_path / "broken", key=key, at=AT)
        with pytest.raises(NoSuchDecision):
            examination.examine("nobody", ledger, opened, tmp_path / "none", key=key, at=AT)
    checks.raise_unless_all_hold()
    assert whole["decided_by"] == {"scorer": scorer.digest, "version": 1}
    assert whole["live"]["champion"] == 1
    assert [move["by"] for move in whole["approved_by"]] == ["Kim Lee", "Ada Berg", "Ada Berg"]
    assert whole["decision"]["applicant"] == "Ada-77"
    named = {path.name for path in (tmp_path / "whole").iterdir() if path.is_file() and b"Ada-77" in path.read_bytes()}
    assert named == {examination.ANSWERS, "index.html"}
    assert "payments were late" in (tmp_path / "whole" / "index.html").read_text()
    assert digest.of_directory(tmp_path / "whole" / "release" / "models" / "scorer") == scorer.digest
    assert len(broken.broken) == 1
    assert read_json(tmp_path / "broken" / examination.ANSWERS)["does_not_hold"] == broken.broken
    assert not (tmp_path / "none").exists()
    verifier = [sys.executable, str(tmp_path / "whole" / "verify.py"), "--key", str(key.with_suffix(".pub"))]
    assert subprocess.run(verifier, capture_output=True, check=False).returncode == 0


def test_a_decision_is_named_by_whom_it_is_about_and_the_day(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", key=bytes(32)) as ledger:
        by = DecidedBy(scorer="s", model="", config="", code="")
        decided = {"decision": "approve", "pd": 0.1, "score": 600.0, "band": "A", "rule": None, "reasons": []}
        first, *both = (
            ledger.append([Entry({}, decided, by, applicant=name)])[0] for name in ("Ada-77", "Bob-12", "Bob-12")
        )
        today = next(ledger.decisions_about("Ada-77")).at.astimezone(UTC).date()
        assert examination.the_decision_about("Ada-77", today, ledger) == first.decision_id
        with pytest.raises(NoSuchDecision, match=f"{both[0].decision_id}, {both[1].decision_id}"):
            examination.the_decision_about("Bob-12", today, ledger)
        for name, day in (("Ada-77", today - timedelta(days=1)), ("Cy-5", today)):
            with pytest.raises(NoSuchDecision, match="holds none"):
                examination.the_decision_about(name, day, ledger)


@pytest.mark.parametrize(
    "words",
    [[], ["--decision", "a", "--applicant", "b", "--day", "2026-11-30"], ["--applicant", "b"], ["--day", "2026-11-30"]],
)
def test_a_decision_is_named_in_one_of_two_ways(files, capsys, words):
    assert main(["examine", "--root", str(files.root), *words]) == 2
    assert "--applicant and --day" in capsys.readouterr().err


def test_an_examination_takes_out_a_decision_and_asks_who_may(monkeypatch, capsys):
    def ensure(action, site, root):
        raise CheckFailed(f"asked to {action}")

    monkeypatch.setattr(permission, "ensure", ensure)
    assert main(["examine", "--decision", "id"]) == 1
    assert "asked to export" in capsys.readouterr().err
