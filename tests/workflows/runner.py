"""Runs a workflow of this repository under act, on this machine, in a clone; says exactly what happened.

Third-party actions are replaced by the stubs beside this file, `gh` and `sudo` by a program that notes its calls. The
clone is this repository as its next commit would have it, with the simulated lender in the place of a fork's config and
data, and one short test in the place of the test suite (which would run itself).
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parents[1]))  # tools.py, also where layers.py runs as a script

from credit_risk.data.simulated_lender import lender
from tools import PATIENCE, SAMPLE_REMOTE, VENV, borrow_environment

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(__file__).parent / "stubs"
REPOSITORY = "acme/credit-risk"
HOSTED = ("ubuntu-24.04", "windows-2025", "macos-15", "self-hosted")  # all of them on this Linux, which the docs say
USES = re.compile(r"^\s*(?:- )?uses: *(?P<action>[\w.-]+/[\w./-]+)@(?P<ref>\S+)(?P<comment>.*)$", re.MULTILINE)
SHORT_TEST = "from credit_risk.config.formulas import parse\n\n\ndef test_a_formula():\n    assert parse\n"
FAKES = ("gh", "sudo")  # what asks GitHub or needs another user: noted and not run
FAKE = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(json.dumps({"call": os.path.basename(sys.argv[0]), "arguments": sys.argv[1:]}) + "\\n")
for words, answer in json.loads(os.environ.get("GH_ANSWERS", "{}")).items():
    if words in " ".join(sys.argv[1:]):
        print(answer)
        break
"""


@dataclass(frozen=True)
class Use:
    """One `uses:` of a third-party action."""

    file: str
    action: str
    ref: str
    comment: str

    @property
    def repository(self) -> str:
        return "/".join(self.action.split("/")[:2])


def yaml_files(root: Path = ROOT) -> list[Path]:
    return sorted([*(root / ".github/workflows").glob("*.yml"), *(root / ".github/actions").glob("*/action.yml")])


def uses(root: Path = ROOT) -> list[Use]:
    return [
        Use(str(path.relative_to(root)), found["action"], found["ref"], found["comment"].strip())
        for path in yaml_files(root)
        for found in USES.finditer(path.read_text(encoding="utf-8"))
    ]


def read(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.2, where `on` is a word and not a truth value."""
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


@dataclass
class Run:
    """What act said: job results, skipped jobs absent; steps, texts and recorded calls."""

    events: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    artifacts: Path
    stderr: str = ""

    @cached_property
    def jobs(self) -> dict[str, str]:
        """The worst result of each job's matrix."""
        found: dict[str, str] = {}
        for event in self.events:
            if "jobResult" in event and found.get(event["jobID"]) != "failure":
                found[event["jobID"]] = event["jobResult"]
        return found

    @property
    def failed_steps(self) -> list[str]:
        return [f"{e['jobID']}: {e['step']}" for e in self.events if e.get("stepResult") == "failure"]

    @property
    def log(self) -> str:
        return "".join(str(event["msg"]) for event in self.events if event.get("raw_output"))

    @property
    def summary(self) -> str:
        return "\n".join(str(e.get("content", e["msg"])) for e in self.events if e.get("command") == "summary")

    def called(self, action: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["call"] == action]

    def __str__(self) -> str:
        """For a failed assertion: what a person would look at first."""
        return f"{self.jobs}\n{self.failed_steps}\n{self.log[-3000:]}\n{self.stderr[-1500:]}"


@dataclass(frozen=True)
class Clone:
    """A committed clone with everything act needs beside it."""

    room: Path
    answers: dict[str, str] = field(default_factory=dict)  # of the fake gh, by words of its arguments

    @property
    def root(self) -> Path:
        return self.room / "repository"

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}: the test would change nothing"
        self.write(path, text.replace(old, new))

    def commit(self) -> None:
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", "A change")

    def copy(self, room: Path) -> "Clone":
        shutil.copytree(self.room, room, symlinks=True)
        return Clone(room)

    def act(
        self,
        event: str,
        workflow: str,
        payload: dict[str, Any] | None = None,
        *,
        job: str | None = None,
        variables: dict[str, str] | None = None,
        secrets: dict[str, str] | None = None,
        **environment: str,
    ) -> Run:
        """Commit what the test changed, and run. `job` takes the jobs that it needs along."""
        self.commit()
        room = self.room
        for name in ("artifacts", "home"):
            (room / name).mkdir(exist_ok=True)
        told = {"repository": {"default_branch": "main"}} | (payload or {})  # act would say that it is `master`
        (room / "event.json").write_text(json.dumps(told), encoding="utf-8")
        (room / "log").write_text("", encoding="utf-8")
        command = ["act", event, "--json", "-C", str(self.root), "-W", f".github/workflows/{workflow}"]
        command += ["-e", str(room / "event.json"), "--no-cache-server", "--action-cache-path", str(room / "act")]
        command += [word for label in HOSTED for word in ("-P", f"{label}=-self-hosted")]
        command += ["-j", job] if job else []
        command += [word for name, value in (variables or {}).items() for word in ("--var", f"{name}={value}")]
        command += [word for name, value in (secrets or {}).items() for word in ("-s", f"{name}={value}")]
        for repository, ref in {(use.repository, use.ref) for use in uses(self.root)}:
            if repository != "actions/checkout":  # act plays that one itself
                command += ["--local-repository", f"{repository}@{ref}={STUBS / repository}"]
        done = subprocess.run(
            command,
            env=self.environment() | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=6 * PATIENCE,
        )
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        calls = [json.loads(line) for line in (room / "log").read_text(encoding="utf-8").splitlines()]
        calls = [call for call in calls if call.get("arguments") != ["auth", "token"]]  # act itself asks that
        return Run(events, calls, room / "artifacts", done.stderr)

    def environment(self) -> dict[str, str]:
        """Nothing of the calling environment: no token, no proxy, no CI variable."""
        return {
            "PATH": f"{self.room / 'bin'}:{VENV / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.room / "home"),
            "LANG": "C.UTF-8",
            "GIT_PAGER": "cat",
            "PYTHONPATH": "src",  # the clone's code, in an environment whose install points elsewhere
            "STUBS": str(STUBS),
            "STUB_LOG": str(self.room / "log"),
            "STUB_ARTIFACTS": str(self.room / "artifacts"),
            "STUB_CACHE": str(self.room / "cache"),
            "GH_ANSWERS": json.dumps(self.answers),
            "CREDIT_RISK_UNDER_ACT": "1",
            "PIP_DRY_RUN": "1",  # the environment is shared with whoever runs this test
            "PIP_NO_INDEX": "1",
        }


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", *who, *arguments], cwd=root, env=clean, check=True, capture_output=True, text=True)
    return done.stdout


