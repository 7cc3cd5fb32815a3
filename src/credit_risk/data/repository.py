"""What every command that works on data begins with: the config, and where the files are."""

from pathlib import Path

from credit_risk.config import Config, load
from credit_risk.data.files import Files


def opened(root: Path, config: Path | None = None) -> tuple[Config, Files]:
    """The config (by default the repository's own) and the repository's files. Raises ConfigError, NotFound."""
    files = Files(root)
    return load(config or files.config), files
