"""Hold a candidate against a baseline: scripts/validate_model.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["gate", *sys.argv[1:]]))
