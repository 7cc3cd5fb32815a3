"""What is computed of the repository and its stores: what passes, and that whatever is missing fails."""

from datetime import date
from types import SimpleNamespace

import pytest

from credit_risk.compliance import policies
from credit_risk.compliance.policies import DataPolicy
from credit_risk.data.writing import write_text
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.governance import dataset_checks, repository_checks
from credit_risk.governance.dataset_checks import DatasetScope
from credit_risk.governance.repository_checks import NO_ENVIRONMENT, Scope
from credit_risk.governance.scorer_policy import ScorerPolicy
from credit_risk.ledger.ledger import Ledger
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.scoring.scorer import Scorer

TODAY = date(2026, 11, 30)
POLICY = """\
version: 1
framework: house
title: House rules
reviewed: 2026-11-25
statements: {purpose: lending, retention: two years, retention_months: 25}
words: {identifiers: [email]}
data_controls:
  - {id: d-1, requirement: no names, source: law 1, dated: 2026-01-01, secondary: true,
     check: no_direct_identifiers, severity: failure}
controls:
  - {id: c-1, requirement: no, source: rule 1, dated: 2026-07-21, secondary: true, by: traced}
"""


@pytest.fixture
def scope(trained, tmp_path):
    path = tmp_path / "house.yaml"
    write_text(path, POLICY)
    config, files = trained
    scorer = Scorer.load(files.scorer)
    return Scope(files, config, policies.read(path, ScorerPolicy), scorer, None, TODAY, {})


def with_ledger(scope, monkeypatch, tmp_path):
    """A scope whose environment has an empty ledger."""
    key = bytes(32)
    Ledger.open(f"sqlite:///{tmp_path}/ledger.db", key=key).close()
    monkeypatch.setattr(Scope, "ledger", lambda _: Ledger.open(f"sqlite:///{tmp_path}/ledger.db", key=key))
    return scope


@pytest.mark.parametrize(
    "name", ["ledger_holds", "decisions_go_on_time", "registry_holds", "four_eyes", "registered", "signed"]
)
def test_stores_that_nobody_named_fail(scope, name):
    reached = repository_checks.answer(name, scope)
    assert (reached.verdict, reached.sentence) == ("FAIL", f"{NO_ENVIRONMENT}")


def test_an_unknown_check_fails(scope):
    reached = repository_checks.answer("wishes", scope)
    assert reached.verdict == "FAIL"
    assert reached.sentence.startswith("there is no check 'wishes'; known: data_controls, ")


def test_a_run_that_left_no_lock_cannot_be_traced(scope):
    reached = repository_checks.answer("traced", scope)
    assert (reached.verdict, reached.path) == ("FAIL", scope.files.root / "dvc.lock")
    assert "there is no such file" in reached.sentence


def test_an_erasure_is_tried(scope):
    reached = repository_checks.answer("erasure_works", scope)
    assert (reached.verdict, reached.sentence[:32]) == ("PASS", "a person was erased from a ledge")


def test_an_erasure_that_erases_nothing_is_seen(scope, monkeypatch):
    monkeypatch.setattr(Ledger, "erase", lambda *_, by: 1)
    reached = repository_checks.answer("erasure_works", scope)
    assert reached.verdict == "FAIL"
    assert "the key of an erased person still stands in drill.db" in reached.sentence
    assert "an erased person's decision can be read" in reached.sentence


def test_an_erasure_that_takes_others_along_is_seen(scope, monkeypatch):
    erase = Ledger.erase
    both = ("drill-erased", "drill-kept")
    monkeypatch.setattr(Ledger, "erase", lambda ledger, _, by: sum(erase(ledger, person, by=by) for person in both))
    assert "another person's decision" in repository_checks.answer("erasure_works", scope).sentence


def test_a_ledger_that_holds_passes_and_one_with_overdue_keys_does_not(scope, monkeypatch, tmp_path):
    pytest.importorskip("credit_risk.retention")
    scope = with_ledger(scope, monkeypatch, tmp_path)
    assert repository_checks.answer("ledger_holds", scope).verdict == "PASS"
    assert repository_checks.answer("decisions_go_on_time", scope).verdict == "PASS"
    application = repository_checks.examples.application(scope.scorer.config)
    entry = repository_checks.Entry(
        application, scope.scorer.decide(application).record(), repository_checks.DecidedBy("s", "m", "c", "c")
    )
    with scope.ledger() as ledger:
        ledger.append([entry])
    later = Scope(**vars(scope) | {"today": date(2099, 1, 1)})
    reached = repository_checks.answer("decisions_go_on_time", later)
    assert reached.verdict == "FAIL"
    assert reached.sentence.startswith("1 key of decisions before 2096-12-01 not destroyed")


