"""Audit a scorer by a regulatory framework: scripts/audit_model.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["audit", *sys.argv[1:]]))
