"""The commands of the history (`registry history`, `as-of`, `head`, `statement`, `take-over`), and `release`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Context, Option, Typer

from credit_risk.command_line import (
    HERE,
    REGISTRY,
    Environment,
    Identity,
    Issuer,
    Json,
    Root,
    WriteDown,
    add,
    before_the_verb,
    environment_file,
    say,
    show,
    verbs,
)

if TYPE_CHECKING:
    from credit_risk.registry.history import History
    from credit_risk.registry.lifecycle import HistoryEvent
    from credit_risk.registry.settings import RegistrySettings
    from credit_risk.scoring.signing import SignedBy

REGISTRY_HELP = "Say which scorers there are, and what became of each."
REGISTRY_MORE = """
A scorer is a candidate when it is registered, then the challenger (nominate), then the champion (promote), in the end
retired. Nominating and promoting take a passing gate record of exactly this scorer, and somebody else than the person
who registered it. Every move stands in a history that only grows.

examples:
  credit-risk registry history
  credit-risk registry as-of 2026-11-20

exit codes: 0 done; 1 it may not be done, and the message says why; 2 it could not be done
"""
STATEMENT_MORE = """
Every move writes it. Between moves write it as often as `serving.statement.max_age_hours` asks for, from a schedule.
The key: as for `credit-risk sign`, and it must be the one of registry.signed_by.
"""
TAKE_OVER_MORE = """
Also after the key that counts became another. First look it through: `credit-risk registry history --unverified`.
"""


def add_commands(app: Typer) -> None:
    """Add the commands of the history, and that of a release."""
    registry = verbs(app, "registry", help=REGISTRY_HELP, group=REGISTRY, more=REGISTRY_MORE)
    registry.callback()(_registry)
    add(registry, "history", _history)
    add(registry, "as-of", _as_of)
    add(registry, "head", _head)
    add(registry, "statement", _statement, more=STATEMENT_MORE)
    add(registry, "take-over", _take_over, more=TAKE_OVER_MORE)
    add(app, "release", _release, group=REGISTRY)


def _release(
    root: Root = HERE,
    environment: Environment = None,
    output: Annotated[Path, Option(help="The folder.")] = Path("build") / "release",
    sbom: Annotated[Path, Option(help="The packages, by `make sbom`.")] = Path("build") / "sbom.json",
    identity: Identity = None,
    issuer: Issuer = None,
) -> None:
    """Lay out a release: signed scorer and gate record, bill of materials, how it was built."""
    from credit_risk.data.repository import opened
    from credit_risk.registry import release
    from credit_risk.scoring import signing

    config, files = opened(root)
    built = release.Built(os.environ, datetime.now(UTC))
    by = signing.keyless(identity, issuer) or _settings(root, environment).signed_by
    release.bundle(config, files, by, sbom, output, built=built)
    say(f"{output}, version {built.version}: {', '.join(sorted(path.name for path in output.iterdir()))}")


def _registry(context: Context, root: Root = HERE, environment: Environment = None) -> None:  # noqa: ARG001
    before_the_verb(context)


def _history(
    root: Root = HERE,
    environment: Environment = None,
    heads: Annotated[
        Path | None, Option("--heads", help="Hold it against the heads of this file, from `head --write-down`.")
    ] = None,
    unverified: Annotated[
        bool, Option("--unverified", help="Show what stands there, though nobody's signature vouches for it.")
    ] = False,
    json: Json = False,
) -> None:
    """Show every move: when, what, by whom, why. It is verified first."""
    from rich.table import Table

    from credit_risk.data.writing import json_text
    from credit_risk.registry import lifecycle
    from credit_risk.scoring.signed_chain import written_down

    with _opened(root, environment) as history:
        if not unverified:
            history.read(written_down(heads) if heads else [])
        events = history.unverified() if unverified else _events(root, environment)
        notes = [] if unverified else history.notes()
    if json:
        say(json_text([event.as_json() for event in events]))
        return
    table = Table("", "when (UTC)", "what", "by", "why")
    for event in events:
        when = event.at.strftime("%Y-%m-%d %H:%M")
        table.add_row(str(event.seq), when, f"{event.move} {event.version}", event.by, event.reason)
    show(table)
    roles = "; ".join(f"version {version} is {role}" for version, role in lifecycle.standing(events).roles.items())
    say(roles or "Nothing is registered yet.")
    for note in notes:
        say(f"Unverified before {note['before']}: moves up to {note['up_to']}, taken over by {note['by']}")


def _head(
    root: Root = HERE,
    environment: Environment = None,
    write_down: WriteDown = None,
    json: Json = False,
) -> None:
    """Print where the history ends, to be kept elsewhere: a history put back to an older state shows against it."""
    from credit_risk.data.writing import json_text
    from credit_risk.scoring import signed_chain

    with _opened(root, environment) as history:
        history.read()
        head = history.head()
    if write_down:
        signed_chain.write_down(head, write_down)
    say(json_text({"seq": head.seq, "hash": head.hash.hex()}) if json else str(head))


def _statement(
    root: Root = HERE,
    environment: Environment = None,
    output: Annotated[Path | None, Option(help="Where to write it too (default: registry.statement alone).")] = None,
    here: Annotated[
        bool, Option("--here", help="First let the release of this repository be live too: a move, with --reason.")
    ] = False,
    by: Annotated[str | None, Option("--by", help="Who lets it (default: whose identity this is).")] = None,
    reason: Annotated[str, Option("--reason", help="Why, as a sentence.")] = "",
) -> None:
    """Sign and date anew which versions may be live, as the history says."""
    from credit_risk.data.writing import write_text
    from credit_risk.errors import UsageError
    from credit_risk.registry import acting, conditions
    from credit_risk.registry.lifecycle import MoveRefused

    if not here and (by or reason):
        raise UsageError("--by and --reason belong to --here: a statement alone decides nothing.")
    settings = _settings(root, environment)
    with _opened(root, environment) as history:
        if here:
            release = _release_here(root, settings.signed_by)
            if reasons := conditions.refusals(root, settings, release[0], datetime.now(UTC).date()):
                raise MoveRefused("\n  ".join(["the release here may not be let live:", *reasons]))
            site = environment_file(root, environment)
            history.let_live(*release, by=acting.permitted("promote", site, root, by, settings), reason=reason)
        signed = history.restate()
    if output:
        write_text(output, str(signed))
    say(signed.text)


def _release_here(root: Path, by: "SignedBy") -> tuple[str, str]:
    """The digests of a repository's scorer and gate record, if the gate lets it pass and it is signed."""
    from credit_risk.data import digest
    from credit_risk.data.files import Files
    from credit_risk.scoring.release_files import verified_release
    from credit_risk.stages import gate

    gate.check(Files(root))
    with verified_release(Files(root), by) as verified:
        return digest.of_directory(verified.scorer), digest.of_file(verified.report("gate"))


