"""What is kept of rollouts: their folder, their state, the audit trail as a chain in a file, and the lock."""
