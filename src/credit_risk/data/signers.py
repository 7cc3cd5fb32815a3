"""Who signed a file, by SSH key, and whose account this is, as the machine says: never somebody's own word."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from credit_risk.config import identities
from credit_risk.data import provenance
from credit_risk.errors import UsageError

NAMESPACE = "credit-risk"  # of signatures of files: one that was made for something else does not count
SECONDS = 10  # for ssh-keygen


def known(root: Path) -> identities.Identities:
    """The identities of a repository, as they are committed: what only lies there, nobody can have agreed to."""
    read = identities.load(root)
    if provenance.not_committed(root, [root / identities.FILE]):
        raise UsageError(f"{identities.FILE} is not as git has it committed here: have it reviewed, and commit it.")
    return read


def signer(known: identities.Identities, content: bytes, signature_file: Path) -> tuple[str, str] | None:
    """The person whose SSH key signed exactly these bytes, and that identity; None if nobody of the file did."""
    ssh_keygen = shutil.which("ssh-keygen")
    if ssh_keygen is None:
        raise UsageError(
            "ssh-keygen is not installed, and only it verifies who signed a waiver. Install OpenSSH's client."
        )
    for name, key in ((person.name, key) for person in known.persons for key in person.ssh_keys):
        with tempfile.TemporaryDirectory() as folder:
            allowed = Path(folder) / "allowed"
            allowed.write_text(f'signer namespaces="{NAMESPACE}" {key}\n', encoding="utf-8")
            words = ["-Y", "verify", "-f", str(allowed), "-I", "signer", "-n", NAMESPACE, "-s", str(signature_file)]
            done = subprocess.run(  # noqa: S603
                [ssh_keygen, *words], input=content, capture_output=True, check=False, timeout=SECONDS
            )
            if done.returncode == 0:
                return name, f"key:{done.stdout.decode(errors='replace').split()[-1]}"
    return None


def account() -> str:
    """The account of this process; the variable USER would be anybody's word."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
