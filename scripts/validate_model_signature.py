"""Do config, registry and API describe the same inputs and outputs? scripts/validate_model_signature.py --help."""

from credit_risk.cli import script

raise SystemExit(script("registry schemas"))
