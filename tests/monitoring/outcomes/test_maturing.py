"""Outcomes that were counted stay as they were counted, and records add up to what the facts say."""

from collections.abc import Sequence
from datetime import date
from unittest.mock import patch

import numpy as np
import pytest
from book import decide, delivery, entry
from ledger_trial import change

from credit_risk.ledger.errors import LedgerBroken
from credit_risk.monitoring import monitor
from credit_risk.monitoring.outcomes import adding, maturing
from credit_risk.monitoring.outcomes.maturing import state_by, states
from credit_risk.monitoring.records.frozen_store import FrozenRecords
from credit_risk.monitoring.settings import DriftRule, MonitoringSettings
from credit_risk.monitoring.windows import freezing

JANUARY, AS_OF = date(2021, 1, 10), date(2022, 6, 30)
SETTINGS = MonitoringSettings(
    most_without_outcome=0.1, asset_correlation=0.04, smallest_window=1, drift=DriftRule(out=2, of=3)
)


@pytest.mark.parametrize(
    ("known", "spans"),
    [
        ({}, [(1, "not_known")]),
        ({6: "good"}, [(1, "good"), (7, "not_known")]),
        ({3: "bad"}, [(1, "not_known"), (3, "bad")]),
        ({3: "good", 4: "bad"}, [(1, "good"), (4, "bad")]),
        ({3: "good", 6: "bad"}, [(1, "good"), (4, "not_known"), (6, "bad")]),
        ({3: "indeterminate", 6: "indeterminate"}, [(1, "not_known"), (3, "indeterminate"), (7, "not_known")]),
    ],
)
def test_an_account_is_what_the_months_around_leave_no_doubt_of(known, spans):
    assert states(known) == spans
    assert state_by(known, 1) == spans[0][1]
    assert state_by(known, 99) == spans[-1][1]


class Desk:
    """A ledger of 20 approvals of January 2021, PD 0.1 and 0.3 by turns, and what a command would do with it."""

    def __init__(self, ledger, outcomes, store, config, folder):
        self.ledger, self.outcomes, self.store, self.config, self.folder = ledger, outcomes, store, config, folder
        entries = [entry(f"p{at}", pd_=0.1 if at % 2 else 0.3) for at in range(20)]
        self.ids = decide(ledger, JANUARY, entries)

    def deliver(self, rows: Sequence[tuple[int, str, int, str]], correction: str = "") -> None:
        """Each: which account, outcome, by which month, and the day on which that was looked up."""
        names = ("decision_id", "outcome", "month", "observed_on")
        file = delivery(
            self.folder / "delivery.csv",
            [dict(zip(names, (self.ids[at], *rest), strict=True)) | {"correction": correction} for at, *rest in rows],
        )
        totals = adding.add(self.ledger, self.outcomes, file, self.config, today=AS_OF)
        assert not totals.rejects

    def freeze(self, smallest: int = 1) -> list[dict[str, object]]:
        known, end = self.store.read()
        windows = {"5c": Unbinned()}
        frozen = freezing.freeze(self.ledger, known, windows, AS_OF, smallest=smallest)
        matured = maturing.mature(self.ledger, self.outcomes, known, ["2021-01"], date.max, smallest=smallest)
        self.store.add([*frozen.records, *matured], end)
        return matured

    def report(self, as_of: date = AS_OF):
        known, _ = self.store.read()
        return monitor.measure(self.ledger, self.outcomes, known, self.config, SETTINGS, as_of=as_of)


class Unbinned:
    """A scorer whose decisions fall into no bin: these tests are of outcomes."""

    def __init__(self) -> None:
        self.months: dict[str, object] = {}
        self.middle_score = None

    def add(self, *_: object) -> None: ...


@pytest.fixture
def desk(ledger, outcomes, config, tmp_path):
    with FrozenRecords(ledger, busy_timeout_s=5) as store:
        yield Desk(ledger, outcomes, store, config, tmp_path)


def all_good_but(*bads: int) -> list[tuple[int, str, int, str]]:
    return [(at, "bad" if at in bads else "good", 12, "2022-01-31") for at in range(20)]


def test_a_frozen_backtest_is_the_live_one_and_no_erasure_or_purge_changes_it(desk):
    desk.deliver(all_good_but(0, 2, 4, 1))
    live = desk.report()
    desk.freeze()
    assert desk.report() == live
    assert (live["counts"]["by_state"], live["backtest"]["withheld"]) == ({"bad": 4, "good": 16}, "")
    for at in (0, 1, 2, 3):
        desk.ledger.erase(f"p{at}", by="Kim Lee")
    assert desk.report() == live
    numbers = [row[0] for row in _keys(desk.ledger)]
    desk.ledger.destroy(numbers, {"policy": "test"}, by="Kim Lee")
    assert desk.report() == live
    assert live["estimates"]["vintages"][0]["verdict"]["bad_rate"] == "IN"


def _keys(ledger):
    with ledger.store.reading() as cursor:
        cursor.execute("SELECT number FROM keys WHERE wrapped IS NOT NULL")
        return cursor.fetchall()


