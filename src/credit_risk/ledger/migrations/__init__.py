"""Alembic's migrations of the ledger; `schema.migrated` runs them when a ledger is opened."""
