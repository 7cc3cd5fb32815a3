"""Hold a data set against a privacy policy: scripts/compliance_check.py --help."""

from credit_risk.cli import script

raise SystemExit(script("compliance"))