def make(room: Path) -> Clone:
    """The next commit of this repository, with the lender's config and data, and an environment in the cache."""
    clone = Clone(room)
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in names:
        own = name.startswith(("tests/", "configs/credit.yaml", "configs/model.yaml", "sample-remote/files"))
        if name and not own and (ROOT / name).is_file():
            (clone.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone.root / name)
    for name in ("credit.yaml", "model.yaml", "wordings.yaml", "policies/gate_floor.yaml"):
        shutil.copy(ROOT / "tests/lender" / name, clone.root / "configs" / name)
    # of the part: attacks
    shutil.copy(ROOT / "tests/lender/policies/attack_floors.yaml", clone.root / "configs/policies/attack_floors.yaml")
    # end of part
    for path in (clone.root / ".github/workflows").glob("*.yml"):  # act holds no queue, and does not know the word
        path.write_text(path.read_text(encoding="utf-8").replace("  queue: max\n", ""), encoding="utf-8")
    shutil.copytree(ROOT / "tests/lender", clone.root / "tests/lender")
    shutil.copy(ROOT / "tests/recompute.py", clone.root / "tests")
    clone.write("tests/test_short.py", SHORT_TEST)
    write_data(clone)
    borrow_environment(room / "cache" / ".venv", clone.root)
    (room / "bin").mkdir()
    for name in FAKES:
        (room / "bin" / name).write_text(FAKE, encoding="utf-8")
        (room / "bin" / name).chmod(0o755)
    git(clone.root, "init", "--quiet", "--initial-branch", "main")
    git(clone.root, "remote", "add", "origin", f"https://github.com/{REPOSITORY}.git")
    clone.commit()
    return clone


def write_data(clone: Clone, rows: int = 4_000) -> None:
    """The lender's data as two objects of the sample remote, and the data.dvc that names them."""
    content = lender(rows, seed=7).applications.to_csv(index=False).encode()
    table = hashlib.md5(content).hexdigest()
    listing = json.dumps([{"md5": table, "relpath": "applications.csv"}]).encode()
    folder = hashlib.md5(listing).hexdigest()
    for name, stored in ((table, content), (f"{folder}.dir", listing)):
        path = clone.root / "sample-remote/files/md5" / name[:2] / name[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored)
    clone.write("sample-remote/.gitignore", "")
    clone.write(".dvc/config", SAMPLE_REMOTE)
    clone.write("data.dvc", f"outs:\n- md5: {folder}.dir\n  hash: md5\n  path: data\n")


def without_lints(clone: Clone) -> None:
    """Leave out of CI what test_runs has each by itself, and the floor of coverage: there is one short test."""
    shutil.rmtree(clone.root / "loadtest", ignore_errors=True)  # linted where it belongs
    for target in ("lint", "format-check", "types", "imports", "workflows-lint", "secrets"):
        clone.replace(".github/workflows/ci.yml", f"run: make {target}\n", 'run: "true"\n')
    clone.replace(".github/workflows/ci.yml", 'FLOOR: "70"', 'FLOOR: "0"')


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone made once; every test harms its own copy."""
    return make(tmp_path_factory.mktemp("act") / "pristine")


@pytest.fixture
def clone(pristine: Clone, tmp_path: Path) -> Clone:
    return pristine.copy(tmp_path / "room")
