"""Take optional parts out of this repository, and check that they stand alone.

    python tools/parts.py remove NAME    take a part out, with every part that needs it; `git commit` is left to you
    python tools/parts.py check          exit 1 if something outside a part names what the part owns
    python tools/parts.py list           the parts, what each is for, and how much it is

parts.toml says what each part owns and which parts it needs. In a file that nobody part owns, marks say which lines
belong to a part: a comment `part: NAME` at the end of a line takes that line; alone on a line it begins a block, which
`end of part` ends. A file that belongs to a part inside the folder of another begins with the comment `the whole file
goes with part: NAME`. Nothing but the standard library is needed.
"""

import argparse
import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DECLARATION = "parts.toml"
LOCKS = "requirements/*.txt"
PROJECT = "pyproject.toml"
SECRETS = ".secrets.baseline"
WRITERS = (  # programs that write a page, or a section of one, from what is left
    "tools/architecture.py",
    "tests/workflows/layers.py",
    "tests/workflows/minutes.py",
    "tests/workflows/outcomes.py",
)
BY_PATH = (".github/CODEOWNERS", ".gitattributes")  # each line begins with the path that it is about
# What may name a part without a mark: removal edits it by other rules, or a program writes it anew, or it is history.
UNCHECKED = (
    DECLARATION,
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/runner-minutes.json",
    "dvc.lock",
    "models/",
    "reports/",
    "requirements/",
    "sample-remote/",
    "tests/test_parts.py",
    SECRETS,
    *BY_PATH,
)

MARK = re.compile(r"(?:#|<!--|//)\s*(?:of the )?part: (?P<name>[a-z-]+)\s*(?:-->)?")
WHOLE = re.compile(r"\A(?:#|<!--) the whole file goes with part: (?P<name>[a-z-]+)")
ALONE = re.compile(r"\s*(?:#|<!--|//)\s*(?:of the )?part: [a-z-]+\s*(?:-->)?\s*")
END = re.compile(r"\s*(?:#|<!--|//)\s*end of part\s*(?:-->)?\s*")


class PartsError(ValueError):
    """A part cannot be taken out, or its declaration or a mark makes no sense; the message says why."""


@dataclass(frozen=True)
class Part:
    """One optional part: what it is for, the paths it owns (files or folders), its extra, its commands, its needs.

    sought_by: files outside that name it to find it late, and do without where it is gone.
    """

    name: str
    purpose: str
    paths: tuple[str, ...]
    extra: str | None = None
    commands: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    sought_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mention:
    """A line outside a part that names what the part owns."""

    path: str
    line: int
    part: str
    name: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} names {self.name}, which goes with the part {self.part}"


Parts = Mapping[str, Part]


def read(root: Path) -> Parts:
    """The parts that parts.toml declares. Raises PartsError where it makes no sense."""
    path = root / DECLARATION
    declared = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    try:
        parts = {
            name: Part(name, **{key: tuple(value) if isinstance(value, list) else value for key, value in keys.items()})
            for name, keys in declared.items()
        }
    except TypeError as error:
        raise PartsError(f"{DECLARATION}: {error}") from error
    for part in parts.values():
        if unknown := set(part.needs) - set(parts):
            raise PartsError(f"{DECLARATION}: {part.name} needs {', '.join(sorted(unknown))}, which is not declared")
    return parts


