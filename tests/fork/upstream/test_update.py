"""A fork meets a newer upstream, in real git histories."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.fork.upstream.update import DirtyTree, NoCommonHistory, update
from fork_trial import Fork
from tools import borrow_environment

ROOT = Path(__file__).parents[3]
DEPLOY = "serving:\n  workers: 1\n  limits:\n    body: 100\n    rows: 10\n"
FILES = {
    "configs/credit.yaml": "version: 1\nproject:\n  name: sample\n",
    "configs/model.yaml": "num_leaves: 15\n",
    "configs/deploy/local.yaml": DEPLOY,
    "data.dvc": "outs:\n- md5: aaa\n",
    "dvc.lock": "stages: {train: aaa}\n",
    "reports/metrics.json": '{"auc": 0.77}\n',
    "reports/plots/roc.csv": "x,y\n0,0\n",
    "src/code.py": "ANSWER = 1\n",
    "README.md": "one\ntwo\nthree\n",
}


def git(root, *arguments):
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(root), *who, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit(root, files, *, delete=()):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in delete:
        (root / name).unlink()
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "A change")


@pytest.fixture(autouse=True)
def who(monkeypatch):
    """git's own commits need a name; and drivers need this package, whatever is installed."""
    for part in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{part}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{part}_EMAIL", "test@example.org")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture
def upstream(tmp_path):
    root = tmp_path / "upstream"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    attributes = (ROOT / ".gitattributes").read_text(encoding="utf-8")
    commit(root, {**FILES, ".gitattributes": attributes})
    return root


@pytest.fixture
def fork(upstream, tmp_path):
    git(tmp_path, "clone", "--quiet", str(upstream), "fork")
    return tmp_path / "fork"


def text(root, name):
    return (root / name).read_text(encoding="utf-8")


def test_a_fork_that_changed_configs_and_data_merges_without_conflict(upstream, fork):
    own = {
        "configs/credit.yaml": "version: 1\nproject:\n  name: ours\n",
        "configs/model.yaml": "num_leaves: 7\n",
        "configs/deploy/local.yaml": DEPLOY.replace("workers: 1", "workers: 4").replace("rows: 10", "rows: 20"),
        "data.dvc": "outs:\n- md5: bbb\n",
        "dvc.lock": "stages: {train: bbb}\n",
        "reports/metrics.json": '{"auc": 0.81}\n',
    }
    commit(fork, own, delete=["reports/plots/roc.csv"])
    commit(
        upstream,
        {
            "configs/credit.yaml": "version: 2\nproject:\n  name: sample\n  title: new\n",
            "configs/model.yaml": "num_leaves: 31\n",
            "configs/deploy/local.yaml": DEPLOY.replace("body: 100", "body: 200").replace("rows: 10", "rows: 30"),
            "data.dvc": "outs:\n- md5: ccc\n",
            "dvc.lock": "stages: {train: ccc}\n",
            "reports/metrics.json": '{"auc": 0.78}\n',
            "reports/plots/roc.csv": "x,y\n1,1\n",
            "src/code.py": "ANSWER = 2\n",
            "src/more.py": "MORE = 1\n",
        },
    )
    said = update(fork, upstream=str(upstream), ref="main")
    assert said[1:] == ["configs/deploy/local.yaml: serving.limits.rows: yours, 20, stays; upstream has 30"]
    for name in set(own) - {"configs/deploy/local.yaml"}:
        assert text(fork, name) == own[name]
    limits = "  limits:\n    body: 200\n    rows: 20\n"
    assert text(fork, "configs/deploy/local.yaml") == f"serving:\n  workers: 4\n{limits}"
    assert (text(fork, "src/code.py"), text(fork, "src/more.py")) == ("ANSWER = 2\n", "MORE = 1\n")
    assert not (fork / "reports/plots/roc.csv").exists()
    assert git(fork, "status", "--porcelain") == ""
    assert git(fork, "rev-list", "--count", "HEAD", "^HEAD^1").strip() == "2"  # upstream's commit and the merge
    assert update(fork, upstream="upstream", ref="main") == ["Nothing is newer there."]


