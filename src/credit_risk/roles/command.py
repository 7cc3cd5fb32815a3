"""`credit-risk roles`: who may do what, in which environment, as the policy of the repository says."""

from typer import Typer

from credit_risk.command_line import AUDIT, HERE, Environment, Json, Root, add, environment_file, say, show

MORE = """
The policy is configs/policies/roles.cedar; a person gets a role in configs/policies/identities.yaml (docs/roles.md).

examples:
  credit-risk roles --environment production
  credit-risk roles --environment production --json

exit codes: 0 shown; 1 a role or an environment is named that is none; 2 it could not be read
"""


def add_commands(app: Typer) -> None:
    """Add `credit-risk roles`."""
    add(app, "roles", _roles, group=AUDIT, more=MORE)


def _roles(root: Root = HERE, environment: Environment = None, json: Json = False) -> None:
    """Show what each role may do in an environment, and who has it."""
    from rich.table import Table

    from credit_risk.config import environment as environments
    from credit_risk.config import identities
    from credit_risk.data.writing import json_text
    from credit_risk.roles.policy import (
        RolePolicy,
        raise_for_unknown_environments,
        raise_for_unknown_roles,
        role_rows,
    )

    site = environment_file(root, environment)
    name, asks_nobody = environments.name_of(site), environments.is_developers(site)
    policy, known = RolePolicy.read(root), identities.load(root)
    raise_for_unknown_roles(policy, known)
    raise_for_unknown_environments(policy, root)
    rows = role_rows(policy, known, name)
    if json:
        say(json_text({"environment": name, "asks_nobody": asks_nobody, "roles": rows}))
        return
    table = Table("role", f"may, in {name}", "who")
    for row in rows:
        table.add_row(row["role"], ", ".join(row["may"]) or "nothing", ", ".join(row["who"]) or "nobody")
    show(table)
    if asks_nobody:
        say(f"{name} is a developer's machine: it proves nobody, so it asks nobody.")
