"""Decisions that a person must decide again, and how long they wait."""
