"""Write what is computed in docs/architecture.md: python tools/architecture.py [--check]

The picture of packages from their imports, the table of packages from their docstrings, and the size of the core. With
--check nothing is written, and the exit code is 1 if the page is stale. Nothing but the standard library is needed.
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import parts

PAGE = Path("docs/architecture.md")
SOURCE = Path("src/credit_risk")
TOP = "credit_risk"
LATE = re.compile(rf"{TOP}(?!\.cli$)(\.\w+)+")  # a module imported late; `python -m credit_risk.cli` is a program
SLACK = 0.05  # a count of lines on the page may be off by this before the page is stale


@dataclass(frozen=True)
class Package:
    """A package, or a module beside them. name: below credit_risk; part: the optional part it belongs to, if any."""

    name: str
    purpose: str
    modules: int
    lines: int
    part: str | None
    imports: frozenset[str]


def packages(root: Path) -> list[Package]:
    """Every package, a part inside a package apart, in the order of the import rules, upper ones first."""
    declared, ranks = parts.read(root), layers(root)
    grouped: dict[str, list[str]] = defaultdict(list)
    for path in parts.tracked(root):
        if path.startswith(f"{SOURCE}/") and path.endswith(".py") and path != f"{SOURCE}/__init__.py":
            grouped[_package(declared, path)].append(path)
    names = set(grouped)
    rank = {name: (ranks.get(name.split(".")[0], len(ranks)), name) for name in names}
    return [
        Package(
            name,
            purpose(root, name),
            len(grouped[name]),
            parts.lines_of_code(root, grouped[name]),
            parts.owner(declared, grouped[name][0]),
            frozenset(_named(names, modules(root, grouped[name]))) - {name},
        )
        for name in sorted(names, key=rank.__getitem__)
    ]


def _package(declared: parts.Parts, path: str) -> str:
    """The package of a file: a folder below credit_risk, or the folder of a part further down."""
    below = path.removeprefix(f"{SOURCE}/").removesuffix(".py").split("/")
    own = [p.removeprefix(f"{SOURCE}/") for part in declared.values() for p in part.paths if p.startswith(f"{SOURCE}/")]
    inside = [name for name in own if path.startswith(f"{SOURCE}/{name}/")]
    return max(inside, key=len).replace("/", ".") if inside else below[0]


def layers(root: Path) -> dict[str, int]:
    """The rank of each package in import-linter's layers, the uppermost first."""
    contracts = _project(root)["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one["id"] == "layers")
    return {name: rank for rank, layer in enumerate(contract["layers"]) for name in re.findall(r"[a-z_]+", layer)}


def modules(root: Path, paths: Iterable[str]) -> Iterator[str]:
    """Every module that these files import, also late by its name in a string."""
    for path in paths:
        for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Constant) and LATE.fullmatch(str(node.value)):
                yield node.value


def _named(names: set[str], imported: Iterable[str]) -> Iterator[str]:
    """The packages that imported modules belong to."""
    for module in imported:
        words = module.split(".")
        if words[0] == TOP:
            ends = [".".join(words[1:end]) for end in range(len(words), 1, -1)]
            yield from [name for name in ends if name in names][:1]


def purpose(root: Path, name: str) -> str:
    """What a package is for: the first sentences of its docstring, up to the first empty line."""
    folder = root / SOURCE / name.replace(".", "/")
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "") if path.is_file() else ""
    return " ".join(text.split("\n\n")[0].split())


def core_extras(root: Path) -> list[str]:
    """The extras of pyproject.toml that belong to no part; `dev` is for those who change the code."""
    owned = {part.extra for part in parts.read(root).values()}
    return [extra for extra in _project(root)["project"]["optional-dependencies"] if extra not in {*owned, "dev"}]


def _project(root: Path) -> dict:
    return tomllib.loads((root / parts.PROJECT).read_text(encoding="utf-8"))


# The generated sections.


