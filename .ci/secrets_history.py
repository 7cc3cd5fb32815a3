"""Secrets in any file that any commit ever held, but for those that .secrets.baseline has looked at.

    python .ci/secrets_history.py            every commit of every branch
    SINCE=HEAD^1 python .ci/…                those that HEAD has and SINCE has not: a pull request's

.ci/secrets-history.txt holds the digests of what somebody looked at and found to be no secret, each with its reason.
What was deleted is still in every clone: a secret that is found here has to be revoked, not only taken out.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.core import baseline

BASELINE = ".secrets.baseline"
SEEN = Path(".ci/secrets-history.txt")
LEFT_OUT = (
    "requirements/",
    "sample-remote/",
    "dvc.lock",
    "reports/",
    "tests/scoring/format_1/",
    BASELINE,
    ".ci/secrets-history.txt",
)  # digests; as `make secrets` has it
WORDINGS = "/wordings.yaml"  # by their digests


def git(*arguments: str, given: str = "") -> bytes:
    command = ["git", *arguments]
    return subprocess.run(command, input=given.encode(), check=True, capture_output=True).stdout


def known(revision: str) -> bool:
    command = ["git", "rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def blobs(since: str) -> dict[str, str]:
    """The path of every file of every commit that is asked for, by its object's name."""
    asked = ("HEAD", f"^{since}") if since and known(since) else ("--all",)
    lines = git("rev-list", "--objects", *asked).decode().splitlines()
    named = dict(line.split(" ", 1) for line in lines if " " in line)
    kinds = git("cat-file", "--batch-check=%(objectname) %(objecttype)", given="\n".join(named)).decode().split("\n")
    files = {line.split()[0] for line in kinds if line.endswith(" blob")}
    return {
        name: path
        for name, path in named.items()
        if name in files and not (path.startswith(LEFT_OUT) or path.endswith(WORDINGS))
    }


def contents(names: list[str]) -> list[bytes]:
    """What each object holds, in their order."""
    answer, made = git("cat-file", "--batch", given="\n".join(names)), []
    while answer:
        header, _, rest = answer.partition(b"\n")
        size = int(header.split()[2])
        made.append(rest[:size])
        answer = rest[size + 1 :]
    return made


def main() -> str | None:
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        return "This clone holds a part of the history alone: git fetch --unshallow"
    accepted_secrets = baseline.load_from_file(BASELINE)
    baseline.load(accepted_secrets, BASELINE)
    accepted = {secret["hashed_secret"] for found in accepted_secrets["results"].values() for secret in found}
    accepted |= {line.split()[0] for line in SEEN.read_text(encoding="utf-8").splitlines() if line}
    paths = blobs(os.environ.get("SINCE", ""))
    with tempfile.TemporaryDirectory() as folder:
        for (name, path), content in zip(paths.items(), contents(list(paths)), strict=True):
            copy = Path(folder) / name / path
            copy.parent.mkdir(parents=True)
            copy.write_bytes(content)
        os.chdir(folder)
        secrets = SecretsCollection()
        secrets.scan_files(*(f"{name}/{path}" for name, path in paths.items()))
        lines = []
        for file, found in secrets.json().items():
            name, _, path = file.partition("/")
            lines += [
                f"{path}:{secret['line_number']} (git show {name[:12]}): {secret['type']} {secret['hashed_secret']}"
                for secret in found
                if secret["hashed_secret"] not in accepted
            ]
        os.chdir("/")
    return "\n".join(sorted(lines)) or None


if __name__ == "__main__":
    sys.exit(main())
