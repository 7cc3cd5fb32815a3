"""A year of the simulated lender through a real ledger; every count and rate is known beforehand."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from book import decide, delivery, entry
from sklearn.metrics import roc_auc_score

from credit_risk.config import load
from credit_risk.data.simulated_lender import lender
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring import monitor
from credit_risk.monitoring.calendar import months_after
from credit_risk.monitoring.outcomes import adding
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from credit_risk.monitoring.records import pd_cells
from credit_risk.monitoring.settings import DriftRule, MonitoringSettings
from ledger_fixtures import KEY

AS_OF = date(2022, 7, 31)
SETTINGS = MonitoringSettings(
    most_without_outcome=0.1, asset_correlation=0.04, smallest_window=1, drift=DriftRule(out=2, of=3)
)


def simulated_year() -> pd.DataFrame:
    """400 decisions of 2021: approved below a true PD of 0.3, in band A below 0.1, in B below 0.2, else in C."""
    book = lender(400, seed=5, months=12)
    pds = book.truth["pd"].round(6)
    return pd.DataFrame(
        {
            "day": book.applications["applied_on"].dt.date,
            "applicant": book.applications["applicant_id"].astype(str),
            "pd": pds,
            "bad": book.truth["bad"],
            "band": pd.cut(pds, [0, 0.1, 0.2, 1], labels=["A", "B", "C"], right=False).astype(str),
            "decision": (pds < 0.3).map({True: "approve", False: "decline"}),
        }
    )


def looked_up(year: pd.DataFrame) -> list[dict[str, object]]:
    """Bad by month 5 was good by month 4; good by month 12. Looked up when the month had ended, at the latest AS_OF."""
    rows: list[dict[str, object]] = []
    for row in year[year["decision"] == "approve"].itertuples():
        for month, outcome in ((4, "good"), (5, "bad")) if row.bad else ((12, "good"),):
            due = months_after(row.day, month)
            if due <= AS_OF:
                claim = {"outcome": outcome, "month": month, "observed_on": due}
                rows.append({"decision_id": row.decision_id, **claim})
    return rows


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """The decisions, and the report on them of AS_OF."""
    folder = tmp_path_factory.mktemp("year")
    url, decisions = f"sqlite:///{folder / 'ledger.db'}", simulated_year()
    config = load(Path(__file__).parents[1] / "lender" / "credit.yaml")
    with Ledger.open(url, key=KEY) as ledger, Outcomes(url, busy_timeout_s=5) as outcomes:
        for day, rows in decisions.groupby("day"):
            entries = [entry(row.applicant, row.decision, row.pd, band=row.band) for row in rows.itertuples()]
            decisions.loc[rows.index, "decision_id"] = decide(ledger, day, entries)
        file = delivery(folder / "outcomes.csv", looked_up(decisions))
        totals = adding.add(ledger, outcomes, file, config, today=AS_OF)
        report = monitor.measure(ledger, outcomes, (), config, SETTINGS, as_of=AS_OF)
    assert totals.added == totals.read == len(looked_up(decisions))
    return decisions, report


def matured(decisions: pd.DataFrame) -> pd.DataFrame:
    """Of January to July 2021: on 31 July 2022 the youngest of them is twelve months old."""
    return decisions[[day.month <= 7 for day in decisions["day"]]]


def test_every_decision_counts_once(year):
    decisions, report = year
    old = matured(decisions)
    approved = old[old["decision"] == "approve"]
    counts = report["counts"]
    assert counts["decisions"] == 400
    assert counts["by_decision"] == decisions["decision"].value_counts().sort_index().to_dict()
    assert counts["by_state"] == {
        "bad": int(approved["bad"].sum()),
        "good": int((~approved["bad"]).sum()),
        "immature": 400 - len(old),
        "no_outcome_decline": int((old["decision"] == "decline").sum()),
    }
    assert sum(counts["by_state"].values()) == 400
    assert min(counts["by_state"].values()) > 10  # no state is there by name alone


def test_each_band_has_the_bads_that_the_simulation_drew(year):
    decisions, report = year
    old = matured(decisions)
    approved = old[old["decision"] == "approve"]
    for band in report["backtest"]["bands"]:
        rows = approved[approved["band"] == band["band"]]
        assert (band["rows"], band["bads"]) == (len(rows), rows["bad"].sum())
        assert band["bad_rate"]["value"] == rows["bad"].mean()
        assert band["mean_pd"] == pytest.approx(rows["pd"].mean(), abs=1e-12)
        assert band["bad_rate"]["low"] < band["bad_rate"]["value"] < band["bad_rate"]["high"]


def test_auc_and_gini_are_of_the_matured_accounts_alone(year):
    """Each account at the mean PD of its bin of odds, which costs the AUC less than a hundredth."""
    decisions, report = year
    old = matured(decisions)
    approved = old[old["decision"] == "approve"]
    figures = report["backtest"]["figures"]
    by_bin = approved["pd"].map(pd_cells.odds_bin)
    auc = roc_auc_score(approved["bad"], by_bin)
    assert figures["auc"]["value"] == pytest.approx(auc, abs=1e-12)
    assert figures["gini"]["value"] == pytest.approx(2 * auc - 1, abs=1e-12)
    assert auc == pytest.approx(roc_auc_score(approved["bad"], approved["pd"]), abs=0.01)
    means = approved.groupby(by_bin)["pd"].transform("mean")
    assert figures["brier"]["value"] == pytest.approx(((means - approved["bad"]) ** 2).mean(), abs=1e-9)
    assert all(figure["n"] == len(approved) for figure in figures.values())
    assert figures["auc"]["low"] < auc < figures["auc"]["high"]


def test_profit_is_what_the_policy_earns_and_loses(year, config):
    decisions, report = year
    old = matured(decisions)
    approved = old[old["decision"] == "approve"]
    rate, policy = approved["bad"].mean(), config.policy
    profit = report["backtest"]["figures"]["profit"]
    assert profit["value"] == pytest.approx(policy.margin * (1 - rate) - policy.lgd * rate - policy.cost, abs=1e-12)
    assert profit["low"] < profit["value"] < profit["high"]


def test_what_was_foretold_stands_beside_what_came(year):
    decisions, report = year
    months = {each["month"]: each for each in report["estimates"]["vintages"]}
    approved = decisions[decisions["decision"] == "approve"]
    of_june = approved[[day.month == 6 for day in approved["day"]]]
    june, december = months["2021-06"], months["2021-12"]
    assert june["foretold"]["bad_rate"]["value"] == pytest.approx(of_june["pd"].mean(), abs=1e-9)
    assert june["truth"]["bad_rate"] == pytest.approx(of_june["bad"].mean())
    assert june["verdict"]["bad_rate"] == "IN"
    assert (december["why"], december["truth"]) == ("not matured", {})
    assert december["foretold"]["auc"]["low"] < december["foretold"]["auc"]["high"]


def test_a_vintage_steps_where_its_accounts_turned_bad(year):
    decisions, report = year
    approved = decisions[decisions["decision"] == "approve"]
    january = approved[[day.month == 1 for day in approved["day"]]]
    curve = {point["month"]: point["value"] for point in report["vintages"]["2021-01"]}
    assert curve[4] == 0
    assert curve[5] == curve[12] == january["bad"].mean() > 0


def test_delivering_the_bad_ones_alone_gives_no_figure(year, tmp_path, config):
    decisions, _ = year
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    some = decisions[decisions["decision"] == "approve"].head(20).copy()
    with Ledger.open(url, key=KEY) as ledger, Outcomes(url, busy_timeout_s=5) as outcomes:
        some["decision_id"] = decide(ledger, date(2021, 1, 5), [entry(None, pd_=value) for value in some["pd"]])
        assert some["bad"].any()
        file = delivery(tmp_path / "bads.csv", looked_up(some[some["bad"]]))
        adding.add(ledger, outcomes, file, config, today=AS_OF)
        backtest = monitor.measure(ledger, outcomes, (), config, SETTINGS, as_of=AS_OF)["backtest"]
    assert "of 20 matured approvals have no known outcome" in backtest["withheld"]
    assert (backtest["bands"], backtest["figures"]) == ([], {})


def test_a_past_day_sees_no_later_decision_and_no_later_outcome(tmp_path, config):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(url, key=KEY) as ledger, Outcomes(url, busy_timeout_s=5) as outcomes:
        (first,) = decide(ledger, date(2021, 1, 5), [entry("Ada")])
        decide(ledger, date(2021, 6, 1), [entry("Ben")])
        rows = [{"decision_id": first, "outcome": "bad", "month": 2, "observed_on": "2022-03-05"}]
        adding.add(ledger, outcomes, delivery(tmp_path / "a.csv", rows), config, today=AS_OF)
        reports = [
            monitor.measure(ledger, outcomes, (), config, SETTINGS, as_of=day)["counts"]
            for day in (date(2021, 2, 1), date(2022, 2, 1), date(2022, 3, 5))
        ]
    assert [counts["by_state"] for counts in reports] == [
        {"immature": 1},
        {"immature": 1, "no_outcome_approve": 1},
        {"bad": 1, "immature": 1},
    ]
