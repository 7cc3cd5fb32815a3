"""A key of configs/deploy or configs/policies that nothing reads lies to whoever edits it.

Those settings are read by commands that serve, deploy and audit; no test runs them all. Here the type checker says
where an attribute of a settings class is read: it knows `port` of one class from `port` of another.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import pytest
from mypy import build
from mypy.modulefinder import BuildSource
from mypy.nodes import Expression, SetExpr, StrExpr
from mypy.options import Options
from mypy.plugin import AttributeContext, MethodContext, Plugin
from mypy.types import Instance, Type, get_proper_type
from ruamel.yaml import YAML

import credit_risk
from credit_risk.config.section import Section

PACKAGE = Path(credit_risk.__file__).parent
SOURCES = PACKAGE.parent
POLICIES = SOURCES.parent / "configs" / "policies"
# Keys of credit.yaml are watched while the pipeline runs (test_config_is_read.py); a waiver is kept whole as a record.
ELSEWHERE = (
    *(PACKAGE / "config" / name for name in ("schema.py", "columns.py", "fairness.py")),
    PACKAGE / "measures" / "verdict" / "waiver.py",
)
# All of pydantic that the type checker must know to see what is read: without its sources a check takes seconds.
PYDANTIC = """
from typing import Any, Self
class BaseModel:
    def model_dump(self, **options: Any) -> dict[str, Any]: ...
    def model_copy(self, **options: Any) -> Self: ...
    @classmethod
    def model_validate(cls, given: Any) -> Self: ...
"""


class Reads(Plugin):
    """Notes every attribute of this project's classes that is read, by the full name of the class."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.names: set[str] = set()

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type]:
        def note(context: AttributeContext) -> Type:
            if not context.is_lvalue and is_use(Path(context.api.path), context.context.line):
                self.names.add(fullname)
            return context.default_attr_type

        return note

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        return self.note_named if fullname.endswith(".model_dump") else None

    def note_named(self, context: MethodContext) -> Type:
        """Fields that are handed on by their names; a section that is handed on whole is read by somebody else."""
        section = get_proper_type(context.type)
        if isinstance(section, Instance):
            named = set(names_in(context.args))
            self.names |= {f"{owner.fullname}.{name}" for owner in section.type.mro for name in named & {*owner.names}}
        return context.default_return_type


def names_in(arguments: list[list[Expression]]) -> Iterator[str]:
    for argument in (each for group in arguments for each in group if isinstance(each, SetExpr)):
        yield from (item.value for item in argument.items if isinstance(item, StrExpr))


def is_use(file: Path, line: int) -> bool:
    """Whether what is read on this line is used; declaring and validating settings is no use of them."""
    return file.name != "settings.py" and not any(line in lines for lines in declarations(file))


@cache
def declarations(file: Path) -> list[range]:
    """The lines of each settings class in a file."""
    return [range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in settings_in(file)]


def settings_in(file: Path) -> list[ast.ClassDef]:
    """The settings classes of a file: Section's children and their children, by the names of their bases."""
    known = settings_of(package_of(file))
    return [node for node in classes_in(file) if known & {node.name} and bases(node) & {"Section", *known}]


@cache
def settings_of(package: Path) -> frozenset[str]:
    nodes = [node for file in package.rglob("*.py") for node in classes_in(file)]
    known = {"Section"}
    while more := {node.name for node in nodes if bases(node) & known} - known:
        known |= more
    return frozenset(known - {"Section"})


def package_of(file: Path) -> Path:
    return next(folder for folder in file.parents if not (folder.parent / "__init__.py").exists())


@cache
def classes_in(file: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ClassDef)]


def bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base) for base in node.bases}


def names_read(folder: Path, sources: Path, package: str) -> set[str]:
    """Every attribute that a package reads. folder: what the type checker shall know beside the sources."""
    (folder / "pydantic").mkdir()
    (folder / "pydantic" / "main.pyi").write_text(PYDANTIC, encoding="utf-8")
    exports = "from pydantic.main import BaseModel as BaseModel\ndef __getattr__(name: str) -> object: ...\n"
    (folder / "pydantic" / "__init__.pyi").write_text("from typing import Any\n" + exports.replace("object", "Any"))
    options = Options()
    options.incremental, options.cache_dir = False, str(folder / "cache")
    options.python_executable = None  # the libraries' own sources would take a minute and tell nothing
    options.no_site_packages = options.ignore_missing_imports = options.check_untyped_defs = True
    options.mypy_path = [str(folder), str(sources)]
    plugin = Reads(options)
    paths = sorted((sources / package).rglob("*.py"))
    names = [module_name(path, sources) for path in paths]
    build.build(
        [BuildSource(str(path), name) for path, name in zip(paths, names, strict=True)], options, extra_plugins=[plugin]
    )
    return plugin.names


