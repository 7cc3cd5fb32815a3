"""`credit-risk appeals`: decisions that applicants contest, a person's answer, and what has waited too long."""

import os
from datetime import UTC, datetime
from typing import Annotated

from typer import Argument, Option, Typer

from credit_risk.command_line import (
    HERE,
    LEDGER,
    Environment,
    Json,
    Root,
    add,
    environment_file,
    say,
    verbs,
)
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.monitoring.options import PersonsDecision, before_each_verb, ledger_settings

HELP = "Have contested and referred decisions decided again by a person, on record and in time."
ANSWER_MORE = """
An answer that differs from what stands is an override, and counts as one; one that upholds it is an entry of its own.
The reason is one of override_reasons in configs/monitoring.yaml.

example:
  credit-risk appeals answer 01a21098-f168-7765-8a58-0b9fc0816889 --to approve --reason income_proved
"""
ADD_MORE = """
example:
  credit-risk appeals add 01a21098-f168-7765-8a58-0b9fc0816889 --on 2026-11-30
"""
DUE_MORE = """
Days: appeals in configs/monitoring.yaml. Exit code 1 where one is overdue: run it daily, and let it wake somebody.
"""
By = Annotated[str | None, Option(help="Whose identity this is, which is found out by itself.")]
Decision = Annotated[str, Argument(help="The decision's id.")]
NO_SUCH = "The ledger holds no such decision."


def add_commands(app: Typer) -> None:
    """Add `credit-risk appeals` with its verbs."""
    appeals = verbs(app, "appeals", help=HELP, group=LEDGER)
    appeals.callback()(before_each_verb)
    add(appeals, "add", _add, more=ADD_MORE)
    add(appeals, "answer", _answer, more=ANSWER_MORE)
    add(appeals, "due", _due, more=DUE_MORE)


def _add(
    decision: Decision,
    on: Annotated[
        datetime | None, Option(formats=["%Y-%m-%d"], help="The day on which they asked (default: today).")
    ] = None,
    by: By = None,
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Put on record that an applicant contests a decision."""
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.appeals import appeals
    from credit_risk.monitoring.outcomes import whose
    from credit_risk.monitoring.settings import load

    settings, day = load(root / "configs" / "monitoring.yaml"), (on or datetime.now(UTC)).date()
    who = whose.signature_of(root, environment_file(root, environment), by, settings.override_by)
    with open_ledger(root, ledger_settings(root, environment), os.environ, create=False) as ledger:
        if not appeals.ask(ledger, decision, day, by=who):
            raise CheckFailed(NO_SUCH)
    say(f"Decision {decision} is contested since {day}.")


def _answer(
    given: PersonsDecision,
) -> None:
    """Decide a contested or referred decision again, as a person."""
    from credit_risk.monitoring.appeals import appeals
    from credit_risk.monitoring.settings import load

    settings = load(given.root / "configs" / "monitoring.yaml")
    who, reasons = given.signed(settings), settings.override_reasons
    with given.opened() as ledger:
        done = appeals.answer(ledger, given.decision, given.to, by=who, reason=given.reason, reasons=reasons)
    if done is None:
        raise CheckFailed(NO_SUCH)
    say(f"Decision {given.decision} is {given.to}{' still' if done == appeals.UPHELD else ' now'}, by {who}.")


def _due(
    root: Root = HERE,
    environment: Environment = None,
    on: Annotated[
        datetime | None, Option(formats=["%Y-%m-%d"], help="As of the end of this day (default: today).")
    ] = None,
    json: Json = False,
) -> None:
    """Show what waits for a person, the first due first; exit code 1 where something is overdue."""
    from credit_risk.data.writing import json_text
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.appeals import appeals
    from credit_risk.monitoring.settings import load

    rules, day = load(root / "configs" / "monitoring.yaml").appeals, (on or datetime.now(UTC)).date()
    if rules is None:
        raise UsageError("configs/monitoring.yaml has no appeals: nobody has said how long one may wait.")
    with open_ledger(root, ledger_settings(root, environment), os.environ, create=False) as ledger:
        waiting = appeals.waiting(ledger, rules)
    late = [each for each in waiting if each.is_overdue(day)]
    if json:
        say(json_text([each.as_json(day) for each in waiting]))
    else:
        for each in waiting:
            overdue = ", overdue" if each.is_overdue(day) else ""
            say(f"{each.decision_id}: {each.decision}, {each.kind} on {each.since}, due {each.due}{overdue}")
        say(f"{len(waiting)} wait for a person, {len(late)} of them too long.")
    if late:
        raise CheckFailed(f"{len(late)} of {len(waiting)} have waited too long, the longest since {late[0].since}.")
