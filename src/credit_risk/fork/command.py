"""The commands of a fork: `init` writes its first config, `fork-check` says what is left, `update` follows upstream."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option, Typer, echo

from credit_risk.command_line import FORK, HERE, ConfigFile, Json, Root, add, say, show
from credit_risk.errors import CheckFailed
from credit_risk.fork.given import NO_DECISIONS, NO_ROLES, GivenDecisions, GivenRoles, Words, column_option

if TYPE_CHECKING:
    from credit_risk.fork.drafting.request import InitRequest

INIT_MORE = """
example:
  credit-risk init --data loans.csv --target status --bad default --date applied_on --protected age
"""
CHECK_MORE = """
example:
  credit-risk fork-check
"""
UPDATE_MORE = """
`make update` runs this, then brings .venv and configs/credit.yaml up to date too. The rules of the merge, which file is
merged how, stand in .gitattributes and hold for this command alone: a plain `git merge` or `git pull` merges every file
by lines, and leaves a conflict where two sides changed the same ones.

example:
  credit-risk update --upstream https://git.example.org/credit-risk.git
"""
MERGE_MORE = """
example:
  credit-risk merge-config BASE OURS THEIRS NAME
"""
DATA = "Your applications with their outcomes, CSV or Parquet; a further file is joined by the column that both have."
ACCEPT = "Fill open decisions for a trial run; every report says so, and the gate stays shut."
REMOTE = "DVC's default remote, outside the repository (default: a folder beside it)."


def add_commands(app: Typer) -> None:
    """Add the commands of a fork."""
    add(app, "init", _init, group=FORK, more=INIT_MORE)
    add(app, "fork-check", _fork_check, group=FORK, more=CHECK_MORE)
    add(app, "update", _update, group=FORK, more=UPDATE_MORE)
    add(app, "merge-config", _merge_config, group=FORK, more=MERGE_MORE)


def _init(
    data: Annotated[list[Path], Option(metavar="FILE", help=DATA)],
    target: Annotated[str, column_option(help="The column that holds the outcome.")],
    bad: Annotated[list[str], Option(metavar="VALUE", help="What it says of a bad account; may be repeated.")],
    good: Annotated[
        Words, Option(metavar="VALUE", help="What it says of a good one (default: its only other word).")
    ] = None,
    indeterminate: Annotated[Words, Option(metavar="VALUE", help="What it says of neither.")] = None,
    roles: GivenRoles = NO_ROLES,
    decisions: GivenDecisions = NO_DECISIONS,
    accept_suggestions: Annotated[bool, Option("--accept-suggestions", help=ACCEPT)] = False,
    encoding: Annotated[str | None, Option(help="Of the files, as cp1250, where their bytes do not say it.")] = None,
    name: Annotated[str | None, Option(help="The project's name in every record (default: the file's).")] = None,
    remote: Annotated[str | None, Option(help=REMOTE)] = None,
    replace: Annotated[bool, Option("--replace", help="Write over a config that is not the sample's.")] = False,
    output: Annotated[Path | None, Option(help="Write the draft there and change nothing else.")] = None,
    root: Root = HERE,
    config: ConfigFile = None,
) -> None:
    """Write configs/credit.yaml from your data: types, ranges, roles, directions, reasons, and what you must decide."""
    from credit_risk.fork.drafting.request import InitRequest

    request = InitRequest(
        data=data[0],
        joined=tuple(data[1:]),
        target=target,
        bad=tuple(bad),
        good=tuple(good or ()),
        indeterminate=tuple(indeterminate or ()),
        roles=roles.bycolumn_option(target),
        answers=decisions.answers(),
        name=name,
        accept=accept_suggestions,
        encoding=encoding,
    )
    _draft(request, root, config, output, remote=remote, replace=replace)


def _draft(
    request: "InitRequest", root: Path, config: Path | None, output: Path | None, *, remote: str | None, replace: bool
) -> None:
    """Draft the config, write it, and show what was seen and what is left to do."""
    from credit_risk.data.files import Files
    from credit_risk.data.writing import write_text
    from credit_risk.fork import init, terminal

    with terminal.watching(request.paths) as progress:
        draft = init.drafted(request, progress)
    init.checked(draft, request)
    path = output or config or Files(root).config
    if output:
        write_text(output, draft.config)
        sentences = [f"Wrote {output}; nothing else was changed."]
    else:
        sentences = init.install(draft, request, root, path, remote=remote, replace=replace)
    show(terminal.profile_table(draft, request.data))
    for sentence in sentences:
        show(sentence)
    show(terminal.next_steps(draft, path, accepted=request.accept, installed=output is None))


def _fork_check(root: Root = HERE, config: ConfigFile = None, json: Json = False) -> None:
    """Say what is left to do before your model decides about anybody, each with the command that mends it."""
    from credit_risk.data.files import Files
    from credit_risk.data.writing import json_text
    from credit_risk.fork import check, terminal

    files = Files(root)
    left = check.left(files, config or files.config)
    if json:
        say(json_text([vars(step) for step in left]))
    else:
        show(terminal.left(left))
    if urgent := sum(step.urgency == "must" for step in left):
        raise CheckFailed(f"{urgent} things are left to do before anybody is decided about.")


def _update(
    upstream: Annotated[str, Option(help="The remote's name or address.")],
    ref: Annotated[str, Option(help="The branch or tag to merge.")] = "main",
    root: Root = HERE,
) -> None:
    """Merge a newer upstream: your configs, data and results stay yours, the code becomes its."""
    from credit_risk.fork.upstream import update

    for sentence in update.update(root, upstream=upstream, ref=ref):
        say(sentence)


def _merge_config(
    base: Annotated[Path, Argument(help="The file that both sides began with.")],
    ours: Annotated[Path, Argument(help="The file of this side; the merge is written here.")],
    theirs: Annotated[Path, Argument(help="The file of the other side.")],
    name: Annotated[str, Argument(help="What the file is called in the repository.")],
) -> None:
    """Merge configs/deploy and configs/policies key by key: git's merge driver, which `update` sets up."""
    from credit_risk.fork.upstream import merging

    for sentence in merging.merge_files(base, ours, theirs, name):
        echo(f"{name}: {sentence}", err=True)
