"""When a training is due, waits or may not be: each trigger and each refusal by itself, on numbers one can count."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from credit_risk.errors import ConfigError
from credit_risk.retraining import due, triggers
from credit_risk.retraining.accounts import NEWEST, PAST, ROWS, DataVersion
from credit_risk.retraining.record import Past, begun, ended
from credit_risk.retraining.settings import DataWindow, Plan, TrainingLimits, Triggers, load
from credit_risk.retraining.triggers import Champion, Trigger

TODAY = date(2026, 6, 20)
BY = Triggers(
    schedule_months=12,
    most_auc_lost=0.02,
    most_level_off=0.2,
    most_bad_rate=0.1,
    approval_months=24,
    approval_lead_months=3,
)
CHAMPION = Champion("5c", in_use_since=date(2025, 6, 20), promoted_on=date(2024, 9, 20), is_measured=True)
LIMITS = TrainingLimits(cool_down_days=30, most_a_year=2, cpu_hours_a_year=1.0, abandoned_after_hours=6.0)
WINDOW = DataWindow(
    window_months=36,
    newest_months=3,
    least_newest=2,
    least_newest_bads=1,
    raw=False,
    protected=None,
    least_known=0.4,
    most_narrowing=0.1,
)
DUE = Trigger("drift", "DUE", "income: OUT")


def training(day: date, evidence: str, cpu_seconds: float = 60, known_share: float = 0.6) -> list[dict[str, object]]:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [
        begun(evidence, day, at, {"version": {"known_share": known_share}}),
        ended(evidence, {"candidate": f"of {evidence}", "cpu_seconds": cpu_seconds, "trained_until": "2025-03-01"}),
    ]


def version(past: int = 3, newest: int = 2, bads: int = 1, known_share: float = 0.6) -> DataVersion:
    parts = [PAST] * past + [NEWEST] * newest
    rows = pd.DataFrame(
        {
            "decision_id": [f"d{index}" for index in range(len(parts))],
            "applicant": [f"a{index}" for index in range(len(parts))],
            "decided_on": [date(2025, 1, 1) if part == PAST else date(2025, 5, 1) for part in parts],
            "known_on": date(2026, 5, 1),
            "outcome": ["bad" if index >= len(parts) - bads else "good" for index in range(len(parts))],
            "part": parts,
        },
        columns=list(ROWS),
    )
    return DataVersion(TODAY, 12, rows, known_share, declined=4, left_out={})


@pytest.mark.parametrize(
    ("since", "last", "finding"),
    [
        (date(2025, 6, 20), None, "DUE"),
        (date(2025, 6, 21), None, "NOT DUE"),
        (date(2020, 1, 1), date(2025, 6, 21), "NOT DUE"),
        (None, date(2025, 6, 20), "DUE"),
        (None, None, "CANNOT SAY"),
    ],
)
def test_the_schedule_counts_from_first_use_or_the_last_training(since, last, finding):
    assert triggers.schedule(BY, replace(CHAMPION, in_use_since=since), last, TODAY).finding == finding


@pytest.mark.parametrize(
    ("verdicts", "finding"),
    [
        ({"income": "IN", "score": "OUT"}, "DUE"),
        ({"income": "IN", "score": "CANNOT SAY"}, "NOT DUE"),
        ({"income": "CANNOT SAY", "score": "CANNOT SAY"}, "CANNOT SAY"),
    ],
)
def test_drift_is_due_where_monitorings_own_rule_says_out(verdicts, finding):
    assert triggers.drift({"drift": {"verdicts": verdicts, "rule": "2 of 3"}}).finding == finding


def test_drift_that_was_not_measured_is_not_known():
    assert triggers.drift({"drift": {"verdict": "CANNOT SAY", "why": "no scorer"}}).sentence == "no scorer"


def test_the_auc_that_pds_foretell_is_that_of_accounts_drawn_with_them():
    """One pair of 0.2 and 0.4: bads weigh 0.2 and 0.4, goods 0.8 and 0.6; ties count a half."""
    right = 0.4 * 0.8 + 0.5 * (0.2 * 0.8 + 0.4 * 0.6)
    assert triggers.foretold_auc(np.array([0.2, 0.4])) == pytest.approx(right / (0.6 * 1.4), abs=1e-12)


def figure(value: float, low: float, high: float) -> dict[str, object]:
    return {"value": value, "low": low, "high": high, "n": 100, "why": ""}


@pytest.mark.parametrize(
    ("auc", "level", "finding"),
    [
        ((0.55, 0.5, 0.599), (0, -0.1, 0.1), "DUE"),
        ((0.55, 0.5, 0.5991), (0, -0.1, 0.1), "NOT DUE"),
        ((0.62, 0.6, 0.64), (0.3, 0.21, 0.4), "DUE"),
        ((0.62, 0.6, 0.64), (-0.3, -0.4, -0.21), "DUE"),
        ((0.62, 0.6, 0.64), (0.3, 0.19, 0.4), "NOT DUE"),
    ],
)
def test_performance_is_due_where_a_whole_interval_lies_beyond_its_limit(auc, level, finding):
    """The PDs 0.2 and 0.4 foretell an AUC of 0.61905, so 0.59905 is the least."""
    accounts = pd.DataFrame({"state": ["good", "bad", "immature"], "pd": [0.2, 0.4, 0.9]})
    figures = {"auc": figure(*auc), "calibration_in_the_large": figure(*level)}
    assert triggers.performance(BY, accounts, {"backtest": {"figures": figures, "withheld": ""}}).finding == finding


def test_performance_that_is_withheld_is_not_known_and_says_why():
    found = triggers.performance(BY, pd.DataFrame(), {"backtest": {"figures": {}, "withheld": "3 of 4 are lacking"}})
    assert (found.finding, found.sentence) == ("CANNOT SAY", "3 of 4 are lacking")


@pytest.mark.parametrize(
    ("last", "limit", "finding"),
    [
        ((0.12, 0.101, 0.14), 0.1, "DUE"),
        ((0.12, 0.1, 0.14), 0.1, "NOT DUE"),
        ((0.12, 0.101, 0.14), None, "CANNOT SAY"),
        ((np.nan, np.nan, np.nan), 0.1, "CANNOT SAY"),
    ],
)
def test_an_estimate_is_due_where_the_last_month_that_has_ended_is_foretold_too_many_bads(last, limit, finding):
    months = {"2026-04": (0.5, 0.4, 0.6), "2026-05": last, "2026-06": (0.5, 0.4, 0.6)}
    vintages = [{"month": month, "foretold": {"bad_rate": figure(*ends)}} for month, ends in months.items()]
    report = {"as_of": "2026-06-20", "estimates": {"vintages": vintages}}
    assert triggers.estimated(BY.model_copy(update={"most_bad_rate": limit}), report).finding == finding


@pytest.mark.parametrize(
    ("promoted", "finding"),
    [(date(2024, 9, 20), "DUE"), (date(2024, 9, 21), "NOT DUE"), (None, "CANNOT SAY")],
)
def test_a_successor_is_due_before_an_approval_ends(promoted, finding):
    assert triggers.approval(BY, replace(CHAMPION, promoted_on=promoted), TODAY).finding == finding


@pytest.mark.parametrize(
    ("found", "waits", "refusals", "is_known", "answer"),
    [
        ([], ["later"], ["never"], True, "NOT DUE"),
        ([DUE], ["later"], ["never"], True, "TRAINED BEFORE"),
        ([DUE], ["later"], ["never"], False, "REFUSED"),
        ([DUE], ["later"], [], False, "WAIT"),
        ([DUE], [], [], False, "TRAIN"),
    ],
)
def test_what_is_unsound_comes_before_what_has_to_wait(found, waits, refusals, is_known, answer):
    quiet = Trigger("schedule", "NOT DUE", "early")
    assert due.decide([quiet, *found], waits, refusals, is_known).answer == answer


@pytest.mark.parametrize(
    ("trainings", "waits"),
    [
        ([], []),
        ([(date(2026, 5, 21), "a", 60)], []),
        ([(date(2026, 5, 22), "a", 60)], ["the last training was on 2026-05-22: the cool-down lasts until 2026-06-21"]),
        ([(date(2025, 9, 1), "a", 60), (date(2026, 1, 1), "b", 60)], ["2 trainings in twelve months, at most 2"]),
        ([(date(2025, 6, 20), "a", 9_000)], []),
        ([(date(2025, 6, 21), "a", 3_600)], ["1.0 hours of processor time in twelve months, the budget is 1"]),
    ],
)
def test_trainings_of_twelve_months_are_limited_in_number_and_cost(trainings, waits):
    past = Past([entry for each in trainings for entry in training(*each)])
    found = due.of_limits(LIMITS, past, "new", TODAY)
    assert len(found) == len(waits)
    assert all(sentence.startswith(start) for sentence, start in zip(found, waits, strict=True))


def test_a_training_that_was_begun_waits_until_it_counts_as_killed_and_no_limit_counts_it_twice():
    past = Past(training(TODAY, "a")[:1])
    at = datetime(2026, 6, 20, 5, 59, tzinfo=UTC)
    assert "counts as killed from 06:00" in due.of_running(LIMITS, past, "a", at)[0]
    assert due.of_running(LIMITS, past, "a", at.replace(hour=6, minute=0)) == []
    assert due.of_running(LIMITS, past, "b", at) == []
    assert due.of_limits(LIMITS, past, "a", TODAY) == []
    assert due.of_running(LIMITS, Past(training(TODAY, "a")), "a", at) == []


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (Plan(approved_by=None, until=None), "nobody has approved"),
        (Plan(approved_by="Ada Berg", until=date(2026, 6, 19)), "the plan was approved by Ada Berg until 2026-06-19"),
        (Plan(approved_by="Ada Berg", until=TODAY), ""),
    ],
)
def test_an_approval_that_has_expired_trains_nothing_unless_a_person_asks(plan, reason):
    assert " ".join(due.of_plan(plan, [DUE], TODAY)).startswith(reason)
    assert bool(due.of_plan(plan, [DUE], TODAY)) == bool(reason)
    assert due.of_plan(plan, [DUE, triggers.by_hand("Ada Berg", "a product was withdrawn")], TODAY) == []


def test_without_figures_of_the_champion_nothing_is_held_against_it():
    assert due.of_champion(CHAMPION) == []
    assert "what a candidate may not be worse than" in due.of_champion(replace(CHAMPION, is_measured=False))[0]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (version(), ""),
        (version(newest=1), "hold 1 accounts with 1 bads; 2 and 1 are needed"),
        (version(bads=0), "hold 2 accounts with 0 bads; 2 and 1 are needed"),
        (version(past=0), "nothing is there to learn from"),
        (version(known_share=0.39), "39.0% have an outcome, at least 40% must"),
    ],
)
def test_accounts_that_are_too_few_or_too_chosen_make_no_model(made, reason):
    found = due.of_data(made, WINDOW, Past([]), "5c")
    assert len(found) == (1 if reason else 0)
    assert reason in "".join(found)


def test_models_that_approve_ever_fewer_and_learn_of_those_alone_are_a_spiral():
    past = Past(training(date(2026, 1, 1), "a", known_share=0.71))
    assert "each model approves fewer" in due.of_data(version(known_share=0.6), WINDOW, past, "5c")[0]
    assert due.of_data(version(known_share=0.62), WINDOW, past, "5c") == []


def test_newest_accounts_that_the_champions_own_training_saw_overlap():
    past = Past(training(date(2026, 1, 1), "a"))
    seen = Past([past.entries[0], past.entries[1] | {"trained_until": "2025-05-01"}])
    assert due.of_data(version(), WINDOW, past, "of a") == []
    assert "the champion learned from such" in due.of_data(version(), WINDOW, seen, "of a")[0]


@pytest.mark.parametrize(
    ("immature_lacking", "refused"), [(("good", "immature"), 0), (("good", "no_outcome_approve"), 1)]
)
def test_where_outcomes_are_lacking_those_delivered_may_be_the_bad_ones(immature_lacking, refused):
    table = pd.DataFrame({"state": immature_lacking})
    assert len(due.of_deliveries(table, 0.1)) == refused


def test_the_repositorys_own_settings_are_whole_and_approve_nothing():
    settings = load(Path(__file__).parents[2] / "configs" / "retraining.yaml")
    assert settings.plan == Plan(approved_by=None, until=None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("approved_by: null", "approved_by: Ada Berg", "approved_by and until go together"),
        ("approval_lead_months: 3", "approval_lead_months: 24", "approval_lead_months must be below approval_months"),
        ("  until: null", '  until: "soon"', "until"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, old, new, said):
    text = (Path(__file__).parents[2] / "configs" / "retraining.yaml").read_text(encoding="utf-8")
    (tmp_path / "retraining.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load(tmp_path / "retraining.yaml")
