"""Validate a financial data set with its compliance controls: scripts/validate_financial_data.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["validate-data", *sys.argv[1:]]))
