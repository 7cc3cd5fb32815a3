"""Three versions of a YAML file become one, key by key."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.config import reading
from credit_risk.errors import ConfigError
from credit_risk.fork.merging import merge_files

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
    kept = merge_files(*paths)
    text = paths[1].read_text(encoding="utf-8")
    return YAML(typ="safe").load(text), kept, text


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
    assert kept == ["serving.roles: yours, ['a'], stays; upstream has ['a', 'b', 'c']"]


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


def test_what_is_no_yaml_is_refused_and_left_as_it_was(tmp_path):
    ours = BASE.replace("old: 1", "old: 2")
    with pytest.raises(ConfigError, match="theirs"):
        merged(tmp_path, ours, "a: [\n")
    assert (tmp_path / "ours").read_text(encoding="utf-8") == ours
    assert reading.tree_of(tmp_path / "ours")["old"] == 2
