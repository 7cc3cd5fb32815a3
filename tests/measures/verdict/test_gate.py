"""The gate: what passes, what fails, what cannot be said; and that nothing passes by being absent."""

from typing import Any

import pytest

from credit_risk.config.schema import Gate
from credit_risk.measures.intervals import proportion, wilson
from credit_risk.measures.verdict import gate
from credit_risk.measures.verdict.gate import Check

NAN, INF = float("nan"), float("inf")


def check(value: Any, low: Any = None, high: Any = None, *, why: str | None = None, **limits: Any) -> Check:
    one = Gate(name="one", measure="test.auc", reason="a test", **limits)
    measures = {"test": {"auc": value, "auc_low": low, "auc_high": high}}
    return gate.decide([one], measures, {"test.auc": why} if why else {})[0]


@pytest.mark.parametrize(
    ("interval", "limits", "verdict"),
    [
        ((0.71, 0.79), {"at_least": 0.7}, "PASS"),
        ((0.70, 0.79), {"at_least": 0.7}, "PASS"),
        ((0.61, 0.69), {"at_least": 0.7}, "FAIL"),
        ((0.69, 0.75), {"at_least": 0.7}, "CANNOT SAY"),
        ((0.61, 0.70), {"at_least": 0.7}, "CANNOT SAY"),
        ((0.71, 0.79), {"at_most": 0.8}, "PASS"),
        ((0.71, 0.80), {"at_most": 0.8}, "PASS"),
        ((0.81, 0.89), {"at_most": 0.8}, "FAIL"),
        ((0.79, 0.85), {"at_most": 0.8}, "CANNOT SAY"),
        ((0.80, 0.85), {"at_most": 0.8}, "CANNOT SAY"),
        ((0.92, 1.08), {"at_least": 0.9, "at_most": 1.1}, "PASS"),
        ((0.85, 1.05), {"at_least": 0.9, "at_most": 1.1}, "CANNOT SAY"),
        ((0.95, 1.15), {"at_least": 0.9, "at_most": 1.1}, "CANNOT SAY"),
        ((0.80, 1.20), {"at_least": 0.9, "at_most": 1.1}, "CANNOT SAY"),
        ((0.70, 0.89), {"at_least": 0.9, "at_most": 1.1}, "FAIL"),
        ((1.11, 1.30), {"at_least": 0.9, "at_most": 1.1}, "FAIL"),
    ],
)
def test_inside_passes_outside_fails_and_astride_cannot_be_said(
    interval: tuple[float, float], limits: dict[str, float], verdict: str
):
    low, high = interval
    assert check((low + high) / 2, low, high, **limits).verdict == verdict


@pytest.mark.parametrize(
    ("figure", "limits", "rows"),
    [
        ((0.72, 0.68, 0.76), {"at_least": 0.7}, "about 4,000 rows in the place of 1,000"),  # half as wide: four times
        ((0.69, 0.66, 0.72), {"at_least": 0.7}, "about 9,000 rows in the place of 1,000"),  # to show that it is below
        ((1.0, 0.8, 1.2), {"at_least": 0.9, "at_most": 1.1}, "about 4,000 rows in the place of 1,000"),
        ((0.7, 0.6, 0.8), {"at_least": 0.7}, "no number of rows"),
    ],
)
def test_what_cannot_be_said_says_how_many_rows_would_do(figure: Any, limits: Any, rows: str):
    one = Gate(name="one", measure="test.auc", reason="a test", **limits)
    measures = {"test": dict(zip(("auc", "auc_low", "auc_high"), figure, strict=True)), "rows": {"test": 1_000}}
    (found,) = gate.decide([one], measures, {})
    assert found.verdict == "CANNOT SAY"
    assert f": {rows} would settle it if the figure stays" in found.sentence


@pytest.mark.parametrize(
    ("k", "n", "limit"), [(0, 100, 0.02), (3, 400, 0.01), (97, 100, 0.95), (20, 20, 0.9), (1, 2, 0.7)]
)
def test_the_rows_that_a_share_needs_are_exact(k: int, n: int, limit: float):
    """With as many rows Wilson's end meets the limit; with one in a hundred fewer it does not."""
    figure = proportion(k, n)
    times = gate._times_as_many(figure.value, (figure.low, figure.high), limit)
    for more, inside in ((times * 1.001, True), (times * 0.99, False)):
        (low,), (high,) = wilson([k / n], [n * more], confidence=0.95)
        assert (not low < limit < high) == inside


