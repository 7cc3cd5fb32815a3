"""A candidate against a baseline on matured rows: what `credit-risk gate --candidate-model` answers."""
