"""The fixtures of tests/release_trial.py."""

from release_trial import empty_registry, files, opened, registered

__all__ = ["empty_registry", "files", "opened", "registered"]
