"""What a promotion waits for: class of change, opinion, approval after it; asked only where it is required."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import registry_trial
from credit_risk.config.changes import Change
from credit_risk.governance.model_risk import change, inventory, opinion, promotion
from credit_risk.governance.model_risk.change import ModelChange
from credit_risk.governance.model_risk.inventory import Approval
from credit_risk.governance.records import Entered, RecordRefused
from credit_risk.registry import conditions
from credit_risk.registry.lifecycle import HistoryEvent, MoveRefused
from credit_risk.registry.settings import RegistrySettings
from credit_risk.scoring.signing import SignedBy

ROOT = Path(__file__).parents[3]
POLICY = inventory.load_tiers(ROOT)
ENTRY = inventory.load(ROOT).model_copy(update={"validator": "Ada Berg"})
AT = datetime(2026, 11, 30, tzinfo=UTC)
SCORER = "s" * 64
FACTS = {"kind": "lightgbm", "features": ["income"], "model_digest": "m", "calibration": {"slope": 1}}


def differs(key):
    return Change("other", key, 1, 2)


@pytest.mark.parametrize(
    ("after", "keys", "name"),
    [
        ({}, ["policy.lgd"], "config"),
        ({}, ["reasons.version", "gates[auc].at_least"], "config"),
        ({"calibration": {"slope": 2}}, ["policy.lgd"], "recalibration"),
        ({"model_digest": "n", "calibration": {"slope": 2}}, ["model.seed"], "retraining"),
        ({"model_digest": "n"}, ["model.directions.income"], "redevelopment"),
        ({}, ["columns.income.range"], "redevelopment"),
        ({"model_digest": "n"}, ["derived[x].formula"], "redevelopment"),
        ({"model_digest": "n"}, ["outcome.bad"], "redevelopment"),
        ({"kind": "scorecard", "model_digest": "n"}, [], "redevelopment"),
        ({"features": ["income", "age_of_account"], "model_digest": "n"}, [], "redevelopment"),
    ],
)
def test_the_class_of_a_change_follows_from_what_differs(after, keys, name):
    assert change.of_facts(FACTS, FACTS | after, list(map(differs, keys))).name == name


def test_without_a_champion_everything_is_new(tmp_path):
    assert change.since(None, tmp_path).name == "redevelopment"


def given(view="approve", at=AT, scorer=SCORER):
    return Entered(at, "opinion", scorer, "Ada Berg", "recomputed and challenged", {"view": view})


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([], "has given no opinion"),
        ([given(scorer="t" * 64)], "has given no opinion"),  # of exactly this scorer
        ([given(), given("reject")], "Ada Berg rejected scorer ssss"),
        ([given("reject"), given()], None),
        ([given("conditions")], None),
    ],
)
def test_the_last_opinion_of_exactly_this_scorer_counts(entries, sentence):
    fault = opinion.fault(entries, SCORER)
    assert fault is None if sentence is None else sentence in fault


@pytest.mark.parametrize(
    ("name", "entries", "approved", "count"),
    [
        ("none", [], None, 0),
        ("config", [], None, 1),
        ("config", [given()], None, 0),
        ("redevelopment", [given()], None, 1),
        ("redevelopment", [given()], date(2026, 11, 29), 1),
        ("redevelopment", [given()], date(2026, 11, 30), 0),
        ("redevelopment", [], date(2026, 11, 30), 2),
    ],
)
def test_a_class_of_change_asks_for_an_opinion_and_an_approval_after_it(name, entries, approved, count):
    entry = ENTRY.model_copy(update={"approval": Approval(by="Olu Ade", on=approved, until=approved)})
    assert len(promotion.of_change(ModelChange(name, "why"), entry, POLICY, entries, SCORER)) == count


def test_a_severe_finding_asks_for_the_approval_again():
    facts = {"severity": "severe", "owner": "Kim Lee", "due": "2026-12-31"}
    found = Entered(AT, "open", "F1", "Ada Berg", "the holdout is a copy", facts)
    for day, count in ((date(2026, 11, 29), 1), (date(2026, 11, 30), 0)):
        entry = ENTRY.model_copy(update={"approval": Approval(by="Olu Ade", on=day, until=day)})
        assert len(promotion.of_change(ModelChange("none", "why"), entry, POLICY, [found], SCORER)) == count


PASSING = {"ecoa": {"verdict": "PASS"}, "model_risk": {"verdict": "PASS"}}
MADE = HistoryEvent(1, None, "register", 1, SCORER, "Kim Lee <account:kim>", "", {})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"view": "perhaps"}, "expected approve, conditions, reject"),
        ({"by": "Olu Ade"}, "Olu Ade is not the validator of the inventory, Ada Berg"),
        ({"makers": [HistoryEvent(1, None, "register", 1, SCORER, "Ada Berg", "", {})]}, "registered this scorer"),
        ({"audits": PASSING | {"ecoa": {"verdict": "CANNOT SAY"}}}, "the audit by ecoa does not pass"),
        ({"audits": {"ecoa": {"verdict": "PASS"}}}, "the audit by model_risk does not pass"),
        ({"view": "conditions"}, "go together"),
        ({"conditions": ["mend it"]}, "go together"),
    ],
)
def test_an_opinion_that_may_not_be_given_is_refused(wrong, sentence):
    of = {"view": "approve", "conditions": [], "audits": PASSING, "makers": [MADE], "by": "Ada Berg <account:ada>"}
    opinion.refuse(inventory=ENTRY, **of)
    with pytest.raises(RecordRefused, match=sentence):
        opinion.refuse(inventory=ENTRY, **of | wrong)


def test_a_rejection_needs_no_audit_that_passes():
    opinion.refuse("reject", [], ENTRY, audits={"ecoa": {"verdict": "FAIL"}}, makers=[], by="Ada Berg")


def registry(governance):
    return RegistrySettings(tracking="t", history="h", signed_by=SignedBy(public_key="k"), governance=governance)


def test_where_it_is_required_what_cannot_be_read_stops_a_promotion(tmp_path):
    reasons = conditions.refusals(tmp_path, registry("required"), SCORER, AT.date())
    assert "models/scorer" in reasons[0]  # what other parts ask for comes after
    assert conditions.refusals(tmp_path, registry("reported"), SCORER, AT.date()) == []


def test_a_registry_that_requires_it_promotes_nothing_that_nobody_answers_for(files, registered, opened):
    registered()
    registry_trial.move_version(opened, "nominate", "1")
    refused = pytest.raises(MoveRefused, match=r"version 1 may not be promoted:\n  .*model-inventory.yaml")
    with registry_trial.registry(files, governance="required") as strict, refused:
        registry_trial.move_version(strict, "promote", "1")
    assert registry_trial.move_version(opened, "promote", "1").move == "promote"
