"""Whether whoever runs a command may: the optional part `roles` says it, found late and by name."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, get_args

Action = Literal["approve", "promote", "deploy", "erase", "purge", "read", "export", "override", "waive"]
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
