"""Run by Alembic: migrates over the connection that `schema.migrate` hands over, inside its transaction."""

from alembic import context

from credit_risk.ledger.database.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
