"""The ledger of an environment, to read: nothing is made where none is."""

from collections.abc import Mapping
from pathlib import Path

from credit_risk.config import environment
from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.opening import open_ledger
from credit_risk.serving.settings import Serving


def ledger(path: Path, root: Path, variables: Mapping[str, str]) -> Ledger:
    """The ledger, with its key from the variables or the settings' file. Raises what Ledger.open raises."""
    return open_ledger(root, environment.read(path, "serving", Serving).ledger, variables, create=False)


def ledger_if_there(path: Path, root: Path, variables: Mapping[str, str]) -> Ledger | None:
    """The ledger, or None where there is none yet or its key is not here."""
    try:
        return ledger(path, root, variables)
    except (LedgerUnavailable, LedgerRefused):
        return None
