"""The tables: identity, head, keys, entries."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "identity",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ledger_id", sa.LargeBinary, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "head",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", _LONG, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("keys", _LONG, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("number", _LONG, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.LargeBinary, unique=True),
        sa.Column("wrapped", sa.LargeBinary),
    )
    op.create_table(
        "entries",
        sa.Column("seq", _LONG, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", _LONG, nullable=False),
        sa.Column("decision_id", sa.Text, nullable=False, unique=True),
        sa.Column("request", sa.LargeBinary, unique=True),
        sa.Column("key", _LONG, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
