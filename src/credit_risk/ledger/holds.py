"""Legal holds: decisions that nothing may destroy, who said so and why. Hold and release are entries of the chain."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import orjson

from credit_risk.ledger.chain import HOLD, Row
from credit_risk.ledger.entry import moment
from credit_risk.ledger.errors import EntryError, LedgerRefused

MOST = 500


class Hold(NamedTuple):
    """A hold that stands. key: the number of the key that sealed the decision; it is kept, with all that it sealed."""

    decision_id: str
    key: int
    by: str
    reason: str
    at: datetime


def standing(rows: Iterable[Row]) -> dict[str, Hold]:
    """The holds that no later release has ended, by decision. rows: holds and releases in their order."""
    holds: dict[str, Hold] = {}
    for row in rows:
        facts = orjson.loads(row.facts)
        holds.pop(facts["of"], None)
        if row.kind == HOLD:
            holds[facts["of"]] = Hold(facts["of"], row.key, facts["by"], facts["reason"], moment(row.at))
    return holds


def refuse_held(holds: Iterable[Hold], keys: Iterable[int]) -> None:
    """Raises LedgerRefused if one of these keys sealed a decision that is held."""
    numbers = set(keys)
    for hold in holds:
        if hold.key in numbers:
            raise LedgerRefused(
                f"decision {hold.decision_id} is under a legal hold by {hold.by} since {hold.at:%Y-%m-%d}: "
                f"{hold.reason}. Nothing was destroyed. Whoever may end the hold releases it first."
            )


def text_in_clear(text: str, what: str) -> str:
    """A name or a reason that stands in clear in the chain for ever. Raises EntryError for none."""
    if not (text.strip() == text and text.isprintable() and 1 <= len(text) <= MOST):
        raise EntryError(f"{what}: expected 1 to {MOST} visible characters, no space at either end; got {text!r}.")
    return text
