"""Print the test files of shard K of N, about as long each; nothing for an empty one.

    python3 .ci/shard.py K N           shard K of N
    python3 .ci/shard.py unit          tests of what computes and neither serves nor starts anything
    python3 .ci/shard.py integration   all others

A folder below tests/ stays together, because its files share what is made once. It weighs its seconds in
.ci/test-seconds.toml where they are known, else a fifth of a second for each test.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
A_TEST = 0.2
UNIT = ("batch", "comparison", "config", "data", "measures", "modelling", "report", "scoring")


def groups(root: Path) -> dict[str, list[str]]:
    """Test files by the folder right below tests/, or each by itself."""
    made: dict[str, list[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        name = path.relative_to(root / "tests").parts[0]
        made.setdefault(f"tests/{name}", []).append(path.relative_to(root).as_posix())
    return made


def weight(root: Path, name: str, files: list[str], seconds: dict[str, float]) -> float:
    tests = sum((root / file).read_text(encoding="utf-8").count("def test_") for file in files)
    return seconds.get(name) or A_TEST * tests


def shards(root: Path, count: int, seconds: dict[str, float]) -> list[list[str]]:
    """The heaviest first, each to the shard that has least: every file is in exactly one."""
    made = groups(root)
    heavy = sorted(made, key=lambda name: (-weight(root, name, made[name], seconds), name))
    loads, parts = [0.0] * count, [[] for _ in range(count)]
    for name in heavy:
        least = loads.index(min(loads))
        loads[least] += weight(root, name, made[name], seconds)
        parts[least] += made[name]
    return parts


def kind(root: Path, name: str) -> list[str]:
    unit = {f"tests/{folder}" for folder in UNIT}
    return [file for group, files in groups(root).items() if (group in unit) == (name == "unit") for file in files]


if __name__ == "__main__":
    if sys.argv[1] in {"unit", "integration"}:
        print(*kind(ROOT, sys.argv[1]))
    else:
        known = tomllib.loads((ROOT / ".ci/test-seconds.toml").read_text(encoding="utf-8"))
        print(*shards(ROOT, int(sys.argv[2]), known)[int(sys.argv[1]) - 1])