def tracked(root: Path) -> list[str]:
    """Every file that git holds, and every new one that it would; those deleted from the folder are left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({name for name in names if name and (root / name).is_file()})


def owner(parts: Parts, path: str) -> str | None:
    """The part that owns a path: of several, the one that names the longest beginning of it."""
    beginnings = {len(own): part.name for part in parts.values() for own in part.paths if _is_below(path, (own,))}
    return beginnings[max(beginnings)] if beginnings else None


def owners_of(root: Path, parts: Parts, path: str) -> set[str]:
    """The part whose path a file is in, and the one that its first line names."""
    with (root / path).open("rb") as file:
        mark = WHOLE.match(file.readline().decode("utf-8", "ignore"))
    return {name for name in (owner(parts, path), mark and mark["name"]) if name}


def with_those_that_need(parts: Parts, name: str) -> list[str]:
    """The part and every part that needs it, directly or not, in the order of the declaration."""
    if name not in parts:
        near = "".join(f" Did you mean {its!r}?" for its in difflib.get_close_matches(name, parts, 1))
        raise PartsError(f"There is no part {name!r}.{near} The parts are: {', '.join(parts) or 'none, all are gone'}.")
    going = {name}
    while more := {part.name for part in parts.values() if going & set(part.needs)} - going:
        going |= more
    return [part for part in parts if part in going]


def with_what_it_needs(parts: Parts, name: str) -> set[str]:
    """The part and every part that it needs, directly or not."""
    return {name}.union(*(with_what_it_needs(parts, needed) for needed in parts[name].needs))


def marked(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each line with the parts whose marks cover it. Raises PartsError for a block that is not closed or not opened."""
    block: frozenset[str] = frozenset()
    for line in text.splitlines(keepends=True):
        mark = MARK.search(line)
        if ALONE.fullmatch(line):
            if block:
                raise PartsError(f"the block of {', '.join(block)} is not ended where another begins: {line.strip()}")
            block = frozenset({mark["name"]})
            yield line, block
        elif END.fullmatch(line):
            if not block:
                raise PartsError("`end of part` without a beginning")
            yield line, block
            block = frozenset()
        else:
            yield line, block | {mark["name"]} if mark else block
    if block:
        raise PartsError(f"the block of {', '.join(block)} is never ended")


def without(text: str, gone: Iterable[str]) -> str:
    """A text less the marked lines of these parts."""
    gone = set(gone)
    return "".join(line for line, parts in marked(text) if not parts & gone)


