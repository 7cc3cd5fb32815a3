"""The search for less discriminatory alternatives: an optional part. The stage `fairness` reports it."""
