"""A fork: this repository's next commit at a place of its own, with the sample's config and no data."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools import SAMPLE_REMOTE, borrow_environment

ROOT = Path(__file__).parents[1]
SAMPLE = "version: 2\nproject:\n  name: uci-card-default\n"


@dataclass(frozen=True)
class Fork:
    """A clone in which commands are run as its owner would."""

    root: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of shell in the fork's root, with the fork's own code and no settings of this machine's user."""
        return subprocess.run(
            ["bash", "-c", command], cwd=self.root, env=self.environment, capture_output=True, text=True, check=False
        )

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "MAKE"))}
        nowhere = str(self.root.parent / "nowhere")
        return clean | {
            "PYTHONPATH": str(self.root / "src"),
            "DVC_GLOBAL_CONFIG_DIR": nowhere,
            "DVC_SYSTEM_CONFIG_DIR": nowhere,
            **{f"GIT_{who}_NAME": "Test" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "test@example.org" for who in ("AUTHOR", "COMMITTER")},
            "COLUMNS": "200",
        }


def fork(room: Path) -> Fork:
    """Copy what git would hold, less what a fork of the fork may have made its own."""
    made = Fork(room / "fork")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    own = (
        "configs/credit.yaml",
        "configs/waivers/",
        "data.dvc",
        "dvc.lock",
        "reports/",
        "models/scorer",
        "models/challenger",
    )
    for name in names:
        kept = name.startswith("reports/parts/") or not name.startswith(own)  # DVC watches that folder
        if name and kept and (ROOT / name).is_file():
            (made.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, made.root / name)
    (made.root / "configs" / "credit.yaml").write_text(SAMPLE, encoding="utf-8")
    (made.root / ".dvc" / "config").write_text(SAMPLE_REMOTE, encoding="utf-8")
    borrow_environment(made.root / ".venv", made.root)
    done = made.run("git init --quiet --initial-branch main && git add --all && git commit --quiet --message Fork")
    assert done.returncode == 0, done.stderr
    return made
