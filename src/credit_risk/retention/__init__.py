"""Forgetting on time: what the law lets go is destroyed and proved gone, and what a legal hold names is kept.

It knows the ledger alone, and nothing of scorers or HTTP.
"""
