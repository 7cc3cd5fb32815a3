"""`credit-risk overrides`: a person's decision against the scorer's, and approvals at random within a budget."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import (
    HERE,
    LEDGER,
    Environment,
    Json,
    Root,
    add,
    say,
    verbs,
)
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.monitoring.options import PersonsDecision, before_each_verb, ledger_settings

OVERRIDES_HELP = "Record what a person decided against the scorer, in the ledger's chain."
OVERRIDE_MORE = """
The reason is one of override_reasons in configs/monitoring.yaml. Who and why stand in clear in the chain for ever;
a later override of the same decision stands in the place of the earlier. `credit-risk monitor` counts them.

example:
  credit-risk overrides add 01a21098-f168-7765-8a58-0b9fc0816889 --to approve --by "J. Roe" --reason income_proved
"""
DRAW_MORE = """
Run it once a day: whoever was declined by their PD, within the limits of random_approvals, has the same chance.
The draw is on record, and a day is drawn from once, however often this is run.

example:
  credit-risk overrides draw --day 2026-11-30
"""


def add_commands(app: Typer) -> None:
    """Add `credit-risk overrides` with its verbs."""
    overrides = verbs(app, "overrides", help=OVERRIDES_HELP, group=LEDGER)
    overrides.callback()(before_each_verb)
    add(overrides, "add", _add_override, more=OVERRIDE_MORE)
    add(overrides, "draw", _draw, more=DRAW_MORE)


def _add_override(
    given: PersonsDecision,
) -> None:
    """Record a person's decision in the place of the scorer's."""
    from credit_risk.monitoring.outcomes import overrides
    from credit_risk.monitoring.settings import load

    settings = load(given.root / "configs" / "monitoring.yaml")
    who, reasons = given.signed(settings), settings.override_reasons
    with given.opened() as ledger:
        if not overrides.record(ledger, given.decision, given.to, by=who, reason=given.reason, reasons=reasons):
            raise CheckFailed("The ledger holds no such decision.")
    say(f"Decision {given.decision} is {given.to} now, by {who}.")


def _draw(
    root: Root = HERE,
    environment: Environment = None,
    day: Annotated[
        datetime | None,
        Option(formats=["%Y-%m-%d"], help="The day whose declined are drawn from (default: yesterday)."),
    ] = None,
    json: Json = False,
) -> None:
    """Approve some of a day's declined at random, by random_approvals of configs/monitoring.yaml; once a day."""
    from credit_risk.data.writing import json_text
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.declined import drawing
    from credit_risk.monitoring.settings import load

    rules, settings = load(root / "configs" / "monitoring.yaml").random_approvals, ledger_settings(root, environment)
    if rules is None:
        raise UsageError("configs/monitoring.yaml has no random_approvals: nobody has approved a budget.")
    now = datetime.now(UTC)
    of = day.date() if day else (now - timedelta(days=1)).date()
    with open_ledger(root, settings, os.environ, create=False) as ledger:
        record = drawing.draw_day(ledger, rules, of, busy_timeout_s=settings.busy_timeout_s, now=now)
    beyond = "" if record["within"] else "; nobody, because the month's exposure would be exceeded"
    counted = f"{record['day']}: {record['approved']} of {record['eligible']} declined approved at random{beyond}."
    say(json_text(record) if json else counted)
