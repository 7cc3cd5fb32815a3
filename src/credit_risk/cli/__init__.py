"""The one command line: it alone finds the commands, sets up logging and decides exit codes.

Exit codes: 0 the work is done and nothing objects; 1 it is done and the answer is no (a contract
is broken, the gate blocks); 2 it could not be done, and the message says why and what mends it.
"""

import logging
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from credit_risk.command_line import Group
from credit_risk.errors import CreditRiskError

NAME = "credit-risk"
HELP = "From application data to a decided, documented and gated credit model."
MORE = """
The usual order is `make run`, which runs the stages through DVC. Each command can be run alone.
Everything particular to your data and policy stands in configs/credit.yaml; `credit-risk config` checks it.
"""
INTERRUPTED = 130
EXPECTED = {  # by what pydantic calls the problem
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}


def console() -> None:
    """Entry point of the installed command."""
    raise SystemExit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    return _run(commands(), arguments, NAME)


def script(command: str, *preset: str) -> int:
    """Run a command under the name of the script that was called: `Usage: validate_model.py [OPTIONS]`.

    command: its name, as `gate` or `ledger verify`. preset: options that the script's name stands for.
    """
    group: Any = commands()
    for word in command.split():
        group = group.commands[word]
    return _run(group, [*preset, *sys.argv[1:]], Path(sys.argv[0]).name)


@cache  # a process may run many
def commands() -> Any:
    """The command line, with the commands of every package that is there."""
    app = typer.Typer(
        cls=Group,
        help=HELP,
        epilog=MORE,
        rich_markup_mode=None,  # plain text: a table would cut off long options, and takes three times as long
        pretty_exceptions_enable=False,
        context_settings={"max_content_width": 120},
    )
    app.callback()(lambda: None)  # so that one command alone would still be called by its name
    package = Path(__file__).parents[1]
    paths = [path.relative_to(package).with_suffix("") for path in package.rglob("command.py")]
    for path in sorted(paths, key=lambda path: (len(path.parts), path)):  # a package before its parts
        import_module(".".join(["credit_risk", *path.parts])).add_commands(app)
    return typer.main.get_command(app)


def _run(command: Any, arguments: Sequence[str], name: str) -> int:
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr, force=True)
    logging.getLogger("credit_risk").setLevel(logging.INFO)  # our progress, not that of the libraries
    try:
        code = command.main(list(arguments), prog_name=name, standalone_mode=False) or 0
    except (CreditRiskError, OSError) as error:
        if not isinstance(error, CreditRiskError) and error.filename is None:
            raise  # no file's: as a file where a folder belongs, a folder that may not be written, a full disk
        typer.echo(error, err=True)
        return getattr(error, "exit_code", 2)
    except typer.TyperException as error:
        _explain(error)
        return 2
    if code == INTERRUPTED:  # Typer turns Ctrl-C into this code
        typer.echo("Interrupted; what was finished is kept.", err=True)
    return int(code)


def _explain(error: typer.TyperException) -> None:
    context: typer.Context | None = getattr(error, "ctx", None)
    if context:
        typer.echo(f"{context.get_usage()}\nSee `{context.command_path} --help`.", err=True)
    typer.echo(_sentence(error), err=True)
    if context and context.parent is None and getattr(error, "option_name", None):
        typer.echo("The options of a command stand behind its name, as in `credit-risk config --root .`.", err=True)


def _sentence(error: typer.TyperException) -> str:
    """What is wrong with the command line; of a number, Typer's own sentence does not say what was got."""
    problems: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    if not problems or problems[0]["type"] not in EXPECTED:
        return error.format_message()
    option, problem = error.format_message().split(":", 1)[0], problems[0]
    expected = EXPECTED[problem["type"]].format(**problem.get("ctx", {}))
    return f"{option}: expected {expected}, got {problem['input']}."
