"""A candidate against a baseline on matured rows: what `credit-risk gate --candidate-model` answers.

It trains nothing, and knows neither registry nor traffic.
"""
