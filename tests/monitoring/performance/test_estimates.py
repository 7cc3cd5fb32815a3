"""What PDs foretell, with answers by hand; how often the truth lies where it was foretold; what the estimate misses."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from credit_risk.config.schema import Evaluation
from credit_risk.monitoring.outcomes import maturing
from credit_risk.monitoring.performance import estimates
from credit_risk.monitoring.performance.book import Book
from credit_risk.monitoring.performance.estimates import Assumed
from credit_risk.monitoring.records.pd_cells import PdCells, odds_bin

EVALUATION = Evaluation(replicates=400, confidence=0.95, seed=1)


@pytest.fixture
def assumed(config):
    return Assumed(config.policy.model_copy(update={"margin": 0.1, "lgd": 0.5, "cost": 0.01}), EVALUATION, 0.04)


def approvals(*bins: tuple[float, int]) -> pd.DataFrame:
    """Cells of approvals: each a PD and how many have it."""
    return pd.DataFrame([{"bin": odds_bin(value), "n": n, "pd": n * value, "pd2": n * value**2} for value, n in bins])


def test_the_estimate_is_what_the_pds_come_to(assumed):
    """Of ten at 0.1 and ten at 0.3, bads are 1 and 3, goods 9 and 7: of 64 pairs 27 are in order and 30 are ties."""
    figures = estimates.foretold(approvals((0.1, 10), (0.3, 10)), assumed)
    assert figures["bad_rate"].value == pytest.approx(0.2)
    assert figures["auc"].value == pytest.approx((27 + 30 / 2) / 64)
    assert figures["gini"].value == pytest.approx(2 * 42 / 64 - 1)
    assert figures["profit"].value == pytest.approx(0.8 * 0.1 - 0.2 * 0.5 - 0.01)
    assert figures["bad_rate"].low < 0.2 < figures["bad_rate"].high


def test_without_pds_nothing_is_foretold(assumed):
    none = pd.DataFrame([{"bin": None, "n": 7, "pd": 0.0, "pd2": 0.0}])
    assert {figure.why for figure in estimates.foretold(none, assumed).values()} == {estimates.NO_PDS}


def test_fewer_accounts_are_foretold_less_surely(assumed):
    book = approvals((0.05, 500), (0.2, 500))
    wide, narrow = estimates.foretold(book, assumed, 100)["auc"], estimates.foretold(book, assumed)["auc"]
    assert wide.value == narrow.value
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert (wide.n, narrow.n) == (100, 1000)


def book(pds: np.ndarray, bad: np.ndarray, as_of: date = date(2026, 6, 30)) -> Book:
    """One month, 2025-01, of approvals with these PDs, all booked and looked up by month 12."""
    applications, accounts = PdCells(), PdCells()
    for value, outcome in zip(pds.tolist(), bad.tolist(), strict=True):
        cell = ("approve", "A", odds_bin(value))
        applications.add(cell, value)
        spans = maturing.states({12: "bad" if outcome else "good"})
        maturing.count_account(accounts, cell, value, spans, 1)
    counts = {"decision": {"approve": len(pds)}}
    window = {"month": "2025-01", "scorer": "s", "decisions": len(pds), "counts": counts, "cells": applications.rows()}
    outcomes = {"month": "2025-01", "scorer": "s", "booked": {"approve": len(pds)}, "cells": accounts.rows()}
    return Book([window], [outcomes], (), as_of, 12)


def test_the_truth_lies_where_it_was_foretold_and_a_change_of_concept_shows(assumed):
    """The same applicants, twice: they pay as their PDs say, and then at twice the odds of bad, turned round."""
    random = np.random.default_rng(2)
    pds = random.beta(1, 9, 3000)
    as_foretold = book(pds, random.random(3000) < pds)
    turned = book(pds, random.random(3000) < np.clip(0.45 - pds, 0.01, 1))
    (right,), (wrong,) = (estimates.by_vintage(each, assumed, 0.1) for each in (as_foretold, turned))
    assert (right["verdict"]["bad_rate"], right["verdict"]["auc"]) == ("IN", "IN")
    assert (wrong["verdict"]["bad_rate"], wrong["verdict"]["auc"]) == ("OUT", "OUT")
    assert right["foretold"] == wrong["foretold"]  # the estimate is blind to it
    assert wrong["truth"]["auc"] < 0.5 < right["truth"]["auc"]


def test_before_maturity_there_is_no_truth(assumed):
    pds = np.array([0.1, 0.3])
    (young,) = estimates.by_vintage(book(pds, pds > 1, date(2025, 12, 31)), assumed, 0.1)
    assert (young["why"], young["truth"], young["verdict"]) == ("not matured", {}, {})


def test_where_outcomes_lack_there_is_no_truth(assumed):
    pds = np.array([0.1, 0.3])
    whole = book(pds, pds > 1)
    half = {**whole.outcomes[0], "booked": {"approve": 1}}
    lacking = Book(whole.windows, [half], (), whole.as_of, 12)
    (month,) = estimates.by_vintage(lacking, assumed, 0.1)
    assert "1 of 3 matured approvals have no known outcome" in month["why"]
    assert month["truth"] == {}
