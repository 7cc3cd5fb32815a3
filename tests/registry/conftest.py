"""The fixtures of tests/registry_trial.py and a PostgreSQL server."""

from postgresql import server
from registry_trial import empty_registry, files, opened, registered

__all__ = ["empty_registry", "files", "opened", "registered", "server"]
