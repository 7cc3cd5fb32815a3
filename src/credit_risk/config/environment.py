"""Reading an environment's file, configs/deploy/NAME.yaml, or one section of it: how and where this runs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from credit_risk.config.section import Section
from credit_risk.config.yaml_positions import Loc, bad_keys, counts, explain, plain_values, read_tree, sentence
from credit_risk.errors import ConfigError

DEFAULT = Path("configs") / "deploy" / "local.yaml"
DEVELOPERS = ("local", "trial")  # environments of a developer's machine, where nobody is decided about
FIX = "Name the environment with --environment."


def _fix(path: Path) -> str:
    """What mends a missing file: the environments that lie beside where it should be."""
    names = sorted(file.stem for file in path.parent.glob("*.yaml"))
    return f"{FIX} There are here: {', '.join(names)}." if names else f"{FIX} There is none in {path.parent}."


Kind = TypeVar("Kind", bound=Section)


def read(path: Path, name: str, kind: type[Kind]) -> Kind:
    """A section of an environment's file. name: as `serving`, or `serving.ledger` for a section in a section.

    Raises ConfigError with every problem; NotFound without the file.
    """
    section = tree = read_tree(path, _fix(path))
    keys = tuple(name.split("."))
    for key in keys:
        section = section.get(key)
        if not isinstance(section, dict):
            raise ConfigError(path, [f"it has no section `{name}:`"])
    return _checked(path, tree, kind, keys)


def whole(path: Path, kind: type[Kind]) -> Kind:
    """All sections of an environment's file. Raises ConfigError with every problem of every section; NotFound."""
    return _checked(path, read_tree(path, _fix(path)), kind, ())


def name_of(path: Path) -> str:
    """Which environment a file describes: as it says itself, or else as it is called. Raises ConfigError, NotFound."""
    return str(read_tree(path, _fix(path)).get("environment", path.stem))


def is_developers(path: Path) -> bool:
    """Whether a file describes a developer's machine. Raises ConfigError, NotFound."""
    return name_of(path) in DEVELOPERS


def refuse(path: Path, faults: Iterable[tuple[Loc, str]]) -> None:
    """Raise ConfigError for what a checker found at these keys, each with its line in the file."""
    tree = read_tree(path, _fix(path))
    if problems := [sentence(path, tree, loc, message) for loc, message in faults]:
        raise ConfigError(path, problems)


def url_below(root: Path, url: str) -> str:
    """A database's URL with a relative SQLite file made absolute, below the root; any other URL as it is."""
    file = sqlite_file(url)
    if file is None or file.is_absolute():
        return url
    scheme, mark, _ = url.partition(":///")
    return f"{scheme}{mark}{(root / file).absolute()}"


def sqlite_file(url: str) -> Path | None:
    """The file that a database's URL names; None for a server, and for a database in memory."""
    scheme, _, file = url.partition(":///")
    return Path(file) if scheme.startswith("sqlite") and file else None


def _checked(path: Path, tree: Any, kind: type[Kind], below: Loc) -> Kind:
    part = tree
    for name in below:
        part = part[name]
    problems = [sentence(path, tree, (*below, *loc), message) for loc, message in bad_keys(part)]
    if problems:
        raise ConfigError(path, problems)
    try:
        # Strict: "3" is no number and true is not 1; YAML says which is which.
        return kind.model_validate(plain_values(part), strict=True)
    except ValidationError as error:
        faults = [((*below, *fault["loc"]), explain(kind, fault["loc"], fault)) for fault in counts(error.errors())]
        raise ConfigError(path, [sentence(path, tree, loc, message) for loc, message in faults]) from None
