"""The fixtures of tests/registry_trial.py that the test of an examination asks for."""

from registry_trial import empty_registry, files, opened, registered

__all__ = ["empty_registry", "files", "opened", "registered"]
