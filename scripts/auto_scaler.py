"""Add or remove replicas by what they use: scripts/auto_scaler.py --help."""

from credit_risk.cli import script

raise SystemExit(script("scale"))
