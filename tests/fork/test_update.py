"""A fork meets a newer upstream, in real git histories."""

import os
import subprocess
from pathlib import Path

import pytest

from credit_risk.errors import CheckFailed, UsageError
from credit_risk.fork.update import DirtyTree, update

ROOT = Path(__file__).parents[2]
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


def test_a_deploy_file_that_is_no_yaml_is_an_ordinary_conflict(upstream, fork):
    commit(fork, {"configs/deploy/local.yaml": "serving: [\n"})
    commit(upstream, {"configs/deploy/local.yaml": DEPLOY.replace("body: 100", "body: 200")})
    with pytest.raises(CheckFailed, match=r"configs/deploy/local\.yaml"):
        update(fork, upstream=str(upstream), ref="main")


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
