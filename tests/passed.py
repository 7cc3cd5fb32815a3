"""What stage validate-data leaves for the stages after it, for tests that start there."""

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.reading import tables


def hand_on(config: Config, files: Files) -> None:
    """The typed table, without an opinion of the data."""
    tables.write_passed(files.table, tables.inspect_sources(config, files.root))
