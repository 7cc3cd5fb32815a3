"""After the decision: what became of it, as facts that only grow, and how that compares with what was foretold."""
