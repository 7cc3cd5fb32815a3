"""What the commands of monitoring share: a file of rows that are recorded or rejected, and whose ledger it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from credit_risk.command_line import HERE, ConfigFile, Environment, Json, Root, environment_file, say
from credit_risk.errors import CheckFailed

if TYPE_CHECKING:
    from credit_risk.ledger.settings import LedgerSettings


@dataclass(frozen=True)
class DeliveredFile:
    """The options of a command that records a file row by row."""

    file: Annotated[Path, Argument(help="The rows, CSV or Parquet by suffix.")]
    root: Root = HERE
    config: ConfigFile = None
    environment: Environment = None
    rejects: Annotated[
        Path | None, Option(help="Where rejected rows go, with reasons (default: FILE.rejects.csv).")
    ] = None
    json: Json = False

    @property
    def rejects_file(self) -> Path:
        return self.rejects or self.file.with_name(f"{self.file.name}.rejects.csv")

    def say(self, counts: Mapping[str, int], rejected: int) -> None:
        """Print what became of the rows, `read` among the counts. Raises CheckFailed if any was rejected."""
        from credit_risk.data.writing import json_text  # noqa: PLC0415  (late, as in every command)

        say(json_text(counts) if self.json else ", ".join(f"{count} {name}" for name, count in counts.items()) + ".")
        if rejected:
            each = f"{self.rejects_file} has each with its reason"
            raise CheckFailed(f"{rejected} of {counts['read']} rows were rejected; {each}.")


def ledger_settings(root: Path, environment: str | None) -> "LedgerSettings":
    """Where the ledger of an environment is."""
    from credit_risk.ledger.settings import load  # noqa: PLC0415  (late, as in every command)

    return load(environment_file(root, environment))
