"""Validate a data set: scripts/validate_data.py --help."""

from credit_risk.cli import script

raise SystemExit(script("validate-data"))
