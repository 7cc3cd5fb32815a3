"""Every file in configs/ with what reads it: `credit-risk config` finds the faults of all of them in one run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Final

from credit_risk.config import environment
from credit_risk.editing import schemas
from credit_risk.errors import ConfigError, CreditRiskError

OWN: Final = ("credit.yaml", "model.yaml", "wordings.yaml")  # read together, as the config
# What reads a file; it takes some of root, path and kind. The first that fits counts, and where none does, the class
# that describes the file (schemas.CONFIGS) is all that is asked. What a file says of the config, as notices of its
# inputs, is left to the command that needs it: a fork has both from the sample until it has written its own.
READERS: Final = (
    ("policies/gate_floor.yaml", "config.floor:read"),
    ("policies/identities.yaml", "registry.acting:believed"),  # part: registry
    ("policies/identities.yaml", "config.identities:load"),
    ("policies/model_tiers.yaml", "governance.model_risk.inventory:load_tiers"),  # part: governance
    ("policies/gdpr.yaml", "compliance.policies:read"),  # part: compliance
    ("policies/sox.yaml", "compliance.policies:read"),  # part: compliance
    ("policies/roles.cedar", "roles.policy:read_with_names"),  # part: roles
    ("deploy/*.yaml", "rollout.settings:read_any"),  # part: rollout
    ("deploy/*.yaml", "serving.settings:load"),
    ("documents.yaml", "documents.settings:load"),  # part: documents
)


class AllFaults(ConfigError):
    """Several files cannot be used; each with its problems."""

    def __init__(self, faults: Sequence[ConfigError]) -> None:
        self.problems = tuple(problem for fault in faults for problem in fault.problems)
        ValueError.__init__(self, "\n".join(map(str, faults)))


@contextmanager
def together(root: Path, config: Path | None) -> Iterator[None]:
    """Raise the faults of the block, which checks the config, together with those of all other files in configs/.

    A config that somebody names stands alone. Raises ConfigError.
    """
    own: list[ConfigError] = []
    try:
        yield
    except ConfigError as fault:
        own.append(fault)
    faults = _each_once([*own, *([] if config else faults_beside(root))])
    if faults:
        raise (AllFaults(faults) if len(faults) > 1 else faults[0]) from None


def faults_beside(root: Path) -> list[ConfigError]:
    """What the files beside the config are refused for by their own readers, in the order of their paths."""
    faults = []
    for name, path in files(root).items():
        try:
            read(root, name, path)
        except ConfigError as fault:
            faults.append(fault)
        except CreditRiskError as fault:
            faults.append(ConfigError(path, str(fault).splitlines()))
    return faults


def _each_once(faults: Sequence[ConfigError]) -> list[ConfigError]:
    """Two readers may meet one fault, as the roles' does one of the identities."""
    return list({str(fault): fault for fault in faults}.values())


def files(root: Path) -> dict[str, Path]:
    """The files beside the config that something reads, by their names below configs/."""
    folder = root / "configs"
    by_name = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: path
        for name, path in by_name.items()
        if name not in OWN and (reader_of(name) or schemas.described_by(name))
    }


def reader_of(name: str) -> str | None:
    """What reads a file beyond its form; None where its form is all."""
    return next((reader for pattern, reader in READERS if fnmatch(name, pattern)), None)


def read(root: Path, name: str, path: Path) -> None:
    """Read one file as its part does. Raises CreditRiskError for what the part would refuse."""
    described, reader = schemas.described_by(name), reader_of(name)
    kind: Any = described and _named(described.kind)
    if reader is None:
        environment.whole(path, kind)
        return
    offered = {"root": root, "path": path, "kind": kind}
    taken = signature(_named(reader)).parameters
    _named(reader)(**{name: offered[name] for name in taken if name in offered})


def _named(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(f"credit_risk.{module}"), attribute)
