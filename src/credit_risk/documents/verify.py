"""Verify a bundle of evidence: python3 verify.py [--key signing.pub]. Needs Python and openssl, and nothing else.

Lies in the bundle as it stands here. The key must be one that came another way: the bundle's own proves nothing.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

UNLISTED = {"manifest.json", "manifest.sig"}  # what signs cannot list itself


def faults_of_files(folder: Path) -> list[str]:
    """Every file that is not, to the byte, as the manifest lists it. A link, a pipe or an empty folder is no file."""
    try:
        listed = dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"].items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ["manifest.json lists no files"]
    known = {folder / above for name in listed for above in Path(name).parents}
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not is_folder(path, known)} - UNLISTED
    now = {name: digest_of(folder / name) for name in names}
    faults = [f"{name} is missing" for name in sorted(listed.keys() - names)]
    faults += [f"{name} was added" for name in sorted(names - listed.keys())]
    return faults + [f"{name} was changed" for name in sorted(names & listed.keys()) if listed[name] != now[name]]


def is_folder(path: Path, known: set[Path]) -> bool:
    """Whether this is a folder that holds something or is known to, and no link."""
    return path.is_dir() and not path.is_symlink() and (path in known or any(path.iterdir()))


def digest_of(path: Path) -> str:
    """SHA-256 of a file; none for what is no file of its own."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else "no file"


def is_signed(folder: Path, key: Path) -> bool:
    """Whether this key signed the manifest (ECDSA over SHA-256, as openssl reads it)."""
    words = ["openssl", "dgst", "-sha256", "-verify", str(key), "-signature"]
    files = [str(folder / "manifest.sig"), str(folder / "manifest.json")]
    return subprocess.run([*words, *files], capture_output=True, check=False).returncode == 0  # noqa: S603


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--key", type=Path, help="the public key that you have from elsewhere (PEM)")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    given = parser.parse_args(arguments)
    key = given.key or given.folder / "signing.pub"
    faults = [] if is_signed(given.folder, key) else [f"manifest.json is not signed by {key}"]
    faults += faults_of_files(given.folder)
    print("\n".join(faults) or "Every file is as it was signed.")  # noqa: T201
    if given.key is None:
        print("The key came with the bundle: compare it with one that you have from elsewhere (--key).")  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