def _take_over(
    reason: Annotated[str, Option("--reason", help="Why, as a sentence.")],
    by: Annotated[str | None, Option("--by", help="Who does it (default: whose identity this is).")] = None,
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Sign a history from before there were signatures, as unverified before now."""
    from credit_risk.registry import acting

    site = environment_file(root, environment)
    who = acting.permitted("promote", site, root, by, _settings(root, environment))
    with _opened(root, environment) as history:
        signed = history.take_over(who, reason)
    say(signed.text)


def _as_of(
    at: Annotated[str, Argument(metavar="WHEN", help="A day (its end, in UTC) or a moment, in ISO 8601.")],
    root: Root = HERE,
    environment: Environment = None,
    json: Json = False,  # noqa: ARG001  (it prints JSON either way)
) -> None:
    """Say which scorer was live at a day's end or a moment, and why, as JSON."""
    from credit_risk.data.writing import json_text
    from credit_risk.registry import as_of

    moment = as_of.moment(at)
    say(json_text(as_of.as_of(_events(root, environment), moment)))


def _settings(root: Path, environment: str | None) -> "RegistrySettings":
    from credit_risk.registry import settings

    return settings.load(environment_file(root, environment), root)


@contextmanager
def _opened(root: Path, environment: str | None) -> "Iterator[History]":
    from credit_risk.data.repository import opened
    from credit_risk.registry.history import History

    history = History(_settings(root, environment), root, opened(root)[0].project.name)
    try:
        yield history
    finally:
        history.close()


def _events(root: Path, environment: str | None) -> "list[HistoryEvent]":
    """Every move, with MLflow's side or without it."""
    from credit_risk.data.repository import opened
    from credit_risk.registry import versions

    settings = _settings(root, environment)
    return versions.read_history(opened(root)[0].project.name, settings, root)
