"""Holds and releases are found without reading every decision.

Nothing that stands there changes. From this version on a person has a key for each month of decision; keys from before
stay the keys of all periods, and nothing new is sealed with them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

OTHERS = sa.text("kind <> 'decision'")


def upgrade() -> None:
    names = ["kind", "seq"]
    op.create_index("ix_entries_others", "entries", names, sqlite_where=OTHERS, postgresql_where=OTHERS)
