"""Keys by person and period, a public signature of the head, and no entry before, over or instead of another.

What stands there stays as it is: no entry, hash or head changes, and a person's key goes on as the key of all periods.
The head is signed when the ledger is next opened for writing, as that takes the ledger's secret.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# REPLACE removes the row in its way without a DELETE that a trigger would see.
SQLITE = """
CREATE TRIGGER entries_only_behind BEFORE INSERT ON entries
WHEN NEW.seq < 1 OR EXISTS (SELECT 1 FROM entries WHERE seq = NEW.seq)
  OR EXISTS (SELECT 1 FROM entries WHERE decision_id = NEW.decision_id)
  OR EXISTS (SELECT 1 FROM entries WHERE request = NEW.request)
BEGIN SELECT RAISE(ABORT, 'the ledger only grows: an entry is put behind the last one'); END
"""
DESTROYED = """
UPDATE keys SET destroyed = (SELECT min(at) FROM entries WHERE kind = 'erasure' AND key = keys.number AND seq > 0)
WHERE wrapped IS NULL
"""


def upgrade() -> None:
    op.add_column("identity", sa.Column("verification_key", sa.LargeBinary))
    op.add_column("head", sa.Column("signature", sa.LargeBinary))
    if op.get_bind().dialect.name == "sqlite":
        _new_table_of_keys()
        op.execute(SQLITE)
    else:
        for column in _new_columns():
            op.add_column("keys", column)
        op.drop_constraint("keys_subject_key", "keys", type_="unique")
        op.create_unique_constraint("keys_subject_period_key", "keys", ["subject", "period"])
        op.create_check_constraint("entries_seq_check", "entries", "seq > 0", postgresql_not_valid=True)
    op.execute(DESTROYED)


def _new_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("period", sa.Text, nullable=False, server_default=""),
        sa.Column("made", _LONG),
        sa.Column("destroyed", _LONG),
    ]


def _new_table_of_keys() -> None:
    """SQLite cannot take the constraint off a table: the rows go into a new one."""
    op.create_table(
        "keys_by_period",
        sa.Column("number", _LONG, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.LargeBinary),
        sa.Column("wrapped", sa.LargeBinary),
        *_new_columns(),
        sa.UniqueConstraint("subject", "period"),
    )
    op.execute("INSERT INTO keys_by_period (number, subject, wrapped) SELECT number, subject, wrapped FROM keys")
    op.drop_table("keys")
    op.rename_table("keys_by_period", "keys")
