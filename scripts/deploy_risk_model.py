"""Deploy the risk model, a first share of traffic ahead: scripts/deploy_risk_model.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["deploy", *sys.argv[1:]]))
