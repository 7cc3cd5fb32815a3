"""Opening the ledger of an environment: the one way for the service, rollouts, governance and the ledger's commands."""

import logging
from collections.abc import Mapping
from pathlib import Path

from credit_risk.config.environment import url_below
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.sealing import VARIABLE, make_key_file, master_key
from credit_risk.ledger.settings import LedgerSettings

log = logging.getLogger(__name__)


def open_ledger(root: Path, settings: LedgerSettings, variables: Mapping[str, str], *, create: bool) -> Ledger:
    """The ledger that the settings name; a relative SQLite file and the key's file lie below the root.

    variables: of the process; CREDIT_RISK_LEDGER_KEY goes before the key's file. create: make a ledger that is not
    there, and a development key where the settings name a file for it and neither file nor variable has one.
    Raises LedgerRefused without a key or for another one, and what Ledger.open raises.
    """
    url, key = url_below(root, settings.url), ledger_key(root, settings, variables, create=create)
    return Ledger.open(url, key=key, busy_timeout_s=settings.busy_timeout_s, create=create)


def ledger_key(root: Path, settings: LedgerSettings, variables: Mapping[str, str], *, create: bool = False) -> bytes:
    """The master key (32 bytes). Raises LedgerRefused where there is none and `create` may not make one."""
    path = root / settings.key_file if settings.key_file else None
    if create and path is not None and VARIABLE not in variables and not path.exists():
        make_key_file(path)
        log.warning("A development key for the ledger was made: %s. Production sets %s.", path, VARIABLE)
    return master_key(variables, path)
