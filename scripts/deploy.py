"""Deploy a version to an environment: scripts/deploy.py --help."""

from credit_risk.cli import script

raise SystemExit(script("deploy"))
