"""Upstream's and the fork's changes of one YAML file, put together key by key.

Git merges lines, and a fork has edited many of them: two values on neighbouring lines are a conflict to git, and none
to anybody else. A list counts as one value: which of its entries belong together nobody can tell.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from credit_risk.config.reading import tree_of
from credit_risk.data.writing import write_text

ABSENT = object()


@dataclass
class Merge:
    """What a merge could not give both sides: there the fork's value stays, and each place is told."""

    kept: list[str] = field(default_factory=list)

    def tree(self, base: Any, ours: Any, theirs: Any, place: str = "") -> None:
        """Bring into `ours` what `theirs` changed since `base`."""
        for key in [*theirs, *(key for key in base if key not in theirs)]:
            was, mine, new = (side.get(key, ABSENT) for side in (base, ours, theirs))
            where = f"{place}.{key}" if place else str(key)
            if new in (was, mine):
                continue
            if isinstance(mine, Mapping) and isinstance(new, Mapping):
                self.tree(was if isinstance(was, Mapping) else {}, mine, new, where)
            elif mine != was:
                self.kept.append(f"{where}: yours, {told(mine)}, stays; upstream has {told(new)}")
            elif new is ABSENT:
                del ours[key]
            else:
                ours[key] = new


def told(value: Any) -> str:
    return "removed" if value is ABSENT else repr(value)


def merge_files(base: Path, ours: Path, theirs: Path) -> list[str]:
    """Merge three versions into `ours`; returns the places where both sides had changed one value.

    Raises ConfigError for a version that is no YAML; `ours` is then as it was.
    """
    trees = [tree_of(path) if path.read_text(encoding="utf-8").strip() else {} for path in (base, ours, theirs)]
    merge = Merge()
    merge.tree(*trees)
    yaml, text = YAML(), io.StringIO()
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(trees[1], text)
    write_text(ours, text.getvalue())
    return merge.kept
