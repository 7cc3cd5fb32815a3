"""The commands of a release (sign, verify, release) and of the history of all: `registry history` and `as-of`."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Context, Option, Typer

from credit_risk.command_line import (
    HERE,
    REGISTRY,
    Environment,
    Json,
    Root,
    add,
    before_the_verb,
    environment_file,
    say,
    show,
    verbs,
)
from credit_risk.errors import UsageError

if TYPE_CHECKING:
    from credit_risk.registry.lifecycle import HistoryEvent
    from credit_risk.registry.settings import RegistrySettings
    from credit_risk.scoring.signing import SignedBy

SIGN_MORE = """
The key: the file that CREDIT_RISK_SIGNING_KEY names (PEM, EC; CREDIT_RISK_SIGNING_PASSWORD opens it), else a
development key below build/signing, made at the first use. --keyless signs as the workflow that runs it (Sigstore).

exit codes: 0 signed; 1 the gate does not let this scorer pass; 2 it could not be done
"""
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

Identity = Annotated[str | None, Option("--identity", help="Whose keyless signature counts, with --issuer.")]
Issuer = Annotated[str | None, Option("--issuer", help="Who vouches for the identity.")]


def add_commands(app: Typer) -> None:
    """Add the commands of a release."""
    add(app, "sign", _sign, group=REGISTRY, more=SIGN_MORE)
    add(app, "verify", _verify, group=REGISTRY)
    registry = verbs(app, "registry", help=REGISTRY_HELP, group=REGISTRY, more=REGISTRY_MORE)
    registry.callback()(_registry)
    add(registry, "history", _history)
    add(registry, "as-of", _as_of)
    add(app, "release", _release, group=REGISTRY)


def _sign(
    root: Root = HERE,
    keyless: Annotated[bool, Option("--keyless", help="Sign by Sigstore as the workflow that runs this.")] = False,
) -> None:
    """Sign the scorer and its gate record, if the gate lets it pass: only signed ones are served and promoted."""
    from credit_risk.data.files import Files
    from credit_risk.scoring import signing
    from credit_risk.stages import gate

    files = Files(root)
    gate.check(files)
    made = signing.sign_release(files, None if keyless else signing.private_key(root))
    say(f"Signed: {', '.join(map(str, made))}" if made else "Signed already, by this key.")


def _verify(
    root: Root = HERE, environment: Environment = None, identity: Identity = None, issuer: Issuer = None
) -> None:
    """Verify that scorer and gate record are, to the byte, what was signed."""
    from credit_risk.data.files import Files
    from credit_risk.scoring import signing

    signing.verify_release(Files(root), _signed_by(root, environment, identity, issuer))
    say("Scorer and gate record are what was signed.")


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

    config, files = opened(root)
    built = release.Built(os.environ, datetime.now(UTC))
    by = _signed_by(root, environment, identity, issuer)
    release.bundle(config, files, by, sbom, output, built=built)
    say(f"{output}, version {built.version}: {', '.join(sorted(path.name for path in output.iterdir()))}")


def _registry(context: Context, root: Root = HERE, environment: Environment = None) -> None:  # noqa: ARG001
    before_the_verb(context)


def _history(root: Root = HERE, environment: Environment = None, json: Json = False) -> None:
    """Show every move: when, what, by whom, why."""
    from rich.table import Table

    from credit_risk.data.writing import json_text
    from credit_risk.registry import lifecycle

    events = _events(root, environment)
    if json:
        say(json_text([vars(event) | {"at": event.at.isoformat(), "facts": dict(event.facts)} for event in events]))
        return
    table = Table("", "when (UTC)", "what", "by", "why")
    for event in events:
        when = event.at.strftime("%Y-%m-%d %H:%M")
        table.add_row(str(event.seq), when, f"{event.move} {event.version}", event.by, event.reason)
    show(table)
    roles = "; ".join(f"version {version} is {role}" for version, role in lifecycle.standing(events).roles.items())
    say(roles or "Nothing is registered yet.")


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


def _signed_by(root: Path, environment: str | None, identity: str | None, issuer: str | None) -> "SignedBy":
    from credit_risk.scoring.signing import SignedBy

    if not (identity or issuer):
        return _settings(root, environment).signed_by
    if not (identity and issuer):
        raise UsageError("--identity and --issuer go together.")
    return SignedBy(identity=identity, issuer=issuer)


def _events(root: Path, environment: str | None) -> "list[HistoryEvent]":
    """Every move, with MLflow's side or without it."""
    from credit_risk.data.repository import opened
    from credit_risk.registry import versions

    settings = _settings(root, environment)
    return versions.read_history(opened(root)[0].project.name, settings, root)
