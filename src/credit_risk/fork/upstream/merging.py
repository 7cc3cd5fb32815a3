"""Upstream's and the fork's changes of one YAML file, put together key by key.

Git merges lines, and a fork has edited many of them: two values on neighbouring lines are a conflict to git, and none
to anybody else. So the values are merged as a tree, which alone says what is right; and the text word by word, which
keeps comments and layout of both sides. Where that text does not say what the tree says, the tree is written into it.
A list counts as one value, as which of its entries belong together nobody can tell; unless each has an `id`.
"""

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from credit_risk.config.reading import tree_of
from credit_risk.config.yaml_positions import plain_values
from credit_risk.data.writing import write_text
from credit_risk.errors import CheckFailed, ConfigError
from credit_risk.fork.upstream.git import git, tried

ABSENT = object()
WORDS = r"(?<=: )|(?<=\S)(?= +#)|(?<= #)|(?<=, )|(?<=\{)|(?=\})"
LINE_ENDS = r"|(?=\n)"  # between the last word of a line and the first of the next, where both sides may change one
BREAK = "\x1f\n"  # a character that no YAML may hold
SIDES = ("the version before", "yours", "upstream's")


class NotMergeable(CheckFailed):
    """A version of a file is no YAML, so that nothing can be said about its keys; git marks what both changed."""

    def __init__(self, name: str, side: str, error: ConfigError) -> None:
        super().__init__(
            f"{name}: {side} is no YAML ({error.problems[0]}); git marks in it the lines that both changed"
        )


@dataclass
class Merge:
    """What a merge could not give both sides: there the fork's value stays, and each key is listed."""

    kept: list[str] = field(default_factory=list)

    def tree(self, base: Any, ours: Any, theirs: Any, path: str = "") -> None:
        """Bring into `ours` what `theirs` changed since `base`."""
        for key in [*theirs, *(key for key in base if key not in theirs)]:
            was, mine, new = (side.get(key, ABSENT) for side in (base, ours, theirs))
            where = f"{path}.{key}" if path else str(key)
            if same(new, was) or same(new, mine):
                continue
            if isinstance(by_id(mine), Mapping) and isinstance(by_id(new), Mapping):
                self._entries(was, mine, new, where)
            elif not same(mine, was):
                self.kept.append(f"{where}: yours, {shown(mine)}, stays; upstream has {shown(new)}")
            elif new is ABSENT:
                del ours[key]
            else:
                ours[key] = new

    def _entries(self, base: Any, ours: Any, theirs: Any, path: str) -> None:
        was, mine = by_id(base), by_id(ours)
        there = list(mine)
        self.tree(was if isinstance(was, Mapping) else {}, mine, by_id(theirs), path)
        if mine is not ours and list(mine) != there:
            ours[:] = mine.values()


def by_id(value: Any) -> Any:
    """A list whose entries each have an `id` of their own as a mapping from it; everything else as it is."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) and "id" in entry for entry in value):
        return value
    entries = {str(entry["id"]): entry for entry in value}
    return entries if entries and len(entries) == len(value) else value


def same(left: Any, right: Any) -> bool:
    """Whether two values of a YAML file say the same: 1 is not true, and the order of keys says nothing."""
    left, right = by_id(left), by_id(right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return repr(plain_values(left)) == repr(plain_values(right))


def shown(value: Any) -> str:
    """A value within a sentence, as YAML would have it on one line; shortened if need be."""
    text = "removed" if value is ABSENT else json.dumps(plain_values(value), ensure_ascii=False, default=str)
    return text if len(text) <= 120 else f"{text[:119]}…"


def merge_files(base: Path, ours: Path, theirs: Path, name: str) -> list[str]:
    """Merge three versions into `ours`; returns the keys where both sides had changed one value.

    name: what the file is called in the repository.
    Raises NotMergeable for a version that is no YAML; `ours` then holds git's own merge with its marks.
    """
    paths = (base, ours, theirs)
    try:
        before, merged, newer = (_tree(path, name, side) for path, side in zip(paths, SIDES, strict=True))
    except NotMergeable:
        labels = [word for side in ("yours", "before", "upstream") for word in ("-L", side)]
        tried(Path(), "merge-file", "--quiet", *labels, *map(_absolute, (ours, base, theirs)))
        raise
    merge = Merge()
    merge.tree(before, merged, newer)
    write_text(ours, _text([path.read_text(encoding="utf-8") for path in paths], merged))
    return merge.kept


def _tree(path: Path, name: str, side: str) -> Any:
    try:
        return tree_of(path) if path.stat().st_size else {}
    except ConfigError as error:
        raise NotMergeable(name, side, error) from None


def _text(texts: Sequence[str], merged: Any) -> str:
    """The text that says what was merged, with as much as can be of the words of both sides."""
    by_words = [_by_words(texts, WORDS + LINE_ENDS, "--ours"), _by_words(texts, WORDS, "--union")]
    for text in by_words:
        if same(_read(text), merged):
            return text
    tree = _read(by_words[0])
    if not isinstance(tree, Mapping):
        tree = merged
    Merge().tree(tree, tree, merged)
    written = io.StringIO()
    _yaml().dump(tree, written)
    return written.getvalue()


def _by_words(texts: Sequence[str], words: str, favour: str) -> str:
    """Git's merge of three texts with a word on each line, so that only words can be in conflict.

    favour: what git puts where they are: --ours, or --union for both.
    """
    with TemporaryDirectory() as room:
        paths = [Path(room, name) for name in ("base", "ours", "theirs")]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(re.sub(words, BREAK, text), encoding="utf-8")
        base, ours, theirs = map(_absolute, paths)
        return git(Path(), "merge-file", "--stdout", "--quiet", favour, ours, base, theirs).replace(BREAK, "")


def _read(text: str) -> Any:
    """The tree of a text that git put together; None where it is no YAML, as with a key that stands there twice."""
    try:
        return _yaml().load(text)
    except (MarkedYAMLError, ValueError):
        return None


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _absolute(path: Path) -> str:
    return str(path.absolute())
