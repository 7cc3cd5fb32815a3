"""Reviews of reports: what changed is said, and what a stranger wrote is not believed."""

import json

import pytest

from credit_risk.errors import UsageError
from credit_risk.report.review import UntrustedReport, review

CHECK = {"name": "discrimination", "verdict": "PASS", "sentence": "test.auc is 0.75."}


@pytest.fixture
def reports(tmp_path):
    def write(name, checks=(CHECK,), verdict="PASS", **more):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "gate.json").write_text(json.dumps({"verdict": verdict, "checks": list(checks), **more}))
        return folder

    return write


OWN = {"source": "own", "same_scorer": True}


def changed(folder, **change):
    (folder / "change.json").write_text(json.dumps(OWN | change))
    return folder


def test_data_and_approvals_stand_before_the_gate_and_what_changed_after_it(reports):
    text = review(changed(reports("after")), reports("before"))
    assert text.startswith("Data: the repository's own.\n\nApprovals: the scorer is the base branch's, bit for bit.")
    assert text.index("No decision changes") < text.index("## Promotion gate") < text.index("### Against the base")
    assert "### Checks that changed\n\nNone.\n" in text


def test_a_run_that_left_no_comparison_is_said_to_have_left_none(reports):
    text = review(reports("after"), reports("before"))
    assert "Data: **not known**" in text
    assert "Approvals: **not known**, the run left no comparison." in text
    assert "**Not known**: the run left no comparison." in text
    assert "**Not drawn**" in text


def test_checks_of_other_data_are_not_compared(reports):
    text = review(changed(reports("after"), source="lender"), reports("before"))
    assert "### Checks that changed\n\nNot known: the base branch's record speaks about other data" in text


WAIVER = {"check": "fair", "person": "Ada <b>Berg", "role": "head", "reason": "few rows", "expires": "2027-01-31"}


def test_every_waiver_stands_in_the_comment_needed_now_or_not(reports):
    fair = {"name": "fair", "verdict": "FAIL", "sentence": "Unfair."}
    unneeded = WAIVER | {"check": "discrimination"}
    lists = {"waivers": [WAIVER], "waivers_not_needed": [unneeded]}
    text = review(reports("after", checks=[CHECK, fair], verdict="PASS WITH WAIVERS", **lists))
    assert "Promotion gate: PASS WITH WAIVERS" in text
    assert "| fair | WAIVED | FAIL: Unfair. Waived by Ada &lt;b&gt;Berg" in text
    assert "- Given and not needed now: a waiver of discrimination by Ada &lt;b&gt;Berg until 2027-01-31." in text


@pytest.mark.parametrize(
    "waivers", [3, ["text"], [{"check": "fair"}], [WAIVER] * 51, [WAIVER | {"reason": "x" * 1001}]]
)
def test_waivers_that_are_none_are_shown_in_no_comment(reports, waivers):
    with pytest.raises(UntrustedReport):
        review(reports("after", waivers=waivers))


def test_what_changed_since_the_champion_begins_the_comment_of_the_record(reports):
    setting = {"kind": "threshold", "key": "gates[auc].at_least", "old": "0.7", "new": "<i>0.6"}
    fact = {"fact": "test rows", "old": 6000, "new": 5000}
    changed = {"sentence": "Changed since the champion.", "settings": [setting], "facts": [fact]}
    text = review(reports("after", changed=changed))
    assert text.index("**Changed since the champion.**") < text.index("| check | verdict | finding |")
    assert r"| threshold | gates\[auc\].at\_least | 0.7 | &lt;i&gt;0.6 |" in text
    assert "- test rows: 6,000 → 5,000" in text
    for hostile in (3, {"settings": []}, changed | {"settings": [{"key": 1}]}, changed | {"facts": [fact] * 501}):
        with pytest.raises(UntrustedReport):
            review(reports(f"after{len(str(hostile))}", changed=hostile))


def test_a_check_that_fell_and_one_that_was_taken_out_are_named(reports):
    fair = {"name": "fair", "verdict": "PASS", "sentence": "Fair."}
    text = review(
        changed(reports("after", checks=[CHECK | {"verdict": "FAIL"}], verdict="FAIL")),
        reports("before", checks=[CHECK, fair]),
    )
    assert "- discrimination: PASS → FAIL\n- fair: PASS → not there\n" in text


def test_without_a_before_only_the_gate_is_told(reports):
    text = review(reports("after"))
    assert text.startswith("## Promotion gate: PASS")
    assert "Approvals" not in text


def test_the_page_with_the_pictures_is_linked(reports):
    text = review(reports("after"), page="https://github.com/acme/credit-risk/actions/runs/5#artifacts")
    assert "[this run](https://github.com/acme/credit-risk/actions/runs/5#artifacts)" in text


@pytest.mark.parametrize(
    "page",
    ["", "http://a/b", "javascript:alert(1)", "https://a/b)[x](https://c", "https://a/b\n# x", "https://a/b?q=1"],
)
def test_an_address_that_could_be_more_than_one_is_refused(reports, page):
    with pytest.raises(UsageError, match="--page: expected an https address"):
        review(reports("after"), page=page)


def test_text_of_a_stranger_is_shown_as_text(reports):
    text = review(reports("after", checks=[CHECK | {"sentence": "<img src=x> @everyone [click](evil) | cell"}]))
    assert "<img" not in text
    assert "@everyone" not in text
    assert r"\[click\]\(evil\) \| cell" in text


def test_notes_waivers_and_titles_of_a_stranger_are_left_out(reports):
    text = review(reports("after", title="Approved by the board", notes=["merge me"], waivers=[]))
    assert "board" not in text
    assert "merge me" not in text


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"verdict": "YES", "checks": []}',
        '{"verdict": "PASS", "checks": [1]}',
        json.dumps({"verdict": "PASS", "checks": [CHECK | {"sentence": "x" * 1001}]}),
        json.dumps({"verdict": "PASS", "checks": [CHECK | {"name": None}]}),
        json.dumps({"verdict": "PASS", "checks": [CHECK] * 201}),
        " " * 2_000_001,
    ],
    ids=lambda content: content[:30],
)
def test_another_file_is_refused(reports, content):
    folder = reports("after")
    (folder / "gate.json").write_text(content)
    with pytest.raises(UntrustedReport, match=r"gate\.json: "):
        review(folder)


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, " " * 2_000_001])
def test_a_comparison_that_is_none_is_refused(reports, content):
    folder = reports("after")
    (folder / "change.json").write_text(content)
    with pytest.raises(UntrustedReport, match=r"change\.json: "):
        review(folder, reports("before"))


def test_a_link_is_not_followed(reports, tmp_path):
    folder = reports("after")
    (folder / "gate.json").rename(tmp_path / "elsewhere.json")
    (folder / "gate.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(UntrustedReport):
        review(folder)


def test_missing_reports_are_refused(tmp_path):
    with pytest.raises(UntrustedReport):
        review(tmp_path)
