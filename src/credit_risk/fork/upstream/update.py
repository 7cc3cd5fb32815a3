"""A newer upstream for a fork that has changed configs/, its data and what the pipeline makes of them."""

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from credit_risk.errors import CheckFailed, CreditRiskError, UsageError
from credit_risk.fork.upstream.git import git, tried

KEY_BY_KEY, OURS = "credit-risk-config", "credit-risk-ours"  # .gitattributes says which file has which
DRIVERS = {KEY_BY_KEY: f'"{sys.executable}" -m credit_risk.cli merge-config %O %A %B %P', OURS: "true"}
# For one merge alone. Kept in the clone's config, they would also drop a colleague's edit of credit.yaml without a
# word whenever two branches of the fork meet.
WITH_DRIVERS = [
    word
    for name, command in DRIVERS.items()
    for word in ("-c", f"merge.{name}.name=", "-c", f"merge.{name}.driver={command}")
]


class DirtyTree(CreditRiskError, RuntimeError):
    """Changes that are not committed could be lost in a merge."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"Not committed: {', '.join(names[:10])}. Commit or stash them first, then run `make update` again."
        )


class NoCommonHistory(UsageError):
    """Without a version that both sides come from, nobody can tell who changed what."""

    def __init__(self, upstream: str) -> None:
        super().__init__(
            f"This repository and {upstream} share no commit. If the clone is shallow: git fetch --unshallow. If it "
            "began as a copy of the files, name the commit that was copied, once, and run `make update` again: git "
            "merge --allow-unrelated-histories --strategy ours COMMIT"
        )


def update(root: Path, *, upstream: str, ref: str) -> list[str]:
    """Merge upstream's `ref`, and return what to know about it.

    upstream: a remote's name, or an address, which is then added as the remote `upstream`.
    Raises DirtyTree or NoCommonHistory before anything is merged; CheckFailed if files other than the fork's own are
    in conflict.
    """
    if dirty := [line[3:] for line in git(root, "status", "--porcelain", "--untracked-files=no").splitlines()]:
        raise DirtyTree(dirty)
    remote = _remote(root, upstream)
    git(root, "fetch", "--quiet", remote, ref)
    before, there = (git(root, "rev-parse", f"{name}^{{commit}}").strip() for name in ("HEAD", "FETCH_HEAD"))
    if tried(root, "merge-base", before, there).returncode:
        raise NoCommonHistory(upstream)
    merged = tried(root, *WITH_DRIVERS, "merge", "--no-edit", "--no-ff", "--quiet", there)
    notes = [line for line in merged.stderr.splitlines() if line.startswith("configs/")]
    if merged.returncode:
        notes += _settle(root, merged, notes)
    if git(root, "rev-parse", "HEAD").strip() == before:
        return ["Nothing is newer there."]
    return [f"Merged {ref} of {remote}, {there[:12]}.", *notes]


def _remote(root: Path, upstream: str) -> str:
    if upstream in git(root, "remote").split():
        return upstream
    known = "upstream" in git(root, "remote").split()
    git(root, "remote", *(("set-url", "upstream") if known else ("add", "upstream")), upstream)
    return "upstream"


def _settle(root: Path, merged: "subprocess.CompletedProcess[str]", notes: Sequence[str]) -> list[str]:
    """End a merge whose only conflicts are of files that drivers never see: one side deleted or moved them.

    Returns what to know about them. Raises CheckFailed for the conflicts that a person must look at.
    """
    stages = _unmerged(root)
    if not stages:
        raise UsageError(f"git did not merge: {merged.stderr.strip() or merged.stdout.strip()}")
    drivers = _drivers(root, stages)
    own = {name for name, versions in stages.items() if _is_own(drivers[name], versions)}
    for name in own:
        if "2" in stages[name]:
            git(root, "checkout", "--quiet", "--ours", "--", name)
            git(root, "add", "--", name)
        else:
            git(root, "rm", "--quiet", "--force", "--", name)
    kept = [_kept(name, stages[name]) for name in sorted(own) if drivers[name] == KEY_BY_KEY]
    if others := sorted(stages.keys() - own):
        raise CheckFailed("\n".join([*notes, *kept, _for_a_person(others)]))
    git(root, "commit", "--quiet", "--no-edit")
    return kept


def _unmerged(root: Path) -> dict[str, set[str]]:
    """Each file in conflict with the versions that git holds of it: 1 the one before, 2 the fork's, 3 upstream's."""
    stages: dict[str, set[str]] = {}
    for entry in git(root, "ls-files", "--unmerged", "-z").split("\0")[:-1]:
        entry_head, name = entry.split("\t", maxsplit=1)
        stages.setdefault(name, set()).add(entry_head.split()[2])
    return stages


def _drivers(root: Path, names: Iterable[str]) -> Mapping[str, str]:
    fields = git(root, "check-attr", "-z", "merge", "--", *names).split("\0")
    return dict(zip(fields[::3], fields[2::3], strict=False))


def _is_own(driver: str, versions: set[str]) -> bool:
    return driver == OURS or (driver == KEY_BY_KEY and not {"2", "3"} <= versions)


def _kept(name: str, versions: set[str]) -> str:
    has_own = "2" in versions
    return f"{name}: yours stays; upstream removed it" if has_own else f"{name}: stays removed; upstream changed it"


def _for_a_person(names: Sequence[str]) -> str:
    return (
        f"Both you and upstream changed {', '.join(names)}. Edit them, `git add` them, `git commit`, and run "
        "`make update` again, which then does the rest; or go back with `git merge --abort`."
    )
