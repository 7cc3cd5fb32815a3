"""The schemas of configs: each shipped config satisfies its own and names it; a misspelled key does not pass."""

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.editing import schemas

ROOT = Path(__file__).parents[2]
DESCRIBED = sorted(
    path.relative_to(ROOT / "configs").as_posix()
    for path in (ROOT / "configs").rglob("*.yaml")
    if schemas.described_by(path.relative_to(ROOT / "configs").as_posix())
)


def content(config):
    """A config as JSON has it: a day is text."""
    tree = YAML(typ="safe", pure=True).load((ROOT / "configs" / config).read_text(encoding="utf-8"))
    return json.loads(json.dumps(tree, default=str))


@cache
def validator(kind):
    return Draft202012Validator(schemas.schema(kind))


def faults(config, tree):
    return [error.message for error in validator(schemas.described_by(config).kind).iter_errors(tree)]


@pytest.mark.parametrize("config", DESCRIBED)
def test_a_config_satisfies_its_schema_and_a_misspelled_key_does_not(config):
    tree = content(config)
    assert faults(config, tree) == []
    assert any("polcy" in fault for fault in faults(config, {**tree, "polcy": 1}))


@pytest.mark.parametrize("config", DESCRIBED)
def test_a_config_names_its_schema_in_its_first_line(config):
    line = schemas.modeline(config, schemas.described_by(config))
    assert schemas.is_named(ROOT / "configs" / config, line)


def test_a_range_a_type_and_a_key_further_down_are_known():
    tree = content("credit.yaml")
    assert faults("credit.yaml", tree | {"evaluation": {**tree["evaluation"], "replicates": -1}})
    assert faults("credit.yaml", tree | {"policy": {**tree["policy"], "lgd": "half"}})
    assert faults("credit.yaml", tree | {"policy": {**tree["policy"], "lgdd": 0.5}})


def test_model_yaml_is_a_file_of_its_own():
    assert "parameters" not in schemas.schema("config.schema:Config")["properties"]
    assert "learning_rate" in schemas.schema("config.schema:Parameters")["properties"]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ("credit.yaml", "# yaml-language-server: $schema=../build/schemas/credit.json"),
        ("deploy/local.yaml", "# yaml-language-server: $schema=../../build/schemas/environment.json"),
    ],
)
def test_the_line_leads_from_the_config_to_its_schema(config, line):
    assert schemas.modeline(config, schemas.described_by(config)) == line
    named = (ROOT / "configs" / config).parent / line.partition("=")[2]
    assert named.resolve().parent == ROOT.resolve() / schemas.FOLDER


def test_the_command_writes_each_schema_once_and_says_which_config_lacks_its_line(tmp_path, capsys):
    for name in ("credit.yaml", "model.yaml", "policies/gdpr.yaml", "policies/sox.yaml"):
        (tmp_path / "configs" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "configs" / name, tmp_path / "configs" / name)
    assert main(["schema", "--root", str(tmp_path)]) == 0
    assert "3 schemas for 4 configs" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / schemas.FOLDER).iterdir()) == [
        "credit.json",
        "data_policy.json",
        "model.json",
    ]
    (tmp_path / "configs" / "model.yaml").write_text("learning_rate: 0.1\n", encoding="utf-8")
    assert main(["schema", "--root", str(tmp_path)]) == 1
    assert "configs/model.yaml: # yaml-language-server: $schema=../build/schemas/model.json" in capsys.readouterr().err
