"""What all commands share: how one is added, its common options, and how its help reads.

A package that has commands has a `command.py` with one public function, `add_commands(app)`; `credit_risk.cli` looks
for it. That module is imported for every `--help`, so a command imports what it needs inside its function.
"""

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from credit_risk.errors import UsageError

# The groups of `credit-risk --help`, in this order, behind FIRST.
DATA: Final = "data"
MODEL: Final = "model"
GATES: Final = "gates"
SERVING: Final = "serving"
LEDGER: Final = "ledger"
REGISTRY: Final = "registry"
ROLLOUT: Final = "rollout"
OPERATIONS: Final = "operations"
AUDIT: Final = "audit"
FORK: Final = "fork"
STUDIES: Final = "studies"
GROUPS: Final = (DATA, MODEL, GATES, SERVING, LEDGER, REGISTRY, ROLLOUT, OPERATIONS, AUDIT, FORK, STUDIES)

# What everybody needs, in the order of a lender's first week; the help shows these before all groups.
FIRST: tuple[str, ...] = (
    *("init", "fork-check", "config", "validate-data", "gate", "summary"),
    *("score", "sign", "serve", "register", "deploy", "audit"),
)

Root = Annotated[Path, typer.Option("--root", help="The repository's root.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="The config (default: configs/credit.yaml below the root).")
]
Schema = Annotated[
    Path | None,
    typer.Option("--config", "--schema", help="The config to go by (default: configs/credit.yaml below the root)."),
]
Environment = Annotated[
    str | None,
    typer.Option(
        "--environment",
        metavar="NAME|FILE",
        help="How and where it runs: a name in configs/deploy, or a file (default: local).",
    ),
]
Identity = Annotated[str | None, typer.Option("--identity", help="Whose keyless signature counts, with --issuer.")]
Issuer = Annotated[str | None, typer.Option("--issuer", help="Who vouches for the identity.")]
WriteDown = Annotated[Path | None, typer.Option("--write-down", metavar="FILE", help="Add the head to this file too.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read, and nothing else.")]

HERE: Final = Path()
EXIT_CODES: Final = "exit codes: 0 done; 1 done, and the answer is no; 2 it could not be done, and the message says why"


def environment_file(root: Path, environment: str | None) -> Path:
    """The file of an environment that was given by its path, or by its name in configs/deploy below the root."""
    name = environment or "local"
    return Path(name) if is_path(name) else root / "configs" / "deploy" / f"{name}.yaml"


def is_path(environment: str) -> bool:
    """Whether an environment was given as a file, and not by its name."""
    return bool(Path(environment).suffix) or len(Path(environment).parts) > 1


class Command(TyperCommand):
    """A command whose help shows options by group and examples line by line.

    An option that may be repeated also takes several words at once: `--tags a=1 b=2`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        repeatable = {name for option in self.params if getattr(option, "multiple", False) for name in option.opts}
        return super().parse_args(ctx, repeated(args, repeatable))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  (click's signature)
        _write_lines(self.epilog, formatter)
        if "xit codes: " not in (self.epilog or ""):
            _write_lines(EXIT_CODES, formatter)


class Group(TyperGroup):
    """Commands in the named sections of their group, those of FIRST before all others."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for heading, names in self.sections(ctx).items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(name, command.get_short_help_str(1_000)) for name, command in commands if command]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  (click's signature)
        _write_lines(self.epilog, formatter)

    def sections(self, ctx: Any) -> dict[str, list[str]]:
        """The commands that help lists, by heading: first of all those that everybody needs."""
        names = self.list_commands(ctx)
        by_heading = {"What everybody needs": [name for name in FIRST if name in names]}
        by_heading |= {group: [] for group in GROUPS}
        for name in names:
            command = self.get_command(ctx, name)
            if name not in FIRST and command and not command.hidden:
                by_heading.setdefault(getattr(command, "rich_help_panel", None) or "Commands", []).append(name)
        return {heading: names for heading, names in by_heading.items() if names}


class Verbs(Group):
    """The verbs of one command, as `head` and `verify` of `credit-risk ledger`."""

    def sections(self, ctx: Any) -> dict[str, list[str]]:
        return {"What to do (each has a --help of its own)": self.list_commands(ctx)}


def repeated(words: list[str], options: set[str]) -> list[str]:
    """The words with `--tags a b` as `--tags a --tags b`, for these options."""
    spread: list[str] = []
    current = ""
    for word in words:
        if word.startswith("--"):
            current = word if word in options else ""
        elif current and spread[-1] != current:
            spread.append(current)
        spread.append(word)
    return spread


def add(app: typer.Typer, name: str, run: Callable[..., None], *, group: str | None = None, more: str = "") -> None:
    """Add a command. Its help is the docstring of `run`; `more` stands behind the options as it is: examples, codes.

    group: the section of `credit-risk --help` that lists it; a verb has none. A parameter of `run` whose type is a
    dataclass stands for the options that are its fields: those that several commands share.
    """
    app.command(name, cls=Command, rich_help_panel=group, epilog=more or None)(with_shared_options(run))


def with_shared_options(run: Callable[..., None]) -> Callable[..., None]:
    """The command as Typer reads it, each field of a dataclass an option of its own."""
    declared = inspect.signature(run).parameters.values()
    shared: dict[str, Any] = {each.name: each.annotation for each in declared if is_dataclass(each.annotation)}

    def command(**given: Any) -> None:
        for name, kind in shared.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
        run(**given)

    spread: list[inspect.Parameter] = []
    for parameter in declared:
        kind = shared.get(parameter.name)
        spread += inspect.signature(kind).parameters.values() if kind else [parameter]
    spread = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in spread]
    command.__name__, command.__doc__ = run.__name__, run.__doc__
    command.__annotations__ = {option.name: option.annotation for option in spread}
    command.__signature__ = inspect.Signature(spread)  # type: ignore[attr-defined]
    return command


