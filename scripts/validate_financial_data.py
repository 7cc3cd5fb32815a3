"""Validate a financial data set with its compliance controls: scripts/validate_financial_data.py --help."""

from credit_risk.cli import script

raise SystemExit(script("validate-data"))
