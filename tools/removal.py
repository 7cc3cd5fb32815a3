"""Prove that each optional part comes off: python tools/removal.py [PART ...] [--quick | --whole]

Takes each part out of a copy of the last commit, with what needs it, then all parts at once, and checks what is left:
rules, types, imports, the check of parts itself, documents, that every test can be collected, and the tests of what
could break. At the end, with everything gone, every test that is left and `make run` on the simulated lender must pass;
with --whole they must without each part alone too, which takes hours.
Exit code 1 if anything is red; what each check printed is in build/removal/NAME.log.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import parts

ROOT = Path(__file__).resolve().parents[1]
ROOM = ROOT / "build" / "removal"
CHECKS: Mapping[str, tuple[str, ...]] = {
    "rules": ("ruff", "check", "--quiet"),
    "format": ("ruff", "format", "--check", "--quiet"),
    "types": ("mypy", "--no-error-summary"),
    "imports": ("lint-imports", "--no-logo"),
    "parts": ("python", "tools/parts.py", "check"),
    "page": ("python", "tools/architecture.py", "--check"),
    "collect": ("pytest", "--collect-only", "-q"),
    "tests": ("pytest", "-q", "-n", "2", "-m", "not weekly and not workflow"),
}
# The tests of the core that read the repository's own files, its commands or another package by name.
TESTS = (
    "tests/test_repository.py",
    "tests/test_parts.py",
    "tests/test_architecture.py",
    "tests/test_dvc_yaml.py",
    "tests/test_cli.py",
    "tests/test_settings_are_read.py",
    "tests/workflows/test_static.py",
)
RUN, EVERYTHING = "make-run", "everything"
LENDER = """
import shutil
from pathlib import Path
from credit_risk.data.simulated_lender import lender
for name in ("credit.yaml", "model.yaml", "wordings.yaml"):
    shutil.copy(f"tests/lender/{name}", f"configs/{name}")
shutil.copy("tests/lender/policies/gate_floor.yaml", "configs/policies/gate_floor.yaml")
shutil.rmtree("data", ignore_errors=True)
Path("data").mkdir()
lender(4_000, seed=7).applications.to_csv("data/applications.csv", index=False)
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help=f"a part, or {EVERYTHING} (default: each, then all at once)")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="without the tests and without `make run`")
    extent.add_argument("--whole", action="store_true", help="all tests and `make run` without each part, too")
    options = parser.parse_args(arguments)
    declared = parts.read(ROOT)
    names = [*declared, EVERYTHING]
    if unknown := [name for name in options.part if name not in names]:
        parser.error(f"there is no part {unknown[0]!r}; the parts are: {', '.join(names)}")
    if changes := subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout:
        print(f"The last commit is what is tried; these changes are not in it:\n{changes}", file=sys.stderr)
    trials = {name: list(declared) if name == EVERYTHING else [name] for name in options.part or names}
    red = [
        f"{trial}: {name}"
        for trial, gone in trials.items()
        for name in tried(trial, gone, quick=options.quick, whole=options.whole or trial == EVERYTHING)
    ]
    print("\n".join(["", "Red:", *red]) if red else "\nEvery part comes off.")
    return 1 if red else 0


def tried(trial: str, gone: list[str], *, quick: bool, whole: bool) -> Iterator[str]:
    """Take parts out of a copy, and yield the name of every check that is red there.

    whole: with all tests that are left, and `make run`; quick: without any.
    """
    begun, copy = time.monotonic(), ROOM / trial
    log = ROOM / f"{trial}.log"
    shutil.rmtree(copy, ignore_errors=True)
    ROOM.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "--quiet", "--local", str(ROOT), str(copy)], check=True)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    (copy / ".git" / "info" / "exclude").write_text(".venv\n", encoding="utf-8")  # a link is no folder to .gitignore
    with log.open("w", encoding="utf-8") as written:
        written.write("\n".join([*parts.remove(copy, *gone), ""]))
        commit(copy, f"Remove {trial}")
        took, red = {"removal": time.monotonic() - begun}, []
        steps = [name for name in CHECKS if not (quick and name == "tests")]
        for name in [*steps, RUN] if whole and not quick else steps:
            begun = time.monotonic()
            tests = () if whole else TESTS
            if not (runs(copy, written) if name == RUN else passes(copy, name, tests, written)):
                red.append(name)
            took[name] = time.monotonic() - begun
    seconds = ", ".join(f"{name} {taken:.0f}" for name, taken in took.items())
    print(f"{trial:20} {'red: ' + ', '.join(red) if red else 'green'} ({seconds} s)", flush=True)
    if not red:
        shutil.rmtree(copy)
    yield from red


def passes(copy: Path, name: str, tests: Iterable[str], log) -> bool:
    """Run one check in the copy; what it prints goes to the log. No `tests` are all."""
    program, *words = CHECKS[name]
    chosen = [path for path in tests if name == "tests" and (copy / path).is_file()]
    return _done([f".venv/bin/{program}", *words, *chosen], copy, log)


def runs(copy: Path, log) -> bool:
    """`make run` on the simulated lender, with the copy's own code and this environment."""
    for path in ("data.dvc", "dvc.lock"):
        (copy / path).unlink(missing_ok=True)
    return (
        _done([".venv/bin/python", "-c", LENDER], copy, log)
        and _done([".venv/bin/dvc", "add", "--quiet", "data"], copy, log)
        and _done(["make", "--assume-old=setup", "run"], copy, log)
    )


def _done(command: list[str], copy: Path, log) -> bool:
    log.write(f"$ {' '.join(command)}\n")
    log.flush()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "MAKE", "DVC_"))}
    environment |= {"PYTHONPATH": str(copy / "src"), "COLUMNS": "150", "DVC_NO_ANALYTICS": "1"}
    environment["MYPY_CACHE_DIR"] = str(ROOM / "mypy")  # most of what mypy reads is the same in every copy
    done = subprocess.run(command, cwd=copy, env=environment, check=False, stdout=log, stderr=subprocess.STDOUT)
    return done.returncode == 0


def commit(copy: Path, message: str) -> None:
    """Commit what is in the index, in nobody's name."""
    who = ["-c", "user.name=Removal", "-c", "user.email=removal@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, "commit", "--quiet", "--no-verify", "-m", message], cwd=copy, check=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
