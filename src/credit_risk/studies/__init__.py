"""Proofs for maintainers: how often gates and rollouts are wrong where the truth is known, what the pipeline costs."""