def test_what_only_upstream_changed_is_upstreams_even_in_configs(upstream, fork):
    commit(fork, {"configs/model.yaml": "num_leaves: 7\n"})
    commit(upstream, {"configs/deploy/local.yaml": DEPLOY.replace("body: 100", "body: 200")})
    update(fork, upstream=str(upstream), ref="main")
    assert "body: 200" in text(fork, "configs/deploy/local.yaml")
    assert text(fork, "configs/model.yaml") == "num_leaves: 7\n"


def test_code_that_both_changed_is_for_a_person(upstream, fork):
    commit(fork, {"src/code.py": "ANSWER = 3\n"})
    commit(upstream, {"src/code.py": "ANSWER = 2\n", "data.dvc": "outs:\n- md5: ccc\n"})
    with pytest.raises(CheckFailed, match=r"Both you and upstream changed src/code\.py\..*git merge --abort"):
        update(fork, upstream=str(upstream), ref="main")
    git(fork, "merge", "--abort")
    assert text(fork, "src/code.py") == "ANSWER = 3\n"


def test_code_that_the_fork_deleted_is_for_a_person_too(upstream, fork):
    commit(fork, {}, delete=["src/code.py"])
    commit(upstream, {"src/code.py": "ANSWER = 2\n"})
    with pytest.raises(CheckFailed, match=r"src/code\.py"):
        update(fork, upstream=str(upstream), ref="main")


def test_a_conflict_in_code_hides_nothing_else(upstream, fork):
    commit(
        fork,
        {"src/code.py": "ANSWER = 3\n", "configs/deploy/local.yaml": DEPLOY.replace("rows: 10", "rows: 20")},
        delete=["reports/plots/roc.csv"],
    )
    commit(
        upstream,
        {
            "src/code.py": "ANSWER = 2\n",
            "configs/deploy/local.yaml": DEPLOY.replace("rows: 10", "rows: 30"),
            "reports/plots/roc.csv": "x,y\n1,1\n",
        },
    )
    with pytest.raises(CheckFailed) as refused:
        update(fork, upstream=str(upstream), ref="main")
    told, conflict = str(refused.value).splitlines()
    assert told == "configs/deploy/local.yaml: serving.limits.rows: yours, 20, stays; upstream has 30"
    assert conflict.startswith("Both you and upstream changed src/code.py. ")
    assert unmerged(fork) == {"src/code.py"}
    commit(fork, {"src/code.py": "ANSWER = 5\n"})
    assert update(fork, upstream=str(upstream), ref="main") == ["Nothing is newer there."]


def unmerged(root):
    return {line.split("\t")[1] for line in git(root, "ls-files", "--unmerged").splitlines()}


@pytest.mark.parametrize("name", ["configs/deploy/local.yaml", "reports/metrics.json"])
def test_what_one_side_removed_and_the_other_changed_is_the_forks(upstream, fork, name):
    commit(fork, {}, delete=[name])
    commit(upstream, {name: "new: 1\n"})
    told = [f"{name}: stays removed; upstream changed it"] if name.startswith("configs/") else []
    assert update(fork, upstream=str(upstream), ref="main")[1:] == told
    assert not (fork / name).exists()
    assert git(fork, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["configs/deploy/local.yaml", "reports/metrics.json"])
def test_what_the_fork_changed_and_upstream_removed_is_the_forks(upstream, fork, name):
    commit(fork, {name: "new: 1\n"})
    commit(upstream, {}, delete=[name])
    told = [f"{name}: yours stays; upstream removed it"] if name.startswith("configs/") else []
    assert update(fork, upstream=str(upstream), ref="main")[1:] == told
    assert text(fork, name) == "new: 1\n"
    assert git(fork, "status", "--porcelain") == ""


