"""Validate a data set: scripts/validate_data.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["validate-data", *sys.argv[1:]]))
