"""The database below the ledger: its connection, tables and their migrations, statements, and rows as values."""
