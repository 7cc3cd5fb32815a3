"""What `make fork-check` finds left to do, each thing by itself."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from credit_risk import cli
from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.data.reading import raw
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import write_json
from credit_risk.fork import check
from credit_risk.stages import dictionary
from passed import hand_on

ROOT = Path(__file__).parents[2]
DVC = Path(sys.executable).with_name("dvc")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lender with nothing left to do: its data, a remote, and a dictionary made a moment ago."""
    tmp_path = tmp_path_factory.mktemp("finished")
    shutil.copytree(ROOT / "tests" / "lender", tmp_path / "configs")
    (tmp_path / "data").mkdir()
    lender(2_000, seed=7).applications.to_csv(tmp_path / "data" / "applications.csv", index=False)
    for command in (
        ["git", "init", "--quiet"],
        [DVC, "init", "--quiet"],
        [DVC, "remote", "add", "-d", "s", "s3://b/c"],
    ):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = Files(tmp_path)
    edit(made, "min_n: 50", "min_n: 20")
    hand_on(load(made.config), made)
    dictionary.run(load(made.config), made)
    return tmp_path


@pytest.fixture
def files(finished: Path, tmp_path: Path) -> Files:
    return Files(shutil.copytree(finished, tmp_path / "fork"))


def left(files: Files) -> list[tuple[str, str]]:
    return [(one.what, one.command) for one in check.left(files, files.config) if one.urgency == "must"]


def edit(files: Files, old: str, new: str) -> None:
    text = files.config.read_text(encoding="utf-8")
    assert old in text
    files.config.write_text(text.replace(old, new), encoding="utf-8")


def test_a_fork_with_nothing_left_to_do(files, capsys):
    assert left(files) == []
    assert cli.main(["fork-check", "--root", str(files.root)]) == 0
    assert "Nothing is left to do" in capsys.readouterr().out


def test_open_decisions_come_first_with_their_lines(files):
    edit(files, "margin: 0.12", 'margin: "???"')
    what, command = left(files)[0]
    assert "policy.margin: not decided yet: what a good account earns" in what
    assert command == "edit credit.yaml"


def test_suggestions_wordings_and_the_samples_name_are_told(files):
    edit(files, "suggested: []", "suggested: [policy.lgd]")
    edit(files, 'version: "1"', 'version: "0-draft"')
    edit(files, "name: simulated-lender", "name: uci-card-default")
    dictionary.run(load(files.config), files)
    assert [what for what, _ in left(files)] == [
        "policy.lgd: a program suggested what stands there",
        "configs/credit.yaml is the sample's",
        "nobody has read the wordings of reasons",
    ]


def test_groups_too_small_to_compare_are_counted(files):
    edit(files, "min_n: 20", "min_n: 500")
    found = dict(left(files))
    rows = lender(2_000, seed=7).applications
    women = int((rows["sex"] == "female").sum() * 0.3)
    assert f"sex female: about {women} test rows, fairness.min_n asks for 500" in found


def test_a_day_of_birth_is_grouped_by_age_on_the_day_of_application(files):
    """Born on 2 January 1960: 61 on the first day of 2022, and 62 a day later."""
    config = load(files.config)
    fairness = config.fairness.model_copy(update={"attributes": {"age": config.fairness.attributes["age"]}})
    applied = pd.to_datetime(["2022-01-01"] * 40 + ["2022-01-02"] * 60)
    table = pd.DataFrame({"age": pd.Timestamp("1960-01-02"), "applied_on": applied})
    found = [each.what for each in check._groups(config.model_copy(update={"fairness": fairness}), table)]
    assert found == [
        "age 62 and over: about 18 test rows, fairness.min_n asks for 20",
        "age 25 to 61: about 12 test rows, fairness.min_n asks for 20",
    ]


def test_data_that_do_not_fit_and_a_stale_dictionary_are_told(files):
    path = files.root / "data" / "applications.csv"
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(text[: len(text) // 30]) + "\n", encoding="utf-8")
    found = dict(left(files))
    assert any("100 rows or more" in what for what in found)
    assert found["reports/dictionary.md is not of these data and this config"] == "make run"


def test_data_that_are_not_there_are_told_with_the_command(files):
    (files.root / "data" / "applications.csv").unlink()
    assert [command for what, command in left(files) if "there is no such file" in what] == [
        "make data, or .venv/bin/dvc add data"
    ]


def test_what_the_sample_left_behind_is_listed(files):
    sample = files.root / "sample-remote" / "files" / "md5" / "ab"
    sample.mkdir(parents=True)
    digest = hashlib.md5(b"a\n1\n").hexdigest()
    (sample / "cd.dir").write_text(json.dumps([{"md5": digest, "relpath": "cards.csv"}]), encoding="utf-8")
    (files.root / "data" / "cards.csv").write_bytes(b"a\n1\n")
    write_json(files.report("preparation"), {"inputs_digest": {"data/cards.csv": digest}})
    write_json(files.scorer / "config.json", {"project": {"name": check.SAMPLE}})
    assert [what for what, _ in left(files)] == [
        "data/cards.csv is the sample's",
        "the figures in reports/ are the sample's",
        "models/scorer decides as the sample's config says",
    ]
    (files.root / "data" / "cards.csv").write_bytes(b"a\n2\n")  # of the fork's own
    write_json(files.report("preparation"), {"inputs_digest": {"data/applications.csv": digest}})
    write_json(files.scorer / "config.json", {"project": {"name": "simulated-lender"}})
    assert left(files) == []


def test_the_files_are_parsed_once(files, monkeypatch):
    parsed = []
    whole = raw.whole
    monkeypatch.setattr(raw, "whole", lambda path, *more: parsed.append(path.name) or whole(path, *more))
    assert left(files) == []
    assert parsed == ["applications.csv"]


def test_without_a_default_remote_the_data_have_no_home(files):
    subprocess.run([DVC, "remote", "remove", "s"], cwd=files.root, check=True, capture_output=True)
    assert left(files)[0][0] == "DVC has no default remote: your data have no home"


def test_a_remote_that_no_runner_reaches_is_named(files):
    def looks() -> list[str]:
        return [one.what for one in check.left(files, files.config) if "no runner" in one.what]

    assert looks() == []
    subprocess.run([DVC, "remote", "modify", "s", "url", "../s"], cwd=files.root, check=True, capture_output=True)
    assert len(looks()) == 1


@pytest.mark.parametrize("name", check.LEFTOVERS)
def test_the_templates_own_texts_are_found_where_they_stand(files, name):
    (files.root / name).parent.mkdir(exist_ok=True)
    (files.root / name).write_text(f"Hello {check.LEFTOVERS[name][0]}", encoding="utf-8")
    assert [what for what, _ in left(files)] == [f"{name} still says {check.LEFTOVERS[name][0]!r}"]
    (files.root / name).write_text("ours", encoding="utf-8")
    assert left(files) == []


def test_every_variable_that_a_workflow_reads_is_listed_with_its_meaning():
    assert set(check.variables(ROOT)) <= set(check.VARIABLES), "say in fork/check.py what the new one is for"
    commands = [one.command for one in check._variables(ROOT)]
    assert "gh variable set IMAGE_REGISTRY --body VALUE" in commands


def test_the_exit_code_is_1_while_something_must_be_done(files, capsys):
    (files.root / "SECURITY.md").write_text(check.LEFTOVERS["SECURITY.md"][0], encoding="utf-8")
    assert cli.main(["fork-check", "--root", str(files.root)]) == 1
    assert "left to do before anybody is decided about" in capsys.readouterr().err