def read_text(path: Path) -> str | None:
    """A text file's content; None for bytes that are no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


# What a part owns, as others would name it.


def targets(makefile: str) -> list[str]:
    """The targets that a Makefile defines."""
    return re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE)


@dataclass(frozen=True)
class Name:
    """A name by which a file outside could mean what a part owns. literal: what stands wherever the pattern matches."""

    name: str
    literal: str
    pattern: re.Pattern[str]

    def stands_in(self, text: str) -> bool:
        return self.literal in text and self.pattern.search(text) is not None  # looking for a literal is cheap


def names(root: Path, part: Part, files: Iterable[str]) -> Iterator[Name]:
    """Every name by which a file outside could mean what this part owns."""
    by_name = (".github/workflows/", "docs/", "scripts/")
    for path in part.paths:
        if not path.startswith(by_name):
            yield Name(path, path, re.compile(rf"(?<![\w/.-]){re.escape(path)}(?![\w-]|\.\w)"))
        if path.startswith("src/") or path.endswith(".py"):  # a package, or a module beside them
            module = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
            above, _, last = module.rpartition(".")
            pattern = rf"\b{re.escape(module)}\b|\bfrom {re.escape(above)} import .*\b{last}\b"
            yield Name(module, last, re.compile(pattern))
    for path in files:
        folder, _, name = path.rpartition("/")
        if path.startswith(by_name):
            yield Name(path, name, re.compile(rf"(?<![\w-]){re.escape(name)}\b"))
        elif folder == "tests" and name.endswith(".py"):
            stem = name.removesuffix(".py")
            yield Name(path, stem, re.compile(rf"\b(?:from|import) {stem}\b"))
        elif name.endswith(".mk"):
            for target in targets((root / path).read_text(encoding="utf-8")):
                pattern = rf"\bmake {target}(?![\w-])|^\s+- {target}$"
                yield Name(f"make {target}", target, re.compile(pattern, re.MULTILINE))
    if part.extra:
        yield Name(f"the extra {part.extra}", part.extra, re.compile(rf"\bcredit-risk\[[^\]]*\b{part.extra}\b"))
    for command in part.commands:
        prefix = "" if " " in command else "credit-risk "  # documents name a verb without the program
        pattern = rf'\b{prefix}{command}(?![\w-])|\bscript\("{command}["\s]'
        yield Name(f"{prefix}{command}", command, re.compile(pattern))


def mentions(root: Path) -> list[Mention]:
    """Lines that name what a part owns, and neither belong to that part nor to one that needs it."""
    parts, files = read(root), tracked(root)
    owned: dict[str, list[str]] = {name: [] for name in parts}
    owners = {path: owners_of(root, parts, path) for path in files}
    for path, by in owners.items():
        for name in by:
            owned[name].append(path)
    all_names = [(part.name, name) for part in parts.values() for name in names(root, part, owned[part.name])]
    may_name = {name: with_what_it_needs(parts, name) for name in parts}
    found = []
    for path in files:
        text = (None if path.startswith(UNCHECKED) else read_text(root / path)) or ""
        named = [(part, name) for part, name in all_names if name.stands_in(text)]
        for number, (line, marks) in enumerate(_marked(path, text), 1):
            if unknown := marks - set(parts):
                raise PartsError(f"{path}:{number}: a mark names {', '.join(unknown)}, which is not in {DECLARATION}")
            allowed = set().union(*(may_name[by] for by in owners[path] | marks))
            found += [
                Mention(path, number, part, name.name)
                for part, name in named
                if not (part in allowed or path in parts[part].sought_by or _is_edited_otherwise(path, line))
                and name.stands_in(line)
            ]
    return found


def _is_edited_otherwise(path: str, line: str) -> bool:
    """Lines of pyproject.toml that need no mark.

    Removal edits `dev`, which names every extra, and package data; rules of import-linter hold without their modules.
    """
    listed = r'\s*"credit-risk\[|"credit_risk\.[\w.]+" = \[|(?:protected_modules|allowed_importers) = '
    return path == PROJECT and re.match(listed, line) is not None


def _marked(path: str, text: str) -> list[tuple[str, frozenset[str]]]:
    try:
        return list(marked(text))
    except PartsError as error:
        raise PartsError(f"{path}: {error}") from error


# What only a part has installed.


def imports_of_extras(root: Path, modules: Mapping[str, Iterable[str]]) -> list[Mention]:
    """Imports of a package that nothing but a part's extra brings, in our package and outside that part.

    modules: for each top-level module the distributions that have it, as importlib.metadata.packages_distributions()
    says. What `dev` brings is left out: the package must run without it.
    """
    parts = read(root)
    extras = {name: part.extra for name, part in parts.items() if part.extra}
    core = installed(root, ())
    brought = {name: installed(root, [extra]) - core for name, extra in extras.items()}
    mentions = []
    for path in (path for path in tracked(root) if path.startswith("src/") and path.endswith(".py")):
        by = set().union(*(with_what_it_needs(parts, name) for name in owners_of(root, parts, path)))
        own = set().union(*(brought[name] for name in by & set(brought)))
        for line, module in imported(read_text(root / path) or ""):
            distributions = {normal(name) for name in modules.get(module.split(".")[0], ())} - own
            mentions += [
                Mention(path, line, name, f"{module} of the extra {extras[name]}")
                for name in brought
                if distributions & brought[name] and name not in by
            ]
    return mentions


def installed(root: Path, extras: Iterable[str]) -> set[str]:
    """The packages that the locks hold for the core and these extras, with what those packages ask for."""
    project = (root / PROJECT).read_text(encoding="utf-8")
    optional = tomllib.loads(project)["project"].get("optional-dependencies", {})
    not_core = {part.extra for part in read(root).values()} | {"dev"}
    wanted = requirements(project, [*(extra for extra in optional if extra not in not_core), *extras])
    locks = [pruned_lock(lock.read_text(encoding="utf-8"), wanted) for lock in sorted(root.glob(LOCKS))]
    return {normal(name) for lock in locks for name in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==", lock, re.MULTILINE)}


def imported(source: str) -> Iterator[tuple[int, str]]:
    """Every module that a source imports, at the top or late, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


# What removal edits beside the marks.


def without_extras(project: str, extras: Iterable[str]) -> str:
    """pyproject.toml less these extras, also where `dev` names them."""
    for extra in extras:
        # On one line, or else up to the next line that is `]` alone.
        on_lines = rf"^{extra} = \[(?:[^\n#]*\][^\n]*\n|.*?^\]\n)"
        project = re.sub(on_lines, "", project, count=1, flags=re.M | re.S)
        project = re.sub(
            r'("credit-risk\[)([^\]]*)(\])',
            lambda found, extra=extra: (
                found[1] + ",".join(name for name in found[2].split(",") if name.strip() != extra) + found[3]
            ),
            project,
        )
    return re.sub(r'^ *"credit-risk\[\]",\n', "", project, flags=re.M)


