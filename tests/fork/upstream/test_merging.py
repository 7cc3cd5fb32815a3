"""Three versions of a YAML file become one, key by key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.fork.upstream.merging import NotMergeable, by_id, merge_files, same, shown

ROOT = Path(__file__).parents[3]

BASE = """\
# How it runs
serving:
  workers: 1      # processes
  limits: {body: 100, rows: 10}
  roles: [a, b]
old: 1
"""


def merged(tmp_path: Path, ours: str, theirs: str, base: str = BASE) -> tuple[dict, list[str], str]:
    paths = [tmp_path / name for name in ("base", "ours", "theirs")]
    for path, text in zip(paths, (base, ours, theirs), strict=True):
        path.write_text(text, encoding="utf-8")
    kept = merge_files(*paths, "configs/deploy/local.yaml")
    text = paths[1].read_text(encoding="utf-8")
    return YAML(typ="safe", pure=True).load(text), kept, text


def test_what_one_side_changed_is_taken_and_comments_stay(tmp_path):
    ours = BASE.replace("workers: 1 ", "workers: 4 ")
    theirs = BASE.replace("body: 100", "body: 200").replace("old: 1\n", "old: 1\nnew: {a: 2}\n")
    found, kept, text = merged(tmp_path, ours, theirs)
    assert found == {
        "serving": {"workers": 4, "limits": {"body": 200, "rows": 10}, "roles": ["a", "b"]},
        "old": 1,
        "new": {"a": 2},
    }
    assert kept == []
    assert "# How it runs" in text
    assert "# processes" in text


def test_where_both_changed_one_value_the_forks_stays_and_it_is_said(tmp_path):
    found, kept, _ = merged(tmp_path, BASE.replace("rows: 10", "rows: 20"), BASE.replace("rows: 10", "rows: 30"))
    assert found["serving"]["limits"]["rows"] == 20
    assert kept == ["serving.limits.rows: yours, 20, stays; upstream has 30"]


def test_a_list_is_one_value(tmp_path):
    found, kept, _ = merged(tmp_path, BASE.replace("[a, b]", "[a]"), BASE.replace("[a, b]", "[a, b, c]"))
    assert found["serving"]["roles"] == ["a"]
    assert kept == ['serving.roles: yours, ["a"], stays; upstream has ["a", "b", "c"]']


def test_a_key_that_upstream_removed_goes_unless_the_fork_changed_it(tmp_path):
    gone = BASE.replace("old: 1\n", "")
    assert "old" not in merged(tmp_path, BASE, gone)[0]
    found, kept, _ = merged(tmp_path, BASE.replace("old: 1", "old: 2"), gone)
    assert found["old"] == 2
    assert kept == ["old: yours, 2, stays; upstream has removed"]


def test_a_key_that_the_fork_removed_stays_away(tmp_path):
    gone = BASE.replace("old: 1\n", "")
    assert "old" not in merged(tmp_path, gone, BASE)[0]
    found, kept, _ = merged(tmp_path, gone, BASE.replace("old: 1", "old: 3"))
    assert "old" not in found
    assert kept == ["old: yours, removed, stays; upstream has 3"]


def test_a_file_that_both_added_has_the_keys_of_both(tmp_path):
    found, kept, _ = merged(tmp_path, "a: 1\n", "b: 2\n", base="")
    assert (found, kept) == ({"a": 1, "b": 2}, [])


LAYOUT = """\
serving:
  workers: 1
  gate: "required"   # or reported

# The ledger, which nobody may lose
ledger:
  path: x            # a file
  keep: 25

