"""What the work cost, against the month's budget: scripts/cost_tracker.py --help."""

from credit_risk.cli import script

raise SystemExit(script("cost"))