def picture(found: list[Package]) -> str:
    """Packages and their imports as Mermaid; an arrow that follows from others is left out."""
    direct = {package.name: set(package.imports) for package in found}
    lines = ["```mermaid", "flowchart TD"]
    for package in found:
        shape = '(["{}"])' if package.part else '["{}"]'
        lines.append(f"    {_node(package.name)}{shape.format(package.name)}")
    for package in found:
        below = sorted(reduced(direct, package.name))
        lines += [f"    {_node(package.name)} --> {_node(name)}" for name in below]
    return "\n".join([*lines, "```"])


def reduced(direct: dict[str, set[str]], name: str) -> set[str]:
    """The imports of a package less those that another of its imports brings anyway."""
    return {to for to in direct[name] if not any(to in _all_below(direct, by, {name}) for by in direct[name] - {to})}


def _all_below(direct: dict[str, set[str]], name: str, seen: set[str]) -> set[str]:
    below: set[str] = set()
    for to in direct.get(name, set()) - seen:
        below |= {to} | _all_below(direct, to, seen | {name, to})
    return below


def _node(name: str) -> str:
    return name.replace(".", "_")


def table(found: list[Package]) -> str:
    lines = ["| package | what it is for | imports | optional | modules | lines |", "|---|---|---|---|---|---|"]
    for package in found:
        imports = ", ".join(f"`{name}`" for name in sorted(package.imports)) or "none"
        part = package.part or ""
        purpose = package.purpose.replace("|", "/")
        lines.append(f"| `{package.name}` | {purpose} | {imports} | {part} | {package.modules} | {package.lines:,} |")
    return "\n".join(lines)


def core_size(root: Path) -> tuple[int, set[str]]:
    """Lines of Python and direct dependencies of what is left when every part is out, without its marked lines."""
    declared, project = parts.read(root), (root / parts.PROJECT).read_text(encoding="utf-8")
    paths = [
        path
        for path in parts.tracked(root)
        if path.startswith(f"{SOURCE}/") and path != f"{SOURCE}/__init__.py" and parts.owner(declared, path) is None
    ]
    return parts.lines_of_code(root, paths, declared), parts.requirements(
        parts.without(project, declared), core_extras(root)
    )


def size(root: Path, found: list[Package]) -> str:
    """How much is core, and how much there is in all."""
    project = (root / parts.PROJECT).read_text(encoding="utf-8")
    used = [extra for extra in _project(root)["project"]["optional-dependencies"] if extra != "dev"]
    core_lines, core = core_size(root)
    all_lines = sum(package.lines for package in found)
    return (
        f"| | lines of Python | direct dependencies |\n|---|---|---|\n"
        f"| core | {core_lines:,} | {len(core)} |\n"
        f"| with every part | {all_lines:,} | {len(parts.requirements(project, used))} |"
    )


def page(root: Path, text: str) -> str:
    """The page with its generated sections as they should be."""
    found = packages(root)
    sections = {"picture": picture(found), "packages": table(found), "size": size(root, found)}
    for name, generated in sections.items():
        begin, end = f"<!-- from the code: {name} -->", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise SystemExit(f"{PAGE} has lost the marks {begin} and {end}")
        text = text.partition(begin)[0] + f"{begin}\n\n{generated}\n\n{end}" + text.partition(end)[2]
    return text


def is_stale(written: str, generated: str) -> bool:
    """Is a page another than what would be written? Counts of lines may lag by SLACK: they change with every commit."""
    number = re.compile(r"(?<= )\d[\d,]*(?= \|)")
    if number.sub("0", written) != number.sub("0", generated):
        return True
    pairs = zip(_counts(number, written), _counts(number, generated), strict=True)
    return any(abs(old - new) > max(SLACK * new, 1 if new < 100 else 20) for old, new in pairs)


def _counts(number: re.Pattern[str], text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in number.findall(text)]


def main(arguments: list[str]) -> int:
    root = Path(__file__).resolve().parents[1]
    written = (root / PAGE).read_text(encoding="utf-8")
    generated = page(root, written)
    if "--check" in arguments:
        if is_stale(written, generated):
            print(f"{PAGE} is stale: run `make docs-draw`", file=sys.stderr)
            return 1
        return 0
    (root / PAGE).write_text(generated, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
