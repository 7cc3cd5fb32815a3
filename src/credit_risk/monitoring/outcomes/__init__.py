"""What became of decided accounts, as facts that only grow: deliveries, overrides, and their count by month on book."""
