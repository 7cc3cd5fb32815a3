"""How long decisions must be kept, and what a clock may say."""

from datetime import UTC, date, datetime, timedelta

import pytest
from ledger_trial import KEY, entry

from credit_risk.errors import ConfigError, NotFound, UsageError
from credit_risk.ledger.errors import LedgerRefused
from credit_risk.ledger.ledger import Ledger
from credit_risk.retention.term import allowed, first_kept, months_of, today

TODAY = date(2026, 11, 30)


@pytest.fixture
def policy(tmp_path):
    def write(text: str) -> str:
        folder = tmp_path / "configs" / "policies"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "house.yaml").write_text(text, encoding="utf-8")
        return "house"

    return write


def test_the_term_is_that_of_the_policy_by_name(tmp_path, policy):
    name = policy("version: 1\nstatements:\n  retention_months: 25\n  purpose: x\n")
    assert months_of(tmp_path, name) == 25
    with pytest.raises(UsageError, match="expected the name of a policy"):
        months_of(tmp_path, str(tmp_path / "configs" / "policies" / "house.yaml"))


@pytest.mark.parametrize("value", ["null", "0", "-1", "2.5", "true", "two"])
def test_a_policy_without_a_term_lets_nothing_go(tmp_path, policy, value):
    with pytest.raises(ConfigError, match=r"statements\.retention_months: expected whole months"):
        months_of(tmp_path, policy(f"statements: {{retention_months: {value}}}\n"))


def test_a_policy_that_is_not_there_or_states_nothing(tmp_path, policy):
    with pytest.raises(ConfigError, match="retention_months"):
        months_of(tmp_path, policy("version: 1\n"))
    with pytest.raises(NotFound):
        months_of(tmp_path, "no-such-policy")


def test_25_months_before_a_day():
    assert first_kept(TODAY, 25) == date(2024, 10, 30)
    assert first_kept(date(2026, 3, 31), 25) == date(2024, 2, 29)


def test_a_day_within_the_term_is_refused():
    assert allowed(None, TODAY, 25) == allowed(date(2024, 10, 30), TODAY, 25) == date(2024, 10, 30)
    assert allowed(date(2020, 1, 1), TODAY, 25) == date(2020, 1, 1)
    with pytest.raises(UsageError, match="kept for 25 months, so on 2026-11-30 nothing of 2024-10-30 or later may go"):
        allowed(date(2024, 10, 31), TODAY, 25)


def test_a_clock_that_the_ledger_shows_to_be_wrong_lets_nothing_go(tmp_path):
    now = datetime.now(UTC)
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", key=KEY) as ledger:
        assert today(ledger, now) == now.date()
        ledger.append([entry("Ada")])
        assert today(ledger, now + timedelta(days=300)) == (now + timedelta(days=300)).date()
        for wrong in (now - timedelta(days=1), now + timedelta(days=400)):
            with pytest.raises(LedgerRefused, match=r"the clock says .*: before the ledger's last entry"):
                today(ledger, wrong)
