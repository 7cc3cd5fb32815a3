"""`credit-risk ledger purge` and its holds as a person meets them: what they say, and the exit code."""

import json
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from ledger_trial import KEY, entry

from credit_risk.data.signers import account
from credit_risk.ledger.copies import backup
from credit_risk.ledger.ledger import Ledger


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A ledger with Ada of September 2024 and Bob of today, and a policy of 25 months."""
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    monkeypatch.delenv("CREDIT_RISK_LEDGER_URL", raising=False)
    for folder in ("deploy", "policies"):
        (tmp_path / "configs" / folder).mkdir(parents=True)
    settings = "serving:\n  ledger: {url: 'sqlite:///build/ledger/ledger.db'}\n"
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(settings, encoding="utf-8")
    policy = "statements:\n  retention_months: 25\n"
    (tmp_path / "configs" / "policies" / "ecoa.yaml").write_text(policy, encoding="utf-8")
    then = int(datetime(2024, 9, 15, tzinfo=UTC).timestamp()) * 1_000_000_000
    with Ledger.open(f"sqlite:///{tmp_path}/build/ledger/ledger.db", key=KEY) as ledger:
        with patch("credit_risk.ledger.entry.time.time_ns", lambda: then):
            ledger.append([entry("Ada")])
        ledger.append([entry("Bob")])
        backup(ledger, tmp_path / "copy.db", key=KEY)
    return tmp_path


def shown(run, applicant):
    return run("show", "--applicant", applicant)[0] == 0


def test_what_may_go_goes_and_is_proved_gone(run, root):
    code, out, _ = run("purge", "--policy", "ecoa")
    assert code == 0
    assert "1 key is destroyed; 1 decision before" in out
    assert f"Nothing of it stands in {root}/build/ledger/ledger.db" in out
    assert (shown(run, "Ada"), shown(run, "Bob")) == (False, True)
    assert run("verify")[0] == 0


def test_a_dry_run_counts_and_destroys_nothing(run):
    code, out, _ = run("purge", "--policy", "ecoa", "--dry-run", "--json")
    report = json.loads(out)
    assert (code, report["keys"], report["held"]) == (0, 1, [])
    assert shown(run, "Ada")


def test_a_copy_that_still_has_the_key_exits_1_and_purged_too_it_has_not(run, root):
    code, _, err = run("purge", "--policy", "ecoa", "--search", root / "copy.db")
    assert code == 1
    assert f"a destroyed key still stands in {root}/copy.db: purge it too" in err
    code, out, _ = run("purge", "--policy", "ecoa", "--url", f"sqlite:///{root}/copy.db", "--json")
    report = json.loads(out)
    assert (code, report["keys"], report["decisions"], report["read"]) == (0, 1, 1, 1)
    assert f"{root}/copy.db" in report["searched"]


def test_a_day_within_the_term_exits_2_and_destroys_nothing(run):
    code, _, err = run("purge", "--policy", "ecoa", "--before", f"{datetime.now(UTC):%Y-%m-%d}")
    assert (code, "must be kept for 25 months" in err) == (2, True)
    assert shown(run, "Ada")


def test_a_policy_must_be_named(run):
    assert run("purge")[0] == 2
    assert run("purge", "--policy", "none")[0] == 2


def test_a_policy_of_ones_own_beside_the_reviewed_ones_is_refused(run, tmp_path):
    short = tmp_path / "short.yaml"
    short.write_text("statements: {retention_months: 1}\n", encoding="utf-8")
    code, _, err = run("purge", "--policy", short)
    assert (code, "expected the name of a policy in configs/policies" in err) == (2, True)
    assert shown(run, "Ada")


def test_a_hold_is_listed_keeps_and_is_released(run):
    ada = json.loads(run("show", "--applicant", "Ada")[1])["decision_id"]
    why, who = ("--reason", "case 17/2026"), f"account:{account()}"
    assert f"Decision {ada} is held, by {who}." in run("hold", ada, *why)[1]
    assert f"{ada} since" in run("legal-holds")[1]
    code, out, _ = run("purge", "--policy", "ecoa")
    assert (code, f"Held, and kept: {ada}, by {who}: case 17/2026." in out) == (0, True)
    code, _, err = run("erase", "--applicant", "Ada")
    assert (code, f"under a legal hold by {who} since" in err) == (2, True)
    assert shown(run, "Ada")
    assert run("release", ada, *why)[0] == 0
    assert run("release", ada, *why)[0] == 1
    assert run("legal-holds")[1].strip() == "No hold stands."
    assert run("purge", "--policy", "ecoa")[0] == 0
    assert not shown(run, "Ada")
    assert run("verify")[0] == 0


def test_nobody_holds_a_decision_that_is_not_there(run):
    assert run("hold", "none", "--reason", "why")[0] == 1


def test_nobody_holds_or_releases_in_the_name_of_another(run):
    for verb in ("hold", "release"):
        code, _, err = run(verb, "none", "--by", "J. Roe", "--reason", "why")
        assert (code, "--by" in err) == (2, True)


def test_who_purged_stands_with_each_key_in_the_chain(run, root):
    assert run("purge", "--policy", "ecoa")[0] == 0
    with Ledger.open(f"sqlite:///{root}/build/ledger/ledger.db", key=KEY) as ledger, ledger.store.core() as connection:
        (facts,) = connection.exec_driver_sql("SELECT facts FROM entries WHERE kind = 'erasure'").scalars()
    assert json.loads(facts) | {"made": 0, "before": ""} == {
        "decisions": 1,
        "made": 0,
        "period": "2024-09",
        "by": f"account:{account()}",
        "policy": "ecoa",
        "term_months": "25",
        "before": "",
    }