def test_a_leak_is_named_with_its_feature():
    one = Gate(name="leak", measure="leak.strongest_share", at_most=0.95, exact=True, reason="r")
    (found,) = gate.decide([one], {"leak": {"strongest_share": 0.99, "strongest_feature": "recovered"}}, {})
    assert found.verdict == "FAIL"
    assert "(leak.strongest_share) of recovered is 0.99, outside" in found.sentence


def test_a_misspelt_measure_is_told_from_one_that_nobody_took():
    taken = {"test": {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9}, "kind": "lightgbm"}
    assert gate.nearest("test.acu", ["test.auc", "test.auc_low"]) == "test.auc"
    assert gate.nearest("fairness.contrasts.women.ratio", ["test.auc"]) is None
    assert gate.nearest("test.acu_low", ["test.auc_low"]) is None  # the end of an interval is no measure
    (found,) = gate.decide([Gate(name="a", measure="test.acu", at_least=0.7, reason="r")], taken, {})
    assert found.verdict == "FAIL"
    assert found.sentence.endswith("a missing measure does not pass (did you mean test.auc?).")


@pytest.mark.parametrize("value", [None, NAN, INF, True, "0.9", [0.9], {"auc": 0.9}])
def test_what_is_no_number_was_not_measured_and_fails(value: Any):
    found = check(value, 0.8, 0.9, at_least=0.7)
    assert found.verdict == "FAIL"
    assert found.sentence == "AUC on the test rows (test.auc) was not measured, and a missing measure does not pass."
    assert found.value is None


def test_a_measure_that_is_absent_fails():
    one = Gate(name="one", measure="test.auc", at_least=0.7, reason="a test")
    for measures in ({}, {"test": {}}, {"test": None}, {"test": 0.9}, {"test.auc": 0.9}):
        assert gate.decide([one], measures, {})[0].verdict == "FAIL"


def test_a_measure_that_could_not_be_taken_cannot_be_said_and_names_its_reason():
    found = check(None, why="one class only.", at_least=0.7)
    assert found.verdict == "CANNOT SAY"
    assert found.sentence == "AUC on the test rows (test.auc) is not known: one class only."


def test_a_reason_for_another_measure_excuses_nothing():
    one = Gate(name="one", measure="test.auc", at_least=0.7, reason="a test")
    assert gate.decide([one], {"test": {"auc": None}}, {"test.ks": "why"})[0].verdict == "FAIL"


@pytest.mark.parametrize(
    ("low", "high"), [(None, 0.9), (0.8, None), (None, None), (NAN, 0.9), (0.8, INF), ("0.8", 0.9), (True, 1)]
)
def test_a_number_without_an_interval_cannot_be_said(low: Any, high: Any):
    found = check(0.85, low, high, at_least=0.7)
    assert found.verdict == "CANNOT SAY"
    assert "no interval" in found.sentence


def test_an_exact_measure_needs_no_interval():
    assert check(0, at_most=0, exact=True).verdict == "PASS"
    assert check(1, at_most=0, exact=True).verdict == "FAIL"
    assert check(False, at_most=0, exact=True).verdict == "FAIL"
    assert check(None, at_most=0, exact=True).verdict == "FAIL"
    assert check(0.9, at_least=0.9, exact=True).verdict == "PASS"


def test_an_interval_upside_down_does_not_pass():
    assert check(0.75, 0.8, 0.6, at_least=0.7).verdict != "PASS"
    assert check(0.75, 0.9, 0.7, at_most=0.8).verdict != "PASS"


def test_a_value_outside_the_limit_does_not_pass_on_an_interval_that_is_inside():
    found = check(0.5, 0.8, 0.9, at_least=0.7)
    assert found.verdict == "CANNOT SAY"
    assert ": no number of rows would settle it" in found.sentence


