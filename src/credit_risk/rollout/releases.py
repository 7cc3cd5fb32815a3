"""Where the engine meets the registry: fetching a verified release, and letting the champion follow the traffic."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

from credit_risk.data.files import Files
from credit_risk.registry.errors import RegistryUnavailable
from credit_risk.registry.lifecycle import refuse, standing
from credit_risk.registry.mlflow import promotion
from credit_risk.rollout.engine import NotReached, Releases, RolloutRefused
from credit_risk.rollout.folder import HERE, Place, copy_release, here
from credit_risk.rollout.split import Colour
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignedBy

Opened: TypeAlias = Callable[[], AbstractContextManager[Any]]


def of_registry(opened: Opened, place: Place, signed_by: SignedBy) -> Releases:
    """Versions of the registry, by number, and the release of this repository (see place.here), in no registry.

    opened: gives the registry, open for a while. signed_by: whose signature counts, a key's file below the root.
    """

    @contextmanager
    def asked() -> Iterator[Any]:
        try:
            with opened() as registry:
                yield registry
        except RegistryUnavailable as error:
            raise NotReached(str(error)) from None

    def fetch(version: str, colour: Colour, by: str, reason: str) -> None:
        if version.startswith(HERE):
            _copy(place, version, colour)
        else:
            with asked() as registry:
                _fetch(registry, int(version), place, colour, (by, reason))
        signing.verify_release(Files(place.release(colour)), _absolute(signed_by, place))

    def promoted(version: str, by: str, reason: str) -> None:
        if not version.startswith(HERE):
            with asked() as registry:
                if standing(registry.events()).champion != int(version):
                    promotion.move(registry, "promote", version, by=by, reason=reason)

    def returned(version: str, by: str, reason: str) -> None:
        if not version.startswith(HERE):
            with asked() as registry:
                if standing(registry.events()).champion == int(version):
                    promotion.roll_back(registry, by=by, reason=reason)

    return Releases(fetch, promoted, returned)


def _copy(place: Place, version: str, colour: Colour) -> None:
    if (release := place.release(colour)).is_dir() and here(Place(release)) == version:
        return  # it was live before, and lies there still
    if (now := here(place)) != version:
        raise RolloutRefused(f"this repository holds {now} now, and no longer {version}.")
    copy_release(Files(place.root), place.release(colour))


def _fetch(registry: Any, version: int, place: Place, colour: Colour, who: tuple[str, str]) -> None:
    """A challenger that this person may promote in the end, the champion, or one that was champion before."""
    events = registry.events()
    now = standing(events)
    if version != now.champion and version not in now.line:
        refuse(now, "promote", version, *who)
    registry.fetch(version, events, place.release(colour))


def _absolute(by: SignedBy, place: Place) -> SignedBy:
    return SignedBy(public_key=str((place.root / by.public_key).absolute())) if by.public_key else by
