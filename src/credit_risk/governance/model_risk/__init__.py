"""The model as model risk management sees it: inventory, tier, findings, opinion, and what a promotion waits for."""
