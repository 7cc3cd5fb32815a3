"""What the commands of monitoring share: a file of rows that are recorded or rejected, and whose ledger it is about."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Context, Option

from credit_risk.command_line import (
    HERE,
    ConfigFile,
    Environment,
    Json,
    Root,
    before_the_verb,
    environment_file,
    say,
)
from credit_risk.errors import CheckFailed

if TYPE_CHECKING:
    from credit_risk.ledger.ledger import Ledger
    from credit_risk.ledger.settings import LedgerSettings
    from credit_risk.monitoring.settings import MonitoringSettings


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


@dataclass(frozen=True)
class PersonsDecision:
    """The options of a command by which a person decides instead of the scorer."""

    decision: Annotated[str, Argument(help="The decision's id.")]
    to: Annotated[Literal["approve", "decline"], Option(help="What the person decided.")]
    reason: Annotated[str, Option(help="Why: one of override_reasons in configs/monitoring.yaml.")]
    by: Annotated[
        str | None, Option(help="Who decided: the name of whose identity this is, which is found out by itself.")
    ] = None
    root: Root = HERE
    environment: Environment = None

    def signed(self, settings: "MonitoringSettings") -> str:
        """Whose decision it is, proved as the settings ask."""
        from credit_risk.config.permission import ensure  # noqa: PLC0415
        from credit_risk.monitoring.outcomes import whose  # noqa: PLC0415

        site = environment_file(self.root, self.environment)
        who = whose.signature_of(self.root, site, self.by, settings.override_by)
        ensure("override", site, self.root, who)
        return who

    def opened(self) -> "Ledger":
        """The ledger of the environment, to be written."""
        from credit_risk.ledger.opening import open_ledger  # noqa: PLC0415

        return open_ledger(self.root, ledger_settings(self.root, self.environment), os.environ, create=False)


def before_each_verb(
    context: Context,
    root: Root = HERE,  # noqa: ARG001  (read from the context)
    environment: Environment = None,  # noqa: ARG001
) -> None:
    """What stands before the verb of a command on an environment's ledger."""
    before_the_verb(context)


def ledger_settings(root: Path, environment: str | None) -> "LedgerSettings":
    """Where the ledger of an environment is."""
    from credit_risk.ledger.settings import load  # noqa: PLC0415  (late, as in every command)

    return load(environment_file(root, environment))
