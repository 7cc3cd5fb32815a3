"""The sub-commands of a release: sign, register, and the registry with its moves."""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from credit_risk.command_line import Commands, Run, command
from credit_risk.config import load
from credit_risk.config.environment import DEFAULT
from credit_risk.data.files import Files
from credit_risk.errors import UsageError

SIGN = "sign the scorer and its gate record, if the gate lets it pass: only signed ones are served and promoted"
VERIFY = "are scorer and gate record, to the byte, what was signed?"
REGISTER = "put the scorer of the last run into the registry, as a candidate"
RELEASE = "lay out a release: signed scorer and gate record, bill of materials, how it was built"
REGISTRY = "which scorers there are, and what became of each"
SIGNING = """
The key: the file that CREDIT_RISK_SIGNING_KEY names (PEM, EC; CREDIT_RISK_SIGNING_PASSWORD opens it), else a
development key below build/signing, made at the first use. --keyless signs as the workflow that runs it (Sigstore).

exit codes: 0 signed; 1 the gate does not let this scorer pass; 2 it could not be done
"""
MOVES = """
A scorer is a candidate when it is registered, then the challenger (nominate), then the champion (promote), in the end
retired. Nominating and promoting take a passing gate record of exactly this scorer, and somebody else than the person
who registered it. Every move stands in a history that only grows.

examples:
  credit-risk registry history
  credit-risk registry promote challenger --by "Ada Berg" --reason "beats the champion on matured rows"
  credit-risk registry as-of 2026-11-20
  credit-risk registry rollback --by "Ada Berg" --reason "score shift after the release"

exit codes: 0 done; 1 it may not be done, and the message says why; 2 it could not be done
"""


def register(commands: Commands) -> None:
    """Add the sub-commands to the one command line."""
    sign = _parser(commands, "sign", SIGN, _sign, epilog=SIGNING)
    sign.add_argument("--keyless", action="store_true", help="sign by Sigstore as the workflow that runs this")
    verify = _parser(commands, "verify", VERIFY, _verify)
    _keyless(verify)
    _register(commands)
    _registry(commands)
    release = _parser(commands, "release", RELEASE, _released)
    release.add_argument(
        "--output", type=Path, default=Path("build/release"), help="the folder (default: build/release)"
    )
    release.add_argument("--sbom", type=Path, default=Path("build/sbom.json"), help="the packages, by `make sbom`")
    _keyless(release)


def _keyless(command: argparse.ArgumentParser) -> None:
    command.add_argument("--identity", help="whose keyless signature counts, with --issuer")
    command.add_argument("--issuer", help="who vouches for the identity")


def _parser(
    commands: Commands, name: str, what: str, run: Run, *, epilog: str = "", top: bool = True
) -> argparse.ArgumentParser:
    parser = command(commands, name, what, run, epilog=epilog)
    root, settings = (Path(), None) if top else (argparse.SUPPRESS, argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, default=root, help="the repository's root (default: this folder)")
    parser.add_argument(
        "--config",
        "--settings",
        dest="settings",
        type=Path,
        default=settings,
        help="the environment (default: configs/deploy/local.yaml below the root)",
    )
    return parser


def _register(commands: Commands) -> None:
    example = (
        "example:\n  credit-risk register --by 'Kim Lee' --reason 'third quarter added' --tags environment=staging"
    )
    command = _parser(commands, "register", REGISTER, _registered, epilog=example)
    command.add_argument("--model-path", type=Path, help="the scorer directory (default: models/scorer)")
    command.add_argument("--metrics-path", type=Path, help="the figures to log (default: reports/metrics.json)")
    command.add_argument("--run-name", help="the name of MLflow's run (default: the scorer's digest)")
    command.add_argument("--tags", nargs="*", default=[], metavar="NAME=VALUE", help="tags, as environment=staging")
    _who(command, required=False)


def _who(command: argparse.ArgumentParser, *, required: bool = True) -> None:
    command.add_argument("--by", required=required, help="who does it: first and last name (default: git's user.name)")
    command.add_argument("--reason", required=required, default="registered after a run", help="why, as a sentence")