# Where it runs
old: 1
# What is asked of it
compute: {cpu: 1, memory: 2}
"""


def test_only_what_changed_changes_in_the_text(tmp_path):
    ours = LAYOUT.replace("path: x ", "path: y ")
    theirs = LAYOUT.replace("# a file", "# a file or an address").replace("keep: 25", "keep: 12")
    _, kept, text = merged(tmp_path, ours, theirs, base=LAYOUT)
    assert text == ours.replace("# a file", "# a file or an address").replace("keep: 25", "keep: 12")
    assert kept == []


def test_a_new_key_comes_with_its_comments_to_its_place(tmp_path):
    new = '  gate: "required"   # or reported\n  # For the form\n  page: true   # at /\n'
    ours = LAYOUT.replace("workers: 1", "workers: 4")
    _, _, text = merged(tmp_path, ours, LAYOUT.replace('  gate: "required"   # or reported\n', new), base=LAYOUT)
    assert text == ours.replace('  gate: "required"   # or reported\n', new)


def test_a_removed_key_takes_no_comment_of_the_next_one_along(tmp_path):
    ours = LAYOUT.replace("keep: 25", "keep: 30")
    _, _, text = merged(tmp_path, ours, LAYOUT.replace("old: 1\n", ""), base=LAYOUT)
    assert text == ours.replace("old: 1\n", "")


def test_neighbours_on_one_line_are_no_conflict(tmp_path):
    ours, theirs = LAYOUT.replace("cpu: 1", "cpu: 4"), LAYOUT.replace("memory: 2", "memory: 8, disk: 5")
    _, kept, text = merged(tmp_path, ours, theirs, base=LAYOUT)
    assert text == LAYOUT.replace("{cpu: 1, memory: 2}", "{cpu: 4, memory: 8, disk: 5}")
    assert kept == []


def test_keys_that_both_added_at_one_place_both_stand_there(tmp_path):
    ours, theirs = (
        LAYOUT.replace("  workers: 1\n", f"  workers: 1\n  {new}\n") for new in ("a: 1  # one", "b: 2  # two")
    )
    found, _, text = merged(tmp_path, ours, theirs, base=LAYOUT)
    assert found["serving"] == {"workers": 1, "a": 1, "b": 2, "gate": "required"}
    assert "  a: 1  # one\n  b: 2  # two\n" in text


def test_a_value_that_both_changed_leaves_the_layout_alone(tmp_path):
    ours, theirs = (
        LAYOUT.replace("keep: 25", f"keep: {n}").replace("old: 1\n", end) for n, end in ((30, "old: 1\n"), (12, ""))
    )
    _, kept, text = merged(tmp_path, ours, theirs, base=LAYOUT)
    assert text == LAYOUT.replace("keep: 25", "keep: 30").replace("old: 1\n", "")
    assert kept == ["ledger.keep: yours, 30, stays; upstream has 12"]


def test_where_words_cannot_say_it_the_tree_is_written_and_comments_and_quotes_stay(tmp_path):
    base = LAYOUT + "roles: [a, b]\n"
    ours = base.replace("[a, b]", "[a]  # ours")
    theirs = base.replace("[a, b]", "[a, b, c]").replace("workers: 1", "workers: 2")
    found, kept, text = merged(tmp_path, ours, theirs, base=base)
    assert (found["roles"], found["serving"]["workers"]) == (["a"], 2)
    assert kept == ['roles: yours, ["a"], stays; upstream has ["a", "b", "c"]']
    assert text == ours.replace("workers: 1", "workers: 2")


CONTROLS = """\
controls:
  - id: one
    dated: 2026-01-01
    severity: failure
  - id: two
    dated: 2026-01-01
    severity: failure
