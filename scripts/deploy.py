"""Deploy a version to an environment: scripts/deploy.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["deploy", *sys.argv[1:]]))
