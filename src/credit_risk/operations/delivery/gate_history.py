"""What the gate said of each run, read off git: every commit that changed reports/gate.json holds a verdict."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

RECORD = "reports/gate.json"
MOST = 1_000  # commits that are read, the newest first


@dataclass(frozen=True)
class GateVerdict:
    """What the gate's record of one commit said. blocking: the checks that did not pass, waived ones included."""

    commit: str
    at: datetime
    verdict: str
    blocking: tuple[str, ...]


def read(root: Path, since: datetime) -> list[GateVerdict] | None:
    """The verdicts committed since then, the oldest first; None outside a git repository or where none ever was."""
    listing = git(root, "log", f"--max-count={MOST}", "--format=%H %ct", "--", RECORD)
    if not listing:
        return None
    commits = (line.split() for line in listing.splitlines())
    dated = [(commit, datetime.fromtimestamp(int(seconds), UTC)) for commit, seconds in commits]
    return sorted(_verdicts(root, ((commit, at) for commit, at in dated if at >= since)), key=lambda each: each.at)


def blocked(verdicts: Iterable[GateVerdict]) -> dict[str, int]:
    """How often each check blocked, the most frequent first."""
    return dict(Counter(name for verdict in verdicts for name in verdict.blocking).most_common())


def commit_time(root: Path, commit: str | None) -> datetime | None:
    """When a commit was made; None for one that this repository does not know."""
    seconds = git(root, "show", "--no-patch", "--format=%ct", f"{commit}^{{commit}}") if commit else None
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


def git(root: Path, *arguments: str) -> str | None:
    """What git says; None where it refuses, and where there is none."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _verdicts(root: Path, commits: Iterable[tuple[str, datetime]]) -> Iterator[GateVerdict]:
    for commit, at in commits:
        content = git(root, "show", f"{commit}:{RECORD}")
        try:
            record = json.loads(content or "")
            blocking = tuple(check["name"] for check in record["checks"] if check["verdict"] != "PASS")
            yield GateVerdict(commit, at, str(record["verdict"]), blocking)
        except (ValueError, LookupError, TypeError):
            continue  # a commit that deleted it, or a record of another form: no verdict of ours