def _registry(commands: Commands) -> None:
    registry = _parser(commands, "registry", REGISTRY, _nothing_said, epilog=MOVES)
    verbs = registry.add_subparsers(title="what to do", metavar="VERB", help="each has a --help of its own")

    def verb(name: str, what: str, run: Run) -> argparse.ArgumentParser:
        return _parser(verbs, name, what, run, top=False)

    verb("history", "every move: when, what, by whom, why", _history).add_argument("--json", action="store_true")
    verb("as-of", "which scorer was live at a day's end or a moment, and why", _as_of).add_argument("at")
    for name, what in {
        "nominate": "make a candidate the challenger",
        "promote": "make the challenger the champion; the champion before it is retired",
        "retire": "take a candidate or the challenger out",
    }.items():
        move = verb(name, what, _moved(name))
        move.add_argument("version", help="its number, or `challenger`")
        _who(move)
    _who(verb("rollback", "make the champion before the present one champion again", _rolled_back))
    diff = verb("diff", "what differs between two versions: config, checks, origin", _diff)
    diff.add_argument("one")
    diff.add_argument("other")
    fetch = verb("fetch", "write a version as a root that `credit-risk serve --root` takes", _fetch)
    fetch.add_argument("version", help="its number, `challenger` or `champion`")
    fetch.add_argument("--output", type=Path, required=True, help="the folder; an older one there is replaced")
    check = verb("verify", "is every version what was registered and signed, and the history whole?", _verified)
    check.add_argument("version", nargs="?", help="one version alone")
    schemas = verb(
        "schemas", "do the config, MLflow's record and the API describe the same inputs and outputs?", _schemas
    )
    schemas.add_argument("version", help="its number, `challenger` or `champion`")
    schemas.add_argument("--url", help="ask a service that runs, instead of describing what this code would serve")
    verb("sync", "set MLflow's aliases to what the history says", _sync)


def _nothing_said(_: argparse.Namespace) -> None:
    raise UsageError("say what to do with the registry: `credit-risk registry --help` lists it.")


def _sign(options: argparse.Namespace) -> None:
    signing = import_module("credit_risk.scoring.signing")
    files = Files(options.root)
    import_module("credit_risk.stages.gate").check(files)
    key = None if options.keyless else signing.private_key(options.root)
    made = signing.sign_release(files, key)
    _say(f"Signed: {', '.join(map(str, made))}" if made else "Signed already, by this key.")


def _verify(options: argparse.Namespace) -> None:
    import_module("credit_risk.scoring.signing").verify_release(Files(options.root), _signed_by(options))
    _say("Scorer and gate record are what was signed.")


def _released(options: argparse.Namespace) -> None:
    bundle = import_module("credit_risk.registry.release")
    files = Files(options.root)
    built = bundle.Built(os.environ, datetime.now(UTC))
    bundle.bundle(load(files.config), files, _signed_by(options), options.sbom, options.output, built=built)
    _say(f"{options.output}: {', '.join(sorted(path.name for path in options.output.iterdir()))}")


def _signed_by(options: argparse.Namespace) -> Any:
    if not (options.identity or options.issuer):
        return _settings(options).signed_by
    if not (options.identity and options.issuer):
        raise UsageError("--identity and --issuer go together.")
    return import_module("credit_risk.scoring.signing").SignedBy(identity=options.identity, issuer=options.issuer)


def _settings(options: argparse.Namespace) -> Any:
    settings = import_module("credit_risk.registry.settings")
    return settings.load(options.settings or options.root / DEFAULT, options.root)


@contextmanager
def _opened(options: argparse.Namespace) -> Iterator[Any]:
    settings = _settings(options)
    name = load(Files(options.root).config).project.name
    with import_module("credit_risk.registry.versions").open_versions(name, settings, options.root) as registry:
        yield registry


def _events(options: argparse.Namespace) -> list[Any]:
    """Every move, with MLflow's side or without it."""
    settings = _settings(options)
    name = load(Files(options.root).config).project.name
    events: list[Any] = import_module("credit_risk.registry.versions").read_history(name, settings, options.root)
    return events


def _registered(options: argparse.Namespace) -> None:
    module = import_module("credit_risk.registry.mlflow.register")
    files = Files(options.root)
    if options.model_path and options.model_path.resolve() != files.scorer.resolve():
        raise UsageError(
            f"--model-path {options.model_path} is not {files.scorer}: the gate's record speaks of that scorer alone. "
            "Name another repository with --root."
        )
    by = options.by or import_module("credit_risk.data.provenance").author(options.root)
    with _opened(options) as registry:
        event = module.register(
            registry,
            load(files.config),
            files,
            by=by or "",
            reason=options.reason,
            run_name=options.run_name,
            tags=_tags(options.tags),
            metrics=options.metrics_path,
        )
    _say(f"Version {event.version}: {event.scorer[:12]}, gate {event.facts['verdict']}, registered by {event.by}.")


