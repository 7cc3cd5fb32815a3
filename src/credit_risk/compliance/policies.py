"""Policy files, configs/policies/NAME.yaml: what a law or house rule asks, and which check answers it.

Two kinds share their head and this reader: a DataPolicy asks something of a data set, and the audit's ScorerPolicy
something of a scorer. A file is of the kind whose list of controls it holds.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.config.section import Section, Text
from credit_risk.errors import ConfigError, NotFound, UsageError

RESERVED = ("DataPolicy.controls",)  # part: governance


class UnknownFramework(UsageError):
    """A framework was named that no policy describes."""

    def __init__(self, name: str, known: tuple[str, ...], controls: str) -> None:
        super().__init__(
            f"there is no regulatory framework {name!r}; known: {', '.join(known) or 'none'}. "
            f"Name one of these, or write configs/policies/<framework>.yaml with {controls}."
        )


class Requirement(Section):
    """What a framework asks, in our own words, and where that stands."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    requirement: Text
    source: Text
    dated: date
    secondary: bool


class PolicyFile(Section):
    """The head of a policy; `names` are other names of the same framework. controls_key: its list of controls."""

    controls_key: ClassVar[str]

    version: Literal[1]
    framework: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    names: tuple[str, ...] = ()
    title: Text
    reviewed: date


class DataControl(Requirement):
    """A requirement of a data set, and the check that answers it by its name (see compliance.controls)."""

    check: Text
    severity: Literal["failure", "warning"]


class DataStatements(Section):
    """What only the lender can say about its data; an empty statement fails the control that asks for it."""

    purpose: str = ""
    retention: str = ""
    retention_months: Annotated[int, Field(gt=0)] | None = None
    anonymous: str = ""  # part: governance: why nobody is in the data, read in governance.dataset_checks


class DataWords(Section):
    """Parts of column names that give a column away."""

    identifiers: tuple[str, ...] = ()
    special: tuple[str, ...] = ()


class DataPolicy(PolicyFile):
    """What one framework asks of a data set."""

    controls_key: ClassVar[str] = "data_controls"

    statements: DataStatements
    words: DataWords
    data_controls: Annotated[tuple[DataControl, ...], Field(min_length=1)]
    controls: tuple[Any, ...] = ()  # part: governance: read in governance.scorer_policy


Kind = TypeVar("Kind", bound=PolicyFile)


def known(folder: Path, kind: type[Kind]) -> dict[str, Path]:
    """Every name of a framework that has a policy of this kind, with its file. Raises ConfigError for a faulty one."""
    return {name: path for path in _paths(folder, kind) for name in _names(path, kind)}


def find(folder: Path, name: str, kind: type[Kind]) -> tuple[Path, Kind]:
    """The file and content of a policy by its file's name or any name in it; capitals count as small, `-` as `_`.

    Raises UnknownFramework with the known names, ConfigError with all that is wrong in a file.
    """
    spelled = name.strip().lower().replace("-", "_")
    # The file's own name first: a fault in another file is no matter of this policy.
    by_name = {path.stem: path for path in _paths(folder, kind)}
    if spelled not in by_name:
        by_name = known(folder, kind)
    if spelled not in by_name:
        raise UnknownFramework(name, tuple(sorted(by_name)), kind.controls_key)
    return by_name[spelled], read(by_name[spelled], kind)


def read(path: Path, kind: type[Kind]) -> Kind:
    """One policy file. Raises NotFound, ConfigError with all that is wrong in it."""
    if not path.is_file():
        raise NotFound(path, "Name a policy, as those in configs/policies.")
    try:
        return kind.model_validate(YAML(typ="safe", pure=True).load(path))
    except YAMLError as error:
        raise ConfigError(path, [str(error).splitlines()[0]]) from None
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise ConfigError(path, problems) from None


def _paths(folder: Path, kind: type[PolicyFile]) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if f"\n{kind.controls_key}:" in path.read_text("utf-8"))


def _names(path: Path, kind: type[PolicyFile]) -> tuple[str, ...]:
    policy = read(path, kind)
    return (policy.framework, *policy.names)