def test_a_measure_whose_report_is_not_there_says_what_makes_it():
    declared = Gate(name="grades", measure="extra.grades.p", at_least=0.02, exact=True, reason="a test")
    absent = {"extra": "its report is not there, `make extra` writes it"}
    (missing,) = gate.decide([declared], {}, {}, absent)
    assert missing.sentence.endswith(f"was not measured, and a missing measure does not pass: {absent['extra']}.")
    (known,) = gate.decide([declared], {"extra": {"grades": {"p": 0.5}}}, {}, absent)
    (unknown,) = gate.decide([declared], {}, {declared.measure: "no rows"}, absent)
    assert [each.sentence.count("make extra") for each in (known, unknown)] == [0, 0]


def test_the_sentence_has_the_value_its_interval_and_the_limits():
    assert check(0.75, 0.71, 0.79, at_least=0.7).sentence == (
        "AUC on the test rows (test.auc) is 0.75 (0.71 to 0.79), inside the limit of at least 0.7."
    )
    assert "straddles the limits 0.9 to 1.1" in check(1.0, 0.8, 1.2, at_least=0.9, at_most=1.1).sentence
    assert (
        check(3, at_most=0, exact=True).sentence
        == "AUC on the test rows (test.auc) is 3, outside the limit of at most 0."
    )


def passing(*verdicts: str) -> list[Check]:
    one = Gate(name="one", measure="x", at_least=0, reason="a test")
    return [Check(one, verdict, 1.0, 1.0, 1.0, "") for verdict in verdicts]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ((), "FAIL"),
        (("PASS",), "PASS"),
        (("PASS", "PASS"), "PASS"),
        (("PASS", "CANNOT SAY"), "CANNOT SAY"),
        (("PASS", "CANNOT SAY", "FAIL"), "FAIL"),
        (("FAIL", "PASS"), "FAIL"),
    ],
)
def test_the_gate_is_as_good_as_its_worst_check_and_no_check_at_all_fails(verdicts: tuple[str, ...], whole: str):
    assert gate.overall(passing(*verdicts)) == whole


@pytest.mark.parametrize(
    ("verdicts", "waived", "whole"),
    [
        (("PASS", "FAIL"), ("second",), "PASS WITH WAIVERS"),
        (("PASS", "CANNOT SAY"), ("second",), "PASS WITH WAIVERS"),
        (("PASS", "PASS"), ("second",), "PASS"),  # a waiver that nobody needs makes no other verdict
        (("FAIL", "FAIL"), ("second",), "FAIL"),
        (("FAIL", "CANNOT SAY"), ("first",), "CANNOT SAY"),
        (("FAIL",), ("first",), "FAIL"),  # at least one check passes by itself
    ],
)
def test_a_pass_that_needs_a_waiver_says_so(verdicts: tuple[str, ...], waived: tuple[str, ...], whole: str):
    names = ("first", "second")
    checks = [
        Check(Gate(name=name, measure="x", at_least=0, reason="a test"), verdict, 1.0, 1.0, 1.0, "")  # type: ignore[arg-type]
        for name, verdict in zip(names, verdicts, strict=False)
    ]
    assert gate.overall(checks, waived) == whole


def test_every_gate_has_one_check_in_its_order_and_a_record_of_it():
    gates = [
        Gate(name="first", measure="a", at_least=1, exact=True, reason="r"),
        Gate(name="second", measure="b", at_most=1, exact=True, reason="s"),
    ]
    checks = gate.decide(gates, {"a": 1, "b": 2}, {})
    assert [(one.gate.name, one.verdict) for one in checks] == [("first", "PASS"), ("second", "FAIL")]
    assert checks[1].as_dict() == {
        "name": "second",
        "measure": "b",
        "at_least": None,
        "at_most": 1.0,
        "exact": True,
        "reason": "s",
        "advice": None,
        "of": None,
        "verdict": "FAIL",
        "value": 2.0,
        "low": 2.0,
        "high": 2.0,
        "sentence": "Second (b) is 2, outside the limit of at most 1.",
    }