def without_package_data(project: str, modules: Iterable[str]) -> str:
    """pyproject.toml less the package data of these modules."""
    for module in modules:
        project = re.sub(rf'^"{re.escape(module)}(\.[\w.]+)?" = .*\n', "", project, flags=re.M)
    return project


def without_paths(text: str, gone: Iterable[str]) -> str:
    """Lines that begin with a path, less those about a path that is gone."""
    gone = tuple(gone)

    def about(line: str) -> str:
        words = line.split(maxsplit=1)
        return words[0].strip("/*") if words else ""

    return "".join(line for line in text.splitlines(keepends=True) if not _is_below(about(line), gone))


def _is_below(path: str, owned: Iterable[str]) -> bool:
    return any(path == own or path.startswith(f"{own}/") for own in owned)


def pruned_lock(lock: str, wanted: Iterable[str]) -> str:
    """A lock less the packages that nothing asks for any more.

    wanted: the names of the direct requirements. A package stays if one of them or a package that stays asks for it,
    as the lock's own `# via` lines say; versions do not change, which `make lock` may do.
    """
    project = "credit-risk (pyproject.toml)"
    blocks = [block for block in re.split(r"^(?=[^\s#])", lock, flags=re.M) if block.strip()]
    asked_by: dict[str, set[str]] = {}
    for block in blocks:  # a package with one version for each Python stands there more than once
        asked_by.setdefault(_package(block), set()).update(_via(block))
    direct = {name for name in map(normal, wanted) if project in asked_by.get(name, ())}
    staying = set(direct)
    while more := {name for name, via in asked_by.items() if via & staying} - staying:
        staying |= more
    kept = []
    for block in blocks:
        name = _package(block)
        if name in staying:
            askers = staying | ({project} if name in direct else set())
            head = block[: block.index("    # via")]
            via = [asker for asker in _via(block) if asker in askers or asker.startswith("-c ")]
            said = f" {via[0]}\n" if len(via) == 1 else "\n" + "".join(f"    #   {asker}\n" for asker in via)
            kept.append(f"{head}    # via{said}")
    return "".join(kept)