def verbs(app: typer.Typer, name: str, *, help: str, group: str, more: str = "") -> typer.Typer:  # noqa: A002
    """Add a command that has verbs, and return what its verbs are added to."""
    below = typer.Typer(
        cls=Verbs,
        help=help,
        epilog=more or None,
        rich_markup_mode=None,
        invoke_without_command=True,
        add_completion=False,
        subcommand_metavar="VERB",
    )
    app.add_typer(below, name=name, rich_help_panel=group)
    return below


def verbs_of(app: typer.Typer, name: str) -> typer.Typer:
    """What the verbs of a command are added to that another package has added: a part's verbs beside the core's."""
    for group in app.registered_groups:
        if group.name == name and group.typer_instance is not None:
            return group.typer_instance
    raise LookupError(f"no command {name!r} with verbs was added")


def before_the_verb(context: typer.Context) -> None:
    """Options that stand before the verb hold for it: `credit-risk ledger --root other verify`."""
    if context.invoked_subcommand is None:
        raise UsageError(f"say what to do with the {context.info_name}: `{context.command_path} --help` lists it.")
    given = {name: value for name, value in context.params.items() if value not in (None, HERE)}
    context.default_map = {context.invoked_subcommand: given}


def say(text: str) -> None:
    """Print a sentence as it is, however narrow the screen is."""
    typer.echo(text)


def counted(number: int, noun: str, nouns: str = "") -> str:
    """`1 key`, `2,000 keys`, `0 entries`: a number with its noun. nouns: of several, where an s does not make it."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def show(picture: Any) -> None:
    """Print a table or text of rich."""
    from rich.console import Console  # noqa: PLC0415  (late: most helps do without)

    Console(highlight=False).print(picture)


def _write_parameters(command: Any, context: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(context):
        if (record := parameter.get_help_record(context)) is not None:
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            sections.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(record)
    for heading, records in sections.items():
        if records:
            with formatter.section(heading):
                formatter.write_dl(records)


def _write_lines(text: str | None, formatter: Any) -> None:
    if text:
        formatter.write("\n" + text.strip("\n") + "\n")
