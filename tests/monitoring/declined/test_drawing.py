"""Who is approved at random: whoever the limits allow, with the same chance, once, within the budget."""

from datetime import UTC, date, datetime

import pytest
from book import decide, entry

from credit_risk.errors import UsageError
from credit_risk.ledger.verification import verify
from credit_risk.monitoring.declined import drawing
from credit_risk.monitoring.outcomes import overrides
from credit_risk.monitoring.settings import AT_RANDOM, MonitoringSettings, RandomApprovals

RULES = RandomApprovals(
    share=0.5, most_pd=0.4, exposure="amount", most_exposure=100, exposure_a_month=10_000, approved_by="Ada Berg"
)
DAY, NOW = date(2021, 1, 5), datetime(2021, 1, 6, 8, tzinfo=UTC)


def declined(name, pd_=0.3, amount=50.0, **changed):
    return entry(name, "decline", pd_, inputs={"amount": amount} | changed)


def draw(ledger, rules=RULES, day=DAY):
    return drawing.draw_day(ledger, rules, day, busy_timeout_s=5, now=NOW)


def test_about_half_are_drawn_and_the_same_half_again(ledger):
    ids = decide(ledger, DAY, [declined(f"p{number}") for number in range(60)] + [entry("q", "approve")])
    record = draw(ledger)
    assert (record["eligible"], record["within"]) == (60, True)
    assert 15 < record["approved"] < 45  # 7 in a million draws of 60 lie outside
    assert record["exposure"] == 50.0 * record["approved"]
    standing = overrides.read(ledger)
    assert {each.decision_id for each in standing.values()} == {
        each for each in ids[:60] if drawing.chance(ledger, each) < 0.5
    }
    assert {(each.to, each.by, each.reason) for each in standing.values()} == {("approve", "Ada Berg", AT_RANDOM)}
    end = ledger.head()
    assert draw(ledger) == record
    assert ledger.head() == end
    assert verify(ledger).holds


def test_a_run_that_was_killed_before_its_record_is_made_whole_by_the_next(ledger, monkeypatch):
    decide(ledger, DAY, [declined(f"p{number}") for number in range(12)])

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(drawing.DrawnDays, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            draw(ledger)
    before = overrides.read(ledger)
    assert draw(ledger)["approved"] == len(before) > 0
    assert overrides.read(ledger) == before


@pytest.mark.parametrize(
    "other",
    [
        declined("p", 0.41),
        declined("p", None),
        declined("p", amount=100.5),
        entry("p", "decline", 0.3, inputs={"other": 1.0}),
        entry("p", "refer", 0.3, inputs={"amount": 50.0}),
    ],
    ids=["pd beyond the limit", "no pd", "too much for one account", "no amount", "referred"],
)
def test_whom_the_limits_do_not_allow_is_not_drawn(ledger, other):
    decide(ledger, DAY, [other])
    assert draw(ledger, RULES.model_copy(update={"share": 1.0}))["eligible"] == 0
    assert overrides.read(ledger) == {}


def test_a_day_that_the_budget_cannot_hold_approves_nobody(ledger):
    every = RULES.model_copy(update={"share": 1.0, "exposure_a_month": 120})
    for day, people in ((date(2021, 1, 3), 2), (date(2021, 1, 4), 1), (DAY, 1)):
        decide(ledger, day, [declined(f"{day} {number}") for number in range(people)])
    records = [draw(ledger, every, day) for day in (date(2021, 1, 3), date(2021, 1, 4), DAY)]
    assert [(each["approved"], each["exposure"], each["within"]) for each in records] == [
        (2, 100.0, True),
        (0, 0.0, False),
        (0, 0.0, False),
    ]


def test_a_day_that_still_runs_is_not_drawn_from(ledger):
    with pytest.raises(UsageError, match="2021-01-06 has not ended yet"):
        draw(ledger, day=NOW.date())


def test_nobody_gives_the_reason_of_chance():
    with pytest.raises(ValueError, match="approved_at_random, which is the reason of random_approvals alone"):
        MonitoringSettings.model_validate(
            {"most_without_outcome": 0.1, "asset_correlation": 0.04, "smallest_window": 1, "drift": {"out": 1, "of": 1}}
            | {"override_reasons": [AT_RANDOM]}
        )
