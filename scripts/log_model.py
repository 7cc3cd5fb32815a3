"""Put the scorer of the last run into the registry: scripts/log_model.py --help."""

from credit_risk.cli import script

raise SystemExit(script("register"))
