"""What else a promotion waits for: optional parts say it, found late and by name."""

from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from credit_risk.registry.settings import RegistrySettings

PARTS: tuple[tuple[str, str], ...] = (
    ("credit_risk.governance", "model_risk.promotion"),  # part: governance
    ("credit_risk.documents", "promotion"),  # part: documents
    ("credit_risk.roles", "promotion"),  # part: roles
)


def refusals(root: Path, settings: RegistrySettings, scorer: str, today: date) -> list[str]:
    """Why a scorer may not be promoted, beyond its gate record; nothing where that is only reported.

    Taking a part out is a reviewed change; an environment that only reports is no production.
    """
    if settings.governance != "required":
        return []
    modules = [import_module(f"{part}.{module}") for part, module in PARTS if find_spec(part) is not None]
    return [reason for module in modules for reason in module.refusals(root, settings.signed_by, scorer, today)]
