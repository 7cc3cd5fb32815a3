"""What tests of waivers and four eyes share: persons with SSH keys of their own, and files that they signed."""

import os
import subprocess
from pathlib import Path
from typing import Any

from credit_risk.config.identities import FILE
from credit_risk.data.signers import NAMESPACE
from credit_risk.data.writing import write_text


def new_key(folder: Path, name: str) -> Path:
    """An SSH key without a passphrase; its public half lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name.replace(" ", "-")
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path


def write_identities(root: Path, *persons: dict[str, Any], more: str = "") -> None:
    """The file of identities of a repository. persons: name and identities of each. more: lines below them."""
    lines = [f"- {person!r}".replace("'", '"') for person in persons]
    write_text(root / FILE, "\n".join(["version: 1", "persons:", *lines, more]) + "\n")


def sign(file: Path, key: Path, namespace: str = NAMESPACE) -> None:
    """`ssh-keygen -Y sign`, which writes FILE.sig."""
    Path(f"{file}.sig").unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(file)], check=True)


def commit(root: Path) -> None:
    """Commit who is who and the waivers of a repository as they stand; one that is none yet becomes one."""
    git = [
        "git",
        "-C",
        str(root),
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.com",
        "-c",
        "commit.gpgsign=false",
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # as a hook sets them
    there = [str(folder) for folder in root.glob("configs/**/*") if folder.name in ("policies", "waivers")]
    for words in (
        ["init", "-q"],
        ["add", "--force", "--all", "--", *there],
        ["commit", "-q", "--allow-empty", "-m", "who is who"],
    ):
        subprocess.run([*git, *words], check=True, env=clean)


def sign_waiver(root: Path, file: Path, person: str) -> None:
    """Sign a waiver as this person, whom the repository's file of identities then names alone, and commit both."""
    key = new_key(root / "keys", person)
    public = " ".join(key.with_suffix(".pub").read_text(encoding="utf-8").split()[:2])
    write_identities(root, {"name": person, "ssh_keys": [public]})
    sign(file, key)
    commit(root)
