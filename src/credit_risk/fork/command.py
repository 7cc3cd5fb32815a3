"""The sub-commands of a fork: `init` writes its first config, `migrate` brings a config to today's format."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from credit_risk.command_line import Commands, Run, command
from credit_risk.config.migration import VERSION, lacking, migrated_text
from credit_risk.config.open_decisions import DECISIONS, OPEN
from credit_risk.config.reading import tree_of
from credit_risk.data.files import Files
from credit_risk.data.writing import write_text
from credit_risk.errors import CheckFailed, UsageError

INIT = "write configs/credit.yaml from your data: types, ranges, roles, directions, reasons, and what you must decide"
MIGRATE = "bring configs/credit.yaml to the format that this version reads; everything you wrote stays as it is"
UPDATE = "merge a newer upstream: your configs, data and results stay yours, the code becomes its"
UPDATE_MORE = """
`make update` runs this, then brings .venv and configs/credit.yaml up to date too. The rules of the merge, which file is
merged how, stand in .gitattributes and hold for this command alone: a plain `git merge` or `git pull` merges every file
by lines, and leaves a conflict where two sides changed the same ones."""
MERGE = "git's merge driver for configs/deploy and configs/policies; `update` sets it up"
CHECK = "what is left to do before your model decides about anybody, each with the command that mends it"
ROLES = {
    "id": "numbers the rows",
    "applicant": "names the person; rows of one person stay together",
    "date": "the day of application",
    "protected": "never near the model; approvals are compared by it",
    "proxy": "stands in for a protected column, and is kept away too",
    "feature": "the model may read it, whatever its name suggests",
    "ignore": "left out",
}
SEVERAL = ("protected", "proxy", "feature", "ignore")


def register(commands: Commands) -> None:
    """Add the sub-commands to the one command line."""
    _init(commands)
    _migrate(commands)
    _command(commands, "fork-check", CHECK, _run_check, "credit-risk fork-check")
    _update(commands)


def _command(
    commands: Commands, name: str, what: str, run: Run, example: str, *, more: str = ""
) -> argparse.ArgumentParser:
    parser = command(commands, name, what, run, epilog=f"example:\n  {example}", more=more)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: this folder)")
    parser.add_argument("--config", type=Path, help="the config (default: configs/credit.yaml below the root)")
    return parser


def _init(commands: Commands) -> None:
    parser = _command(
        commands,
        "init",
        INIT,
        _run_init,
        "credit-risk init --data loans.csv --target status --bad default --date applied_on --protected age",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="your applications with their outcomes, CSV or Parquet"
    )
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column that holds the outcome")
    parser.add_argument(
        "--bad",
        required=True,
        action="append",
        metavar="VALUE",
        help="what it says of a bad account; repeat for several",
    )
    parser.add_argument(
        "--good",
        action="append",
        default=[],
        metavar="VALUE",
        help="what it says of a good one (default: everything else)",
    )
    parser.add_argument("--indeterminate", action="append", default=[], metavar="VALUE", help="what it says of neither")
    for role, what in ROLES.items():
        parser.add_argument(
            f"--{role}",
            action="append",
            default=[],
            metavar="COLUMN",
            help=f"{what}{'; may be repeated' if role in SEVERAL else ''}",
        )
    group = parser.add_argument_group(
        "decisions",
        f"What no data can show. What you leave out stands as {OPEN} in the config, and blocks all runs.",
    )
    for one in DECISIONS:
        group.add_argument(
            one.flag, metavar="MONTHS" if one.flag == "--window" else "ANSWER", dest=one.path, help=one.asks
        )
    parser.add_argument(
        "--accept-suggestions",
        action="store_true",
        help="fill open decisions for a trial run; every report says so, and the gate stays shut",
    )
    parser.add_argument("--name", help="the project's name in every record (default: the file's)")
    parser.add_argument("--remote", help="DVC's default remote, outside the repository (default: a folder beside it)")
    parser.add_argument("--replace", action="store_true", help="write over a config that is not the sample's")
    parser.add_argument("--output", type=Path, help="write the draft there and change nothing else")


def _run_init(options: argparse.Namespace) -> None:
    init = import_module("credit_risk.fork.init")  # late: `--help` need not wait for pandas
    screen = import_module("credit_risk.fork.screen")
    asked = _asked(options, init)
    with screen.watching(asked.data) as progress:
        made = init.drafted(asked, progress)
    init.checked(made, asked)
    console, config = Console(highlight=False), options.config or Files(options.root).config
    if options.output:
        write_text(options.output, made.config)
        done = [f"Wrote {options.output}; nothing else was changed."]
    else:
        done = init.install(made, asked, options.root, config, remote=options.remote, replace=options.replace)
    console.print(screen.found(made))
    for sentence in done:
        console.print(sentence)
    console.print(screen.next_steps(made, accepted=options.accept_suggestions))


def _asked(options: argparse.Namespace, init: Any) -> Any:
    roles: dict[str, str] = {}
    for role in ROLES:
        for name in getattr(options, role):
            if name in roles or name == options.target:
                raise UsageError(f"the column {name!r} is given two roles: {roles.get(name, 'target')} and {role}.")
            roles[name] = role
    return init.Asked(
        data=options.data,
        target=options.target,
        bad=tuple(options.bad),
        good=tuple(options.good),
        indeterminate=tuple(options.indeterminate),
        roles=roles,
        answers={
            one.path: _answer(one.flag, value) for one in DECISIONS if (value := getattr(options, one.path)) is not None
        },
        name=options.name,
        accept=options.accept_suggestions,
    )


def _answer(flag: str, text: str) -> str | float | int:
    try:
        if flag == "--window":
            return int(text)
        return float(text) if flag in ("--margin", "--lgd", "--cost") else text
    except ValueError:
        expected = "a whole number of months" if flag == "--window" else "a share, as 0.2"
        raise UsageError(f"{flag}: got {text!r}, expected {expected}.") from None


def _migrate(commands: Commands) -> None:
    _command(commands, "migrate", MIGRATE, _run_migrate, "credit-risk migrate")


def _run_migrate(options: argparse.Namespace) -> None:
    path = options.config or Files(options.root).config
    tree, console = tree_of(path), Console(highlight=False)
    version = tree.get("version")
    if not isinstance(version, int) or not 0 < version <= VERSION:
        raise UsageError(
            f"{path}: got version {version!r}, expected 1 to {VERSION}, the newest that this program knows."
        )
    if version == VERSION:
        console.print(f"{path} is of version {VERSION} already.")
        return
    write_text(path, migrated_text(path.read_text(encoding="utf-8"), tree))
    console.print(f"{path} was of version {version} and is of version {VERSION} now. New:")
    for place, value in lacking(tree, version).items():
        console.print(f"  {'.'.join(place)}: {value}", markup=False)
    console.print("CHANGELOG.md says what each is for; `credit-risk config` says what is left to decide.")


def _run_check(options: argparse.Namespace) -> None:
    check = import_module("credit_risk.fork.check")
    screen = import_module("credit_risk.fork.screen")
    left = check.left(Files(options.root), options.config or Files(options.root).config)
    Console(highlight=False).print(screen.left(left))
    if urgent := sum(one.urgency == "must" for one in left):
        raise CheckFailed(f"{urgent} things are left to do before anybody is decided about.")


def _update(commands: Commands) -> None:
    example = "credit-risk update --upstream https://git.example.org/credit-risk.git"
    update = _command(commands, "update", UPDATE, _run_update, example, more=f"\n{UPDATE_MORE}")
    update.add_argument("--upstream", required=True, help="the remote's name or address")
    update.add_argument("--ref", default="main", help="the branch or tag to merge (default: main)")
    merge = _command(commands, "merge-config", MERGE, _run_merge, "credit-risk merge-config BASE OURS THEIRS NAME")
    for name in ("base", "ours", "theirs"):
        merge.add_argument(name, type=Path, help=f"the file of {name}")
    merge.add_argument("name", help="what the file is called in the repository")


def _run_update(options: argparse.Namespace) -> None:
    update = import_module("credit_risk.fork.update")
    for sentence in update.update(options.root, upstream=options.upstream, ref=options.ref):
        Console(highlight=False, soft_wrap=True).print(sentence, markup=False)


def _run_merge(options: argparse.Namespace) -> None:
    merging = import_module("credit_risk.fork.merging")
    for sentence in merging.merge_files(options.base, options.ours, options.theirs, options.name):
        Console(highlight=False, stderr=True, soft_wrap=True).print(f"{options.name}: {sentence}", markup=False)
