"""Say as outputs of a step whose data a job works on, `own` or `lender`, and whether a role is assumed for them.

Own data need a remote that this runner reaches: one inside the repository, one on this machine, an open address, or a
store for which ROLE names a role. Pull requests of other repositories get no role. LENDER says what happens otherwise:
`allowed` takes the simulated lender, with its config, and the run's summary says so; `never` ends with exit code 1.
"""

import os
import re
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def remote_address(root: Path) -> str | None:
    """The address of DVC's default remote as .dvc/config has it; None where the repository's sample remote serves."""
    config = ConfigParser()
    config.read(root / ".dvc" / "config", encoding="utf-8")
    name = config.get("core", "remote", fallback=None)
    return config.get(f"'remote \"{name}\"'", "url", fallback="") if name else None


def unreachable(address: str | None, root: Path, role: str) -> str | None:
    """Why this runner does not reach the remote, as half a sentence; None if it does."""
    if address is None or address.startswith(("http://", "https://")):
        return None
    if re.match(r"[a-z0-9]+://", address):
        return None if role else f"no role is given for {address}"
    if (root / ".dvc" / address).exists():
        return None
    return f"{address} lies beside the repository that wrote it and no runner reaches it"


def main() -> str | None:
    lender, role = os.environ["LENDER"], os.environ["ROLE"]
    other = os.environ.get("HEAD", "") not in {"", os.environ["GITHUB_REPOSITORY"]}
    address = remote_address(ROOT)
    reason = unreachable(address, ROOT, "" if other else role)
    if lender == "always":
        reason = "what is tried here does not depend on the data"
    if reason is None:
        cloud = address is not None and "://" in address and not address.startswith("http")
        print("source=own", f"assume={str(bool(role) and cloud).lower()}", sep="\n")
        return None
    if lender == "never":
        return f"This needs the repository's own data: {reason}. docs/workflows.md says how to let a runner read them."
    print("source=lender", "assume=false", sep="\n")
    sentence = (
        f"Data: **the simulated lender** with its own config, because {reason}. Nothing here is about your model."
    )
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(f"{sentence}\n")
    print(f"::notice title=Data::{sentence}", file=sys.stderr)
    return None


if __name__ == "__main__":
    raise SystemExit(main())