def test_sample_data_that_the_fork_deleted_stay_away_wherever_upstream_moves_them(upstream, fork):
    rows = "".join(f"{number},row\n" for number in range(200))
    old, new = "sample-remote/files/md5/aa/größer 1", "sample-remote/files/md5/bb/2"
    commit(upstream, {old: rows})
    git(fork, "pull", "--quiet")
    commit(fork, {}, delete=[old])
    commit(upstream, {new: f"{rows}more\n"}, delete=[old])
    update(fork, upstream=str(upstream), ref="main")
    assert not (fork / new).exists()
    assert git(fork, "status", "--porcelain") == ""


def test_a_picture_is_never_half_of_each_side(upstream, fork):
    name, lines = "docs/pictures/a.svg", [f"<path {number}/>\n" for number in range(20)]
    commit(upstream, {name: "".join(lines)})
    git(fork, "pull", "--quiet")
    ours = "".join(["<path ours/>\n", *lines[1:]])
    commit(fork, {name: ours})
    commit(upstream, {name: "".join([*lines[:-1], "<path theirs/>\n"])})
    update(fork, upstream=str(upstream), ref="main")
    assert text(fork, name) == ours


def test_a_file_that_both_added_has_the_keys_of_both(upstream, fork):
    commit(fork, {"configs/deploy/branch.yaml": "a: 1\nb: 1\n"})
    commit(upstream, {"configs/deploy/branch.yaml": "b: 2\nc: 2\n"})
    said = update(fork, upstream=str(upstream), ref="main")
    assert said[1:] == ["configs/deploy/branch.yaml: b: yours, 1, stays; upstream has 2"]
    assert sorted(text(fork, "configs/deploy/branch.yaml").splitlines()) == ["a: 1", "b: 1", "c: 2"]


def test_a_deploy_file_that_is_no_yaml_is_an_ordinary_conflict(upstream, fork):
    commit(fork, {"configs/deploy/local.yaml": "serving: [\n"})
    commit(upstream, {"configs/deploy/local.yaml": DEPLOY.replace("body: 100", "body: 200")})
    with pytest.raises(CheckFailed) as refused:
        update(fork, upstream=str(upstream), ref="main")
    why, conflict = str(refused.value).splitlines()
    assert re.match(r"configs/deploy/local\.yaml: yours is no YAML \(line 2: ", why)
    assert conflict.startswith("Both you and upstream changed configs/deploy/local.yaml. ")
    assert text(fork, "configs/deploy/local.yaml").startswith("<<<<<<< yours\nserving: [\n=======\n")
    git(fork, "merge", "--abort")
    assert text(fork, "configs/deploy/local.yaml") == "serving: [\n"


def test_between_branches_of_the_fork_nobodys_edit_is_dropped(upstream, fork):
    """The drivers are for upstream's merge alone: here both sides are the fork's own."""
    commit(upstream, {"src/code.py": "ANSWER = 2\n"})
    update(fork, upstream=str(upstream), ref="main")
    git(fork, "switch", "--quiet", "--create", "colleague")
    commit(fork, {"configs/credit.yaml": "version: 1\nproject:\n  name: a colleague's\n"})
    git(fork, "switch", "--quiet", "main")
    commit(fork, {"configs/credit.yaml": "version: 1\nproject:\n  name: mine\n"})
    done = subprocess.run(["git", "-C", str(fork), "merge", "colleague"], capture_output=True, check=False)
    assert done.returncode == 1
    assert unmerged(fork) == {"configs/credit.yaml"}


