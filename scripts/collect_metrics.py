"""Collect the pipeline's metrics: scripts/collect_metrics.py --help."""

from credit_risk.cli import script

raise SystemExit(script("metrics"))