def test_a_gate_of_another_kind_of_candidate_has_no_verdict_but_a_sentence():
    gates = [
        Gate(name="each", measure="a", at_least=1, reason="r"),
        Gate(name="trees", measure="b", at_least=1, reason="r", of="lightgbm"),
    ]
    judged, others = gate.applicable(gates, "scorecard")
    assert [one.name for one in judged] == ["each"]
    assert others == [
        {
            "name": "trees",
            "of": "lightgbm",
            "sentence": "trees does not apply: it judges a lightgbm candidate, and this one is a scorecard.",
        }
    ]
    assert gate.applicable(gates, "lightgbm") == (gates, [])


def test_where_the_kind_is_not_known_no_gate_is_left_out():
    gates = [Gate(name="trees", measure="b", at_least=1, reason="r", of="lightgbm")]
    assert gate.applicable(gates, None) == (gates, [])


def test_the_advice_is_said_with_every_verdict_but_a_pass_and_is_recorded():
    advice = "look for a challenger"
    failed = check(0.6, 0.55, 0.65, at_least=0.7, advice=advice)
    assert failed.sentence == (
        "AUC on the test rows (test.auc) is 0.6 (0.55 to 0.65), outside the limit of at least 0.7: "
        "look for a challenger."
    )
    assert failed.as_dict()["advice"] == advice
    assert check(None, why="one class only.", at_least=0.7, advice=advice).sentence == (
        "AUC on the test rows (test.auc) is not known: one class only: look for a challenger."
    )
    assert check(0.75, 0.71, 0.79, at_least=0.7, advice=advice).sentence == (
        "AUC on the test rows (test.auc) is 0.75 (0.71 to 0.79), inside the limit of at least 0.7."
    )


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ("test.calibration_slope", "The slope of the calibration"),
        ("fairness.contrasts.under_25.ratio", "The approval ratio of under 25"),
        ("robustness.scenarios.odds_doubled.held_profit", "Profit of the open accounts under odds doubled"),
        ("a.measure.of_their_own", "Their own"),
    ],
)
def test_a_sentence_begins_in_plain_words_and_names_the_measure(measure: str, words: str):
    one = Gate(name="their_own", measure=measure, at_least=0, reason="a test")
    sentence = gate.decide([one], {}, {})[0].sentence
    assert sentence == f"{words} ({measure}) was not measured, and a missing measure does not pass."


def test_a_share_whose_interval_ends_at_nought_needs_the_rows_that_its_other_end_stands_for():
    # Wilson at 0 of n: from 0 to z² / (n + z²), which is 0.2 where n is 4 z²; the limit 0.1 needs 9 z², 2.25 times.
    share = Gate(name="share", measure="a.share", at_most=0.1, reason="a test")
    (check,) = gate.decide([share], {"a": {"share": 0.0, "share_low": 0.0, "share_high": 0.2}}, {})
    assert check.verdict == "CANNOT SAY"
    assert "about 2.2 times as many rows" in check.sentence


@pytest.mark.parametrize(("limits", "times"), [({"at_least": 1.8}, "6.3"), ({"at_most": 2.4}, "6.3")])
def test_the_end_beyond_the_limit_says_how_many_rows_are_needed(limits, times):
    """Of an interval of two lengths: 0.5 has to become 0.2, or 1 to become 0.4, with the root of the rows."""
    assert f"about {times} times as many rows would settle it" in check(2.0, 1.5, 3.0, **limits).sentence


@pytest.mark.parametrize(
    ("figure", "limits", "times"),
    [
        ((0.5, -0.5, 1.5), {"at_most": 0.6}, "100.0"),  # 1 has to become 0.1: no share has such an interval
        ((0.5, 0.5, 0.7), {"at_most": 0.6}, "4.0"),  # nor one that ends at its own figure: 0.2 has to become 0.1
        ((0.1, 0.0, 0.3), {"at_most": 0.0}, "1.0"),  # the end stands on the limit
        ((0.9, 0.7, 1.0), {"at_least": 1.0}, "1.0"),
    ],
)
def test_an_interval_that_is_no_share_s_shrinks_with_the_root_of_the_rows(figure, limits, times):
    assert f"about {times} times as many rows would settle it" in check(*figure, **limits).sentence
