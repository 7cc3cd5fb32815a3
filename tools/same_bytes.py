"""Does this commit give the same bytes on other processors? make same-bytes

What a run writes is fitted, measured and judged again in folders of its own, each time by processes that are denied
part of what this processor can do: another OpenBLAS kernel, no vector instructions for numpy or for the C library, one
thread. Digests of all files are compared; a file that differs is named, and the exit code is 1. Timings are taken
from reports/latency.json, not again: no two runs share them.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from credit_risk.data.digest import of_directory

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "build" / "same-bytes"
COMMAND = Path(sys.executable).parent / "credit-risk"

# What a run starts from: the files of `prepare`, and timings. The code stands there because the gate digests it.
GIVEN = ("configs", "artifacts/inputs", "artifacts/outcomes", "artifacts/protected", "reports/preparation.json")
GIVEN += ("reports/validation.json", "reports/latency.json")
LINKED = ("src", "dvc.yaml")
MODELS = ("train", "select", "assemble")
FIGURES = (
    *("evaluate", "stability", "fairness", "explain", "robustness"),
    "validator",  # part: validator
    *("gate", "report"),
)
COMPARED = ("artifacts/model", "artifacts/predictions", "models", "reports")

BASELINE = "as it is"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# Two spellings of each: the C library changed them, and ignores what it does not know.
OLD_C_LIBRARY = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4,-AVX2_Usable,-FMA_Usable,-FMA4_Usable,-AVX512F_Usable"
}
# The last bits of what libraries compute differently: if all runs agree here too, nothing was denied to them.
PROBE = """
import hashlib, math, numpy as np
from scipy.special import expit
x = np.random.default_rng(0).normal(size=300_000)
square = x.reshape(-1, 30).T @ x.reshape(-1, 30)
numbers = (expit(x), np.exp(x), np.log1p(np.abs(x)), square, np.array([math.exp(one) for one in x[:30_000]]))
print(hashlib.sha256(b"".join(one.tobytes() for one in numbers)).hexdigest()[:12])
"""


def processors() -> dict[str, dict[str, str]]:
    """The environment of each run, by what it stands for; the first is this machine with all it can do."""
    kernels = {f"OpenBLAS {name}": {"OPENBLAS_CORETYPE": name} for name in ("Nehalem", "Haswell", "SkylakeX", "Zen")}
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    plain_numpy = {"NPY_DISABLE_CPU_FEATURES": " ".join(found)}
    return {
        BASELINE: {},
        **kernels,
        "numpy without vectors": plain_numpy,
        "C library without AVX2 and FMA": OLD_C_LIBRARY,
        "one thread": ONE_THREAD,
        "the least of all": kernels["OpenBLAS Nehalem"] | plain_numpy | OLD_C_LIBRARY | ONE_THREAD,
    }


def main(arguments: Sequence[str]) -> int:
    known = processors()
    parser = argparse.ArgumentParser(prog="make same-bytes", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="PROCESSOR", help=f"of: {', '.join(known)} (default: all)")
    parser.add_argument("--models", action="store_true", help="fit and assemble alone: a quarter of the time")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(known):
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}")
    if missing := [name for name in GIVEN if not (ROOT / name).exists()]:
        parser.error(f"{', '.join(missing)} missing: run `make run` first")
    stages = MODELS if options.models else MODELS + FIGURES
    digests, probes = {}, set()
    for name in dict.fromkeys([BASELINE, *(options.names or known)]):
        environment, start = os.environ | known[name], time.monotonic()
        last_bits = probe(environment)
        probes.add(last_bits)
        digests[name] = run(RUNS / name.replace(" ", "-"), stages, environment)
        taken = f"{len(digests[name])} files, {time.monotonic() - start:.0f} s"
        print(f"{name:<32} last bits {last_bits}  {taken}", flush=True)
    print(f"{len(digests)} runs; what they compute has last bits of {len(probes)} kinds.")
    lines = differences(digests)
    print("\n".join(lines) or "All wrote the same bytes.")
    return 1 if lines else 0


def probe(environment: Mapping[str, str]) -> str:
    """A digest of what libraries compute with all their last bits."""
    command = [sys.executable, "-c", PROBE]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def run(root: Path, stages: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Run the stages in an empty folder with what a run starts from, and return the digest of each file."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name in GIVEN:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, root / name)
    for name in LINKED:
        (root / name).symlink_to(ROOT / name)
    with (root / "log.txt").open("w") as log:
        for stage in stages:
            command = [COMMAND, stage, "--root", root]
            subprocess.run(command, env=environment, stdout=log, stderr=subprocess.STDOUT, check=True)
            if stage == "assemble":
                time_this_scorer(root)
    return digests_of(root)


def time_this_scorer(root: Path) -> None:
    """Let the timings speak of the scorer that was assembled here: the gate asks of which they are."""
    path = root / "reports" / "latency.json"
    timings = json.loads(path.read_text(encoding="utf-8")) | {"scorer": of_directory(root / "models" / "scorer")}
    path.write_text(json.dumps(timings), encoding="utf-8")


def digests_of(root: Path) -> dict[str, str]:
    """SHA-256 of every file that a run wrote, by its path."""
    files = (file for folder in COMPARED for file in sorted((root / folder).rglob("*")) if file.is_file())
    return {file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def differences(digests: Mapping[str, Mapping[str, str]]) -> list[str]:
    """A line for each file that is not the same, or not there, in every run; empty if all runs agree."""
    first, *others = digests
    return [
        f"{other}: {path} differs from {first}"
        for other in others
        for path in sorted(digests[first].keys() | digests[other].keys())
        if digests[first].get(path) != digests[other].get(path)
    ]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
