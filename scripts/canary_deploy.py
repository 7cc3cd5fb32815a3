"""Deploy a version by growing shares of traffic: scripts/canary_deploy.py --help."""

from credit_risk.cli import script

raise SystemExit(script("deploy", "--strategy", "canary"))
