"""Bringing a scorer into traffic step by step, and back: a room that a fork may take away."""
