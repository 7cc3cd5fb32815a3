"""Train the risk model: scripts/train_risk_model.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["train", *sys.argv[1:]]))
