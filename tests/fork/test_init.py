"""`credit-risk init` on a small lender: what it writes, what it refuses, and that nothing of the fork's is lost."""

import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame

from credit_risk import cli, config
from credit_risk.config import identities
from credit_risk.config.open_decisions import DECISIONS
from credit_risk.errors import ConfigError
from credit_risk.fork import first_person
from identities_trial import new_key

N = 400
DVC = Path(sys.executable).with_name("dvc")
SAMPLE = "version: 2\nproject:\n  name: uci-card-default\n"
DECIDED = (
    "--legal-basis=consent",
    "--definition=90 days late",
    "--favourable=the loan is paid out",
    "--window=12",
    "--population=all",
    "--margin=0.2",
    "--lgd=0.6",
    "--cost=0.01",
    "--no-protected=the law forbids to keep them",
)


def table() -> DataFrame:
    rng = np.random.default_rng(5)
    bad = np.arange(N) % 5 == 0
    return DataFrame(
        {
            "nr": np.arange(N),
            "income": rng.integers(1000, 9000, N),
            "late": np.where(bad, 1 + np.arange(N) // 5 % 5, np.arange(N) % 6),
            "status": np.where(bad, 2, 1),
        }
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the sample's config, DVC, and the sample's file in data/, untouched and edited."""
    made = tmp_path_factory.mktemp("sample")
    (made / "configs").mkdir(parents=True)
    (made / "configs" / "credit.yaml").write_text(SAMPLE, encoding="utf-8")
    for command in (["git", "init", "--quiet"], [DVC, "init", "--quiet"]):
        subprocess.run(command, cwd=made, check=True, capture_output=True)
    (made / "data").mkdir()
    listing = []
    for name, text in (("sample.csv", "a\n1\n"), ("README.md", "sample\n")):
        (made / "data" / name).write_text(text, encoding="utf-8")
        listing.append({"md5": hashlib.md5(text.encode()).hexdigest(), "relpath": name})
    (made / "data" / "README.md").write_text("ours\n", encoding="utf-8")
    place = made / "sample-remote" / "files" / "md5" / "ab"
    place.mkdir(parents=True)
    (place / "cd.dir").write_text(json.dumps(listing), encoding="utf-8")
    return made


@pytest.fixture
def root(sample: Path, tmp_path: Path) -> Path:
    """That repository, for a test to write into."""
    return Path(shutil.copytree(sample, tmp_path / "fork"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "loans.csv"
    table().to_csv(path, index=False)
    return path


def init(root: Path, data: Path, *more: str) -> int:
    return cli.main(["init", "--root", str(root), "--data", str(data), "--target", "status", "--bad", "2", *more])


def default_remote(root: Path) -> str:
    done = subprocess.run([DVC, "remote", "list"], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def test_a_decided_config_is_whole_and_the_data_have_a_place_outside(root, data, capsys):
    assert init(root, data, *DECIDED) == 0
    found = config.load(root / "configs" / "credit.yaml")
    assert (found.project.name, found.outcome.bad, found.outcome.good) == ("loans", (2,), (1,))
    assert found.suggested == ()
    assert found.features == ("income", "late")
    assert found.fairness.unavailable == "the law forbids to keep them"
    assert found.data.sources[0].path == "data/loans.csv"
    assert (root / "data" / "loans.csv").read_bytes() == data.read_bytes()
    assert "url = ../../fork-data\n" in (root / ".dvc" / "config").read_text(encoding="utf-8"), (
        "no path of this machine"
    )
    said = " ".join(capsys.readouterr().out.split())  # a line as wide as the screen is broken
    assert "400 rows, 4 columns, 20.00% bad" in said
    assert "make fork-check" in said


def test_the_samples_files_leave_data_and_others_stay(root, data):
    assert init(root, data, *DECIDED) == 0
    assert sorted(path.name for path in (root / "data").iterdir()) == ["README.md", "loans.csv"]
    assert (root / "data" / "README.md").read_text(encoding="utf-8") == "ours\n"


def test_open_decisions_block_every_command(root, data, capsys):
    assert init(root, data) == 0
    assert "9 lines" in capsys.readouterr().out
    with pytest.raises(ConfigError, match=r"policy\.lgd: not decided yet"):
        config.load(root / "configs" / "credit.yaml")
    assert cli.main(["config", "--root", str(root)]) == 2
    assert "project.legal_basis: not decided yet: by what right" in capsys.readouterr().err


def test_a_draft_elsewhere_changes_nothing_here(root, data, tmp_path, capsys):
    assert init(root, data, "--output", str(tmp_path / "draft.yaml")) == 0
    assert (root / "configs" / "credit.yaml").read_text(encoding="utf-8") == SAMPLE
    assert default_remote(root) == ""
    assert (root / "data" / "sample.csv").exists()
    assert "project:" in (tmp_path / "draft.yaml").read_text(encoding="utf-8")
    printed = "".join(capsys.readouterr().out.split())  # a long path is broken into lines, wherever it is too long
    assert f"{data}:400rows" in printed  # nothing lies in data/
    assert f"decidewhatstandsas???in{tmp_path / 'draft.yaml'},9lines" in printed
    assert "initwithout--outputthesamedraftasconfigs/credit.yaml" in printed
    assert "dvcadd" not in printed


def test_a_config_of_the_forks_own_is_not_written_over(root, data, capsys):
    own = SAMPLE.replace("uci-card-default", "ours")
    (root / "configs" / "credit.yaml").write_text(own, encoding="utf-8")
    assert init(root, data) == 2
    assert "is the config of 'ours', not the sample's: it would be lost" in capsys.readouterr().err
    assert (root / "configs" / "credit.yaml").read_text(encoding="utf-8") == own
    assert default_remote(root) == ""
    assert init(root, data, "--replace") == 0


def test_a_remote_that_is_there_stays_and_one_inside_is_refused(root, data, capsys):
    assert init(root, data, "--remote", "inside") == 2
    assert "lies in the repository: private data would end in git" in capsys.readouterr().err
    subprocess.run([DVC, "remote", "add", "-d", "bank", "s3://bank/credit"], cwd=root, check=True, capture_output=True)
    assert init(root, data, *DECIDED) == 0
    assert "DVC's default remote stays 'bank'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--date", "dae"], "there is no column 'dae'; the header has 'nr', 'income', 'late', 'status'"),
        (["--protected", "incom"], "there is no column 'incom' (is it 'income'?)"),
        (["--indeterminate", "3"], "the column 'status' never says '3'; it says '1', '2'"),
        (["--protected", "income", "--id", "income"], "the column 'income' is given two roles: id and protected"),
        (["--margin", "much"], "--margin: got 'much', expected a share, as 0.2"),
        (["--window", "1.5"], "--window: got '1.5', expected a whole number of months"),
        (["--bad", "1"], "says nothing: is it the outcome?"),
        (["--ignore", "income", "--ignore", "late"], "no column is left that a model could read"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_nothing_is_written(root, data, capsys, more, said):
    assert init(root, data, *more) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert (root / "configs" / "credit.yaml").read_text(encoding="utf-8") == SAMPLE


def test_a_column_that_nobody_read_is_not_called_missing(root, data):
    assert init(root, data, "--ignore", "income", *DECIDED) == 0
    draft = (root / "configs" / "credit.yaml").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in draft if line.startswith("  income: "))
    assert "role: ignore" in line
    assert "#" not in line


def test_a_target_with_many_words_is_not_taken_for_an_outcome(root, tmp_path, capsys):
    path = tmp_path / "loans.csv"
    table().assign(status=range(N)).to_csv(path, index=False)
    assert init(root, path) == 2
    sentence = " ".join(capsys.readouterr().err.split())
    assert "400 different numbers, from 0 to 399: is it the outcome? If the outcome is a number" in sentence
    assert "and name it with --target" in sentence


def test_a_file_that_is_not_there_is_said(root, tmp_path, capsys):
    assert init(root, tmp_path / "nothing.csv") == 2
    assert "there is no such file. Name the file with your applications" in capsys.readouterr().err


def test_migrate_brings_an_old_config_here_and_says_what_is_new(root, capsys):
    path = root / "configs" / "credit.yaml"
    path.write_text("version: 1\nproject:\n  name: ours\noutcome:\n  bad: [1]\n", encoding="utf-8")
    assert cli.main(["migrate", "--root", str(root)]) == 0
    assert "project.legal_basis: ???" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8").startswith("suggested: []\nversion: 4\nproject:\n  legal_basis: ")
    assert cli.main(["migrate", "--root", str(root)]) == 0
    assert "is of version 4 already" in " ".join(capsys.readouterr().out.split())
    path.write_text("version: 9\n", encoding="utf-8")
    assert cli.main(["migrate", "--root", str(root)]) == 2


def test_the_help_asks_what_the_config_leaves_open():
    """The questions stand in the command's module too, so that no help need import the config's."""
    by_flag = {parameter.opts[0]: parameter for parameter in cli.commands().commands["init"].params}
    for decision in DECISIONS:
        text = by_flag[decision.flag].help.removesuffix(".")
        assert text[0].lower() + text[1:] == decision.asks


def test_whoever_begins_the_fork_is_its_first_person_and_nobody_is_overwritten(root):
    account = pwd.getpwuid(os.getuid()).pw_name
    key = new_key(root / "keys", "ada")
    for name, value in {"user.name": "Ada Berg", "gpg.format": "ssh", "user.signingkey": str(key)}.items():
        subprocess.run(["git", "config", name, value], cwd=root, check=True)
    (root / identities.FILE).parent.mkdir(parents=True)
    (root / identities.FILE).write_text("# ours\nversion: 1\npersons: []\n")
    assert "Named Ada Berg" in first_person.write(root)
    person = identities.load(root).person(f"account:{account}")
    assert (person.name, len(person.ssh_keys)) == ("Ada Berg", 1)
    assert (root / identities.FILE).read_text().startswith("# ours\n")
    subprocess.run(["git", "config", "user.name", "Kim Lee"], cwd=root, check=True)
    assert "as it is" in first_person.write(root)
    assert identities.load(root).persons == (person,)


def test_a_git_without_a_persons_name_is_told_to_name_one(root):
    subprocess.run(["git", "config", "user.name", "ci"], cwd=root, check=True)
    assert "is nobody's" in first_person.write(root)
    assert not (root / identities.FILE).exists()
