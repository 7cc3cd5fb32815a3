"""A clone made once for each worker; every test harms its own copy."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # runner.py, also where a fork runs one file alone

from runner import clone, pristine

__all__ = ["clone", "pristine"]
