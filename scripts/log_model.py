"""Put the scorer of the last run into the registry: scripts/log_model.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["register", *sys.argv[1:]]))
