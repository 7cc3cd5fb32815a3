"""A gate record as Markdown and as JUnit XML: what blocks is seen to block, and no text breaks out of its place."""

from xml.etree import ElementTree as ET

import pytest

from credit_risk.report.gate_output import junit, markdown

GOOD = {"name": "discrimination", "verdict": "PASS", "sentence": "test.auc is 0.8."}
BAD = {"name": "level", "verdict": "FAIL", "sentence": "it is 0.3, outside the limits."}
UNSURE = {"name": "slope", "verdict": "CANNOT SAY", "sentence": "it straddles."}
WAIVER = {
    "check": "level",
    "person": "Ada Lovelace",
    "role": "validator",
    "expires": "2027-01-31",
    "reason": "known and small",
}


def record(*checks, verdict="PASS", **more):
    return {"verdict": verdict, "checks": list(checks), "digests": {"scorer": "abc"}, **more}


def cases(text):
    suite = ET.fromstring(text).find("testsuite")
    return {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}


def test_markdown_is_a_table_below_the_verdict():
    assert markdown(record(GOOD)) == (
        "## Promotion gate: PASS\n\n"
        "| check | verdict | finding |\n|---|---|---|\n"
        "| discrimination | PASS | test.auc is 0.8. |\n\n"
        "- scorer abc\n"
    )


def test_junit_has_a_failure_for_fail_and_an_error_for_cannot_say():
    text = junit(record(GOOD, BAD, UNSURE, verdict="FAIL"))
    assert cases(text) == {"discrimination": [], "level": ["failure"], "slope": ["error"]}
    suites = ET.fromstring(text)
    assert suites.attrib == {"tests": "3", "failures": "1", "errors": "1", "skipped": "0"}
    assert suites.find("testsuite/testcase/failure").text == BAD["sentence"]
    assert suites.find("testsuite/properties/property").attrib == {"name": "scorer", "value": "abc"}


def test_equal_records_give_equal_texts_whatever_the_order_of_their_keys():
    one = record(GOOD, BAD, verdict="FAIL", digests={"a": "1", "b": "2"})
    other = dict(reversed(one.items())) | {"digests": {"b": "2", "a": "1"}}
    assert markdown(one) == markdown(other)
    assert junit(one) == junit(other)


def test_what_is_stale_is_shown_as_a_failure():
    stale = record(GOOD, verdict="FAIL", stale=["reports/metrics.json measured another scorer"])
    assert "| stale | FAIL | reports/metrics.json measured another scorer |" in markdown(stale)
    assert cases(junit(stale)) == {"discrimination": [], "stale": ["failure"]}


@pytest.mark.parametrize("verdict", ["FAIL", "CANNOT SAY", "", None])
def test_a_verdict_that_no_check_explains_still_fails(verdict):
    unexplained = record(GOOD, verdict=verdict)
    assert cases(junit(unexplained)) == {"discrimination": [], "verdict": ["failure"]}
    assert "| verdict | FAIL |" in markdown(unexplained)


def test_no_check_at_all_fails_even_where_the_record_says_pass():
    assert cases(junit(record())) == {"verdict": ["failure"]}
    assert "nothing passes unjudged" in markdown(record())


def test_a_waived_check_is_skipped_and_names_the_person():
    waived = record(GOOD, BAD, waivers=[WAIVER])
    assert cases(junit(waived)) == {"discrimination": [], "level": ["skipped"]}
    assert "| level | WAIVED | FAIL: it is 0.3" in markdown(waived)
    assert "Ada Lovelace \\(validator\\) until 2027-01-31: known and small" in markdown(waived)


def test_a_waiver_does_not_hide_a_verdict_that_blocks():
    assert cases(junit(record(BAD, verdict="FAIL", waivers=[WAIVER]))) == {"level": ["skipped"], "verdict": ["failure"]}


def test_no_sentence_breaks_out_of_its_cell():
    nasty = {**BAD, "sentence": "a | b\n| forged | PASS | `x` <img src=x> [y](z) & @team *now* \\"}
    lines = markdown(record(nasty, verdict="FAIL")).splitlines()
    (row,) = [line for line in lines if line.startswith("| level")]
    assert not any("forged" in line for line in lines if line is not row)
    assert row.replace("\\|", "").count("|") == 4
    assert "<img" not in row
    assert "&lt;img src=x&gt;" in row
    assert "\\[y\\]\\(z\\) &amp; @<!-- -->team \\*now\\* \\\\ |" in row


def test_xml_survives_quotes_markup_and_characters_that_it_cannot_hold():
    nasty = {**BAD, "sentence": 'say "<no>" & go\x00\x0b\ufffe on ü'}
    failure = ET.fromstring(junit(record(nasty, verdict="FAIL"))).find("testsuite/testcase/failure")
    assert failure.get("message") == failure.text == 'say "<no>" & go��� on ü'
