"""The policy of roles: configs/policies/roles.cedar, evaluated by Cedar. What nothing permits is refused."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cedarpy

from credit_risk.config import environment as environments
from credit_risk.config import identities
from credit_risk.config.identities import FILE as IDENTITIES
from credit_risk.config.identities import Identities
from credit_risk.config.permission import ACTIONS, Action
from credit_risk.errors import CheckFailed, CreditRiskError, NotFound
from credit_risk.registry.settings import STAGING

PRODUCTION: Final = "production"
FILE: Final = Path("configs") / "policies" / "roles.cedar"
SCHEMA: Final = f"""
entity Role;
entity Person in [Role];
entity Environment;
action {", ".join(ACTIONS)} appliesTo {{ principal: Person, resource: Environment }};
"""


class RolesRefused(CreditRiskError, ValueError):
    """A policy of roles that cannot be read, or that speaks of something that is not there."""


@dataclass(frozen=True)
class RolePolicy:
    """What each role may do in each environment. text: in Cedar's language, valid against SCHEMA."""

    text: str

    @classmethod
    def read(cls, root: Path) -> "RolePolicy":
        """The policy of a repository. Raises NotFound without it, RolesRefused with every fault and its line."""
        path = root / FILE
        if not path.is_file():
            raise NotFound(path, "It says who may do what, and without it nobody may: see docs/roles.md.")
        return cls.parse(path.read_text(encoding="utf-8"))

    @classmethod
    def parse(cls, text: str) -> "RolePolicy":
        """Read it, and hold it against what there is: a misspelled action would permit nothing, or forbid nothing."""
        if fault := _fault_of_form(text):
            raise RolesRefused(f"{FILE.as_posix()} cannot be read: {fault}.")
        checked = cedarpy.validate_policies(text, SCHEMA)
        if not checked.validation_passed:
            faults = "\n  ".join(sorted({_with_line(fault.error, text) for fault in checked.errors}))
            raise RolesRefused(f"{FILE.as_posix()} is not valid; the actions are {', '.join(ACTIONS)}:\n  {faults}")
        return cls(text)

    @property
    def roles(self) -> list[str]:
        """The roles that the policy names, in alphabetical order."""
        return sorted(set(_names_in(json.loads(cedarpy.policies_to_json_str(self.text)), "Role")))

    @property
    def environments(self) -> list[str]:
        """The environments that the policy names, in alphabetical order."""
        return sorted(set(_names_in(json.loads(cedarpy.policies_to_json_str(self.text)), "Environment")))

    def allows(self, roles: Collection[str], action: Action, there: str) -> bool:
        """Whether somebody with these roles may do this in an environment. there: its name."""
        person = {"type": "Person", "id": "somebody"}
        entities: list[dict[Any, Any]] = [
            {"uid": person, "attrs": {}, "parents": [{"type": "Role", "id": role} for role in sorted(roles)]},
            *({"uid": {"type": "Role", "id": role}, "attrs": {}, "parents": []} for role in sorted(roles)),
        ]
        request = {
            "principal": 'Person::"somebody"',
            "action": f'Action::"{action}"',
            "resource": f"Environment::{json.dumps(there)}",
            "context": {},
        }
        return bool(cedarpy.is_authorized(request, self.text, entities, SCHEMA).allowed)


def role_rows(policy: RolePolicy, known: Identities, environment: str) -> list[dict[str, Any]]:
    """Each role with what it may do in an environment, and who has it."""
    return [
        {
            "role": role,
            "may": [action for action in ACTIONS if policy.allows([role], action, environment)],
            "who": [person.name for person in known.persons if role in person.roles],
        }
        for role in policy.roles
    ]


def by_environment(root: Path) -> dict[str, Any]:
    """`role_rows` for every environment of configs/deploy; a developer's machine asks nobody, and that is said."""
    policy, known = RolePolicy.read(root), identities.load(root)
    return {
        environments.name_of(site): {
            "asks_nobody": environments.is_developers(site),
            "roles": role_rows(policy, known, environments.name_of(site)),
        }
        for site in sites(root)
    }


def read_with_names(root: Path) -> None:
    """Read the policy, and hold its roles and environments against what there is. Raises as what it calls does."""
    policy = RolePolicy.read(root)
    raise_for_unknown_roles(policy, identities.load(root))
    raise_for_unknown_environments(policy, root)


def raise_for_unknown_roles(policy: RolePolicy, known: Identities) -> None:
    """Raise CheckFailed with everybody whose role the policy does not name: a misspelled one permits nothing."""
    wrong = [
        f"{person.name} has the role {role!r}; the policy's are {', '.join(policy.roles)}"
        for person in known.persons
        for role in person.roles
        if role not in policy.roles
    ]
    if wrong:
        raise CheckFailed("\n  ".join([f"{IDENTITIES.as_posix()} gives roles that {FILE.as_posix()} lacks:", *wrong]))


def raise_for_unknown_environments(policy: RolePolicy, root: Path) -> None:
    """Raise CheckFailed where the policy names an environment that is none: a misspelled one forbids nothing."""
    described = {environments.name_of(site) for site in sites(root)}
    known = described | {*environments.DEVELOPERS, STAGING, PRODUCTION}  # these may have gone with a part
    if wrong := [name for name in policy.environments if name not in known]:
        raise CheckFailed(
            f"{FILE.as_posix()} names {', '.join(map(repr, wrong))}, and configs/deploy describes no such environment; "
            f"known: {', '.join(sorted(known))}."
        )


def sites(root: Path) -> list[Path]:
    """The file of each environment."""
    return sorted((root / "configs" / "deploy").glob("*.yaml"))


def _names_in(node: Any, kind: str) -> Iterable[str]:
    """Every role or environment in a policy as Cedar writes it in JSON, wherever it stands there."""
    if isinstance(node, Mapping):
        if node.get("type") == kind:
            yield node["id"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _names_in(child, kind)


def _statements(text: str) -> list[tuple[int, str]]:
    """Each permit and forbid with what stands before it, and the line on which its word stands."""
    code = re.sub(r"//.*", lambda comment: " " * len(comment[0]), text)
    starts = [match.start() for match in re.finditer(r"\b(?:permit|forbid)\s*\(", code)]
    begins = [code.rfind("@", previous, start) for previous, start in pairwise([0, *starts])]
    begins = [start if begin < 0 else begin for begin, start in zip(begins, starts, strict=True)]
    ends = [*begins, len(code)][1:]
    return [
        (code.count("\n", 0, start) + 1, code[begin:end])
        for start, begin, end in zip(starts, begins, ends, strict=True)
    ]


def _fault_of_form(text: str) -> str | None:
    """Why a text is no policy, with the line of the first statement that is none; None if it is."""
    try:
        cedarpy.policies_to_json_str(text)
    except ValueError as error:
        for line, statement in _statements(text):
            try:
                cedarpy.policies_to_json_str(statement)
            except ValueError as its:
                return f"line {line}: {its}"
        return str(error)
    return None


def _with_line(fault: str, text: str) -> str:
    """A fault with the line of its statement, where Cedar says the statement's number."""
    lines = [line for line, _ in _statements(text)]
    match = re.match(r"for policy `policy(\d+)`, ", fault)
    if match is None or int(match[1]) >= len(lines):
        return " ".join(fault.split())
    return f"line {lines[int(match[1])]}: {' '.join(fault[match.end() :].split())}"