def moved(*by):
    """A version registered by the first, promoted by the second."""
    moves = ("register", "promote")
    return [
        HistoryEvent(n, None, move, 1, "s", who, "", {}) for n, (move, who) in enumerate(zip(moves, by, strict=True))
    ]


@pytest.mark.parametrize(
    ("four_eyes", "persons", "verdict"),
    [
        ("identities", ("Kim Lee <account:kim>", "Ada Berg <account:ada>"), "PASS"),
        ("identities", ("Kim Lee <account:kim>", "K. Lee <account:kim>"), "FAIL"),
        ("names", ("Kim Lee", "Ada Berg"), "FAIL"),
    ],
)
def test_four_eyes_are_two_persons_that_were_proved(scope, monkeypatch, four_eyes, persons, verdict):
    monkeypatch.setattr(Scope, "settings", lambda _: SimpleNamespace(four_eyes=four_eyes))
    monkeypatch.setattr(Scope, "events", lambda _: moved(*persons))
    assert repository_checks.answer("four_eyes", scope).verdict == verdict


def test_only_a_registered_scorer_is_registered(scope, monkeypatch):
    event = HistoryEvent(1, None, "register", 1, scope.scorer.digest, "Kim Lee", "", {})
    for events, verdict in (([event], "PASS"), (moved("Kim Lee", "Ada Berg"), "FAIL"), ([], "FAIL")):
        monkeypatch.setattr(Scope, "events", lambda _, events=events: events)
        assert repository_checks.answer("registered", scope).verdict == verdict


@pytest.fixture
def dataset(scope, tmp_path):
    def of(**statements):
        policy = policies.read(tmp_path / "house.yaml", DataPolicy)
        return DatasetScope(
            policy.model_copy(update={"statements": policy.statements.model_copy(update=statements)}), scope
        )

    return of


def one(name, scope):
    (checked,) = dataset_checks.check([name], scope)
    return checked


def test_rows_beyond_the_term_fail_and_the_day_of_the_oldest_counts(dataset, scope):
    oldest = dataset().reading.table["applied_on"].min()
    assert not one("data_retention", dataset()).passed  # the sample lender's rows are from before 2024-10-30
    in_time = Scope(**vars(scope) | {"today": oldest.date()})
    checked = one("data_retention", DatasetScope(dataset().policy, in_time))
    assert checked.passed
    assert checked.sentence.endswith("decisions were not looked at, as no environment is named")


def test_no_stated_term_fails(dataset):
    assert one("data_retention", dataset(retention_months=None)).sentence == "house states no retention_months"


def test_data_that_nobody_is_in_may_be_kept(dataset):
    assert one("data_retention", dataset(anonymous="drawn by a program")).passed


def test_data_said_to_be_anonymous_with_a_column_of_addresses_fail(dataset, scope, tmp_path):
    policy = dataset(anonymous="so they say").policy
    words = policy.words.model_copy(update={"identifiers": ("purpose", "income")})
    checked = one("data_retention", DatasetScope(policy.model_copy(update={"words": words}), scope))
    assert not checked.passed
    assert "income is called after a direct identifier" in checked.sentence


def test_persons_whose_rows_can_be_found_can_be_forgotten(dataset):
    checked = one("right_to_be_forgotten", dataset())
    assert checked.passed
    assert "each row says whose it is (applicant_id)" in checked.sentence


def test_rows_of_nobody_known_cannot_be_forgotten(dataset, scope):
    columns = {name: column for name, column in scope.config.columns.items() if column.role != "applicant"}
    nameless = Scope(**vars(scope) | {"config": scope.config.model_copy(update={"columns": columns})})
    assert not one("right_to_be_forgotten", DatasetScope(dataset().policy, nameless)).passed


def test_checks_of_the_core_answer_by_their_names_and_unasked_ones_fail(dataset):
    checks = dataset_checks.check(["no_direct_identifiers", "unique_ids"], dataset())
    assert [each.passed for each in checks] == [True, False]
    with pytest.raises(CheckFailed, match="unique_ids: no data control of house asks for it"):
        dataset_checks.raise_unless_passed(checks)


@pytest.mark.parametrize("names", [["data_retention", "wishes"], []])
def test_unknown_checks_and_none_are_no_question(dataset, names):
    with pytest.raises(UsageError, match="known: data_retention, right_to_be_forgotten, no_direct"):
        dataset_checks.check(names, dataset())
