"""Overrides stand in the chain, count by direction and reason, and say how those accounts paid."""

from datetime import date
from pathlib import Path

import pytest
from book import clock, decide, delivery, entry
from ledger_trial import change

from credit_risk.cli import main
from credit_risk.errors import UsageError
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from credit_risk.measures.intervals import jeffreys
from credit_risk.monitoring import monitor
from credit_risk.monitoring.outcomes import adding, overrides
from credit_risk.monitoring.settings import DriftRule, MonitoringSettings
from ledger_fixtures import KEY

SETTINGS = MonitoringSettings(
    most_without_outcome=0.1, asset_correlation=0.04, smallest_window=1, drift=DriftRule(out=2, of=3)
)
DAY, AS_OF = date(2021, 1, 5), date(2022, 3, 1)
REASONS = ("income_proved", "suspected_fraud")
WHO = {"by": "J. Roe", "reasons": REASONS}


@pytest.fixture
def decisions(ledger):
    """Four approvals, four declines and two referrals of one day."""
    answers = ["approve"] * 4 + ["decline"] * 4 + ["refer"] * 2
    return decide(ledger, DAY, [entry(f"p{at}", answer) for at, answer in enumerate(answers)])


def say(ledger, decision_id, to, reason="income_proved", day=DAY):
    with clock(day):
        return overrides.record(ledger, decision_id, to, reason=reason, **WHO)


def test_an_override_stands_in_the_chain_and_the_decision_stays(ledger, decisions):
    assert say(ledger, decisions[4], "approve")
    override = overrides.read(ledger)[decisions[4]]
    assert (override.to, override.by, override.reason, override.day) == ("approve", "J. Roe", "income_proved", DAY)
    assert ledger.get(decisions[4]).decision == "decline"
    assert (verify(ledger).faults, ledger.head().seq) == ([], 11)


def test_the_later_override_counts_and_a_past_day_sees_no_later_one(ledger, decisions):
    say(ledger, decisions[4], "approve")
    say(ledger, decisions[4], "decline", "suspected_fraud", day=date(2021, 2, 1))
    assert overrides.read(ledger)[decisions[4]].to == "decline"
    assert overrides.read(ledger, date(2021, 1, 31))[decisions[4]].to == "approve"
    assert overrides.read(ledger, date(2021, 1, 4)) == {}


def test_what_is_no_override_adds_nothing(ledger, decisions):
    with pytest.raises(UsageError, match="is approve already, by the scorer"):
        say(ledger, decisions[0], "approve")
    with pytest.raises(UsageError, match=r"'he is nice' is no reason of configs/monitoring\.yaml: income_proved, susp"):
        say(ledger, decisions[4], "approve", "he is nice")
    assert ledger.head().seq == 10


def test_the_same_again_and_nobody_and_a_refused_one_add_nothing(ledger, decisions):
    say(ledger, decisions[4], "approve")
    with pytest.raises(UsageError, match=r"is approve already, by J\. Roe"):
        say(ledger, decisions[4], "approve")
    assert not say(ledger, "no-such-decision", "approve")
    (refused,) = decide(ledger, DAY, [entry("q", "refused", None)])
    with pytest.raises(UsageError, match="was refused"):
        say(ledger, refused, "approve")


def test_an_override_that_somebody_changed_is_not_counted(ledger, decisions):
    say(ledger, decisions[4], "approve")
    change(ledger, "UPDATE entries SET facts = replace(facts, 'J. Roe', 'A. Poe') WHERE seq = 11")
    with pytest.raises(LedgerBroken, match="entry 11"):
        overrides.read(ledger)


def test_rates_reasons_and_outcomes_by_direction(ledger, decisions, outcomes, config, tmp_path):
    say(ledger, decisions[0], "decline", "suspected_fraud")
    for position in (4, 5, 6):
        say(ledger, decisions[position], "approve")
    say(ledger, decisions[8], "approve")
    paid = {1: "good", 2: "good", 3: "good", 4: "bad", 5: "good", 8: "good"}
    rows = [
        {"decision_id": decisions[position], "outcome": outcome, "month": 12, "observed_on": "2022-02-01"}
        for position, outcome in paid.items()
    ]
    adding.add(ledger, outcomes, delivery(tmp_path / "a.csv", rows), config, today=AS_OF)
    report = monitor.measure(ledger, outcomes, (), config, SETTINGS, as_of=AS_OF)
    by = {(each["by_model"], each["to"]): each for each in report["overrides"]}
    up, down = by["decline", "approve"], by["approve", "decline"]
    assert (up["overrides"], up["rate"]["value"], up["rate"]["n"]) == (3, 0.75, 4)
    by_reason = up["reasons"] | down["reasons"]
    of_reason = {name: (its["overrides"], its["rate"]["value"]) for name, its in by_reason.items()}
    assert of_reason == {"income_proved": (3, 0.75), "suspected_fraud": (1, 0.25)}
    assert up["reasons"]["income_proved"]["bad_rate"] == up["bad_rate"]
    assert (up["bad_rate"]["value"], up["bad_rate"]["n"]) == (0.5, 2)
    assert (up["bad_rate"]["low"], up["bad_rate"]["high"]) == jeffreys(1, 2, confidence=0.95)
    assert (down["rate"]["value"], down["bad_rate"]["n"]) == (0.25, 0)
    assert (by["refer", "approve"]["overrides"], by["refer", "decline"]["overrides"]) == (1, 0)
    # What the person declined lacks no outcome; the third decline that a person approved does.
    states = report["counts"]["by_state"]
    assert (states["no_outcome_approve"], states["no_outcome_decline"]) == (1, 2)
    assert report["counts"]["by_decision"] == {"approve": 4, "decline": 4, "refer": 2}


def test_the_command_takes_a_declared_reason(tmp_path, monkeypatch, capsys):
    (tmp_path / "configs" / "deploy").mkdir(parents=True)
    deployed = "serving:\n  ledger: {url: sqlite:///build/ledger/ledger.db}\n"
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(deployed, encoding="utf-8")
    shipped = (Path(__file__).parents[3] / "configs" / "monitoring.yaml").read_text(encoding="utf-8")
    typed = shipped.replace("override_by: identities", "override_by: names")
    (tmp_path / "configs" / "monitoring.yaml").write_text(typed, encoding="utf-8")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    with Ledger.open(f"sqlite:///{tmp_path / 'build' / 'ledger' / 'ledger.db'}", key=KEY) as ledger:
        (declined,) = decide(ledger, DAY, [entry("Ada", "decline")])
    arguments = ["--to", "approve", "--by", "Ada Berg", "--root", str(tmp_path)]
    assert main(["overrides", "add", declined, *arguments, "--reason", "because"]) == 2
    assert "is no reason of configs/monitoring.yaml" in capsys.readouterr().err
    assert main(["overrides", "add", "none", *arguments, "--reason", "income_proved"]) == 1
    assert main(["overrides", "add", declined, *arguments, "--reason", "income_proved"]) == 0
    assert f"Decision {declined} is approve now, by Ada Berg." in capsys.readouterr().out
