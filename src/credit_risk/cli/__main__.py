"""`python -m credit_risk.cli`: the command line without its installed name."""

from credit_risk.cli import console

console()
