"""One word for one thing: names in src are nouns of the trade (docs/architecture.md has the glossary)."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "credit_risk"
# As a whole name: a pronoun or participle does not say what the value is.
NEVER = {"one", "other", "found", "wanted", "asked", "said", "held", "plain", "plainly", "reach", "contest", "moves"}
# As a part of a name.
NEVER_INSIDE = {"place", "places", "told", "untold"}
# As a function or class: what was done is no name for what does it.
NEVER_DEFINED = {"decided", "recorded", "people"}
MODULES = {
    "why",
    "people",
    "lines",
    "in_loop",
    "deploying",
    "recorded",
    "decided",
    "reach",
    "contest",
    "moves",
    "place",
}


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module gives: variables, arguments, functions, classes, fields, what it imports and catches."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case ast.alias(asname=str(name)):
                yield name, 0


def is_refused(name: str) -> bool:
    """Whether a name is on the list; `ToldReasons` is two words, as `told_reasons` is."""
    bare = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip("_")).lower()
    return bare in NEVER or bool(NEVER_INSIDE & set(bare.split("_")))


def refused(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [f"{path.relative_to(SRC)}:{line} {name}" for name, line in names(tree) if is_refused(name)]


@pytest.mark.parametrize(
    "package", sorted(path.name for path in SRC.iterdir() if (path / "__init__.py").is_file() or path.suffix == ".py")
)
def test_a_name_says_what_it_holds(package):
    paths = sorted((SRC / package).rglob("*.py")) or [SRC / package]
    assert [line for path in paths for line in refused(path)] == []


def test_a_module_is_named_for_what_it_holds():
    assert [path for path in SRC.rglob("*.py") if path.stem in MODULES] == []


def test_a_class_name_means_one_thing():
    where = defaultdict(list)
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(str(path.relative_to(SRC)))
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_a_function_or_class_is_no_participle():
    wrong = [
        f"{path.relative_to(SRC)}:{node.lineno} {node.name}"
        for path in sorted(SRC.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name.strip("_").lower() in NEVER_DEFINED
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "code",
    [
        "told = 1",
        "told: int = 1",
        "self.told = 1",
        "def f(told): 0",
        "[0 for told in ()]",
        "class Told: 0",
        "import os as told",
        "try: 0\nexcept OSError as told: 0",
        "match 0:\n  case told: 0",
        "match []:\n  case [*told]: 0",
    ],
)
def test_every_way_to_give_a_name_is_seen(code):
    assert [name.lower() for name, _ in names(ast.parse(code)) if is_refused(name)] == ["told"]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("told", True),
        ("_told_of", True),
        ("ToldReasons", True),
        ("one", True),
        ("placement", False),
        ("reasons", False),
        ("OneHotEncoder", False),
    ],
)
def test_the_rule_itself(name, is_one):
    assert is_refused(name) is is_one
