"""Policy files: found by file or by any of their names, of one kind, and faulty ones refused in whole sentences."""

from pathlib import Path

import pytest

from credit_risk.compliance import policies
from credit_risk.compliance.policies import DataPolicy, UnknownFramework
from credit_risk.errors import ConfigError, NotFound

HEAD = "version: 1\nframework: {}\nnames: [{}]\ntitle: t\nreviewed: 2026-01-01\nstatements: {{}}\nwords: {{}}\n"
CONTROL = "{id: c-1, requirement: r, source: s, dated: 2020-01-01, secondary: true, check: x, severity: failure}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("house", "bank"):
        text = HEAD.format(name, f"{name}_rules") + f"data_controls:\n  - {CONTROL}\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "scorers.yaml").write_text("version: 1\ncontrols: []\n")
    return tmp_path


@pytest.mark.parametrize("name", ["house", "house_rules", " House-Rules "])
def test_a_policy_is_found_by_each_of_its_names(folder: Path, name: str):
    path, policy = policies.find(folder, name, DataPolicy)
    assert (path.name, policy.framework, policy.data_controls[0].check) == ("house.yaml", "house", "x")


def test_a_policy_of_the_other_kind_is_none(folder: Path):
    assert sorted(policies.known(folder, DataPolicy)) == ["bank", "bank_rules", "house", "house_rules"]
    with pytest.raises(UnknownFramework, match="'scorers'; known: bank, bank_rules, house, house_rules") as caught:
        policies.find(folder, "scorers", DataPolicy)
    assert caught.value.exit_code == 2
    assert "write configs/policies/<framework>.yaml with data_controls." in str(caught.value)


def test_a_fault_is_told_with_its_key_and_is_no_matter_of_another_file(folder: Path):
    (folder / "house.yaml").write_text(HEAD.format("house", "h") + "data_controls:\n  - {id: c-1}\nseverity: x\n")
    with pytest.raises(ConfigError, match=r"data_controls.0.requirement: Field required(.|\n)*severity: Extra inputs"):
        policies.find(folder, "house", DataPolicy)
    assert policies.find(folder, "bank", DataPolicy)[1].framework == "bank"


def test_what_is_no_yaml_is_refused_with_its_file(folder: Path):
    (folder / "house.yaml").write_text("version: [\ndata_controls:\n")
    with pytest.raises(ConfigError, match=r"house.yaml"):
        policies.find(folder, "house", DataPolicy)


def test_a_policy_that_is_not_there_is_a_sentence_and_no_traceback(tmp_path):
    with pytest.raises(NotFound, match="there is no such file"):
        policies.read(tmp_path / "gdpr_policy.yaml", DataPolicy)
