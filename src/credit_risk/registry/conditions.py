"""What else a promotion waits for: the optional part `governance` says it, found late and by name."""

from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from credit_risk.registry.settings import RegistrySettings

PART = "credit_risk.governance"


def refusals(root: Path, settings: RegistrySettings, scorer: str, today: date) -> list[str]:
    """Why a scorer may not be promoted, beyond its gate record; nothing where it is only reported, or nobody is there.

    Taking the part out is a reviewed change; an environment that only reports is no production.
    """
    if settings.governance != "required" or find_spec(PART) is None:
        return []
    reasons: list[str] = import_module(f"{PART}.model_risk.promotion").refusals(root, settings.signed_by, scorer, today)
    return reasons
