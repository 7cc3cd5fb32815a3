"""A new stage that runs, passes the linter, its own test and the rules for every stage."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main

ROOT = Path(__file__).parents[2]
EDITED = ("src/credit_risk/stages/command.py", "dvc.yaml", "docs/pipeline.md")
PURPOSE = "How much of the book hangs on few applicants"
NEW = ["stage", "new", "book-concentration", "--purpose", PURPOSE]


@pytest.fixture
def root(tmp_path):
    for name in EDITED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", ["book-concentration", "cost", "thirty-letters-are-the-longest"])
def test_what_it_writes_is_tidy_and_only_adds(root, capsys, name):
    before = {path: (root / path).read_text(encoding="utf-8") for path in EDITED}
    assert main(["stage", "new", name, "--purpose", PURPOSE, "--root", str(root)]) == 0
    assert f"src/credit_risk/stages/{name.replace('-', '_')}.py" in capsys.readouterr().out
    for path, text in before.items():
        lines = iter((root / path).read_text(encoding="utf-8").splitlines())
        assert all(line in lines for line in text.splitlines()), path
    stages = YAML(typ="safe", pure=True).load(root / "dvc.yaml")["stages"]
    assert stages[name]["desc"] == PURPOSE
    assert list(stages)[-1] == name
    assert YAML(typ="safe", pure=True).load(root / "dvc.yaml")["plots"]
    shutil.copy(ROOT / "pyproject.toml", root)
    for words in (["check", "."], ["format", "--check", "."]):
        command = [Path(sys.executable).with_name("ruff"), *words, "--no-cache"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "--purpose", PURPOSE], "already"),
        (["Train", "--purpose", PURPOSE], "lower-case words"),
        (["a-name-that-is-longer-than-lines-allow", "--purpose", PURPOSE], "at most 30"),
        (["../x", "--purpose", PURPOSE], "lower-case words"),
        (["new-one", "--purpose", "Too short"], "20 to 100"),
        (["new-one", "--purpose", "A purpose: that breaks YAML in two"], "plain sentence"),
    ],
)
def test_what_cannot_be_a_stage_is_refused_and_nothing_written(root, capsys, words, says):
    assert main(["stage", "new", *words, "--root", str(root)]) == 2
    assert says in capsys.readouterr().err
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == sorted(EDITED)
    assert all((root / name).read_bytes() == (ROOT / name).read_bytes() for name in EDITED)


def test_a_stage_is_made_once(root, capsys):
    assert main([*NEW, "--root", str(root)]) == 0
    assert main([*NEW, "--root", str(root)]) == 2
    assert "already" in capsys.readouterr().err


@pytest.mark.weekly
def test_its_test_and_the_rules_for_every_stage_pass(tmp_path):
    copy = tmp_path / "copy"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if name.startswith(("src/", "tests/", "docs/", "tools/", "loadtest/", "configs/", "dvc.", "pyproject")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    assert main([*NEW, "--root", str(copy)]) == 0
    own = ["tests/stages/test_book_concentration.py"]
    rules = ["tests/test_dvc_yaml.py", "-k", "book-concentration"]
    for words in (own, rules):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
            cwd=copy, env={**os.environ, "PYTHONPATH": str(copy / "src")}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout
        assert "skipped" not in done.stdout
