"""configs/batch.yaml: what is done with the decisions of runs."""

from pathlib import Path
from typing import Literal

from credit_risk.config import environment
from credit_risk.config.section import Section

FILE = Path("configs") / "batch.yaml"


class BatchPolicy(Section):
    """What is done with the decisions of runs. ledger: whether they enter it."""

    ledger: Literal["none", "record"]


def load(root: Path) -> BatchPolicy:
    """The policy of configs/batch.yaml. Raises ConfigError, NotFound."""
    return environment.whole(root / FILE, BatchPolicy)
