"""What is known of the year so far, and the stores of the lender that it is about."""

import os
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.inputs import Mask
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.opening import open_ledger
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.settings import load as serving_settings
from credit_risk.simulation.events import Event
from credit_risk.simulation.processes import Processes
from credit_risk.simulation.settings import YearSettings
from credit_risk.simulation.world import ApplicationMonth

TIMEOUT_S = 5.0


@dataclass
class Playback:
    """The year so far. months: the applications as they were; fed: as they came; approved: (rows,) a month.

    processes: by which the real service runs; None where it does not. waiting: a candidate's root and its version,
    which no traffic has met yet. service_days: on which the real service decided, and how many answers failed.
    promoted: days on which a champion was replaced.
    """

    settings: YearSettings
    seed: int
    files: Files
    first: Scorer
    processes: Processes | None = None
    waiting: tuple[Files, str] | None = None
    service_days: list[dict[str, Any]] = field(default_factory=list)
    months: list[ApplicationMonth] = field(default_factory=list)
    fed: list[pd.DataFrame] = field(default_factory=list)
    approved: list[Mask] = field(default_factory=list)
    decisions: list[pd.DataFrame] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)
    profits: list[dict[str, Any]] = field(default_factory=list)
    retrainings: list[dict[str, Any]] = field(default_factory=list)
    promoted: list[str] = field(default_factory=list)
    is_repaired: bool = False

    @property
    def config(self) -> Config:
        return load(self.files.config)

    def ledger(self) -> Ledger:
        settings = serving_settings(self.files.config.parent / "deploy" / "local.yaml").ledger
        return open_ledger(self.files.root, settings, os.environ, create=True)

    def outcomes(self) -> Outcomes:
        return Outcomes(f"sqlite:///{self.files.root / 'build/ledger/ledger.db'}", busy_timeout_s=TIMEOUT_S)
