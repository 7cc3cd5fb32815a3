"""Which ledger a command line names: the options that every command on a ledger has."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from credit_risk.command_line import HERE, Environment, Root, environment_file

if TYPE_CHECKING:
    from credit_risk.config.permission import Action
    from credit_risk.ledger.ledger import Ledger
    from credit_risk.ledger.settings import LedgerSettings

URL_VARIABLE, KEY_FILE = "CREDIT_RISK_LEDGER_URL", "build/ledger/ledger.key"


@dataclass(frozen=True)
class NamedLedger:
    """A ledger by its URL, or else by its environment; the master key is in the variable, or in the file."""

    root: Root = HERE
    environment: Environment = None
    url: Annotated[str | None, Option("--url", help="The ledger, as sqlite:///build/ledger/ledger.db.")] = None
    key_file: Annotated[Path | None, Option("--key-file", help="The master key (default: the environment's).")] = None

    @property
    def address(self) -> str | None:
        """The URL that was given, in the command or the variable."""
        return self.url or os.environ.get(URL_VARIABLE)

    def settings(self) -> "LedgerSettings":
        """The environment's, with the URL and the key's file of the command line; a URL needs no environment."""
        from credit_risk.ledger.settings import LedgerSettings, load  # noqa: PLC0415  (late, as in every command)

        url = self.address
        settings = LedgerSettings(url=url) if url else load(environment_file(self.root, self.environment))
        return settings.model_copy(update={"key_file": str(self.key_file or settings.key_file or KEY_FILE)})

    def opened(self, action: "Action | None" = None) -> "Ledger":
        """The ledger, opened with its master key to be written, by somebody who may do this to it.

        A ledger that is named by its URL alone belongs to no environment, and its key alone opens it.
        """
        from credit_risk.config.permission import ensure  # noqa: PLC0415
        from credit_risk.ledger.opening import open_ledger  # noqa: PLC0415  (late, as in every command)

        if action and (site := self.site()):
            ensure(action, site, self.root)
        return open_ledger(self.root, self.settings(), os.environ, create=False)

    def site(self) -> Path | None:
        """The environment's file; None for a ledger that belongs to none."""
        return environment_file(self.root, self.environment) if self.environment or not self.address else None

    def doer(self) -> str:
        """Who runs this command, for the chain: a person, or the account alone where nobody has to be proved."""
        from credit_risk.config.environment import is_developers  # noqa: PLC0415
        from credit_risk.data.signers import account  # noqa: PLC0415
        from credit_risk.ledger.doer import person_here  # noqa: PLC0415  (late, as in every command)

        site = self.site()
        return person_here(self.root) if site and not is_developers(site) else f"account:{account()}"


UNNAMED = NamedLedger()
