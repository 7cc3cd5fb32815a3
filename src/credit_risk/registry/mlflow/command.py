"""The commands that need MLflow: `register`, and the verbs of `registry` that move and fetch numbered versions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option, Typer

from credit_risk.command_line import HERE, REGISTRY, Environment, Json, Root, add, environment_file, say, show, verbs_of
from credit_risk.errors import UsageError

if TYPE_CHECKING:
    from credit_risk.registry.lifecycle import HistoryEvent
    from credit_risk.registry.mlflow.registry import Registry

REGISTER_MORE = """
example:
  credit-risk register --by 'Kim Lee' --reason 'third quarter added' --tags environment=staging
"""
PROMOTE_MORE = """
example:
  credit-risk registry promote challenger --by "Ada Berg" --reason "beats the champion on matured rows"
"""
ROLLBACK_MORE = """
example:
  credit-risk registry rollback --by "Ada Berg" --reason "score shift after the release"
"""

By = Annotated[
    str | None,
    Option("--by", help="Who does it: first and last name (default: whose identity this is, or git's user.name)."),
]
Reason = Annotated[str, Option("--reason", help="Why, as a sentence.")]
Version = Annotated[str, Argument(help="Its number, or `challenger`.")]
Served = Annotated[str, Argument(help="Its number, `challenger` or `champion`.")]


def add_commands(app: Typer) -> None:
    """Add `register`, and the verbs of `registry` that work on numbered versions."""
    add(app, "register", _register, group=REGISTRY, more=REGISTER_MORE)
    registry = verbs_of(app, "registry")
    add(registry, "nominate", _nominate)
    add(registry, "promote", _promote, more=PROMOTE_MORE)
    add(registry, "retire", _retire)
    add(registry, "rollback", _roll_back, more=ROLLBACK_MORE)
    add(registry, "diff", _diff)
    add(registry, "fetch", _fetch)
    add(registry, "verify", _verify)
    add(registry, "schemas", _schemas)
    add(registry, "sync", _sync)


def _register(
    root: Root = HERE,
    environment: Environment = None,
    model_path: Annotated[Path | None, Option(help="The scorer directory (default: models/scorer).")] = None,
    metrics_path: Annotated[Path | None, Option(help="The figures to log (default: reports/metrics.json).")] = None,
    run_name: Annotated[str | None, Option(help="The name of MLflow's run (default: the scorer's digest).")] = None,
    tags: Annotated[
        list[str] | None, Option(metavar="NAME=VALUE", help="Tags, as environment=staging; may be repeated.")
    ] = None,
    by: By = None,
    reason: Annotated[str, Option(help="Why, as a sentence.")] = "registered after a run",
) -> None:
    """Put the scorer of the last run into the registry, as a candidate."""
    from credit_risk.data.repository import opened
    from credit_risk.registry.mlflow import register

    config, files = opened(root)
    if model_path and model_path.resolve() != files.scorer.resolve():
        raise UsageError(
            f"--model-path {model_path} is not {files.scorer}: the gate's record speaks of that scorer alone. "
            "Name another repository with --root."
        )
    with _opened(root, environment) as registry:
        event = register.register(
            registry,
            config,
            files,
            by=_signed(root, environment, by),
            reason=reason,
            run_name=run_name,
            tags=_pairs(tags or []),
            metrics=metrics_path,
        )
    say(f"Version {event.version}: {event.scorer[:12]}, gate {event.facts['verdict']}, registered by {event.by}.")


def _nominate(
    version: Version, reason: Reason, by: By = None, root: Root = HERE, environment: Environment = None
) -> None:
    """Make a candidate the challenger."""
    _move("nominate", version, by, reason, root, environment)


def _promote(
    version: Version, reason: Reason, by: By = None, root: Root = HERE, environment: Environment = None
) -> None:
    """Make the challenger the champion; the champion before it is retired."""
    _move("promote", version, by, reason, root, environment)


def _retire(
    version: Version, reason: Reason, by: By = None, root: Root = HERE, environment: Environment = None
) -> None:
    """Take a candidate or the challenger out."""
    _move("retire", version, by, reason, root, environment)


def _move(
    move: Literal["nominate", "promote", "retire"],
    version: str,
    by: str | None,
    reason: str,
    root: Path,
    environment: str | None,
) -> None:
    from credit_risk.registry.mlflow import promotion

    who = _promoter(root, environment, by)
    with _opened(root, environment) as registry:
        _say_move(promotion.move(registry, move, version, by=who, reason=reason))


def _roll_back(reason: Reason, by: By = None, root: Root = HERE, environment: Environment = None) -> None:
    """Make the champion before the present one champion again."""
    from credit_risk.registry.mlflow import promotion

    who = _promoter(root, environment, by)
    with _opened(root, environment) as registry:
        _say_move(promotion.roll_back(registry, by=who, reason=reason))


def _signed(root: Path, environment: str | None, by: str | None) -> str:
    from credit_risk.registry import acting, settings

    return acting.signed_by(root, by, settings.load(environment_file(root, environment), root).four_eyes)


def _promoter(root: Path, environment: str | None, by: str | None) -> str:
    """Who moves a version, and may."""
    from credit_risk.registry import acting, settings

    site = environment_file(root, environment)
    return acting.permitted("promote", site, root, by, settings.load(site, root))


def _say_move(event: "HistoryEvent") -> None:
    say(f"Move {event.seq}: {event.move} version {event.version} ({event.scorer[:12]}) by {event.by}: {event.reason}")


def _diff(
    first: Annotated[str, Argument(help="A version: its number, `challenger` or `champion`.")],
    second: Annotated[str, Argument(help="The version it is compared with.")],
    root: Root = HERE,
    environment: Environment = None,
    json: Json = False,
) -> None:
    """Show what differs between two versions: config, checks, origin."""
    from rich.table import Table

    from credit_risk.data.writing import json_text
    from credit_risk.registry.mlflow import promotion

    with _opened(root, environment) as registry:
        differences: dict[str, dict[str, Any]] = promotion.differences(registry, first, second)
    if json:
        say(json_text(differences))
        return
    for part, rows in differences.items():
        if not rows:
            say(f"{part}: no difference")
            continue
        table = Table(part, first, second)
        for name, values in rows.items():
            table.add_row(name, *map(str, values))
        show(table)


def _fetch(
    version: Served,
    output: Annotated[Path, Option(help="The folder; an older one there is replaced.")],
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Write a version as a root that `credit-risk serve --root` takes."""
    with _opened(root, environment) as registry:
        events = registry.events()
        number = _number(events, version)
        registry.fetch(number, events, output)
    say(f"Version {number} is at {output}: credit-risk serve --root {output}")


