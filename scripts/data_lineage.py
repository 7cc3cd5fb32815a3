"""Where the scorer comes from, each step by its digest: scripts/data_lineage.py --help."""

from credit_risk.cli import script

raise SystemExit(script("lineage"))
