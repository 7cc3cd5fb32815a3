"""Audit a scorer by a regulatory framework: scripts/audit_model.py --help."""

from credit_risk.cli import script

raise SystemExit(script("audit"))
