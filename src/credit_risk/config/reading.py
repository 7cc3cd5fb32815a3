"""Reading a config: every problem at once, each with its line and the nearest known key."""

import difflib
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from credit_risk.config.checks import Loc, inconsistencies
from credit_risk.config.decisions import OPEN, question
from credit_risk.config.migration import VERSION
from credit_risk.config.schema import Config, Section
from credit_risk.errors import ConfigError, NotFound


def load(path: Path) -> Config:
    """Read and check a config and the model.yaml beside it.

    Raises ConfigError with every problem, its line and the nearest known key; NotFound without the files.
    """
    tree = tree_of(path)
    parameters_path = path.with_name("model.yaml")
    parameters = tree_of(parameters_path)
    problems = [_sentence(path, tree, loc, message) for loc, message in _bad_keys(tree)]
    problems += [_sentence(parameters_path, parameters, loc, message) for loc, message in _bad_keys(parameters)]
    if "parameters" in tree:
        problems.append(
            _sentence(path, tree, ("parameters",), f"these stand in {parameters_path.name}; nothing reads them here")
        )
    if not problems:
        problems = list(_of_another_version(path, tree))
    problems += [_sentence(path, tree, loc, question(".".join(map(str, loc)))) for loc in _undecided(tree)]
    if problems:
        raise ConfigError(path, problems)
    try:
        # Strict: "3" is no number and true is not 1; YAML says which is which.
        config = Config.model_validate({**_plain(tree), "parameters": _plain(parameters)}, strict=True)
    except ValidationError as error:
        details = error.errors()
        for detail in details:
            if detail["type"] == "too_short" and any(
                detail["loc"] == one["loc"][: len(detail["loc"])] != one["loc"] for one in details
            ):
                continue  # a list of one bad entry counts as empty on top of it
            loc = detail["loc"]
            file, node, rest = (parameters_path, parameters, loc[1:]) if loc[0] == "parameters" else (path, tree, loc)
            problems.append(_sentence(file, node, rest, _explain(loc, detail)))
        raise ConfigError(path, problems) from None
    problems = [_sentence(path, tree, loc, message) for loc, message in inconsistencies(config)]
    if problems:
        raise ConfigError(path, problems)
    return config


def _of_another_version(path: Path, tree: Any) -> Iterator[str]:
    version = tree.get("version")
    if isinstance(version, int) and 0 < version < VERSION:
        fix = f"this program reads version {VERSION}; `credit-risk migrate` brings the file there"
        yield _sentence(path, tree, ("version",), f"the file is of version {version}, {fix}")


def _undecided(node: Any, loc: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the mark stands that nobody has decided."""
    if isinstance(node, Mapping | list):
        for key, value in node.items() if isinstance(node, Mapping) else enumerate(node):
            yield from _undecided(value, (*loc, key))
    elif node == OPEN:
        yield loc


def tree_of(path: Path) -> Any:
    """A file as ruamel reads it, with lines and comments. Raises NotFound, or ConfigError if it is no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(path, "Name the config with --config, or run the command in the repository's root.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(path, [f"byte {error.start} is not UTF-8; save the file as UTF-8"]) from None
    except OSError as error:
        raise ConfigError(path, [f"the file cannot be read: {error.strerror}"]) from None
    try:
        tree = YAML(typ="rt").load(io.StringIO(text))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(path, [f"line {line}: {(error.problem or str(error)).splitlines()[0]}"]) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(path, [f"line {line}: the character U+{error.character:04X} is not allowed"]) from None
    except RecursionError:
        raise ConfigError(path, ["the file is nested too deeply"]) from None
    except ValueError as error:
        raise ConfigError(path, [str(error)]) from None
    if not isinstance(tree, Mapping):
        raise ConfigError(path, ["the file must hold keys and values, as in `version: 2`"])
    return tree


def _plain(node: Any) -> Any:
    """Plain Python values of a YAML tree that remembers its lines."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return tuple(_plain(value) for value in node)
    if isinstance(node, bool):
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _bad_keys(node: Any, loc: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Keys that are no words, and keys that are one word: 12 and "12" name the same column."""
    if isinstance(node, Mapping):
        seen: set[str] = set()
        for key, value in node.items():
            if not isinstance(key, str | int | float):
                yield (*loc, key), "a key must be a word"
            elif str(key) in seen:
                yield (*loc, key), f"the key {str(key)!r} stands here twice"
            seen.add(str(key))
            yield from _bad_keys(value, (*loc, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _bad_keys(value, (*loc, index))


def _sentence(path: Path, tree: Any, loc: Loc, message: str) -> str:
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


def _explain(loc: Loc, detail: Any) -> str:
    """What is wrong with one value, and what was expected instead."""
    if detail["type"] == "extra_forbidden":
        known = _known_keys(loc[:-1])
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
    return f"{detail['msg']}; got {detail['input']!r}"


def _known_keys(loc: Loc) -> list[str]:
    """The keys that the section at `loc` has."""
    section: Any = Config
    for part in loc:
        if isinstance(section, type) and issubclass(section, Section):
            section = section.model_fields[str(part)].annotation
        else:
            section = next((kind for kind in get_args(section) if isinstance(kind, type) and kind is not str), None)
        while get_origin(section) in (Annotated, UnionType):
            section = get_args(section)[0]
    return list(section.model_fields) if isinstance(section, type) and issubclass(section, Section) else []
