"""Single values changed in the text of a YAML file: what surrounds them stays, whatever is changed."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_risk.editing.values import dotted, located, parsed, patch, values_of, with_values
from credit_risk.errors import UsageError

TEXT = """\
# The policy.
policy:
  margin: 0.20      # earned on a good account
  notice: 'it''s so'   # said
  long: >-   # folded
    two
    lines
  # between
  flags: {on: true, of: [1, 2]}
gates:
  - {name: psi, at_most: 0.1}   # first
  - name: auc
    at_least: 0.7
a.b: {c: 1}
a: {b: 2}
"""
CREDIT = (Path(__file__).parents[2] / "configs" / "credit.yaml").read_text(encoding="utf-8")
LENDER = (Path(__file__).parents[1] / "lender" / "credit.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value", "old", "new"),
    [
        ("policy.margin", 0.25, "margin: 0.20      # earned", "margin: 0.25      # earned"),
        ("policy.margin", "wide", "margin: 0.20      # earned", "margin: wide      # earned"),
        ("policy.margin", "0.3", "margin: 0.20      # earned", 'margin: "0.3"      # earned'),
        ("policy.margin", None, "margin: 0.20      # earned", "margin: null      # earned"),
        ("policy.notice", "that's it", "'it''s so'   # said", "'that''s it'   # said"),
        ("policy.long", "a: b # c", ">-   # folded\n    two\n    lines\n", '"a: b # c"   # folded\n'),
        ("policy.flags.on", False, "on: true", "on: false"),
        ("policy.flags.of[1]", 3, "[1, 2]", "[1, 3]"),
        ("gates[psi].at_most", 0.2, "at_most: 0.1}", "at_most: 0.2}"),
        ("gates[1].at_least", 1, "at_least: 0.7", "at_least: 1"),
        ("a.b.c", 5, "a.b: {c: 1}", "a.b: {c: 5}"),
        ("a.b", 5, "a: {b: 2}", "a: {b: 5}"),
    ],
)
def test_a_value_is_changed_and_nothing_beside_it(name, value, old, new):
    assert with_values(TEXT, {name: value}) == TEXT.replace(old, new)


def test_several_values_are_changed_at_once():
    changed = with_values(TEXT, {"a.b": 3, "policy.margin": 0.1})
    assert changed == TEXT.replace("0.20 ", "0.1 ").replace("{b: 2}", "{b: 3}")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("policy.marge", "no single value stands under policy.marge"),
        ("policy", "under policy;"),
        ("gates[none]", "no single"),
    ],
)
def test_a_name_without_a_single_value_is_refused(name, says):
    with pytest.raises(UsageError, match=says):
        with_values(TEXT, {name: 1})


def test_a_value_that_stands_for_another_too_is_not_changed():
    with pytest.raises(UsageError, match="cannot be changed alone"):
        with_values("a: &same 1\nb: *same\n", {"a": 2})


def test_a_text_that_is_no_yaml_is_refused():
    with pytest.raises(UsageError, match="no YAML"):
        with_values("a: [1", {"a": 2})


def test_every_value_has_a_name_that_leads_back_to_it():
    for text in (TEXT, LENDER, CREDIT):
        tree = parsed(text)
        for loc, _ in values_of(tree):
            assert located(tree, dotted(tree, loc)) == loc


def test_a_patch_of_a_file_without_a_last_newline_says_so():
    assert patch("a: 1", "a: 2", "x.yaml").count("\\ No newline at end of file\n") == 2


SINGLE = st.one_of(
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30).filter(lambda text: all(letter >= " " and not "\x7f" <= letter <= "\x9f" for letter in text)),
    st.none(),
)
COMMENT = re.compile(r"(?:^|\s)#[^\n]*")


def comments(text):
    """Everything behind a # that begins a comment, in order; texts of these two files hold none."""
    return COMMENT.findall(text)


def check_edit(text, tree, name, value):
    loc = located(tree, name)
    changed = with_values(text, {name: value})
    before, after = dict(values_of(tree)), dict(values_of(parsed(changed)))
    assert list(before) == list(after)
    assert {key for key in before if (type(before[key]), before[key]) != (type(after[key]), after[key])} <= {loc}
    assert after[loc] == value
    assert type(after[loc]) is type(value)
    kept = iter(comments(changed))
    assert all(comment in kept for comment in comments(text))


@settings(max_examples=10)
@given(data=st.data())
def test_any_edit_changes_one_value_and_keeps_all_comments(data):
    tree = parsed(TEXT)
    name = data.draw(st.sampled_from([dotted(tree, loc) for loc, _ in values_of(tree)]))
    check_edit(TEXT, tree, name, data.draw(SINGLE))


@pytest.mark.weekly
def test_a_hundred_edits_of_the_samples_config_change_a_hundred_values():
    tree, draw = parsed(CREDIT), random.Random(3)
    names = draw.sample([dotted(tree, loc) for loc, _ in values_of(tree)], 100)
    for name in names:
        check_edit(CREDIT, tree, name, draw.choice([True, -7, 2.5e-7, "a plain text", 'it\'s: # "quoted"', "", None]))