def test_a_fork_that_began_as_a_copy_is_told_how_to_name_its_beginning(upstream, tmp_path):
    copied = git(upstream, "rev-parse", "HEAD").strip()
    copy = tmp_path / "copy"
    copy.mkdir()
    git(copy, "init", "--quiet", "--initial-branch", "main")
    commit(copy, {**FILES, ".gitattributes": text(upstream, ".gitattributes"), "configs/model.yaml": "num_leaves: 7\n"})
    commit(upstream, {"configs/model.yaml": "num_leaves: 31\n", "src/code.py": "ANSWER = 2\n"})
    with pytest.raises(NoCommonHistory, match="share no commit") as refused:
        update(copy, upstream=str(upstream), ref="main")
    command = re.search(r"git (merge --allow.*) COMMIT$", str(refused.value))[1]
    git(copy, *command.split(), copied)
    update(copy, upstream=str(upstream), ref="main")
    assert (text(copy, "configs/model.yaml"), text(copy, "src/code.py")) == ("num_leaves: 7\n", "ANSWER = 2\n")


def test_the_help_says_what_a_plain_merge_does(capsys):
    assert main(["update", "--help"]) == 0
    assert "a plain `git merge` or `git pull` merges every file\nby lines" in capsys.readouterr().out


def test_make_update_migrates_with_the_merged_code(upstream, tmp_path):
    """The version that upstream's new code reads, not the one of the code that did the merge."""
    for name in ("Makefile", "pyproject.toml", "requirements/dev.txt", ".gitignore"):
        (upstream / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, upstream / name)
    shutil.copytree(ROOT / "make", upstream / "make")
    shutil.copytree(
        ROOT / "src", upstream / "src", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    migration = text(upstream, "src/credit_risk/config/migration.py")
    version = int(re.search(r"^VERSION = (\d+)$", migration, re.MULTILINE)[1])
    config = "version: {}\nsuggested: []\nproject:\n{}  name: {}\n  legal_basis: x\noutcome:\n  favourable: y\n"
    commit(upstream, {"configs/credit.yaml": config.format(version, "", "sample")})
    git(tmp_path, "clone", "--quiet", str(upstream), "fork")
    made = Fork(tmp_path / "fork")
    commit(made.root, {"configs/credit.yaml": config.format(version, "", "ours")})
    borrow_environment(made.root / ".venv", made.root)
    newer = migration.replace(f"VERSION = {version}\n", f"VERSION = {version + 1}\n")
    newer = re.sub(
        r"^(ADDED: .* = \{)$", rf'\1\n    {version + 1}: {{("project", "owner"): OPEN}},', newer, flags=re.MULTILINE
    )
    commit(upstream, {"src/credit_risk/config/migration.py": newer})
    done = made.run(f"make update UPSTREAM='{upstream}'")
    assert done.returncode == 0, done.stdout + done.stderr
    assert text(made.root, "configs/credit.yaml") == config.format(version + 1, '  owner: "???"\n', "ours")
    assert f"is of version {version + 1} now" in done.stdout
    assert "'make run' makes them anew" in done.stdout.splitlines()[-1]


def test_nothing_is_done_over_changes_that_are_not_committed(upstream, fork):
    before = git(fork, "config", "--local", "--list")
    (fork / "README.md").write_text("mine\n", encoding="utf-8")
    with pytest.raises(DirtyTree, match=r"Not committed: README\.md\. Commit or stash"):
        update(fork, upstream=str(upstream), ref="main")
    assert git(fork, "config", "--local", "--list") == before


def test_an_upstream_that_is_not_there_is_said(fork, tmp_path):
    with pytest.raises(UsageError, match="git fetch"):
        update(fork, upstream=str(tmp_path / "nowhere"), ref="main")


def test_git_without_the_drivers_shows_why_they_are_needed(upstream, fork):
    commit(fork, {"dvc.lock": "stages: {train: bbb}\n"})
    commit(upstream, {"dvc.lock": "stages: {train: ccc}\n"})
    git(fork, "fetch", "--quiet", "origin")
    done = subprocess.run(["git", "-C", str(fork), "merge", "origin/main"], capture_output=True, check=False)
    assert done.returncode != 0
