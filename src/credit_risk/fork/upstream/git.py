"""git, as a person would call it."""

import subprocess
from pathlib import Path

from credit_risk.errors import UsageError


def git(root: Path, *arguments: str) -> str:
    """What git says. Raises UsageError with its own words if it refuses."""
    done = tried(root, *arguments)
    if done.returncode:
        raise UsageError(f"git {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def tried(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The same where a refusal is an answer."""
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)  # noqa: S603
