"""`credit-risk validator`: the tables that a validator asks for first."""

from typer import Typer

from credit_risk.command_line import GATES, HERE, ConfigFile, Root, add, say

MORE = """
Of the last run: grades with Jeffreys and binomial tests, the approved book foretold against what came and under worse
times, calibration by segment and by group, periods, characteristics with information values, correlations and variance
inflation, the scorecard's points and what whole points would cost. Everything stands in reports/validator.html and as
CSV in reports/validator/; the figures that a gate may read (`measure: validator.…`) in reports/parts/validator.json.

example:
  credit-risk validator
"""


def add_commands(app: Typer) -> None:
    """Add the command that writes the validator's tables."""
    add(app, "validator", _validator, group=GATES, more=MORE)


def _validator(root: Root = HERE, config: ConfigFile = None) -> None:
    """Write the tables that a validator asks for first: grades, book, periods, characteristics, points."""
    from credit_risk.data.repository import opened
    from credit_risk.validator import measure

    checked, files = opened(root, config)
    measure.run(checked, files)
    say(f"{files.reports / 'validator.html'}; the tables: {files.reports / 'validator'}")
