"""Alembic's migrations of the ledger; `schema.migrate` runs them when a ledger is opened."""
