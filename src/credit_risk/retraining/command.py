"""`credit-risk retrain`: is a training due, on which accounts, and did the candidate earn its place?"""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option, Typer

from credit_risk.command_line import GATES, HERE, ConfigFile, Environment, Json, Root, add, environment_file, say
from credit_risk.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from credit_risk.config import Config
    from credit_risk.data.files import Files

MORE = """
Triggers are a schedule, drift, performance, the end of the champion's approval, and --by-hand; limits and data are
those of configs/retraining.yaml. The same accounts, champion and recipe are never trained from twice. A candidate lies
in build/retraining; with --register it becomes a candidate of the registry. Nothing here moves traffic.

exit codes: 0 not due, to wait, trained before, or a candidate that passed; 1 refused, or the candidate did not pass;
2 it could not be done

examples:
  credit-risk retrain --decide-only
  credit-risk retrain --by-hand "Ada Berg" --reason "a product was withdrawn in May" --register
"""


def add_commands(app: Typer) -> None:
    """Add the command that retrains."""
    add(app, "retrain", _retrain, group=GATES, more=MORE)


def _retrain(
    root: Root = HERE,
    config: ConfigFile = None,
    environment: Environment = None,
    as_of: Annotated[
        datetime | None, Option(formats=["%Y-%m-%d"], help="What was known on this day (default: today, UTC).")
    ] = None,
    by_hand: Annotated[
        str | None, Option("--by-hand", metavar="NAME", help="Who asks for a training: first and last name.")
    ] = None,
    reason: Annotated[str, Option(help="Why, as a sentence: with --by-hand.")] = "",
    decide_only: Annotated[
        bool, Option("--decide-only", help="Say whether a training is due, and train none.")
    ] = False,
    output: Annotated[Path | None, Option(help="The candidate's folder (default: build/retraining).")] = None,
    register: Annotated[bool, Option("--register", help="Sign and register a candidate that passed.")] = False,
    markdown: Annotated[
        Path | None, Option(help="Write decision and comparison as Markdown, for a pull request.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a candidate if that is due: on matured accounts of the ledger, compared with the champion."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text, write_json, write_text
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.ledger.settings import load
    from credit_risk.retraining import candidate, wording
    from credit_risk.retraining.retrain import retrain

    checked, files = opened(root, config)
    clock = datetime.now(UTC)
    run = _run(checked, files, environment, min(as_of.date() if as_of else clock.date(), clock.date()), clock)
    run = _with_request(run, by_hand, reason, environment_file(root, environment))
    settings, folder = load(environment_file(root, environment)), output or root / "build" / "retraining"
    with open_ledger(root, settings, os.environ, create=False) as ledger:
        report = retrain(run, ledger, folder, busy_timeout_s=settings.busy_timeout_s, decide_only=decide_only)
    if register and wording.passed(report) and report["answer"] == "TRAIN":
        report["registered"] = _registered(root, environment, folder, by_hand, report)
    candidate.forget_accounts(folder)
    write_json(files.report("retraining"), report)
    if markdown:
        write_text(markdown, wording.markdown(report))
    say(json_text(report) if json else "\n".join(wording.lines(report)))
    if wording.is_no(report):
        raise CheckFailed("\n  ".join(["No candidate came of it.", *wording.objections(report)]))


def _run(config: "Config", files: "Files", environment: str | None, as_of: date, clock: datetime) -> Any:
    from credit_risk.config.environment import url_below
    from credit_risk.ledger.settings import load
    from credit_risk.monitoring import settings as monitoring
    from credit_risk.monitoring.outcomes.outcome_store import Outcomes
    from credit_risk.monitoring.records.beside_ledger import is_begun
    from credit_risk.retraining import approvals, settings
    from credit_risk.retraining.retrain import Retraining
    from credit_risk.scoring.scorer import Scorer

    root, file = files.root, environment_file(files.root, environment)
    ledger = load(file)
    url = url_below(root, ledger.url)
    histories = {}
    if is_begun(url):
        with Outcomes(url, busy_timeout_s=ledger.busy_timeout_s) as store:
            histories = store.histories()
    return Retraining(
        config,
        files,
        settings.load(root / "configs" / "retraining.yaml"),
        monitoring.load(root / "configs" / "monitoring.yaml"),
        histories,
        as_of,
        clock,
        approvals.promoted_on(file, root, config.project.name, Scorer.load(files.scorer).digest),
    )


def _with_request(run: Any, by: str | None, reason: str, site: Path) -> Any:
    """The run with the person who asks for it. site: the environment's file.

    Raises UsageError for one that is nobody or somebody else than whoever runs this, and for no reason.
    """
    from dataclasses import replace

    from credit_risk.config.names import is_person
    from credit_risk.retraining import approvals

    if by is None:
        if reason:
            raise UsageError("--reason says why somebody asks for a training: give --by-hand too.")
        return run
    if not is_person(by):
        raise UsageError(f"--by-hand is {by!r}, expected a first and a last name.")
    if len(reason.split()) < 3:
        raise UsageError(f"--reason is {reason!r}, expected a sentence that an auditor can read.")
    return replace(run, hand=(approvals.asked_by(site, run.files.root, by), reason))


def _registered(root: Path, environment: str | None, folder: Path, by: str | None, report: Any) -> int:
    from credit_risk.data.repository import opened
    from credit_risk.retraining import approvals

    config, made = opened(folder)
    why = f"retrained from accounts of {report['version']['past']['until']} and before"
    event = approvals.register(environment_file(root, environment), root, config, made, by=by, reason=why)
    return event.version
