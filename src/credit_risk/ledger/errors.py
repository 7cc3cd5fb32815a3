"""The reasons why a decision is not recorded, one class for each answer that a caller has to give."""

from credit_risk.errors import CheckFailed, CreditRiskError


class LedgerUnavailable(CreditRiskError, ConnectionError):
    """Nothing was recorded now, though it may be later: disk full, database gone or locked. Never answer a decision."""


class LedgerBusy(LedgerUnavailable):
    """Another process writes to the ledger's file. Nothing was begun, and it may be tried again at once."""


class LedgerRefused(CreditRiskError, ValueError):
    """This ledger cannot be used as it was asked for: another key, a newer schema, a setting that loses decisions."""


class LedgerBroken(CheckFailed, ValueError):
    """The ledger was looked through and does not hold, or a decision cannot be made again bit for bit."""


class EntryError(CreditRiskError, ValueError):
    """An entry cannot be stored as it is: not JSON, or a number that JSON does not know."""


class Conflict(CreditRiskError, ValueError):
    """An idempotency key was used before, for another request; the first decision stands."""

    def __init__(self, decision_id: str, why: str) -> None:
        self.decision_id = decision_id
        super().__init__(
            f"this idempotency key belongs to decision {decision_id}, {why}. Send a new request with a key of its own."
        )


class Overloaded(CreditRiskError, RuntimeError):
    """More decisions wait to become durable than may: take no more until some are."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} decisions wait for the ledger already; try again in a moment.")
