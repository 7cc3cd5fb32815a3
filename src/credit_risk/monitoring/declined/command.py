"""`credit-risk overrides`: a person's decision against the scorer's, and approvals at random within a budget."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from typer import Argument, Context, Option, Typer

from credit_risk.command_line import (
    HERE,
    LEDGER,
    Environment,
    Json,
    Root,
    add,
    before_the_verb,
    environment_file,
    say,
    verbs,
)
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.monitoring.options import ledger_settings

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
    overrides.callback()(_overrides)
    add(overrides, "add", _add_override, more=OVERRIDE_MORE)
    add(overrides, "draw", _draw, more=DRAW_MORE)


def _overrides(
    context: Context,
    root: Root = HERE,  # noqa: ARG001  (read from the context)
    environment: Environment = None,  # noqa: ARG001
) -> None:
    before_the_verb(context)


def _add_override(
    decision: Annotated[str, Argument(help="The decision's id.")],
    to: Annotated[Literal["approve", "decline"], Option(help="What the person decided.")],
    reason: Annotated[str, Option(help="Why: one of override_reasons in configs/monitoring.yaml.")],
    by: Annotated[
        str | None, Option(help="Who decided: the name of whose identity this is, which is found out by itself.")
    ] = None,
    root: Root = HERE,
    environment: Environment = None,
) -> None:
    """Record a person's decision in the place of the scorer's."""
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.outcomes import overrides, whose
    from credit_risk.monitoring.settings import load

    settings = load(root / "configs" / "monitoring.yaml")
    who = whose.signature_of(root, environment_file(root, environment), by, settings.override_by)
    with open_ledger(root, ledger_settings(root, environment), os.environ, create=False) as ledger:
        if not overrides.record(ledger, decision, to, by=who, reason=reason, reasons=settings.override_reasons):
            raise CheckFailed("The ledger holds no such decision.")
    say(f"Decision {decision} is {to} now, by {who}.")


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
