"""Programs that some tests need and pip cannot install."""

import os

import pytest


def needed(there: object, what: str) -> None:
    """A program that is not there is a listed skip here and a failure in CI."""
    if not there:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)
