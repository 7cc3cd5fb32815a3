"""Deploy a version by growing shares of traffic: scripts/canary_deploy.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["deploy", "--strategy", "canary", *sys.argv[1:]]))
