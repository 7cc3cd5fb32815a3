"""Who does something to a ledger: as the machine or an identity provider says, never somebody's own word."""

from importlib import import_module  # part: registry
from importlib.util import find_spec  # part: registry
from pathlib import Path
from typing import Any  # part: registry

from credit_risk.config import identities
from credit_risk.config.names import same_person, signature
from credit_risk.data import signers
from credit_risk.errors import UsageError

ACTING = "credit_risk.registry.acting"  # part: registry: reads tokens too; without it accounts alone prove a person


def person_here(root: Path, stated: str | None = None) -> str:
    """The signature of whoever runs this command, as `Ada Berg <account:ada>`.

    stated: the name that was given with it; it must be that person's.
    Raises UsageError for an identity that is nobody's, and for another person's name.
    """
    # of the part: registry
    if find_spec(ACTING.rpartition(".")[0]):
        acting: Any = import_module(ACTING)
        return str(acting.signed_by(root, stated, "identities"))
    # end of part
    identity = f"account:{signers.account()}"
    person = signers.known(root).person(identity)
    if person is None:
        raise UsageError(f"You act as {identity}, and that is nobody in {identities.FILE.as_posix()}.")
    if stated and not same_person(stated, person.name):
        raise UsageError(f"--by says {stated!r}, but {identity} is {person.name}. Nobody signs for another.")
    return signature(person.name, identity)
