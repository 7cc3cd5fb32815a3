"""Write build/settings.md: every key below configs/ that a pull request changes, old and new, policy first.

BASE and COMMIT: the two sides, as GitHub names them. Both are asked of GitHub, not of what the run left, which could
say anything; nothing of the pull request is checked out or run. Exit code 1 where GitHub does not answer: what may have
changed is then not known, and the comment says so.
"""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

from credit_risk.config.changes import ABSENT, REST, WAIVER, Change, changes, in_order
from credit_risk.config.changes import shown as changes_shown
from credit_risk.report.gate_output import cell

SETTINGS = Path("build/settings.md")
CREDIT = "configs/credit.yaml"
MOST_BYTES, MOST_ROWS = 500_000, 80


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
    """A YAML document as a mapping.

    Raises ValueError for what is no document of such keys. An alias is refused: few bytes of them make endless trees.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        if len(text) > MOST_BYTES or any(isinstance(event, AliasEvent) for event in yaml.parse(text)):
            raise ValueError(f"more than {MOST_BYTES} bytes, or an alias")
        tree = yaml.load(text)
    except (YAMLError, RecursionError) as error:
        raise ValueError("no YAML document") from error
    return tree if isinstance(tree, dict) else {"": tree}


def differences(path: str, old: str | None, new: str | None) -> list[Change]:
    """Each key of a file that differs."""
    waives = path.startswith("configs/waivers/")
    try:
        before, after = ({} if text is None else keys(text) for text in (old, new))
    except ValueError as error:
        return [Change(WAIVER if waives else REST, path, ABSENT, f"changed, and is {error}")]
    title = "" if path == CREDIT else f"{path.removeprefix('configs/')}: "
    return [
        Change(change.kind if path == CREDIT else WAIVER if waives else REST, f"{title}{change.key}", *change[2:])
        for change in changes(before, after)
    ]


def shown(value: object) -> str:
    return cell(changes_shown(value))


def table(differing: list[Change]) -> str:
    """Policy first, in the order of POLICY."""
    if not differing:
        return "No key below `configs/` changes in this pull request.\n"
    rows = in_order([Change(*each) for each in differing])
    lines = ["### Settings that this pull request changes", "", "| kind | key | old | new |", "|---|---|---|---|"]
    lines += [f"| {each} | {cell(name)} | {shown(was)} | {shown(now)} |" for each, name, was, now in rows[:MOST_ROWS]]
    return "\n".join([*lines, *([f"\n**And {len(rows) - MOST_ROWS} more.**"] if len(rows) > MOST_ROWS else [])]) + "\n"


def main() -> None:
    repository = f"repos/{os.environ['GITHUB_REPOSITORY']}"
    compared = asked(f"{repository}/compare/{os.environ['BASE']}...{os.environ['COMMIT']}?per_page=1")
    sides = [files(repository, commit) for commit in (compared["merge_base_commit"]["sha"], os.environ["COMMIT"])]
    old, new = sides
    differing: list[Change] = []
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path) and path.endswith((".yaml", ".yml")):
            texts = [blob(repository, side[path]) if path in side else None for side in sides]
            differing += differences(path, *texts)
    SETTINGS.parent.mkdir(exist_ok=True)
    SETTINGS.write_text(table(differing), encoding="utf-8")


def blob(repository: str, sha: str) -> str:
    return base64.b64decode(asked(f"{repository}/git/blobs/{sha}")["content"]).decode("utf-8", errors="replace")


if __name__ == "__main__":
    main()
