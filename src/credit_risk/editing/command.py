"""`credit-risk set`: single values of a config by command; `credit-risk schema`: what editors complete configs by."""

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


SCHEMA_MORE = """
build/schemas gets a JSON Schema for each kind of config, made from the classes that check it; the first line of each
config names its own, where editors with a YAML language server (VS Code, JetBrains, vim, Emacs) find it. Run it again
after an update.

example:
  credit-risk schema

exit codes: 0 written; 1 a config does not name its schema, and the message has the line to put there
"""


def add_commands(app: Typer) -> None:
    """Add the commands that help to change configs."""
    add(app, "set", _set, group=DATA, more=MORE)
    add(app, "schema", _schema, group=DATA, more=SCHEMA_MORE)


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


def _schema(root: Root = HERE) -> None:
    """Write the JSON Schemas of all configs, by which editors complete keys and mark wrong ones."""
    from credit_risk.editing import schemas
    from credit_risk.errors import CheckFailed

    written = schemas.write(root)
    kinds = {described.name for described in written.values()}
    say(f"{root / schemas.FOLDER}: {len(kinds)} schemas for {len(written)} configs.")
    lines = {config: schemas.modeline(config, described) for config, described in written.items()}
    if unnamed := [config for config, line in lines.items() if not schemas.is_named(root / "configs" / config, line)]:
        each = (f"configs/{config}: {lines[config]}" for config in unnamed)
        raise CheckFailed("\n  ".join(["Editors do not find these; put each line first in its file:", *each]))
