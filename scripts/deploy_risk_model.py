"""Deploy the risk model, a first share of traffic ahead: scripts/deploy_risk_model.py --help."""

from credit_risk.cli import script

raise SystemExit(script("deploy"))
