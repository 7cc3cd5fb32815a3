"""Where an environment's ledger is: the section `serving.ledger:` of configs/deploy/NAME.yaml."""

from pathlib import Path

from credit_risk.config import environment
from credit_risk.config.section import Count, Positive, Section, Text


class LedgerSettings(Section):
    """Where decisions are recorded, and how long a request waits for that.

    key_file: the master key of a developer's machine, made there if there is none; production leaves it out and sets
    the variable CREDIT_RISK_LEDGER_KEY. busy_timeout_s: how long a commit may wait for another process's lock.
    most_waiting: decisions that are not durable yet, beyond which new ones are refused. answer_timeout_s: how long the
    service waits for a PostgreSQL that says nothing, beyond the time for a lock, before it answers 503.
    """

    url: Text = "sqlite:///build/ledger/ledger.db"
    key_file: Text | None = None
    busy_timeout_s: Positive = 5.0
    most_waiting: Count = 1024
    answer_timeout_s: Positive = 5.0


def load(path: Path) -> LedgerSettings:
    """Read the section. Raises ConfigError with every problem; NotFound without the file."""
    return environment.read(path, "serving.ledger", LedgerSettings)
