"""The sample remote ships what it lists and nothing else, and a clone needs no other remote for the sample data.

A fork replaces data.dvc and adds remotes of its own, so nothing here reads them: each test works in a copy of this
repository as its next commit would have it, with the data.dvc that the shipped objects call for.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
DVC = Path(sys.executable).with_name("dvc")
COPIED = (".dvc", ".dvcignore", ".gitattributes", ".gitignore", "Makefile", "sample-remote")
SAMPLE_ONLY = "[core]\n    analytics = false\n['remote \"sample\"']\n    url = ../sample-remote\n"


def run(*command, cwd, check=True):
    """Run without what a calling make or git hook left behind, and without a person's DVC settings for all projects."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "MAKE"))}
    environment["DVC_GLOBAL_CONFIG_DIR"] = environment["DVC_SYSTEM_CONFIG_DIR"] = str(cwd / "nowhere")
    done = subprocess.run(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, f"{command} in {cwd} said\n{done.stdout}{done.stderr}"
    return done


def listed():
    """The objects that sample-remote/.gitignore lets through."""
    lines = (ROOT / "sample-remote" / ".gitignore").read_text(encoding="utf-8").splitlines()
    return {line.removeprefix("!/") for line in lines if line.startswith("!/")}


def digest(path):
    """An object's name is the MD5 of its bytes, the first two digits as the folder."""
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def repository(tmp_path):
    """This repository's DVC side, committed, with the data.dvc of the shipped objects and no remote but the sample."""
    root = tmp_path / "repository"
    root.mkdir()
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *COPIED, cwd=ROOT).stdout
    for name in filter(None, names.split("\0")):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    (root / ".dvc" / "config").write_text(SAMPLE_ONLY, encoding="utf-8")
    directory = next(name for name in listed() if name.endswith(".dir"))
    md5 = directory.removeprefix("files/md5/").replace("/", "")
    (root / "data.dvc").write_text(f"outs:\n- md5: {md5}\n  hash: md5\n  path: data\n", encoding="utf-8")
    run("git", "init", "--quiet", cwd=root)
    run("git", "add", "--all", cwd=root)
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    run("git", *who, "commit", "--quiet", "--message", "The next commit", cwd=root)
    return root


@pytest.fixture
def clone(repository, tmp_path):
    run("git", "clone", "--quiet", str(repository), "clone", cwd=tmp_path)
    return tmp_path / "clone"


def make_data(root):
    """`make data` with the environment that runs this test, in place of one made anew."""
    return run("make", "--old-file=setup", f"VENV={DVC.parent.parent}", "data", cwd=root, check=False)


def test_git_holds_the_listed_objects_and_nothing_else():
    known = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "sample-remote", cwd=ROOT).stdout
    assert set(known.split()) == {"sample-remote/.gitignore"} | {f"sample-remote/{name}" for name in listed()}


def test_every_shipped_object_is_what_its_name_says(clone):
    objects = {name: clone / "sample-remote" / name for name in listed()}
    names = {name: name.removeprefix("files/md5/").replace("/", "").removesuffix(".dir") for name in objects}
    assert {name: digest(path) for name, path in objects.items()} == names


def test_what_is_pushed_there_by_mistake_stays_out_of_git(clone):
    run(DVC, "pull", "--remote", "sample", "data.dvc", cwd=clone)
    (clone / "customers.csv").write_text("name\nSomebody\n", encoding="utf-8")
    run(DVC, "add", "customers.csv", cwd=clone)
    run("git", "add", "customers.csv.dvc", ".gitignore", cwd=clone)
    before = run("git", "status", "--porcelain", cwd=clone).stdout

    pushed = run(DVC, "push", "--remote", "sample", cwd=clone)

    mistaken = [path for path in (clone / "sample-remote").rglob("*") if path.is_file() and "Somebody" in text(path)]
    assert mistaken, f"the push put nothing there, so this test showed nothing: {pushed.stdout}"
    assert run("git", "status", "--porcelain", cwd=clone).stdout == before
    assert run("git", "status", "--porcelain", "sample-remote", cwd=clone).stdout == ""
    run("git", "add", "--all", cwd=clone)
    assert run("git", "diff", "--cached", "--name-only", "--", "sample-remote", cwd=clone).stdout == ""


def text(path):
    return path.read_text(encoding="utf-8", errors="replace")


def test_a_plain_push_has_nowhere_to_go(clone):
    run(DVC, "pull", "--remote", "sample", "data.dvc", cwd=clone)
    refused = run(DVC, "push", cwd=clone, check=False)
    assert refused.returncode != 0
    assert "no remote specified" in refused.stderr


def test_a_fresh_clone_gets_the_data_from_the_sample_remote_and_then_leaves_it_alone(clone):
    first = make_data(clone)
    assert first.returncode == 0, first.stderr
    assert "Fetching data/ from the DVC remote 'sample'" in first.stdout
    shipped = {name.removeprefix("files/md5/").replace("/", "") for name in listed()}
    assert {digest(path) for path in (clone / "data").iterdir()} < shipped
    second = make_data(clone)
    assert (second.returncode, second.stdout) == (0, "")


def test_files_that_nobody_added_survive_make_data(clone):
    assert make_data(clone).returncode == 0
    shutil.rmtree(clone / "data")
    (clone / "data").mkdir()
    (clone / "data" / "mine.csv").write_text("applicant,default\n1,0\n", encoding="utf-8")

    refused = make_data(clone)

    assert refused.returncode != 0
    assert "dvc add data" in refused.stdout
    assert text(clone / "data" / "mine.csv") == "applicant,default\n1,0\n"


def test_the_default_remote_of_a_fork_comes_first(clone, tmp_path):
    run(DVC, "remote", "add", "--default", "storage", str(tmp_path / "storage"), cwd=clone)
    refused = make_data(clone)
    assert "Fetching data/ from the DVC remote 'storage'" in refused.stdout
    assert refused.returncode != 0, "the remote is empty"
    assert "dvc remote add -d storage" in refused.stdout
    shutil.copytree(clone / "sample-remote", tmp_path / "storage")
    assert make_data(clone).returncode == 0


def test_this_repository_names_the_sample_remote_and_does_not_make_it_the_default():
    config = (ROOT / ".dvc" / "config").read_text(encoding="utf-8")
    assert "['remote \"sample\"']\n    url = ../sample-remote\n" in config
    assert "remote = sample" not in config