"""


def test_entries_of_a_list_that_have_an_id_are_merged_by_it(tmp_path):
    mine, new = "  - id: ours\n    dated: 2026-03-01\n", "  - id: zero\n    dated: 2026-02-01\n"
    ours = CONTROLS.replace("severity: failure", "severity: warning", 1) + mine
    theirs = CONTROLS.replace("controls:\n", f"controls:\n{new}").replace(
        "two\n    dated: 2026-01-01", "two\n    dated: 2026-02-01"
    )
    _, kept, text = merged(tmp_path, ours, theirs, base=CONTROLS)
    assert text == theirs.replace("severity: failure", "severity: warning", 1) + mine
    assert kept == []


def test_an_entry_is_named_by_its_id_where_both_changed_it(tmp_path):
    ours, theirs = (CONTROLS.replace("severity: failure", f"severity: {word}", 1) for word in ("warning", "none"))
    found, kept, _ = merged(
        tmp_path, ours, theirs.replace("  - id: two\n    dated: 2026-01-01\n    severity: failure\n", ""), base=CONTROLS
    )
    assert [entry["severity"] for entry in found["controls"]] == ["warning"]
    assert kept == ['controls.one.severity: yours, "warning", stays; upstream has "none"']


def test_an_entry_of_upstreams_is_added_also_where_the_tree_must_be_written(tmp_path):
    base = CONTROLS + "words: [a]\n"
    ours = base.replace("[a]", "[b]")
    theirs = base.replace("[a]", "[c]").replace("words", "  - id: three\n    severity: failure\nwords")
    found, kept, _ = merged(tmp_path, ours, theirs, base=base)
    assert [entry["id"] for entry in found["controls"]] == ["one", "two", "three"]
    assert found["words"] == ["b"]
    assert kept == ['words: yours, ["b"], stays; upstream has ["c"]']


def test_ids_that_are_not_unique_bind_nothing():
    twice = [{"id": "a"}, {"id": "a"}]
    assert by_id(twice) is twice
    assert by_id([]) == []


def test_one_is_not_true_and_the_order_of_keys_says_nothing(tmp_path):
    assert same({"a": 1, "b": [1.5]}, {"b": [1.5], "a": 1})
    assert not same(1, True)
    assert not same([1, 2], [2, 1])
    assert merged(tmp_path, "a: 1\nb: 2\n", "a: true\nb: 1\n", base="a: 1\nb: 1\n")[0] == {"a": True, "b": 2}


def test_a_long_value_is_told_in_one_short_line():
    assert len(shown([f"word {n}" for n in range(1000)])) <= 120
    assert shown("word " * 1000).startswith('"word word')
    assert shown("a\nb") == r'"a\nb"'


@pytest.mark.parametrize(("broken", "side"), [(0, "the version before"), (1, "yours"), (2, "upstream's")])
def test_what_is_no_yaml_ends_with_gits_marks_and_a_sentence(tmp_path, broken, side):
    texts = ["a: 1\n", "a: 2\n", "a: 3\n"]
    texts[broken] = "a: [\n"
    with pytest.raises(NotMergeable, match=rf"^configs/deploy/local\.yaml: {side} is no YAML \(line 2: .*\)"):
        merged(tmp_path, texts[1], texts[2], base=texts[0])
    found = (tmp_path / "ours").read_text(encoding="utf-8")
    assert found == f"<<<<<<< yours\n{texts[1]}=======\n{texts[2]}>>>>>>> upstream\n"


def test_a_file_in_another_encoding_is_refused_too(tmp_path):
    for name in ("base", "ours", "theirs"):
        (tmp_path / name).write_bytes("a: Zürich\n".encode("latin-1" if name == "theirs" else "utf-8"))
    with pytest.raises(NotMergeable, match=r"upstream's is no YAML \(byte 4 is not UTF-8"):
        merge_files(*(tmp_path / name for name in ("base", "ours", "theirs")), "x.yaml")


def driver(tmp_path, *texts):
    for name, text in zip(("base", "ours", "theirs"), texts, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "credit_risk.cli",
        "merge-config",
        "base",
        "ours",
        "theirs",
        "configs/deploy/a b.yaml",
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_the_driver_answers_as_git_expects(tmp_path):
    done = driver(tmp_path, "a: 1\n", "a: 2\n", "a: 3\n")
    assert (done.returncode, done.stderr) == (0, "configs/deploy/a b.yaml: a: yours, 2, stays; upstream has 3\n")
    done = driver(tmp_path, "a: 1\n", "a: [\n", "a: 3\n")
    assert done.returncode == 1
    assert done.stderr.startswith("configs/deploy/a b.yaml: yours is no YAML (line 2: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "ours", "theirs"]