def test_without_freezing_an_erasure_takes_the_account_out_of_every_figure_of_pds(desk):
    """What the records are for: the counterpart of the test above."""
    desk.deliver(all_good_but(0, 2, 4, 1))
    live = desk.report()
    desk.ledger.erase("p0", by="Kim Lee")
    after = desk.report()
    assert after["backtest"]["figures"]["auc"]["n"] == live["backtest"]["figures"]["auc"]["n"] - 1
    assert after["counts"]["accounts_without_pd"] == 1
    assert after["counts"]["by_state"] == live["counts"]["by_state"]


def test_news_is_counted_once_and_records_add_up(desk):
    desk.deliver([(at, "good", 3, "2021-05-01") for at in range(20)])
    (first,) = desk.freeze()
    assert (first["accounts"], first["booked"]) == (20, {"approve": 20})
    assert desk.freeze() == []
    desk.deliver([(at, "bad" if at < 5 else "good", 12, "2022-02-01") for at in range(10)])
    with_news = desk.report()
    (second,) = desk.freeze()
    assert (second["accounts"], second["booked"]) == (10, {})
    assert desk.report() == with_news
    assert with_news["counts"]["by_state"] == {"bad": 5, "good": 5, "not_known_by_window": 10}


def test_a_correction_moves_an_account_from_one_state_to_the_other(desk):
    desk.deliver(all_good_but(0))
    desk.freeze()
    desk.deliver([(0, "good", 12, "2022-03-01")], correction="payment found")
    (record,) = desk.freeze()
    assert {(row[0], row[4], row[5]) for row in record["cells"]} == {
        *((1, "good", 1), (1, "not_known", -1), (12, "not_known", 1), (12, "bad", -1)),
        *((13, "good", -1), (13, "not_known", 1)),
    }
    assert desk.report()["counts"]["by_state"] == {"good": 20}


def test_news_of_few_accounts_waits_for_more_and_shows_in_the_report_all_the_same(desk):
    desk.deliver(all_good_but(0))
    desk.freeze(smallest=10)
    desk.deliver([(0, "good", 12, "2022-03-01")], correction="payment found")
    assert desk.freeze(smallest=10) == []
    assert desk.report()["counts"]["by_state"] == {"good": 20}
    desk.deliver([(at, "good", 14, "2022-04-30") for at in range(10)])
    (record,) = desk.freeze(smallest=10)
    assert record["accounts"] == 10
    assert desk.report()["counts"]["by_state"] == {"good": 20}


def test_an_account_that_was_erased_after_it_counted_stays_as_it_was(desk):
    desk.deliver(all_good_but(0))
    desk.freeze()
    desk.deliver([(0, "good", 12, "2022-03-01")], correction="payment found")
    desk.ledger.erase("p0", by="Kim Lee")
    assert desk.report()["counts"]["by_state"] == {"bad": 1, "good": 19}


def test_a_past_day_takes_no_later_look_up_though_it_is_frozen(desk):
    desk.deliver([(at, "good", 3, "2021-05-01") for at in range(20)])
    desk.freeze()
    desk.deliver([(at, "good", 12, "2022-02-01") for at in range(20)])
    desk.freeze()
    assert desk.report(date(2022, 1, 31))["counts"]["by_state"] == {"not_known_by_window": 20}
    assert desk.report()["counts"]["by_state"] == {"good": 20}


def test_a_decision_that_is_not_as_recorded_is_not_counted(desk):
    desk.deliver(all_good_but(0))
    change(desk.ledger, "UPDATE entries SET facts = replace(facts, 'approve', 'decline') WHERE seq = 3")
    with pytest.raises(LedgerBroken, match=r"decision \S+ is not"):
        maturing.mature(desk.ledger, desk.outcomes, [], ["2021-01"], date.max, smallest=1)


def test_facts_are_those_of_decisions_of_the_month(desk):
    (february,) = decide(desk.ledger, date(2021, 2, 1), [entry("q")])
    desk.ids.append(february)
    desk.deliver([(0, "bad", 2, "2021-03-01"), (20, "bad", 3, "2021-03-02")])
    assert [fact.decision_id for fact in desk.outcomes.of_month("2021-01")] == [desk.ids[0]]
    assert [fact.decision_id for fact in desk.outcomes.of_month("2021-02")] == [february]
    assert desk.outcomes.of_month("2020-12") == []
    assert [desk.outcomes.last_of_month(month) for month in ("2020-12", "2021-01", "2021-02")] == [0, 1, 2]


def test_a_month_without_news_is_not_read_again(desk):
    desk.deliver(all_good_but(0))
    desk.freeze()
    with patch.object(desk.outcomes, "of_month") as read:
        desk.report()
    assert read.call_count == 0


def test_the_states_of_random_accounts_are_those_that_single_look_ups_give():
    """Against a slow reading of the rule: the worst before, and whatever the next look-up allows."""
    random = np.random.default_rng(1)
    worse = {"good": 0, "indeterminate": 1, "bad": 2}
    for _ in range(300):
        months = sorted(random.choice(np.arange(1, 10), random.integers(0, 5), replace=False))
        words = sorted(random.choice(list(worse), len(months)), key=worse.__getitem__)
        known = dict(zip(map(int, months), map(str, words), strict=True))
        for month in range(1, 12):
            least = max((word for at, word in known.items() if at <= month), key=worse.__getitem__, default="good")
            later = [at for at in known if at >= month]
            most = known[min(later)] if later else "bad"
            assert state_by(known, month) == (least if least == most else "not_known")
