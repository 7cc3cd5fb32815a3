"""Who overrides: as the machine or an identity provider says, and as a name is typed on a developer's machine alone."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from credit_risk.config import environment, identities
from credit_risk.config.names import is_person, same_person, signature
from credit_risk.data import signers
from credit_risk.errors import UsageError

ACTING = "credit_risk.registry.acting"  # reads tokens too; without it accounts alone prove a person


def signature_of(root: Path, file: Path, stated: str | None, by: Literal["identities", "names"]) -> str:
    """The signature of whoever runs this command, as `Ada Berg <account:ada>`. file: of the environment.

    stated: the name that was given with it; it must be that person's. Raises UsageError for an identity that is
    nobody's, another person's name, and for a typed name where identities count.
    """
    if by == "names":
        if not environment.is_developers(file):
            raise UsageError("override_by: a name that is typed proves nobody here; set it to identities.")
        if stated is None or not is_person(stated):
            raise UsageError(f"--by is {stated!r}, expected a first and a last name.")
        return stated
    if find_spec(ACTING.rpartition(".")[0]):
        acting: Any = import_module(ACTING)
        return str(acting.signed_by(root, stated, "identities"))
    identity = f"account:{signers.account()}"
    person = signers.known(root).person(identity)
    if person is None:
        raise UsageError(f"You act as {identity}, and that is nobody in {identities.FILE.as_posix()}.")
    if stated and not same_person(stated, person.name):
        raise UsageError(f"--by says {stated!r}, but {identity} is {person.name}. Nobody signs for another.")
    return signature(person.name, identity)
