"""Configs of an older format: brought here without another line changed, and readable in old scorers."""

from pathlib import Path

import pytest

import smallest
from credit_risk.config import Config, load, reading
from credit_risk.config.migration import lacking, migrated, migrated_text
from credit_risk.errors import ConfigError

OLD = """\
# ours
version: 1   # of the format
project:
  name: ours        # a comment
  title: Ours
outcome: {definition: late, bad: [1]}
reasons:
  families:
    - id: R01       # a block
      text: late
    - {id: R02, text: low}
"""
NEW = """\
# ours
suggested: []
version: 4   # of the format
project:
  legal_basis: "???"
  name: ours        # a comment
  title: Ours
outcome: {favourable: "???", definition: late, bad: [1]}
reasons:
  families:
    - true_when: "???"
      id: R01       # a block
      text: late
    - {true_when: "???", id: R02, text: low}
"""


def tree(tmp_path: Path, text: str):
    path = tmp_path / "credit.yaml"
    path.write_text(text, encoding="utf-8")
    return reading.tree_of(path)


def test_what_is_new_is_put_in_and_nothing_else_changes(tmp_path):
    assert migrated_text(OLD, tree(tmp_path, OLD)) == NEW


def test_what_stands_there_already_stays(tmp_path):
    some = OLD.replace("  title: Ours\n", "  title: Ours\n  legal_basis: consent\n")
    assert lacking(tree(tmp_path, some), 1) == {
        ("suggested",): [],
        ("outcome", "favourable"): "???",
    }
    assert "legal_basis: consent" in migrated_text(some, tree(tmp_path, some))


def test_rows_that_were_split_together_stay_together(tmp_path):
    old = "version: 2\nsplit:\n  by: random\n"
    assert migrated_text(old, tree(tmp_path, old)) == 'version: 4\nsplit:\n  equal_rows: "together"\n  by: random\n'
    assert migrated({"version": 2, "split": {"by": "random"}})["split"]["equal_rows"] == "together"
    assert lacking({"split": {"equal_rows": "own"}}, 2) == {}


def test_an_old_config_is_refused_with_the_command_that_mends_it(tmp_path):
    tree(tmp_path, OLD)
    (tmp_path / "model.yaml").write_text("num_leaves: 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"line 2: version: the file is of version 1.*`credit-risk migrate`"):
        load(tmp_path / "credit.yaml")


def test_the_copy_in_a_scorer_of_long_ago_is_still_read():
    old = smallest.config(columns={"x": {"role": "feature", "type": "number"}, "y": {"role": "target"}}).as_dict()
    old["version"] = 1
    del old["project"]["legal_basis"], old["outcome"]["favourable"], old["suggested"]
    found = Config.from_dict(old)
    assert (found.version, found.project.legal_basis, found.suggested) == (4, "???", ())
    (family,) = found.reasons.families
    assert (family.text, family.true_when) == ({"value": "text", "missing": "text"}, None)  # as it decided then
    assert migrated(found.as_dict()) == found.as_dict()


WITHOUT_ID = """\
version: 3
columns:
  person: {role: applicant}
  x: {role: feature}
  z: {role: input_only}
  y: {role: target}
split: {by: random, seed: 1}
"""


def test_where_no_column_is_an_id_an_old_config_gets_an_identity_that_stays(tmp_path):
    with_person, without = WITHOUT_ID, WITHOUT_ID.replace("  person: {role: applicant}\n", "")
    assert 'split: {identity: ["person"], by: random' in migrated_text(with_person, tree(tmp_path, with_person))
    assert 'split: {identity: ["x", "z"], by: random' in migrated_text(without, tree(tmp_path, without))
    with_id = WITHOUT_ID.replace("applicant", "id")
    assert migrated_text(with_id, tree(tmp_path, with_id)) == with_id.replace("version: 3", "version: 4")
    assert migrated(tree(tmp_path, without))["split"] == {"identity": ["x", "z"], "by": "random", "seed": 1}
