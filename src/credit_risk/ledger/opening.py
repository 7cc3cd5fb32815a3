"""Opening the ledger of an environment: the one way for the service, rollouts, governance and the ledger's commands."""

import logging
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from credit_risk.config.environment import url_below
from credit_risk.ledger.database import schema
from credit_risk.ledger.database.store import Store
from credit_risk.ledger.errors import LedgerRefused
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.sealing import BYTES, VARIABLE, make_key_file, master_key
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
    """The master key (32 bytes). Raises LedgerRefused where there is none and `create` may not make one.

    None is made for a ledger that is there: it is sealed under a key that was lost, and a fresh one opens nothing.
    """
    path = root / settings.key_file if settings.key_file else None
    if create and path is not None and VARIABLE not in variables and not path.exists():
        _make_key_of_new_ledger(root, settings, path)
    return master_key(variables, path)


def _make_key_of_new_ledger(root: Path, settings: LedgerSettings, path: Path) -> None:
    with closing(Store(url_below(root, settings.url), busy_timeout_s=settings.busy_timeout_s)) as store:
        begun = schema.is_begun(store)
    if not begun:
        make_key_file(path)
        log.warning("A development key for the ledger was made: %s. Production sets %s.", path, VARIABLE)
    elif not path.exists():  # it may have come meanwhile, with the ledger, from another process that starts
        raise LedgerRefused(
            f"{path}: the ledger's master key is not there, and the ledger {store.address} is. Put the key back, or "
            f"set {VARIABLE}; without it no personal part can be read. For a new ledger, name another URL."
        )


def public_key_of(text: str) -> bytes:
    """A public key (32 bytes) to check heads with: 64 hex digits, or a file that holds them. Raises LedgerRefused."""
    digits = text.strip()
    try:
        if len(digits) != 2 * BYTES and Path(digits).is_file():
            digits = Path(digits).read_text(encoding="utf-8").strip()
        key = bytes.fromhex(digits)
    except (OSError, ValueError):
        key = b""
    if len(key) != BYTES:
        raise LedgerRefused(
            f"--public-key: expected 64 hex digits, or a file that holds them, got {text!r}. "
            "`credit-risk ledger public-key` prints it, with the master key."
        )
    return key
