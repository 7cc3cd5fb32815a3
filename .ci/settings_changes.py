"""Write build/settings.md: every key below configs/ that a pull request changes, old and new, policy first.

BASE and COMMIT: the two sides, as GitHub names them. Both are asked of GitHub, not of what the run left, which could
say anything; nothing of the pull request is checked out or run. Exit code 1 where GitHub does not answer: what may have
changed is then not known, and the comment says so.
"""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

from credit_risk.report.gate_output import cell

SETTINGS = Path("build/settings.md")
CREDIT = "configs/credit.yaml"
MOST_BYTES, MOST_ROWS = 500_000, 80
ABSENT = object()
WAIVER, OTHER = "waiver", "other"
# The kind of a key of the config by how its name begins, in the order in which a reviewer must see them.
POLICY = {
    "threshold": ("gates",),
    WAIVER: (),
    "cut-off": ("policy",),
    "group": ("fairness",),
    "seed": ("split.seed", "model.seed", "evaluation.seed"),
    "split": ("split",),
    "exclusion": ("outcome.exclusions",),
    "outcome": ("outcome",),
    "wording": ("reasons",),
    OTHER: (),
}


def asked(path: str) -> Any:
    """GitHub's answer. Raises CalledProcessError, or ValueError for one that is no JSON."""
    return json.loads(subprocess.run(["gh", "api", path], check=True, capture_output=True, text=True).stdout)


def files(repository: str, commit: str) -> dict[str, str]:
    """The blobs below configs/ by path. Raises ValueError for a tree that GitHub did not give whole."""
    tree = asked(f"{repository}/git/trees/{commit}?recursive=1")
    if tree["truncated"]:
        raise ValueError(f"GitHub gives the tree of {commit} only in part")
    return {entry["path"]: entry["sha"] for entry in tree["tree"] if entry["path"].startswith("configs/")}


def keys(text: str) -> dict[str, object]:
    """Every value of a YAML document by its dotted name; a list's entries go by their `name`, `id` or `check`.

    Raises ValueError for what is no document of such keys. An alias is refused: few bytes of them make endless trees.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        if len(text) > MOST_BYTES or any(isinstance(event, AliasEvent) for event in yaml.parse(text)):
            raise ValueError(f"more than {MOST_BYTES} bytes, or an alias")
        return dict(leaves("", yaml.load(text)))
    except (YAMLError, RecursionError) as error:
        raise ValueError("no YAML document") from error


def leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
        for index, entry in enumerate(value):
            title = next((entry[key] for key in ("name", "id", "check") if key in entry), index)
            yield from leaves(f"{name}[{title}]", entry)
    else:
        yield name, value


def kind(path: str, name: str, old: object, new: object) -> str:
    if path.startswith("configs/waivers/"):
        return WAIVER
    if path != CREDIT:
        return OTHER
    if name.startswith("columns.") and {"protected", "proxy"} & {str(old), str(new)}:
        return "group"
    fits = [
        (len(start), kind)
        for kind, starts in POLICY.items()
        for start in starts
        if name == start or name.startswith((f"{start}.", f"{start}["))
    ]
    return max(fits, default=(0, OTHER))[1]  # the longest: split.seed is a seed


def differences(path: str, old: str | None, new: str | None) -> list[tuple[str, str, object, object]]:
    """Kind, key, old and new value of each key of a file that differs."""
    try:
        before, after = ({} if text is None else keys(text) for text in (old, new))
    except ValueError as error:
        return [(WAIVER if path.startswith("configs/waivers/") else OTHER, path, ABSENT, f"changed, and is {error}")]
    names = [*before, *(name for name in after if name not in before)]
    pairs = [(name, before.get(name, ABSENT), after.get(name, ABSENT)) for name in names]
    title = "" if path == CREDIT else f"{path.removeprefix('configs/')}: "
    return [
        (kind(path, name, was, now), f"{title}{name}", was, now)
        for name, was, now in pairs
        if type(was) is not type(now) or was != now
    ]


def shown(value: object) -> str:
    text = "not there" if value is ABSENT else value if isinstance(value, str) else json.dumps(value, default=str)
    return cell(text if len(text) <= 200 else f"{text[:199]}…")


def table(changes: list[tuple[str, str, object, object]]) -> str:
    """Policy first, in the order of POLICY."""
    if not changes:
        return "No key below `configs/` changes in this pull request.\n"
    order = list(POLICY)
    rows = sorted(changes, key=lambda change: order.index(change[0]))
    lines = ["### Settings that this pull request changes", "", "| kind | key | old | new |", "|---|---|---|---|"]
    lines += [f"| {each} | {cell(name)} | {shown(was)} | {shown(now)} |" for each, name, was, now in rows[:MOST_ROWS]]
    return "\n".join([*lines, *([f"\n**And {len(rows) - MOST_ROWS} more.**"] if len(rows) > MOST_ROWS else [])]) + "\n"


def main() -> None:
    repository = f"repos/{os.environ['GITHUB_REPOSITORY']}"
    compared = asked(f"{repository}/compare/{os.environ['BASE']}...{os.environ['COMMIT']}?per_page=1")
    sides = [files(repository, commit) for commit in (compared["merge_base_commit"]["sha"], os.environ["COMMIT"])]
    old, new = sides
    changes = []
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path) and path.endswith((".yaml", ".yml")):
            texts = [blob(repository, side[path]) if path in side else None for side in sides]
            changes += differences(path, *texts)
    SETTINGS.parent.mkdir(exist_ok=True)
    SETTINGS.write_text(table(changes), encoding="utf-8")


def blob(repository: str, sha: str) -> str:
    return base64.b64decode(asked(f"{repository}/git/blobs/{sha}")["content"]).decode("utf-8", errors="replace")


if __name__ == "__main__":
    main()
