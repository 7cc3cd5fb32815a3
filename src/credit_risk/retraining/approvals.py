"""What the registry knows: when the champion was promoted; and a candidate put there, which moves nothing."""

from datetime import date
from pathlib import Path

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.registry import acting, versions
from credit_risk.registry.history import events_if_there
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.registry.settings import load
from credit_risk.scoring import signing


def promoted_on(environment: Path, root: Path, project: str, scorer: str) -> date | None:
    """The day of a scorer's last promotion; None for one that was never promoted, or where no registry was begun.

    environment: its file. Raises RegistryBroken where the history was altered, ConfigError without a `registry:`.
    """
    settings = load(environment, root)
    events = events_if_there(settings, root, project) or ()
    promotions = [event for event in events if event.move == "promote" and event.scorer == scorer]
    return promotions[-1].at.date() if promotions else None


def asked_by(environment: Path, root: Path, by: str) -> str:
    """The signature of whoever asks for a training, in an environment. Raises UsageError for another person's name."""
    return acting.signed_by(root, by, load(environment, root).four_eyes)


def register(
    environment: Path, root: Path, config: Config, made: Files, *, by: str | None, reason: str
) -> HistoryEvent:
    """Sign a candidate that the gates let through and register it, as a candidate and no more.

    Raises NoVersions where no numbered versions are kept, SignatureRefused without the key that counts.
    """
    settings = load(environment, root)
    module = versions.mlflow_side("register")
    who = acting.signed_by(root, by, settings.four_eyes)
    signing.sign_release(made, signing.private_key(root))
    with versions.open_versions(config.project.name, settings, root) as registry:
        event: HistoryEvent = module.register(registry, config, made, by=who, reason=reason)
    return event
