"""Who is who: configs/policies/identities.yaml names each person with the identities that prove them.

An identity is an account of the operating system, a subject of an identity provider, or the public half of the SSH key
that signs a person's commits and waivers. Each belongs to one person, and a name is one person's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from credit_risk.config import environment
from credit_risk.config.names import is_person, name_fault, same_person
from credit_risk.config.section import Section, Text
from credit_risk.config.yaml_positions import Loc
from credit_risk.errors import NotFound

FILE = Path("configs") / "policies" / "identities.yaml"


class Person(Section):
    """Somebody who may sign, move or waive. accounts: of the operating system; subjects: as tokens name them.

    ssh_keys: public keys as their .pub files hold them, type and key.
    """

    name: Text
    accounts: tuple[Text, ...] = ()
    subjects: tuple[Text, ...] = ()
    roles: tuple[Text, ...] = ()  # part: roles: what the person may do
    ssh_keys: tuple[Annotated[str, Field(pattern=r"^(ssh|ecdsa|sk-(ssh|ecdsa))-\S+ [A-Za-z0-9+/=]+$")], ...] = ()


class Identities(Section):
    """The persons of one lender; tokens: whose are believed."""

    version: Literal[1]
    persons: tuple[Person, ...] = ()
    tokens: tuple[Any, ...] = ()  # part: registry: read in registry.acting

    def person(self, identity: str) -> Person | None:
        """The person that an identity proves, as `account:ada`; None for one that is nobody's."""
        return next((person for person in self.persons if identity in proofs(person)), None)


def proofs(person: Person) -> Iterator[str]:
    """The identities that prove a person, with their kinds."""
    yield from (f"account:{account}" for account in person.accounts)
    yield from (f"subject:{subject}" for subject in person.subjects)
    yield from (f"key:{key.split()[1]}" for key in person.ssh_keys)


def load(root: Path) -> Identities:
    """The identities of a repository. Raises NotFound without the file, ConfigError with every fault and its line."""
    path = root / FILE
    if not path.is_file():
        raise NotFound(path, "It names who may sign and approve, each with an identity: see docs/signatures.md.")
    read = environment.whole(path, Identities)
    environment.refuse(path, _faults(read))
    return read


def _faults(identities: Identities) -> Iterator[tuple[Loc, str]]:
    seen: dict[str, str] = {}
    for index, person in enumerate(identities.persons):
        loc: Loc = ("persons", index, "name")
        if fault := name_fault(person.name):
            yield loc, f"{person.name!r} could be taken for another name: {fault}"
        elif not is_person(person.name):
            yield loc, f"{person.name!r} is no person; expected a first and a last name"
        for earlier in identities.persons[:index]:
            if same_person(earlier.name, person.name):
                yield loc, f"{person.name!r} is {earlier.name!r} once more; put a person's identities under one name"
        for identity in proofs(person):
            if identity in seen:
                yield loc, f"{identity:.60} is {seen[identity]}'s already; an identity proves one person"
            seen[identity] = person.name