def _verify(
    version: Annotated[str | None, Argument(help="One version alone.")] = None,
    root: Root = HERE,
    environment: Environment = None,
    json: Json = False,
) -> None:
    """Verify that every version is what was registered and signed, and that the history is whole."""
    from credit_risk.data.writing import json_text
    from credit_risk.registry.lifecycle import versions

    with _opened(root, environment) as registry:
        events = registry.events()
        numbers = [_number(events, version)] if version else versions(events)
        for number in numbers:
            registry.verify(number, events)
    if json:
        say(json_text({"moves": len(events), "versions": numbers}))
    else:
        say(f"{len(events)} moves hold, and {len(numbers)} versions are what was registered and signed.")


def _schemas(
    version: Served,
    root: Root = HERE,
    environment: Environment = None,
    url: Annotated[
        str | None, Option(help="Ask a service that runs, instead of describing what this code would serve.")
    ] = None,
    json: Json = False,
) -> None:
    """Check that the config, MLflow's record and the API describe the same inputs and outputs."""
    from credit_risk.data.writing import json_text
    from credit_risk.registry.mlflow import signature_validation

    with _opened(root, environment) as registry:
        events = registry.events()
        number = _number(events, version)
        inputs = signature_validation.validate(registry, number, events, url)
    if json:
        say(json_text({"version": number, "inputs": inputs}))
    else:
        say(f"Config, MLflow's record and the API agree on {inputs} inputs and on what is answered.")


def _sync(root: Root = HERE, environment: Environment = None) -> None:
    """Set MLflow's aliases to what the history says."""
    with _opened(root, environment) as registry:
        standing = registry.sync()
    say(f"MLflow's aliases: {standing.aliases or 'none'}")


@contextmanager
def _opened(root: Path, environment: str | None) -> Iterator["Registry"]:
    from credit_risk.data.repository import opened
    from credit_risk.registry import settings as registry_settings
    from credit_risk.registry.mlflow.registry import Registry

    settings = registry_settings.load(environment_file(root, environment), root)
    name = opened(root)[0].project.name
    with Registry.opened(name, settings, root) as registry:
        yield registry


def _number(events: "list[HistoryEvent]", version: str) -> int:
    from credit_risk.registry import lifecycle

    return lifecycle.standing(events).named(version)


def _pairs(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if wrong := [word for word, (name, mark, value) in zip(words, pairs, strict=True) if not (name and mark and value)]:
        raise UsageError(f"--tags: got {', '.join(wrong)}, expected NAME=VALUE, as environment=staging.")
    return {name: value for name, _, value in pairs}
