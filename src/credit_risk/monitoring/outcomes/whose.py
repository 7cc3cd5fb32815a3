"""Who overrides: as the machine or an identity provider says, and as a name is typed on a developer's machine alone."""

from pathlib import Path
from typing import Literal

from credit_risk.config import environment
from credit_risk.config.names import is_person
from credit_risk.errors import UsageError
from credit_risk.ledger.doer import person_here


def signature_of(root: Path, file: Path, stated: str | None, by: Literal["identities", "names"]) -> str:
    """The signature of whoever runs this command, as `Ada Berg <account:ada>`. file: of the environment.

    stated: the name that was given with it; it must be that person's. Raises UsageError for an identity that is
    nobody's, another person's name, and for a typed name where identities count.
    """
    if by == "identities":
        return person_here(root, stated)
    if not environment.is_developers(file):
        raise UsageError("override_by: a name that is typed proves nobody here; set it to identities.")
    if stated is None or not is_person(stated):
        raise UsageError(f"--by is {stated!r}, expected a first and a last name.")
    return stated
