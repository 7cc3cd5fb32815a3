"""Do config, registry and API describe the same inputs and outputs? scripts/validate_model_signature.py --help."""

import sys

from credit_risk.cli import main

raise SystemExit(main(["registry", "schemas", *sys.argv[1:]]))
