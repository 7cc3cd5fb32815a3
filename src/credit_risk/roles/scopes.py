"""Which scopes of the service a token's roles give: the policy that holds for commands holds for requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from credit_risk.config import environment
from credit_risk.config.permission import Action
from credit_risk.roles.policy import RolePolicy

# Who may read a person's decisions reads everybody's; who only decides reads those of the same client.
GIVEN: Final[Mapping[Action, tuple[str, ...]]] = {
    "decide": ("decide", "read"),
    "read": ("read", "read:all"),
    "deploy": ("admin",),
}


@dataclass
class RoleScopes:
    """The scopes that roles give in an environment, by the policy as it stood when the service started."""

    policy: RolePolicy
    environment: str
    roles: frozenset[str]
    _known: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, site: Path, root: Path) -> "RoleScopes":
        """site: the environment's file. Raises NotFound without a policy, RolesRefused for one that is none."""
        policy = RolePolicy.read(root)
        return cls(policy, environment.name_of(site), frozenset(policy.roles))

    def of(self, claim: Any) -> frozenset[str]:
        """The scopes of a token whose claim says this: roles in a list, or with blanks between; none of anything else.

        A role that the policy does not name gives nothing.
        """
        words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
        roles = frozenset(role for role in words if isinstance(role, str)) & self.roles
        if roles not in self._known:
            self._known[roles] = frozenset(
                scope
                for action, scopes in GIVEN.items()
                if self.policy.allows(roles, action, self.environment)
                for scope in scopes
            )
        return self._known[roles]
