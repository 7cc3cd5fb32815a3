"""The tables of the ledger, and the version of them that this code reads and writes."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

VERSION = "0002"  # the last of migrations/versions

metadata = MetaData()
_Long = BigInteger().with_variant(
    Integer(), "sqlite"
)  # SQLite's integers have 64 bits, and only INTEGER can be a row id

# Who this ledger is: its id, and the secret under the master key. One row.
identity = Table(
    "identity",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("ledger_id", LargeBinary, nullable=False),
    Column("secret", LargeBinary, nullable=False),
)

# Where the chain ends, signed; `keys`: the number of the last person's key. One row, changed by every commit.
head = Table(
    "head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", _Long, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("keys", _Long, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)

# One key a person. Erased: subject and wrapped are null, and an entry of the chain says when.
keys = Table(
    "keys",
    metadata,
    Column("number", _Long, primary_key=True, autoincrement=False),
    Column("subject", LargeBinary, unique=True),
    Column("wrapped", LargeBinary),
)

# The chain (see chain.Row); nothing here is ever changed or removed.
entries = Table(
    "entries",
    metadata,
    Column("seq", _Long, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at", _Long, nullable=False),
    Column("decision_id", Text, nullable=False, unique=True),
    Column("request", LargeBinary, unique=True),
    Column("key", _Long, nullable=False, index=True),
    Column("facts", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("hash", LargeBinary, nullable=False),
)
