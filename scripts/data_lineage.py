"""Where the scorer comes from, each step by its digest: scripts/data_lineage.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["lineage", *sys.argv[1:]]))
