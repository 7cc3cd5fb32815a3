"""Train the risk model: scripts/train_risk_model.py --help."""

from credit_risk.cli import script

raise SystemExit(script("train"))
