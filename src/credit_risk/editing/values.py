"""Single values of a YAML file changed, and no other character of it: comments, order and spacing stay.

A value is found in the text by the parser's own marks, so what surrounds it is copied, never written anew.
"""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from credit_risk.config.yaml_positions import Loc, plain_values
from credit_risk.errors import UsageError

Value = str | int | float | bool | None
NAMES = ("name", "id", "check")  # keys by which an entry of a list is known, as config.dotted writes them
UNQUOTED = re.compile(r"[A-Za-z](?:[\w ./%()-]*[\w.%)])?")  # a text that needs no quotes anywhere
BLOCK = re.compile(r"[|>][-+0-9]*(?P<comment>[^\n\r]*)")


def with_values(text: str, values: Mapping[str, Value]) -> str:
    """The text with these values, by dotted name: `policy.margin`, `gates[psi].at_most`, `outcome.bad_rate[0]`.

    Raises UsageError for a name under which no single value stands, and where the change would touch another one.
    """
    before = parsed(text)
    new = {located(before, name): value for name, value in values.items()}
    root, after, expected = YAML(typ="rt").compose(text), text, dict(values_of(before)) | new
    nodes = {loc: _single_value(root, loc) for loc in new}
    for loc, node in sorted(nodes.items(), key=lambda item: item[1].start_mark.index, reverse=True):
        start, end = node.start_mark.index, node.end_mark.index
        replaced = text[start:end].rstrip()  # a block's end lies behind its last line
        after = after[:start] + _spelled(node, replaced, new[loc]) + after[start + len(replaced) :]
    if not _reads_as(after, expected):
        raise UsageError(f"{' and '.join(values)} cannot be changed alone: edit the file.")
    return after


def patch(before: str, after: str, path: str) -> str:
    """What `git apply` takes: the lines of a file that differ. path: of the file, from the root."""
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}", lineterm="\n"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def parsed(text: str) -> Any:
    """Plain values of a YAML text. Raises UsageError where it is none."""
    try:
        return plain_values(YAML(typ="rt").load(text))
    except MarkedYAMLError as error:
        raise UsageError(f"this is no YAML: {error.problem or error}.") from None


def values_of(node: Any, loc: Loc = ()) -> Iterator[tuple[Loc, Value]]:
    """Every single value of a tree with the keys and indices that lead to it, in the order of the file."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from values_of(value, (*loc, key))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from values_of(value, (*loc, index))
    else:
        yield loc, node


def located(tree: Any, name: str) -> Loc:
    """The keys and indices of a single value by its dotted name; a key may hold dots itself. Raises UsageError."""
    if (loc := _located(tree, name)) is None:
        raise UsageError(f"no single value stands under {name}; a list's entry is written gates[psi] or range[0].")
    return loc


def dotted(tree: Any, loc: Loc) -> str:
    """The name of what stands at these keys, as `located` takes it."""
    name, node = "", tree
    for part in loc:
        node = node[part]
        if isinstance(part, int):
            called = node if isinstance(node, Mapping) else {}
            name += f"[{next((called[key] for key in NAMES if key in called), part)}]"
        else:
            name += f".{part}" if name else str(part)
    return name


def _located(node: Any, rest: str) -> Loc | None:
    if not rest:
        return None if isinstance(node, Mapping | list | tuple) else ()
    for part, head in _heads(node):
        if rest.startswith(head) and rest[len(head) : len(head) + 1] in ("", ".", "["):
            below = _located(node[part], rest[len(head) :].removeprefix("."))
            if below is not None:
                return (part, *below)
    return None


def _heads(node: Any) -> Iterator[tuple[Any, str]]:
    """How a name may go on from here, with the key or index meant."""
    if isinstance(node, Mapping):
        yield from ((key, str(key)) for key in node)
    elif isinstance(node, list | tuple):
        for index, entry in enumerate(node):
            if isinstance(entry, Mapping):
                yield from ((index, f"[{entry[key]}]") for key in NAMES if key in entry)
            yield index, f"[{index}]"


def _single_value(node: Node, loc: Loc) -> ScalarNode:
    for part in loc:
        if isinstance(node, MappingNode):
            node = next(value for key, value in node.value if key.value == str(part))
        elif isinstance(node, SequenceNode):
            node = node.value[part]
    if not isinstance(node, ScalarNode):
        raise TypeError(f"{loc} is no single value, though it was read as one")
    return node


def _spelled(node: ScalarNode, replaced: str, value: Value) -> str:
    """A value in the quotes of the one it replaces; a block of lines becomes one, before its comment."""
    block = BLOCK.match(replaced) if node.style in ("|", ">") else None
    behind = block["comment"] if block else ""
    if not isinstance(value, str):
        return json.dumps(value) + behind
    if node.style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if node.style is None and UNQUOTED.fullmatch(value) and parsed(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False) + behind


def _reads_as(text: str, expected: Mapping[Loc, Value]) -> bool:
    try:
        read = list(values_of(parsed(text)))
    except UsageError:
        return False
    return read == list(expected.items()) and all(type(value) is type(expected[loc]) for loc, value in read)
