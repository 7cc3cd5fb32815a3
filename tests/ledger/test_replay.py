"""Stored applications decided again: the same bits, or the ledger does not hold."""

import json

import pytest
from ledger_trial import BY, entry

from credit_risk.data.writing import read_parquet
from credit_risk.ledger.entry import DecidedBy
from credit_risk.ledger.errors import LedgerBroken
from credit_risk.ledger.replay import decider, replay
from credit_risk.scoring.scorer import Scorer


def decide(applications):
    return [{"pd": one["income"] / 3, "decision": "decline"} for one in applications]


def recorded(ledger, income: float, **changes):
    inputs = {"income": income}
    return ledger.append([entry(inputs=inputs, decided=decide([inputs])[0], **changes)])[0]


def test_the_same_bits_come_out(ledger):
    for income in (1.0, 0.1, 7e300):
        recorded(ledger, income)
    found = replay(ledger, {BY.scorer: decide})
    assert (found.same, found.count, found.erased, found.of_others) == (3, 0, 0, {})
    found.raise_unless_the_same()


def test_another_digit_is_another_decision(ledger):
    recorded(ledger, 1.0)
    second = recorded(ledger, 0.5)

    def a_digit_off(applications):
        off = decide(applications)
        off[1]["pd"] += 1e-10
        return off

    found = replay(ledger, {BY.scorer: a_digit_off})
    assert (found.same, found.count) == (1, 1)
    assert found.differ == [f"entry 2, decision {second.decision_id}: pd"]
    with pytest.raises(LedgerBroken, match="1 of 2 decisions came out otherwise"):
        found.raise_unless_the_same()


def test_what_was_recorded_with_every_bit_is_compared_to_the_digits_that_are_stated(ledger):
    ledger.append(
        [
            entry(
                inputs={},
                decided={
                    "pd": 0.17808954564257634,
                    "score": 531.2504441007512,
                    "reasons": [
                        {
                            "id": "R01",
                            "driver": "income",
                            "value": 3.0,
                            "reference": 0.1 + 0.2,
                            "contribution": 0.6847673839913295,
                        },
                        {"id": "late", "driver": None, "value": None, "reference": None, "contribution": None},
                    ],
                },
            )
        ]
    )
    on_another_processor = {
        "pd": 0.1780895456,
        "score": 531.250444,
        "reasons": [
            {"id": "R01", "driver": "income", "value": 3.0, "reference": 0.3, "contribution": 0.684767384},
            {"id": "late", "driver": None, "value": None, "reference": None, "contribution": None},
        ],
    }
    assert replay(ledger, {BY.scorer: lambda _: [on_another_processor]}).same == 1
    on_another_processor["reasons"][0]["contribution"] = 0.684767385
    assert replay(ledger, {BY.scorer: lambda _: [on_another_processor]}).count == 1


def test_a_name_that_was_not_stored_is_a_difference(ledger):
    recorded(ledger, 1.0)
    more = replay(ledger, {BY.scorer: lambda some: [{**one, "band": "A"} for one in decide(some)]})
    assert more.count == 1


def test_erased_persons_and_other_scorers_are_counted_apart(ledger):
    recorded(ledger, 1.0)
    recorded(ledger, 1.0, applicant="Bob")
    recorded(ledger, 1.0, by=DecidedBy("another", "m", "c", "c"))
    ledger.erase("Bob", by="Kim Lee")
    found = replay(ledger, {BY.scorer: decide})
    assert (found.same, found.erased, found.of_others) == (1, 1, {"another": 1})
    assert found.left_out() == "1 of erased persons, 1 of scorer another"


def test_a_ledger_of_other_scorers_alone_proves_nothing(ledger):
    recorded(ledger, 1.0)
    with pytest.raises(LedgerBroken, match="No decision could be made again"):
        replay(ledger, {"another": decide}).raise_unless_the_same()


def test_a_ledger_that_is_empty_or_of_erased_persons_alone_proves_nothing(ledger):
    with pytest.raises(LedgerBroken, match="No decision could be made again: 0 of erased persons"):
        replay(ledger, {BY.scorer: decide}).raise_unless_the_same()
    recorded(ledger, 1.0, applicant="Bob")
    ledger.erase("Bob", by="Kim Lee")
    with pytest.raises(LedgerBroken, match="No decision could be made again: 1 of erased persons"):
        replay(ledger, {BY.scorer: decide}).raise_unless_the_same()


def test_more_than_one_page(local):
    inputs = {"income": 2.0}
    local.append([entry(inputs=inputs, decided=decide([inputs])[0]) for _ in range(1_203)])
    assert replay(local, {BY.scorer: decide}).same == 1_203


def test_the_real_scorer_says_the_same_of_what_was_stored(trained, local):
    """Applications as the service has them: JSON values, some missing, some that no model scores."""
    _, files = trained
    scorer = Scorer.load(files.scorer)
    table = read_parquet(files.inputs("test"))[list(scorer.config.inputs)].head(60)
    applications = json.loads(table.to_json(orient="records"))
    applications[0]["months_late"] = None  # referred
    applications[1]["income"] = -1.0  # refused
    applications[2]["months_late"] = 7  # declined by a rule
    by = DecidedBy(scorer.digest, "model", "config", "code")
    local.append([entry(inputs=one, decided=scorer.decide(one).record(), by=by) for one in applications])
    said = [local.get(one.decision_id) for one in local.decisions_about("Ada")]
    assert {one.decision for one in said} == {"approve", "decline", "refer", "refused"}
    assert (said[0].decided["pd"], said[1].decided["pd"]) == (None, None)
    assert said[0].decided["faults"][0].startswith("months_late: missing")
    assert said[2].rule == "very late: six months late or more"
    found = replay(local, {scorer.digest: decider(scorer)})
    assert (found.same, found.count) == (60, 0)
    edited = {**said[5].inputs, "utilisation": said[5].inputs["utilisation"] + 1.0}
    local.append([entry(inputs=edited, decided=said[5].decided, by=by)])
    assert replay(local, {scorer.digest: decider(scorer)}).count == 1
