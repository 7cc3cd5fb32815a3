"""Deploy a version beside the current one, and switch: scripts/blue_green_deploy.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["deploy", "--strategy", "blue-green", *sys.argv[1:]]))
