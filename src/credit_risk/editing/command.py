"""`credit-risk set`: single values of a config, by command."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer

from credit_risk.command_line import DATA, HERE, ConfigFile, Root, add, say

MORE = """
example:
  credit-risk set policy.margin=0.22
  credit-risk set 'gates[discrimination].at_least=0.72' policy.lgd=0.55

NAME=VALUE: a value is named as the file nests it; an entry of a list goes by its name or its number. What stands around
the value (comments, order, spacing) stays as it is; a config that would not be sound is not written.
"""


def add_commands(app: Typer) -> None:
    """Add the command that changes single values of the config."""
    add(app, "set", _set, group=DATA, more=MORE)


def _set(
    value: Annotated[list[str], Argument(metavar="NAME=VALUE...", help="Each a name and its new value, as in YAML.")],
    root: Root = HERE,
    config: ConfigFile = None,
    patch: Annotated[bool, Option("--patch", help="Print a patch for `git apply`, and write nothing.")] = False,
) -> None:
    """Change single values of the config, and no other character of it."""
    from credit_risk.data.files import Files
    from credit_risk.editing import config_file

    path: Path = config or Files(root).config
    change = config_file.change(path, dict(map(config_file.assignment, value)))
    if patch:
        say(change.patch(root).rstrip("\n"))
    else:
        change.write()
        say(f"{path}: {change.summary()}")
