"""Hold a candidate against a baseline: scripts/validate_model.py --help."""

from credit_risk.cli import script

raise SystemExit(script("gate"))
