"""Staying up to date: merging a newer upstream, and its config with one's own."""