def module_name(path: Path, sources: Path) -> str:
    return ".".join(path.relative_to(sources).with_suffix("").parts).removesuffix(".__init__")


def settings_modules() -> Iterator[tuple[ModuleType, list[str]]]:
    """Each module that declares settings, with their classes; credit.yaml's are watched by another test."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path not in ELSEWHERE and (nodes := settings_in(path)):
            yield importlib.import_module(module_name(path, SOURCES)), [node.name for node in nodes]


def can_be_edited(annotation: Any) -> bool:
    """Not a section, whose keys are edited; not a literal of one value; not the lender's own words under a mapping."""
    is_one_value = get_origin(annotation) is Literal and len(get_args(annotation)) == 1
    return not is_one_value and get_origin(annotation) is not Mapping and not holds_a_section(annotation)


def holds_a_section(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return True
    return any(map(holds_a_section, get_args(annotation)))


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for each in get_args(annotation):
        yield from sections_in(each)


def keys() -> dict[str, str]:
    """The full name of each field of all settings, and the key as a file and a template spell it: `router.port`."""
    classes = [getattr(module, name) for module, names in settings_modules() for name in names]
    fields = [(section, name, field.annotation) for section in classes for name, field in section.model_fields.items()]
    above = {below: name for _, name, annotation in fields for below in sections_in(annotation)}
    return {
        f"{section.__module__}.{section.__qualname__}.{name}": f"{above.get(section, section.__qualname__)}.{name}"
        for section, name, annotation in fields
        if can_be_edited(annotation) and name in inspect.get_annotations(section)  # inherited ones stand there
    }


def read_by_templates() -> set[str]:
    texts = (path.read_text("utf-8") for path in PACKAGE.rglob("*.j2"))
    return {name for text in texts for name in re.findall(r"\b[a-z_]+\.[a-z_0-9]+\b", text)}


def test_every_key_of_the_settings_is_read_or_reserved(tmp_path):
    read, templates = names_read(tmp_path, SOURCES, PACKAGE.name), read_by_templates()
    reserved = {key for module, _ in settings_modules() for key in getattr(module, "RESERVED", ())}
    unread = {key for name, key in keys().items() if name not in read and key not in templates}
    assert unread - reserved == set(), "nothing reads these keys: whoever edits them does so in vain"
    assert reserved - unread == set(), "these keys are read, and no longer reserved"


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_statement_of_a_policy_is_evidence_of_a_control(path):
    """Statements that are no fields of a class are read by the control that names them."""
    policy = YAML(typ="safe", pure=True).load(path)
    controls = policy.get("controls")
    if controls is None or "data_controls" in policy:
        return  # data controls: their statements are fields, and stand in the test above
    measures = {control.get("evidence", {}).get("measure") for control in controls}
    assert {f"statements.{name}" for name in policy.get("statements", {})} <= measures


def test_what_counts_as_read(tmp_path):
    package = tmp_path / "sources" / "sample"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "settings.py").write_text(
        "from pydantic import BaseModel\n"
        "class Section(BaseModel): ...\n"
        "class Door(Section):\n"
        "    port: int\n    host: str\n    note: str\n    colour: str\n    size: int\n"
        "class Window(Section):\n"
        "    port: int\n    host: str\n"
        "def check(door: Door) -> bool:\n"
        "    return door.note == ''\n"
    )
    (package / "use.py").write_text(
        "from sample.settings import Door, Window, Section\n"
        "class Gate(Section):\n"
        "    width: int\n"
        "    def check(self) -> bool:\n"
        "        return self.width > 0\n"
        "def use(door: Door, window: Window | None) -> object:\n"
        "    door.model_dump()\n"
        "    if window:\n"
        "        return window.host\n"
        "    return door.port, door.model_dump(include={'colour'})\n"
    )
    (tmp_path / "types").mkdir()
    read = {name for name in names_read(tmp_path / "types", tmp_path / "sources", "sample") if "sample" in name}
    assert read == {"sample.settings.Window.host", "sample.settings.Door.port", "sample.settings.Door.colour"}
