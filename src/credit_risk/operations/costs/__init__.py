"""What the work costs at the environment's prices, held against the month's budget. Knows no invoice: it estimates."""
