"""`credit-risk config` reads every file in configs/ with its own reader, in one run, and names each fault's file."""

import shutil
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.editing import readers
from credit_risk.errors import ConfigError

ROOT = Path(__file__).parents[2]
WRITTEN_BY_COMMANDS = ("alarms/", "kubernetes/")  # each has a command that says whether it is what was written
FILES = sorted(readers.files(ROOT))


@pytest.fixture
def root(tmp_path):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    return tmp_path


def spoil(path: Path, old: str, new: str) -> int:
    """Put a fault into a file; the line, counted from 1, on which it stands."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_every_config_of_a_person_is_read_by_something():
    texts = (path.relative_to(ROOT / "configs").as_posix() for path in (ROOT / "configs").rglob("*.*"))
    written = {name for name in texts if not name.startswith(WRITTEN_BY_COMMANDS)}
    assert written - {*FILES} == {*readers.OWN}


def test_shipped_configs_have_no_fault(root):
    assert readers.faults_beside(root) == []


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".yaml")])
def test_a_misspelled_key_of_any_file_is_a_fault_of_that_file(root, name):
    path = root / "configs" / name
    path.write_text(path.read_text(encoding="utf-8") + "\npolcy: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="polcy") as fault:
        readers.read(root, name, path)
    assert str(fault.value).startswith(f"{path}: 1 problem")


def test_faults_of_three_files_are_said_in_one_run_each_with_its_line(root, capsys):
    lines = {
        "credit.yaml": spoil(root / "configs" / "credit.yaml", "refer_within:", "refer_witin:"),
        "local.yaml": spoil(root / "configs" / "deploy" / "local.yaml", "busy_timeout_s: 5", "busy_timout_s: 5"),
        "trial.yaml": spoil(root / "configs" / "deploy" / "trial.yaml", "mode: off", "mode: of"),
    }
    assert main(["config", "--root", str(root)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count(" problem") == 3
    for name, line in lines.items():
        assert f"{name} line {line}: " in complaint, complaint
    assert "did you mean 'busy_timeout_s'?" in complaint


# of the part: documents
def test_what_a_form_does_not_show_is_found_by_the_files_own_reader(root):
    path = root / "configs" / "documents.yaml"
    spoil(path, "at: [documents/", "at: [documents/no_such_")
    with pytest.raises(ConfigError, match="a bundle holds no 'documents/no_such_"):
        readers.read(root, path.name, path)


# end of part


# of the part: fork
def test_a_draft_is_not_refused_for_what_other_files_say_of_the_sample(root):
    data = root / "loans.csv"
    rows = (f"{index},{index * 37 % 91},{index % 3},{int(index % 5 == 0)}\n" for index in range(1, 301))
    data.write_text("".join(("loan_no,income,late,bad\n", *rows)), encoding="utf-8")
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text("[core]\n    remote = storage\n", encoding="utf-8")
    arguments = ("--target", "bad", "--bad", "1", "--accept-suggestions")
    assert main(["init", "--root", str(root), "--data", str(data), *arguments]) == 0
    assert main(["config", "--root", str(root)]) == 0


# end of part


def test_a_config_that_is_named_stands_alone(root, capsys):
    spoil(root / "configs" / "deploy" / "local.yaml", "busy_timeout_s: 5", "busy_timout_s: 5")
    config = root / "configs" / "credit.yaml"
    assert main(["config", "--root", str(root), "--config", str(config)]) == 0
    assert main(["config", "--root", str(root)]) == 2
    assert "local.yaml" in capsys.readouterr().err


def test_a_fault_that_two_readers_meet_is_said_once(root, capsys):
    spoil(root / "configs" / "policies" / "gate_floor.yaml", "least_group:", "least_grop:")
    assert main(["config", "--root", str(root)]) == 2
    assert capsys.readouterr().err.count("gate_floor.yaml: 2 problems") == 1  # one lacks, one is unknown


# of the part: roles
def test_a_role_that_the_policy_lacks_is_a_fault(root):
    spoil(root / "configs" / "policies" / "roles.cedar", 'Action::"approve"', 'Action::"aprove"')
    (fault,) = readers.faults_beside(root)
    assert "roles.cedar" in str(fault)


# end of part
