"""The request contract: what is no application is refused with every fault, and nothing is made of it."""

import json

import pytest

import smallest
from credit_risk.serving.problems import Problem
from credit_risk.serving.requests.request_reading import RequestReader, is_reference

COLUMNS = {
    "id": {"role": "id", "type": "integer"},
    "income": {"role": "feature", "type": "number", "range": [0, 9000]},
    "months late": {"role": "feature", "type": "integer", "range": [0, 12], "missing": "refer"},
    "job": {"role": "input_only", "type": "category", "categories": ["none", "some"], "missing": "allow"},
    "customer": {"role": "feature", "type": "boolean", "missing": "allow"},
    "sex": {"role": "protected", "type": "category", "categories": ["f", "m"], "why": "sex"},
    "status": {"role": "target", "type": "integer"},
}
GOOD = {"income": 1200.5, "months late": 3, "job": "some", "customer": True}
READER = RequestReader(smallest.config(columns=COLUMNS))


def refused(body, reader=READER):
    with pytest.raises(Problem) as found:
        reader.application(body if isinstance(body, bytes) else json.dumps(body).encode())
    return found.value


def faults(body, reader=READER):
    return {(fault.field, fault.rule) for fault in refused(body, reader).faults}


def test_a_sound_application_is_one_row_of_numbers():
    application, row = READER.application(json.dumps(GOOD).encode())
    assert application == GOOD
    assert row.tolist() == [[1200.5, 3, 1, 1]]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"income": "1200"}, "income", "type"),
        ({"income": True}, "income", "type"),
        ({"income": [1]}, "income", "type"),
        ({"income": -1}, "income", "range"),
        ({"income": 9000.01}, "income", "range"),
        ({"income": None}, "income", "missing"),
        ({"months late": 1.5}, "months late", "range"),
        ({"months late": 13}, "months late", "range"),
        ({"job": "other"}, "job", "category"),
        ({"job": 1}, "job", "type"),
        ({"customer": 1}, "customer", "type"),
        ({"customer": "true"}, "customer", "type"),
        ({"sex": "f"}, "sex", "unknown field"),
        ({"status": 0}, "status", "unknown field"),
        ({"id": 1}, "id", "unknown field"),
        ({"incom": 1}, "incom", "unknown field"),
        ({"": 1}, "", "unknown field"),
    ],
)
def test_each_kind_of_fault_is_told_by_its_field_and_rule(change, field, rule):
    assert faults(GOOD | change) == {(field, rule)}


def test_all_faults_come_at_once_with_what_was_got_and_what_is_expected():
    problem = refused({"incom": 1, "months late": "3", "job": "other"})
    assert problem.status == 422
    assert [fault.as_dict() for fault in problem.faults] == [
        {"field": "incom", "got": 1, "expected": "no such field; did you mean 'income'?"},
        {"field": "income", "got": None, "expected": "a number from 0 to 9,000"},
        {"field": "months late", "got": "3", "expected": "a whole number from 0 to 12"},
        {"field": "job", "got": "other", "expected": "one of 'none', 'some'"},
    ]


def test_what_belongs_to_no_field_is_not_said_again():
    assert [fault.as_dict() for fault in refused(GOOD | {"sex": "f"}).faults] == [
        {"field": "sex", "got": None, "expected": "no such field"}
    ]


def test_what_the_config_sends_to_a_person_or_allows_is_no_fault():
    application, _ = READER.application(json.dumps({"income": 1, "months late": None}).encode())
    assert application == {"income": 1, "months late": None}


def test_where_the_policy_refers_invalid_values_only_a_wrong_type_is_refused():
    policy = {**smallest.SECTIONS["policy"], "invalid": "refer"}
    reader = RequestReader(smallest.config(columns=COLUMNS, policy=policy))
    reader.application(json.dumps(GOOD | {"income": -1, "job": "other"}).encode())
    assert faults(GOOD | {"income": "much"}, reader) == {("income", "type")}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b'{"income": NaN}', "NaN is no JSON number"),
        (b'{"income": -Infinity}', "-Infinity is no JSON number"),
        (b'{"income": 1, "income": 2}', "stand twice: income"),
        (b'{"income": ' + b"1" * 5_000 + b"}", "too many digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"income": "\xff"}', "not UTF-8"),
    ],
)
def test_what_is_no_json_is_400_with_the_reason(body, sentence):
    problem = refused(body)
    assert problem.status == 400
    assert sentence in problem.detail


def test_a_number_too_large_for_a_number_is_refused_as_one():
    (fault,) = refused(b'{"income": 1e999, "months late": 1}').faults
    assert (fault.field, fault.rule, fault.got) == ("income", "type", "a number too large")


@pytest.mark.parametrize("body", [[], [GOOD], "income", 1, None, True])
def test_only_an_object_is_an_application(body):
    assert refused(body).status == 422


def test_long_values_are_not_sent_back_whole():
    (fault,) = refused(GOOD | {"job": "x" * 10_000}).faults
    assert fault.got == "x" * 100


def batch(body, most=3):
    found = READER.applications(json.dumps(body).encode(), 1_000, most, lambda: None)
    return found.applications, found.applicants, found.inputs


def test_a_batch_is_one_row_an_application_in_its_order():
    rows, references, matrix = batch({"applications": [GOOD, GOOD | {"income": 1}], "applicants": ["a", None]})
    assert [row["income"] for row in rows] == [1200.5, 1]
    assert references == ["a", None]
    assert matrix[:, 0].tolist() == [1200.5, 1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"applications": []}, "applications"),
        ({"applications": [GOOD] * 4}, "applications"),
        ({"applications": GOOD}, "applications"),
        ({"rows": [GOOD]}, "applications"),
        ([GOOD], "applications"),
        ({"applications": [GOOD], "more": 1}, "more"),
        ({"applications": [GOOD], "applicants": []}, "applicants"),
        ({"applications": [GOOD], "applicants": [7]}, "applicants[0]"),
        ({"applications": [GOOD, 7]}, "applications[1]"),
        ({"applications": [GOOD, GOOD | {"income": -1}]}, "applications[1].income"),
    ],
)
def test_a_batch_with_a_fault_is_refused_whole_and_the_fault_named(body, field):
    with pytest.raises(Problem) as found:
        batch(body)
    assert found.value.status == 422
    assert [fault.field for fault in found.value.faults] == [field]


@pytest.mark.parametrize(
    ("value", "sound"),
    [("a", True), ("x" * 200, True), ("x" * 201, False), ("", False), (" a", False), ("a\n", False), (7, False)],
)
def test_a_reference_is_short_and_visible(value, sound):
    assert is_reference(value) is sound
