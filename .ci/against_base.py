"""Hold this run's scorer against the base branch's on the same test rows: reports/change.json, which the comment shows.

SOURCE: whose data the run works on, own or lender. The base is the first parent of a pull request's merge (BASE names
another commit); it is laid out in build/base and brought up to its scorer there, from DVC's cache where it can be. What
cannot be compared is written down with its reason and fails nothing here: the comment says what is not known.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BINARIES = Path(sys.executable).parent
LONGEST = 1200.0  # seconds that a command may take


class NotCompared(Exception):
    """Why there is no comparison."""


def run(root: Path, *command: str, passes: tuple[int, ...] = (0,)) -> bytes:
    """What a command answers, run with the code and the programs of `root`."""
    paths = {"PATH": f"{BINARIES}:{os.environ['PATH']}", "PYTHONPATH": str(root / "src")}
    try:
        done = subprocess.run(
            command, cwd=root, env=os.environ | paths, capture_output=True, check=False, timeout=LONGEST
        )
    except subprocess.TimeoutExpired as error:
        raise NotCompared(f"{' '.join(command[:3])} took more than {LONGEST:.0f} s") from error
    if done.returncode not in passes:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise NotCompared(f"{' '.join(command[:3])} ended with {done.returncode}: {said[-1][:500]}")
    return done.stdout


def scorer_of(gate: bytes) -> str | None:
    """The digest of the scorer that a gate's record speaks about."""
    try:
        return json.loads(gate)["digests"]["scorer"]
    except (ValueError, KeyError, TypeError):
        return None


def lay_out(base: Path, commit: str, source: str) -> None:
    """The base commit's files, with its data or the simulated lender's, and its scorer made."""
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    archive = run(ROOT, "git", "archive", commit)
    subprocess.run(["tar", "--extract", "--directory", base], input=archive, check=True)
    cache = (ROOT / ".dvc/cache").as_posix()
    (base / ".dvc").mkdir(exist_ok=True)
    (base / ".dvc/config.local").write_text(
        f"[core]\n    no_scm = true\n[cache]\n    dir = {cache}\n", encoding="utf-8"
    )
    if source == "lender":
        run(base, sys.executable, ".ci/simulated_lender.py")
    else:
        remote = run(base, "dvc", "config", "core.remote", passes=(0, 251)).decode().strip() or "sample"
        run(base, "dvc", "pull", "--quiet", "--remote", remote, "data.dvc")
    run(base, "dvc", "repro", "--quiet", "assemble")


def compared(root: Path, source: str, commit: str) -> dict[str, Any]:
    """What the comment reads. Raises NotCompared."""
    base = root / "build/base"
    ours = scorer_of((root / "reports/gate.json").read_bytes())
    theirs = scorer_of(run(root, "git", "show", f"{commit}:reports/gate.json", passes=(0, 128)))
    if ours and ours == theirs:
        return {"same_scorer": True}
    lay_out(base, commit, source)
    record = root / "build/comparison.json"
    record.unlink(missing_ok=True)
    command = ["credit-risk", "gate", "--candidate-model", "models/scorer"]
    command += ["--baseline-model", f"{base}/models/scorer", "--baseline-root", str(base), "--output", str(record)]
    run(root, *command, passes=(0, 1))  # 1: a gate of the config says no, which is not asked here
    if not record.is_file():
        raise NotCompared("the comparison wrote no record")
    whole = json.loads(record.read_text(encoding="utf-8"))
    kept = {name: whole[name] for name in ("candidate", "baseline", "data", "rows", "swap_set")}
    return {"record": kept | {"measures": {"comparison": whole["measures"]["comparison"]}}}


def main() -> None:
    change: dict[str, Any] = {"source": os.environ["SOURCE"], "base": None, "same_scorer": False, "why": None}
    try:
        change["base"] = run(ROOT, "git", "rev-parse", "--verify", os.environ.get("BASE") or "HEAD^1").decode().strip()
        change |= compared(ROOT, change["source"], change["base"])
    except NotCompared as reason:
        change["why"] = f"the base branch's scorer was not compared: {reason}"
        print(f"::warning title=Comparison::{change['why']}")
    (ROOT / "reports/change.json").write_text(json.dumps(change, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
