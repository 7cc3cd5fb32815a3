"""Add or remove replicas by what they use: scripts/auto_scaler.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["scale", *sys.argv[1:]]))
