"""Deploy a version beside the current one, and switch: scripts/blue_green_deploy.py --help."""

from credit_risk.cli import script

raise SystemExit(script("deploy", "--strategy", "blue-green"))
