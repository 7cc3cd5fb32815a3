"""A newer upstream for a fork that has changed configs/, its data and what the pipeline makes of them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from credit_risk.errors import CheckFailed, CreditRiskError, UsageError

DRIVERS = {  # named in .gitattributes; git takes their commands from the clone's own config alone
    "credit-risk-config": f'"{sys.executable}" -m credit_risk.cli merge-config %O %A %B %P',
    "credit-risk-ours": "true",
}
OURS = (
    "configs/credit.yaml",
    "configs/model.yaml",
    "data.dvc",
    "dvc.lock",
    "reports/",
    "models/",
    ".dvc/config",
    "docs/pictures/",
)
"""What a fork makes anew or owns: where it deleted one that upstream changed, it stays deleted."""


class DirtyTree(CreditRiskError, RuntimeError):
    """Changes that are not committed could be lost in a merge."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"Not committed: {', '.join(names[:10])}. Commit or stash them first, then run `make update` again."
        )


def update(root: Path, *, upstream: str, ref: str) -> list[str]:
    """Merge upstream's `ref`, and return what to know about it.

    upstream: a remote's name, or an address, which is then added as the remote `upstream`.
    Raises DirtyTree before anything is done; CheckFailed if files other than the fork's own are in conflict.
    """
    if dirty := [line[3:] for line in git(root, "status", "--porcelain", "--untracked-files=no").splitlines()]:
        raise DirtyTree(dirty)
    for name, command in DRIVERS.items():
        git(root, "config", f"merge.{name}.name", "keeps what a fork has decided")
        git(root, "config", f"merge.{name}.driver", command)
    remote = _remote(root, upstream)
    git(root, "fetch", "--quiet", remote, ref)
    before, there = (git(root, "rev-parse", name).strip() for name in ("HEAD", "FETCH_HEAD"))
    merged = _run(root, "merge", "--no-edit", "--no-ff", "--quiet", there)
    said = [line for line in merged.stderr.splitlines() if line.startswith("configs/")]
    if merged.returncode:
        _settle(root, merged)
    if git(root, "rev-parse", "HEAD").strip() == before:
        return ["Nothing is newer there."]
    return [f"Merged {ref} of {remote}, {there[:12]}.", *said]


def _remote(root: Path, upstream: str) -> str:
    if upstream in git(root, "remote").split():
        return upstream
    known = "upstream" in git(root, "remote").split()
    git(root, "remote", *(("set-url", "upstream") if known else ("add", "upstream")), upstream)
    return "upstream"


def _settle(root: Path, merged: "subprocess.CompletedProcess[str]") -> None:
    """End a merge whose only conflicts are files that the fork deleted, or that it alone makes."""
    entries = [line.split(maxsplit=3) for line in git(root, "ls-files", "--unmerged").splitlines()]
    stages: dict[str, set[str]] = {}
    for _, _, stage, name in entries:
        stages.setdefault(name, set()).add(stage)
    if not stages:
        raise UsageError(f"git did not merge: {merged.stderr.strip() or merged.stdout.strip()}")
    others = [name for name in stages if not name.startswith(OURS)]
    if others:
        raise CheckFailed(
            f"Both you and upstream changed {', '.join(others)}. Edit them, `git add` them and `git commit`, then run "
            "`.venv/bin/credit-risk migrate`; or go back with `git merge --abort`."
        )
    for name, held in stages.items():
        if "2" in held:
            git(root, "checkout", "--quiet", "--ours", "--", name)
            git(root, "add", "--", name)
        else:
            git(root, "rm", "--quiet", "--force", "--", name)
    git(root, "commit", "--quiet", "--no-edit")


def git(root: Path, *arguments: str) -> str:
    """What git says. Raises UsageError with its own words if it refuses."""
    done = _run(root, *arguments)
    if done.returncode:
        raise UsageError(f"git {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _run(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
