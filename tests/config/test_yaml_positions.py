"""A file is read by libyaml where that gives the tree of the slow reader, with its lines, and by that one elsewhere."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.config import yaml_positions
from credit_risk.config.yaml_positions import _parsed

ROOT = Path(__file__).parents[2]
WORDS = r"""
yes no on off True TRUE ~ null Null 0o17 017 08 0x1F 0b11 1_000 1__0 12:30:45 190:20:30 1:2 1e3 1E+3 1.5e3 1. .5 +1 -0
0777 1e e1 .inf -.INF .nan NaN inf 2024-01-31 2024-01-31T10:00:00Z = << &a *a @a `a %a a] a} [a]b [a:b] {} [] [1,2]
{a:1} {"a":1} "a":1 {a,b} "a" 'a' '' "" "\x41" "a\u00e9" "\U0001F600" 'it''s' !!str !x ! !!int !!float é 😀 #x
? | > - y N
"""
WRITTEN = [
    *WORDS.split(),
    *("a b", "a #b", "a: b", "- a", "? a", "- - a", "a\tb", "x:", '"\\ "', '"\\/"', "!!binary aGk=", "!x y", "a\xa0b"),
    *("|\n  a\n  b\n", ">-\n  a\n  b\n\n  c", "|2\n    a\n", ">\n a\n  b\n c\n", "|+\n  a\n\n\n", "|-\n  a\n\n"),
    *("|#\n  a\n", ">-#x"),
    *('"a\n  b"', "'a\n\n   b'", '"a\\\n   b"', "a\n  b\n  c", "[a\n, b]", "{a: , b: 1}", "[a, ,b]", "- 1\n- 2"),
]
SIGNS = [
    " != b",
    "\n",
    "\n ",
    "\n  ",
    " ",
    "-",
    ":",
    ",",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    "#",
    "?",
    "k:",
    "a:",
    "&",
    "*",
    "!",
]
FORMS = ["k: {}\n", "{}: v\n", "k:\n  - {}\n", "k: {}\r\nz: 1\r\n", "k: [{}]\n", "k: {{a: {}}}\n", "---\nk: {}\n...\n"]
FORMS += ["# c\n\nk:   {}   # d\n", "k:\n    a: {}\n    b: 2\nz:\n  - {{x: 1}}\n"]


def outcome(read, text):
    """The tree with the types of what it holds, and the lines and columns of keys and items; or that it is refused."""
    try:
        return described(read(text))
    except (YAMLError, ValueError, IndexError):
        return "refused"


def described(node):
    if isinstance(node, dict):
        return [(node.lc.key(key), type(key), str(key), described(value)) for key, value in node.items()]
    if isinstance(node, list):
        return [(node.lc.item(index), described(value)) for index, value in enumerate(node)]
    return type(node), repr(node).replace("style=''", "style=None")  # of a text that is neither word nor number


def slow(text):
    return YAML(typ="rt").load(text)


@pytest.mark.parametrize("form", FORMS)
def test_both_readers_take_and_refuse_alike(form):
    texts = [form.format(written) for written in WRITTEN]
    assert {text: outcome(_parsed, text) for text in texts} == {text: outcome(slow, text) for text in texts}


@given(st.lists(st.sampled_from([*WRITTEN, *SIGNS]), max_size=12))
def test_whatever_is_written_is_read_alike(written):
    text = "".join(written)
    assert outcome(_parsed, text) == outcome(slow, text)


def test_the_fast_reader_reads_what_is_usual_and_the_slow_one_the_rest(monkeypatch):
    read = []

    class Noted(YAML):
        def compose(self, stream):
            read.append(stream)
            return super().compose(stream)

    monkeypatch.setattr(yaml_positions, "YAML", Noted)
    usual = "a: {b: [1, 'x']}  # usual\n"
    deep, wide, tagged, tabbed = "a: " + "[" * 501 + "]" * 501, "a: " + "x" * 1500, "a: !x 1\n", "a:\tb\n"
    for text in (usual, wide, tagged, tabbed, deep):
        with suppress(RecursionError):
            outcome(_parsed.__wrapped__, text)
    assert read == [usual]


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("configs/**/*.yaml"), *ROOT.glob("tests/lender/*.yaml")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_what_is_shipped_is_read_by_the_fast_reader(path):
    """A sign inside a text or a formula, as `!=`, is no tag: with one the whole config was read six times as slowly."""
    assert not yaml_positions.DEEP_OR_UNLIKE.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000], ids=["lists", "keys", "items"])
def test_what_is_nested_too_deeply_is_refused_and_ends_no_process(tmp_path, text):
    (tmp_path / "deep.yaml").write_text(text)
    with pytest.raises(yaml_positions.ConfigError):
        yaml_positions.read_tree(tmp_path / "deep.yaml", "Write it.")


@pytest.mark.parametrize("written", ["!!int", "!!int x", "!!float ''"])
def test_a_number_by_its_tag_without_digits_is_refused_in_a_sentence(tmp_path, written):
    (tmp_path / "tagged.yaml").write_text(f"a: {written}\n")
    with pytest.raises(yaml_positions.ConfigError, match=r"does not fit its tag, as in `!!int x`: .*; expected no tag"):
        yaml_positions.read_tree(tmp_path / "tagged.yaml", "Write it.")