def _tags(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if wrong := [word for word, (name, mark, value) in zip(words, pairs, strict=True) if not (name and mark and value)]:
        raise UsageError(f"--tags: got {', '.join(wrong)}, expected NAME=VALUE, as environment=staging.")
    return {name: value for name, _, value in pairs}


def _moved(name: str) -> Run:
    def run(options: argparse.Namespace) -> None:
        moves = import_module("credit_risk.registry.mlflow.promotion")
        with _opened(options) as registry:
            event = moves.move(registry, name, options.version, by=options.by, reason=options.reason)
        _told(event)

    return run


def _rolled_back(options: argparse.Namespace) -> None:
    moves = import_module("credit_risk.registry.mlflow.promotion")
    with _opened(options) as registry:
        event = moves.roll_back(registry, by=options.by, reason=options.reason)
    _told(event)


def _told(event: Any) -> None:
    _say(f"Move {event.seq}: {event.move} version {event.version} ({event.scorer[:12]}) by {event.by}: {event.reason}")


def _history(options: argparse.Namespace) -> None:
    lifecycle = import_module("credit_risk.registry.lifecycle")
    events = _events(options)
    if options.json:
        told = [vars(event) | {"at": event.at.isoformat(), "facts": dict(event.facts)} for event in events]
        _say(json.dumps(told, indent=2, ensure_ascii=False))
        return
    now = lifecycle.standing(events)
    table = Table("", "when (UTC)", "what", "by", "why")
    for event in events:
        when = event.at.strftime("%Y-%m-%d %H:%M")
        table.add_row(str(event.seq), when, f"{event.move} {event.version}", event.by, event.reason)
    Console(highlight=False, markup=False).print(table)
    roles = "; ".join(f"version {version} is {role}" for version, role in now.roles.items())
    _say(roles or "Nothing is registered yet: `credit-risk register`.")


def _as_of(options: argparse.Namespace) -> None:
    moves = import_module("credit_risk.registry.as_of")
    at = moves.moment(options.at)
    found = moves.as_of(_events(options), at)
    _say(json.dumps(found, indent=2, ensure_ascii=False))


def _diff(options: argparse.Namespace) -> None:
    moves = import_module("credit_risk.registry.mlflow.promotion")
    with _opened(options) as registry:
        found = moves.differences(registry, options.one, options.other)
    for part, lines in found.items():
        table = Table(part, options.one, options.other)
        for name, (one, other) in lines.items():
            table.add_row(name, str(one), str(other))
        Console(highlight=False, markup=False).print(table if lines else f"{part}: no difference")


def _fetch(options: argparse.Namespace) -> None:
    with _opened(options) as registry:
        events = registry.events()
        version = _version(events, options.version)
        registry.fetch(version, events, options.output)
    _say(f"Version {version} is at {options.output}: credit-risk serve --root {options.output}")


def _version(events: list[Any], word: str) -> int:
    version: int = import_module("credit_risk.registry.lifecycle").standing(events).named(word)
    return version


def _verified(options: argparse.Namespace) -> None:
    lifecycle = import_module("credit_risk.registry.lifecycle")
    with _opened(options) as registry:
        events = registry.events()
        versions = [_version(events, options.version)] if options.version else lifecycle.versions(events)
        for version in versions:
            registry.verify(version, events)
    _say(f"{len(events)} moves hold, and {len(versions)} versions are what was registered and signed.")


def _schemas(options: argparse.Namespace) -> None:
    module = import_module("credit_risk.registry.mlflow.signature_validation")
    with _opened(options) as registry:
        events = registry.events()
        inputs = module.validate(registry, _version(events, options.version), events, options.url)
    _say(f"Config, MLflow's record and the API agree on {inputs} inputs and on what is answered.")


def _sync(options: argparse.Namespace) -> None:
    with _opened(options) as registry:
        now = registry.sync()
    _say(f"MLflow's aliases: {now.aliases or 'none'}")


def _say(text: str) -> None:
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(text)
