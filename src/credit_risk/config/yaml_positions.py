"""A YAML file as a tree that remembers its lines, and what is wrong with it in whole sentences."""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from credit_risk.config.section import Section
from credit_risk.errors import ConfigError, NotFound

Loc = tuple[Any, ...]
SENTENCES = {  # by what the parser says: what stands there, and what was expected
    "mapping values": "got a second `:`; expected one `key: value` as far in as its neighbours, and quotes around ': '",
    "block end": "got a line that begins where no neighbour does; expected it as far in as the keys it belongs to",
    "find expected ':'": "got a word alone; expected `key: value`, with a blank after the colon",
    "end of stream": "got no end of a text in quotes; expected the quote that closes",
    "',' or '": "got no end of a bracket; expected the one that closes, and commas between what it holds",
    r"'\t' that": "got a tab; expected blanks before a key",
    "start any token": "got a sign that means something in YAML; expected quotes around a text that begins so",
}

# Tags, anchors, tabs, `|#`, `"key":value` are read otherwise by libyaml; what is nested thousands deep ends a process.
DEEP_OR_UNLIKE = re.compile(r"\t|(?:^|[,:?\[{-])\s*(?:!|[&*]\S)|[\"']:\S|[|>][\d+-]*#|[^\n]{1500}", re.MULTILINE)
MOST_BRACKETS = 500


def read_tree(path: Path, fix: str) -> Any:
    """The tree of a file, to be read and never changed: the same text gives the same tree again.

    Raises ConfigError where it is no YAML of keys and values; NotFound, which says `fix`.
    """
    try:
        text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(path, fix) from None
    except UnicodeDecodeError as error:
        raise ConfigError(path, [f"byte {error.start} is not UTF-8; save the file as UTF-8"]) from None
    except OSError as error:
        raise ConfigError(path, [f"the file cannot be read: {error.strerror}"]) from None
    try:
        tree = _parsed(text)
    except MarkedYAMLError as error:
        line, begun = ((mark.line + 1 if mark else 1) for mark in (error.problem_mark, error.context_mark))
        problem = (error.problem or str(error)).splitlines()[0]
        what = next((sentence for part, sentence in SENTENCES.items() if part in problem), problem)
        raise ConfigError(path, [f"line {line}: {what}" + f" (begun in line {begun})" * (1 < begun < line)]) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(path, [f"line {line}: the character U+{error.character:04X} is not allowed"]) from None
    except RecursionError:
        raise ConfigError(path, ["the file is nested too deeply"]) from None
    except (ValueError, IndexError) as error:
        raise ConfigError(path, [f"a value does not fit its tag, as in `!!int x`: {error}; expected no tag"]) from None
    if not isinstance(tree, Mapping):
        raise ConfigError(path, ["the file must hold keys and values, as in `version: 2`"])
    return tree


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    """Parsing a config takes as long as all checks of it, and a stage reads the same files several times.

    libyaml reads six times as fast what both readers take alike; what it refuses the other refuses, with its lines.
    """
    reader, node = YAML(typ="rt"), None
    if not DEEP_OR_UNLIKE.search(text) and text.count("[") + text.count("{") <= MOST_BRACKETS:
        with suppress(YAMLError):
            node = YAML(typ="safe").compose(text)
    return reader.constructor.construct_document(node) if node else reader.load(text)


def plain_values(node: Any) -> Any:
    """Plain Python values of a YAML tree that remembers its lines."""
    if isinstance(node, Mapping):
        return {str(key): plain_values(value) for key, value in node.items()}
    if isinstance(node, list):
        return tuple(plain_values(value) for value in node)
    if isinstance(node, bool):
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def bad_keys(node: Any, loc: Loc = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Keys that are no words, and keys that are one word: 12 and "12" name the same column."""
    if isinstance(node, Mapping):
        seen: set[str] = set()
        for key, value in node.items():
            if not isinstance(key, str | int | float):
                yield (*loc, key), "a key must be a word"
            elif str(key) in seen:
                yield (*loc, key), f"the key {str(key)!r} stands here twice"
            seen.add(str(key))
            yield from bad_keys(value, (*loc, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from bad_keys(value, (*loc, index))


def sentence(path: Path, tree: Any, loc: Loc, message: str) -> str:
    """One problem with its file, line and key."""
    where = ".".join(str(part) for part in loc)
    return f"{path.name} line {_line(tree, loc)}: {where}: {message}"


def _line(node: Any, loc: Loc) -> int:
    """The line of a key, or of the nearest key above it that stands in the file."""
    line = 1
    for part in loc:
        position = getattr(node, "lc", None)
        if isinstance(node, Mapping) and part not in node:  # a key may be a number in the file
            part = next((key for key in node if str(key) == part), part)  # noqa: PLW2901
        try:
            line = (position.key(part) if isinstance(node, Mapping) else position.item(part))[0] + 1  # type: ignore[union-attr]
            node = node[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def counts(details: Sequence[Any]) -> Iterator[Any]:
    """The errors of pydantic's that say something: a list of one bad entry counts as empty on top of it."""
    for detail in details:
        if detail["type"] != "too_short" or not any(
            detail["loc"] == inner["loc"][: len(detail["loc"])] != inner["loc"] for inner in details
        ):
            yield detail


def explain(kind: type[Section], loc: Loc, detail: Any) -> str:
    """What is wrong with one value, and what was expected instead."""
    if detail["type"] == "extra_forbidden":
        known = _known_keys(kind, loc[:-1])
        near = difflib.get_close_matches(str(loc[-1]), known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"unknown key {str(loc[-1])!r}; {hint}"
    if detail["type"] == "missing":
        return "this key is missing"
    if detail["type"] == "literal_error":
        words = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        near = difflib.get_close_matches(str(detail["input"]), words, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{detail['msg']}; got {detail['input']!r}{hint}"
    is_quoted = isinstance(detail["input"], str) and re.fullmatch(r"[-+.\d_]+|true|false", detail["input"])
    return f"{detail['msg']}; got {detail['input']!r}" + ("; write it without quotes" if is_quoted else "")


def _known_keys(kind: type[Section], loc: Loc) -> list[str]:
    """The keys that the section at `loc` below this kind has."""
    section: Any = kind
    for part in loc:
        if isinstance(section, type) and issubclass(section, Section):
            section = section.model_fields[str(part)].annotation
        else:
            section = next((kind for kind in get_args(section) if isinstance(kind, type) and kind is not str), None)
        while get_origin(section) in (Annotated, UnionType):
            section = get_args(section)[0]
    return list(section.model_fields) if isinstance(section, type) and issubclass(section, Section) else []
