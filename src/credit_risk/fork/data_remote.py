"""Where DVC keeps a fork's data, outside the repository, and which files of data/ are the sample's."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dvc.config import Config as DvcConfig

from credit_risk.errors import UsageError


def move_remote(root: Path, remote: str | None) -> str:
    """Give DVC a default remote outside the repository, so that private data never end in git."""
    known = default_remote(root)
    if known and remote is None:
        return f"DVC's default remote stays {known!r}."
    url = remote or str(Path("..") / f"{root.resolve().name}-data")
    if "://" not in url and (root / url).resolve().is_relative_to(root.resolve()):
        raise UsageError(f"--remote {url} lies in the repository: private data would end in git. Name one outside.")
    done = _dvc(root, "remote", "add", "--force", "--default", "storage", url)
    if done.returncode:
        raise UsageError(f"DVC refused the remote {url}: {done.stderr.strip()}")
    return (
        f"DVC's default remote is {url} now; `.venv/bin/dvc remote modify storage url s3://YOUR-BUCKET` names another."
    )


def default_remote(root: Path) -> str | None:
    """The name of DVC's default remote; None without one."""
    name: str | None = _dvc_config(root)["core"].get("remote")
    return name


def remote_address(root: Path, name: str) -> str:
    """Where DVC's remote of that name lies; a folder as a whole path."""
    return str(_dvc_config(root)["remote"][name]["url"])


def _dvc_config(root: Path) -> Mapping[str, Any]:
    """DVC's settings as its commands see them, without starting one."""
    return DvcConfig(str(root / ".dvc"))  # type: ignore[no-any-return]


def _dvc(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    dvc = Path(sys.executable).with_name("dvc")
    return subprocess.run([dvc, *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603


def remove_sample(root: Path) -> list[str]:
    """Remove the sample's files from data/."""
    names = sample_files(root)
    for name in names:
        (root / "data" / name).unlink()
    return names


def sample_files(root: Path) -> list[str]:
    """The files in data/ that are still what the sample remote holds."""
    names = []
    for listing in (root / "sample-remote" / "files" / "md5").glob("*/*.dir"):
        for entry in json.loads(listing.read_text(encoding="utf-8")):
            path = root / "data" / entry["relpath"]
            if path.is_file() and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == entry["md5"]:
                names.append(entry["relpath"])
    return names
