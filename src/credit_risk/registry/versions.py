"""The numbered versions of a scorer, for the parts above the registry.

MLflow keeps them (`registry.mlflow`), and a fork may have taken that off: it is found here alone, by name and late.
"""

from contextlib import AbstractContextManager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from credit_risk.errors import UsageError
from credit_risk.registry.history import History, read_events
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.registry.settings import RegistrySettings

MLFLOW = f"{__package__}.mlflow"


class NoVersions(UsageError):
    """A numbered version is wanted, and this repository keeps none."""

    def __init__(self) -> None:
        super().__init__(
            "MLflow keeps the numbered versions, and the registry's MLflow side was taken out of this repository; "
            "the release that lies in it is `--model-version here`."
        )


class Versions(Protocol):
    """All versions of one project's scorer."""

    @property
    def history(self) -> History:
        """Every move, and the signed statement of what may be live."""

    def events(self) -> list[HistoryEvent]:
        """Every move. Raises RegistryBroken where the history was altered."""

    def fetch(self, version: int, events: list[HistoryEvent], to: Path) -> None:
        """Write a version's release as a root that can be served, if its files are what was registered and signed."""


def are_kept() -> bool:
    """Whether this repository has the part that keeps numbered versions."""
    return find_spec(MLFLOW) is not None


def mlflow_side(module: str) -> Any:
    """A module of the registry's MLflow side; importing it takes seconds. Raises NoVersions where it was taken out."""
    if not are_kept():
        raise NoVersions
    return import_module(f"{MLFLOW}.{module}")


def open_versions(project: str, settings: RegistrySettings, root: Path) -> AbstractContextManager[Any]:
    """The versions of a project, open for a while. Raises NoVersions, RegistryUnavailable, RegistryBroken."""
    opened: AbstractContextManager[Any] = mlflow_side("registry").Registry.opened(project, settings, root)
    return opened


def read_history(project: str, settings: RegistrySettings, root: Path) -> list[HistoryEvent]:
    """Every move; where versions are kept, also held against the end of the history that MLflow noted."""
    if are_kept():
        with open_versions(project, settings, root) as versions:
            events: list[HistoryEvent] = versions.events()
            return events
    return read_events(settings, root, project)
