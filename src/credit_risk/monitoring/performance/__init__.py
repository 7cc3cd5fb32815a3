"""What was foretold of accounts against what came: the book as counted, the backtest, and what is still to come."""
