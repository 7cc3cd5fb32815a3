"""Where the engine meets the registry: fetching a verified release, and letting the champion follow the traffic."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

from credit_risk.data.files import Files
from credit_risk.data.writing import write_text
from credit_risk.registry.errors import RegistryUnavailable
from credit_risk.registry.lifecycle import live_version, refuse, standing
from credit_risk.registry.versions import Versions, mlflow_side
from credit_risk.rollout.colours import COLOURS, Colour
from credit_risk.rollout.engine import NotReached, Releases, RolloutRefused
from credit_risk.rollout.record.folder import HERE, RolloutFolder, copy_release, version_here
from credit_risk.scoring import signing
from credit_risk.scoring.release_files import absolute
from credit_risk.scoring.signed_chain import SignedFacts
from credit_risk.scoring.signing import SignedBy

Opened: TypeAlias = Callable[[], AbstractContextManager[Any]]


def of_registry(opened: Opened, folder: RolloutFolder, signed_by: SignedBy) -> Releases:
    """Versions of the registry, by number, and the release of this repository (see folder.version_here).

    opened: gives the registry, open for a while. signed_by: whose signature counts, a key's file below the root.
    """

    @contextmanager
    def versions() -> Iterator[Any]:
        try:
            with opened() as registry:
                yield registry
        except RegistryUnavailable as error:
            raise NotReached(str(error)) from None

    def fetch(version: str, colour: Colour, by: str, reason: str) -> None:
        if version.startswith(HERE):
            _copy(folder, version, colour)
        else:
            with versions() as registry:
                _fetch(registry, int(version), folder, colour, (by, reason))
        signing.verify_release(Files(folder.release(colour)), absolute(signed_by, folder.root))

    def promoted(version: str, by: str, reason: str) -> None:
        if not version.startswith(HERE):
            with versions() as registry:
                if standing(registry.events()).champion != int(version):
                    mlflow_side("promotion").move(registry, "promote", version, by=by, reason=reason)
                _state(registry.history.signed(), folder)

    def returned(version: str, by: str, reason: str) -> None:
        if not version.startswith(HERE):
            with versions() as registry:
                if standing(registry.events()).champion == int(version):
                    mlflow_side("promotion").roll_back(registry, by=by, reason=reason)
                _state(registry.history.signed(), folder)

    return Releases(fetch, promoted, returned)


def _copy(folder: RolloutFolder, version: str, colour: Colour) -> None:
    if (release := folder.release(colour)).is_dir() and version_here(release) == version:
        return  # it was live before, and lies there still
    if (now := version_here(folder.root)) != version:
        raise RolloutRefused(f"this repository holds {now} now, and no longer {version}.")
    copy_release(Files(folder.root), folder.release(colour))


def _fetch(registry: Versions, version: int, folder: RolloutFolder, colour: Colour, who: tuple[str, str]) -> None:
    """A challenger that this person may promote in the end, the champion, or one that was champion before."""
    events = registry.events()
    now = standing(events)
    if version != now.champion and version not in now.line:
        refuse(now, "promote", version, *who)
    registry.fetch(version, events, folder.release(colour))
    if version in now.line[:-1]:  # a version that was replaced may be live again, before the registry's move says so
        _state(registry.history.restate(live_version(events, version, "rolled back to")), folder)


def _state(signed: SignedFacts | None, folder: RolloutFolder) -> None:
    """What may be live, written to the release of each colour, for the services that run there."""
    for release in map(folder.release, COLOURS):
        if signed and release.is_dir():
            write_text(Files(release).live_statement, str(signed))
