"""Whether whoever runs a command may: the optional part `roles` says it, found late and by name."""

from collections.abc import Callable  # part: roles
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, get_args

Action = Literal["approve", "promote", "deploy", "erase", "purge", "read", "export", "override", "waive", "decide"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
PARTS: Final[tuple[str, ...]] = (
    "credit_risk.roles",  # part: roles
)


def ensure(action: Action, site: Path, root: Path, who: str | None = None) -> None:
    """Raise NotPermitted where a person may not do this in an environment; without the part, keys alone decide.

    site: the environment's file; a developer's asks nobody. who: the person's signature, or whoever runs this.
    """
    for part in PARTS:
        if find_spec(part) is not None:
            import_module(f"{part}.authorization").ensure(action, site, root, who)


# of the part: roles
def scopes_by_roles(site: Path, root: Path) -> Callable[[Any], frozenset[str]]:
    """The scopes of the service that a token's roles give in an environment. site: its file."""
    scopes: Callable[[Any], frozenset[str]] = import_module("credit_risk.roles.scopes").RoleScopes.read(site, root).of
    return scopes
    # end of part
