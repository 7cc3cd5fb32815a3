"""From one version of the config's format to the next: what was added, where, and what must be decided for it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from credit_risk.config.open_decisions import OPEN

VERSION = 4
BY_STATE = 3  # brought a formula by which a reason is true, and texts by the state of what they are about
KeyPath = tuple[str, ...]
NOTHING = None  # a key that this config does not need


def _identity(tree: Mapping[str, Any]) -> list[str] | None:
    """What says which application a row is, where no column is an id: its applicant, or else all its inputs as now."""
    roles = {str(name): column.get("role") for name, column in (tree.get("columns") or {}).items()}
    if not roles or "id" in roles.values():
        return NOTHING
    applicants = [name for name, role in roles.items() if role == "applicant"]
    return applicants or [name for name, role in roles.items() if role in ("feature", "input_only")]


# By the version that brought them: keys that a config of the version before lacks, each with what is put there; for
# what depends on the config, a function of it.
ADDED: Mapping[int, Mapping[KeyPath, Any]] = {
    2: {("suggested",): [], ("project", "legal_basis"): OPEN, ("outcome", "favourable"): OPEN},
    3: {("split", "equal_rows"): "together"},  # as every split was before the key
    4: {("split", "identity"): _identity},
}


def lacking(tree: Mapping[str, Any], since: int) -> dict[KeyPath, Any]:
    """The keys that came after version `since` and do not stand in this config, in the order they came.

    A section that is not there either is no matter of the format: loading the config names it.
    """
    new = {
        key_path: value(tree) if callable(value) else value
        for version, keys in sorted(ADDED.items())
        if version > since
        for key_path, value in keys.items()
        if key_path[-1] not in _section(tree, key_path) and (len(key_path) == 1 or key_path[0] in tree)
    }
    return {key_path: value for key_path, value in new.items() if value is not NOTHING}


def migrated(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A config of any version as plain values in today's format: how a scorer of long ago is read."""
    new = {**raw, "version": VERSION}
    for (*section, key), value in lacking(raw, int(raw["version"])).items():
        if section:
            new[section[0]] = {**new[section[0]], key: value}
        else:
            new[key] = value
    if int(raw["version"]) < BY_STATE and "reasons" in raw:
        families = [_for_both_states(family) for family in raw["reasons"]["families"]]
        new["reasons"] = {**raw["reasons"], "families": families}
    return new


def _for_both_states(family: Mapping[str, Any]) -> dict[str, Any]:
    """A family of a version that said the same of a value and of its lack."""
    return {**family, "text": dict.fromkeys(("value", "missing"), family["text"])}


def migrated_text(text: str, tree: Any) -> str:
    """The same for the file itself, of which nothing else changes: no comment, no order, no line break.

    tree: the file as ruamel read it, with its line numbers.
    """
    lines = text.splitlines(keepends=True)
    new = [
        (*_first_child(_section(tree, key_path)), key_path[-1], value)
        for key_path, value in lacking(tree, tree["version"]).items()
    ]
    if tree["version"] < BY_STATE:
        families = (tree.get("reasons") or {}).get("families") or ()
        new += [(*_first_child(family), "true_when", OPEN) for family in families if "true_when" not in family]
    version = tree.lc.key("version")[0]
    lines[version] = re.sub(r"(version:\s*)\d+", rf"\g<1>{VERSION}", lines[version], count=1)
    for line, column, key, value in sorted(new, key=lambda entry: entry[:2], reverse=True):
        before, after = lines[line][:column], lines[line][column:]
        entry = f"{key}: {json.dumps(value)}"
        # A block has a line for each key, of which a list's entry begins with a dash; {...} stands in one line.
        block = not before.strip(" -")
        lines[line] = f"{before}{entry}\n{' ' * column}{after}" if block else f"{before}{entry}, {after}"
    return "".join(lines)


def _section(tree: Mapping[str, Any], key_path: KeyPath) -> Any:
    return tree.get(key_path[0]) or {} if len(key_path) > 1 else tree


def _first_child(section: Any) -> tuple[int, int]:
    row, column = section.lc.key(next(iter(section)))
    return int(row), int(column)
