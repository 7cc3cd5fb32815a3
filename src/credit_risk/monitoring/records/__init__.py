"""What monitoring keeps beside the ledger, and how it reads entries: aggregates alone, chained and signed."""
