"""What tests of several kinds need: programs that pip cannot install, and a port to serve on."""

import os
import random
import socket

import pytest


def needed(there: object, what: str) -> None:
    """A program that is not there is a listed skip here and a failure in CI."""
    if not there:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)


def free_port() -> int:
    """A port that nobody listens on, below those that the system hands out: a server's own sockets take from there."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free between 20000 and 32000")
