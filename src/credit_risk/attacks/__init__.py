"""Adversarial and membership attacks on a scorer: a room that a fork can delete; nothing outside imports it."""
