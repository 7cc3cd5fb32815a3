"""`credit-risk validator`: the tables that a validator asks for first."""

from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import GATES, HERE, STUDIES, ConfigFile, Root, add, say

MORE = """
Of the last run: grades with Jeffreys and binomial tests, the approved book foretold against what came and under worse
times, calibration by segment and by group, periods, characteristics with information values, correlations and variance
inflation, the scorecard's points and what whole points would cost. Everything stands in reports/validator.html and as
CSV in reports/validator/; the figures that a gate may read (`measure: validator.…`) in reports/parts/validator.json.

example:
  credit-risk validator
"""
POWER_MORE = """
Made-up rows whose truth is known, measured by the code that measures a run's and judged by the gates' own rule: how
often a right model fails and a wrong one passes. Writes the table in docs/validator.md.

example:
  credit-risk validator-power --quick
"""


def add_commands(app: Typer) -> None:
    """Add the command that writes the validator's tables, and the one that says how often their gates are wrong."""
    add(app, "validator", _validator, group=GATES, more=MORE)
    add(app, "validator-power", _power, group=STUDIES, more=POWER_MORE)


def _validator(root: Root = HERE, config: ConfigFile = None) -> None:
    """Write the tables that a validator asks for first: grades, book, periods, characteristics, points."""
    from credit_risk.data.repository import opened
    from credit_risk.validator import measure

    checked, files = opened(root, config)
    measure.run(checked, files)
    say(f"{files.reports / 'validator.html'}; the tables: {files.reports / 'validator'}")


def _power(
    root: Root = HERE,
    config: ConfigFile = None,
    quick: Annotated[bool, Option("--quick", help="A fiftieth of the draws, and no table: does it run?")] = False,
) -> None:
    """Measure how often the gates on the validator's figures, on reasons and on the rows' order are wrong."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import between_marks, write_text
    from credit_risk.validator import power

    checked, files = opened(root, config)
    generated = power.table(list(power.counts(checked, part=0.02 if quick else 1.0)))
    if not quick:
        page = files.root / power.PAGE
        write_text(page, between_marks(page.read_text(encoding="utf-8"), power.BEGIN, power.END, generated))
    say(generated)
