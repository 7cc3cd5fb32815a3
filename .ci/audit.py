"""Known vulnerabilities of a lock, less those that .ci/advisories.toml accepts for a while.

    python .ci/audit.py LOCK [options of pip-audit]

Exit code 1 for a vulnerability that nobody accepted, for a waiver that has expired or lacks a key, and where the
advisories could not be asked. A waiver of what is no longer there is named, and fails nothing.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

WAIVERS = Path(".ci/advisories.toml")


@dataclass(frozen=True)
class Waiver:
    """An advisory that somebody bears until a day."""

    id: str
    package: str
    owner: str
    reason: str
    until: date


def waivers(text: str) -> list[Waiver]:
    """Raises TypeError for a waiver with a key too few or too many."""
    return [Waiver(**entry) for entry in tomllib.loads(text).get("waiver", [])]


def problems(
    dependencies: Iterable[dict[str, Any]], accepted: list[Waiver], today: date
) -> tuple[list[str], list[str]]:
    """What fails the audit and what is only worth saying, a line each."""
    red = [
        f"waiver {waiver.id} of {waiver.package} expired on {waiver.until}: renew it with a reason, or mend it"
        for waiver in accepted
        if waiver.until < today
    ]
    said, used = [], set()
    for dependency in dependencies:
        for advisory in dependency.get("vulns", []):
            ids = {advisory["id"], *advisory.get("aliases", [])}
            waiver = next((one for one in accepted if one.id in ids and one.package == dependency["name"]), None)
            name = f"{dependency['name']} {dependency['version']}: {advisory['id']}"
            if waiver is None:
                fixes = ", ".join(advisory.get("fix_versions", [])) or "no version"
                red.append(f"{name}, mended in {fixes}")
            else:
                used.add(waiver)
                said.append(f"{name} is accepted by {waiver.owner} until {waiver.until}: {waiver.reason}")
    said += [f"waiver {one.id} of {one.package} is used by nothing: take it out" for one in accepted if one not in used]
    return red, said


def audit(lock: str, options: list[str]) -> list[dict[str, Any]]:
    """What pip-audit says of each package. Raises SystemExit where it could not ask about every one."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "audit.json"
        command = [sys.executable, "-m", "pip_audit", "--strict", "--require-hashes", "--disable-pip"]
        command += ["--requirement", lock, "--progress-spinner", "off", "--aliases", "on"]
        command += ["--format", "json", "--output", str(report), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not report.is_file() or not report.stat().st_size:
            raise SystemExit(f"pip-audit did not come to an answer (exit code {done.returncode}):\n{done.stderr}")
        return json.loads(report.read_text(encoding="utf-8"))["dependencies"]


def main(lock: str, *options: str) -> int:
    accepted = waivers(WAIVERS.read_text(encoding="utf-8")) if WAIVERS.is_file() else []
    red, said = problems(audit(lock, list(options)), accepted, datetime.now(UTC).date())
    for line in said:
        print(f"::notice title=Audit::{line}")
    for line in red:
        print(line)
        print(f"::error title=Audit::{line}")
    return 1 if red else 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
