"""Recommend resources from measurements, and change nothing: scripts/optimize_resources.py --help."""

from credit_risk.cli import script

raise SystemExit(script("capacity recommend"))
