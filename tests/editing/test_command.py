"""`credit-risk set` on the simulated lender's config."""

import shutil
import subprocess
from pathlib import Path

import pytest

from credit_risk.cli import main

LENDER = Path(__file__).parents[1] / "lender"


@pytest.fixture
def root(tmp_path):
    shutil.copytree(LENDER, tmp_path / "configs")
    return tmp_path


def text(root):
    return (root / "configs" / "credit.yaml").read_bytes().decode()


def test_values_are_set_and_nothing_else(root, capsys):
    before = text(root)
    assert main(["set", "policy.margin=0.15", "gates[discrimination].at_least=0.65", "--root", str(root)]) == 0
    assert "policy.margin 0.12 → 0.15" in capsys.readouterr().out
    assert text(root) == before.replace("margin: 0.12", "margin: 0.15").replace("at_least: 0.6,", "at_least: 0.65,")


def test_a_patch_is_printed_and_nothing_written(root, capsys):
    before = text(root)
    assert main(["set", "policy.lgd=0.6", "--patch", "--root", str(root)]) == 0
    (root / "lgd.patch").write_text(capsys.readouterr().out, encoding="utf-8")
    assert text(root) == before
    subprocess.run(["git", "apply", "lgd.patch"], cwd=root, check=True)
    assert text(root) == before.replace("lgd: 0.5\n", "lgd: 0.6\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["policy.margin=-1"], ": policy.margin: "),
        (["policy.margin='0.2'"], "policy.margin"),
        (["model.directions.months_late=upward"], "'increasing' or 'decreasing'"),
        (["policy.marge=0.2"], "no single value stands under policy.marge"),
        (["policy.margin"], "expected NAME=VALUE"),
        (["policy.margin=[1, 2]"], "expected NAME=VALUE with a single value"),
    ],
)
def test_what_would_not_be_sound_is_not_written(root, capsys, words, says):
    before = text(root)
    assert main(["set", *words, "--root", str(root)]) == 2
    assert says in capsys.readouterr().err
    assert text(root) == before


def test_line_ends_of_other_systems_stay(root):
    path = root / "configs" / "credit.yaml"
    path.write_bytes(text(root).replace("\n", "\r\n").encode())
    assert main(["set", "policy.margin=0.15", "--root", str(root)]) == 0
    assert text(root).count("\r\n") == text(root).count("\n")
    assert "margin: 0.15\r\n" in text(root)


def test_a_config_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["set", "policy.margin=0.15", "--root", str(tmp_path)]) == 2
    assert "credit.yaml" in capsys.readouterr().err