def normal(name: str) -> str:
    """A package's name as locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _package(block: str) -> str:
    return normal(re.match(r"[A-Za-z0-9._-]+", block)[0])


def _via(block: str) -> list[str]:
    """Who asks for the package of a block, in the order of the lock."""
    said = block[block.index("    # via") :] if "    # via" in block else ""
    return re.findall(r"^ +#(?: via)? +(-c \S+|[\w.-]+(?: \(pyproject\.toml\))?)$", said, re.M)


def requirements(project: str, extras: Iterable[str] | None = None) -> set[str]:
    """Names of the direct requirements: the base ones, and those of these extras (None: all but `dev`'s reference)."""
    declared = tomllib.loads(project)["project"]
    optional = declared.get("optional-dependencies", {})
    lines = [
        *declared["dependencies"],
        *(line for extra in (optional if extras is None else extras) for line in optional[extra]),
    ]
    return {normal(re.match(r"[A-Za-z0-9._-]+", line)[0]) for line in lines} - {normal(declared["name"])}


# Removal.


def remove(root: Path, *names: str) -> list[str]:
    """Take parts out, and those that need them; the change stands in git's index. Returns what was taken, in sentences.

    Raises PartsError for an unknown part, and for a folder with changes that are not committed.
    """
    parts = read(root)
    gone = list(dict.fromkeys(part for name in names for part in with_those_that_need(parts, name)))
    if changes := _git(root, "status", "--porcelain").strip():
        raise PartsError(f"There are changes that are not committed; commit or stash them first:\n{changes}")
    with_it = ", ".join(part for part in gone if part not in names)
    verb = "goes" if len(names) == 1 else "go"
    said = [f"{', '.join(names)} {verb}" + (f", and with it what needs it: {with_it}" if with_it else "")]
    paths = [path for part in gone for path in parts[part].paths]
    files = [path for path in tracked(root) if owners_of(root, parts, path) & set(gone)]
    _git(root, "rm", "-r", "-q", "--", *files)
    for path in paths:  # what git does not hold: caches, generated files
        if (root / path).is_dir() and not any(file.startswith(f"{path}/") for file in tracked(root)):
            shutil.rmtree(root / path)
    said += [f"{len(files)} files: {', '.join(paths)}"]
    if configs := [file for file in files if file.startswith("configs/")]:
        said += [f"with what was written into {', '.join(configs)}; what other parts read there, put back from git"]
    edited = [*_edit_marked(root, gone), *_edit_listed(root, [parts[part] for part in gone])]
    said += [f"lines in {', '.join(sorted(set(edited)))}"]
    _format(root, edited)
    for program in filter(lambda path: (root / path).is_file(), WRITERS):
        environment = os.environ | {"PYTHONPATH": str(root / "src")}
        subprocess.run([sys.executable, program], cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
        said += [f"{program} has written its page anew"]
    _git(root, "add", "--all")
    return said


def _format(root: Path, edited: Iterable[str]) -> None:
    """Write edited sources as ruff does, where it is installed: brackets may be empty now, and an import unused."""
    sources = sorted({path for path in edited if path.endswith(".py")})
    ruff = Path(sys.executable).with_name("ruff")
    if sources and ruff.is_file():
        for command in (["check", "--fix-only", "--select", "F401"], ["format"]):
            subprocess.run([ruff, *command, "--quiet", *sources], cwd=root, check=True)


def _edit_marked(root: Path, gone: list[str]) -> Iterator[str]:
    for path in tracked(root):
        text = read_text(root / path)
        if text and "part: " in text and not path.startswith(UNCHECKED) and (left := without(text, gone)) != text:
            (root / path).write_text(left, encoding="utf-8")
            yield path


def _edit_listed(root: Path, gone: list[Part]) -> Iterator[str]:
    extras = [part.extra for part in gone if part.extra]
    paths = [path for part in gone for path in part.paths]
    modules = [path.removeprefix("src/").replace("/", ".") for path in paths if path.startswith("src/")]

    def project(text: str) -> str:
        return without_package_data(without_extras(text, extras), modules)

    edits = {DECLARATION: lambda text: without_sections(text, [part.name for part in gone]), PROJECT: project}
    edits |= dict.fromkeys(BY_PATH, lambda text: without_paths(text, paths))
    edits |= {SECRETS: lambda text: _without_secrets(text, paths)}
    for path, edit in edits.items():
        if (root / path).is_file():
            text = (root / path).read_text(encoding="utf-8")
            if (left := edit(text)) != text:
                (root / path).write_text(left, encoding="utf-8")
                yield path
    wanted = requirements((root / PROJECT).read_text(encoding="utf-8"))
    for lock in sorted(root.glob(LOCKS)):
        text = lock.read_text(encoding="utf-8")
        if "credit-risk (pyproject.toml)" in text and (left := pruned_lock(text, wanted)) != text:
            lock.write_text(left, encoding="utf-8")
            yield lock.relative_to(root).as_posix()


def without_sections(declaration: str, gone: Iterable[str]) -> str:
    """parts.toml less these parts."""
    for name in gone:
        declaration = re.sub(rf"^\[{name}\]\n.*?(?=^\[|\Z)", "", declaration, flags=re.M | re.S)
    return declaration


def _without_secrets(baseline: str, gone: Iterable[str]) -> str:
    record = json.loads(baseline)
    record["results"] = {path: found for path, found in record["results"].items() if not _is_below(path, gone)}
    return json.dumps(record, indent=2) + "\n"


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def lines_of_code(root: Path, paths: Iterable[str], gone: Iterable[str] = ()) -> int:
    """Lines of these Python files, blank ones and comments included, less those marked as of the parts `gone`."""
    texts = [(root / path).read_text(encoding="utf-8") for path in paths if path.endswith(".py")]
    return sum(without(text, gone).count("\n") for text in texts)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("remove").add_argument("part")
    commands.add_parser("check")
    commands.add_parser("list")
    options = parser.parse_args(arguments)
    root = Path.cwd()
    try:
        if options.command == "remove":
            print(
                "\n".join([*remove(root, options.part), "Look at it with `git diff --cached --stat`, and commit it."])
            )
        elif options.command == "check":
            found = mentions(root)
            print("\n".join(map(str, found)) or "Every part stands alone.")
            return 1 if found else 0
        else:
            parts, files = read(root), tracked(root)
            for part in parts.values():
                own = [path for path in files if path.startswith("src/") and owner(parts, path) == part.name]
                print(f"{part.name:20} {lines_of_code(root, own):6,} lines  {part.purpose}")
    except PartsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
