"""The registry: what became of each scorer (a history that only grows) and releases. `mlflow` keeps the versions.

It moves scorers that others made and judged; it knows no traffic.
"""
