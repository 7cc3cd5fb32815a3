"""How long decisions must be kept: `statements.retention_months` of a policy in configs/policies."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pandas import DateOffset, Timestamp

from credit_risk.command_line import is_path
from credit_risk.config.yaml_positions import read_tree
from credit_risk.errors import ConfigError, UsageError
from credit_risk.ledger.database.stored import stored_head
from credit_risk.ledger.errors import LedgerRefused
from credit_risk.ledger.ledger import Ledger

MOST_AHEAD = timedelta(days=366)


def months_of(root: Path, policy: str) -> int:
    """The term in months. policy: a name in configs/policies, whose owners review it. Raises UsageError and others."""
    if is_path(policy):  # anybody could write a file of their own, with a term of a month
        raise UsageError(f"--policy {policy}: expected the name of a policy in configs/policies, as ecoa; got a path.")
    path = root / "configs" / "policies" / f"{policy}.yaml"
    tree = read_tree(path, "Name a policy in configs/policies.")
    statements = tree.get("statements")
    months = statements.get("retention_months") if isinstance(statements, dict) else None
    if not isinstance(months, int) or isinstance(months, bool) or months < 1:
        raise ConfigError(path, [f"statements.retention_months: expected whole months, 1 or more; got {months!r}"])
    return int(months)


def first_kept(today: date, months: int) -> date:
    """The day from which on decisions must still be kept: whatever was decided before it may go."""
    return (Timestamp(today) - DateOffset(months=months)).date()


def allowed(before: date | None, today: date, months: int) -> date:
    """The day before which decisions go: as it was asked for, else all whose term has ended. Raises UsageError."""
    latest = first_kept(today, months)
    if before is not None and before > latest:
        raise UsageError(
            f"--before {before}: decisions must be kept for {months} months, so on {today} nothing of {latest} or "
            "later may go. Name an earlier day, or another policy if another law applies."
        )
    return before or latest


def today(ledger: Ledger, clock: datetime) -> date:
    """The day (UTC). Raises LedgerRefused for a clock that the ledger's last entry shows to be wrong.

    A clock that is years ahead would let go of everything, and nothing brings that back.
    """
    last = stored_head(ledger).seq
    with ledger.store.reading() as cursor:
        cursor.execute(ledger.sql.around, (last, last))
        times = [row[2] for row in cursor.fetchall()]
    at = datetime.fromtimestamp(times[0] / 1e6, UTC) if times else clock
    if not at - timedelta(hours=1) <= clock <= at + MOST_AHEAD:
        raise LedgerRefused(
            f"the clock says {clock:%Y-%m-%d %H:%M}: before the ledger's last entry, of {at:%Y-%m-%d %H:%M}, or "
            "more than a year after it. Set the clock; in a ledger that rests, record one decision first."
        )
    return clock.date()
