"""Where an environment keeps its databases: one rule for relative SQLite files, whoever names them."""

from pathlib import Path

import pytest

from credit_risk.config.environment import sqlite_file, url_below


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("sqlite:///a/b.db", "sqlite:////below/a/b.db"),
        ("sqlite+pysqlite:///b.db", "sqlite+pysqlite:////below/b.db"),
        ("sqlite:////elsewhere/b.db", "sqlite:////elsewhere/b.db"),
        ("postgresql://me@host/ledger", "postgresql://me@host/ledger"),
        ("postgresql:///ledger", "postgresql:///ledger"),
    ],
)
def test_only_a_relative_sqlite_file_is_made_absolute(tmp_path, url, below):
    assert url_below(tmp_path, url) == below.replace("/below", str(tmp_path))


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///a/b.db", Path("a/b.db")),
        ("sqlite:////a/b.db", Path("/a/b.db")),
        ("sqlite://", None),
        ("postgresql:///ledger", None),
        ("http://tracking:5000", None),
    ],
)
def test_the_file_of_an_sqlite_url_and_of_nothing_else(url, file):
    assert sqlite_file(url) == file
