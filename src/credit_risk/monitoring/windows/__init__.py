"""Decisions counted by the month they were made in: drift of inputs, shifts of decisions, changes within days."""
