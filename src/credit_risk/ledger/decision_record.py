"""A decision as JSON values: the service answers with it, the ledger stores it, replay must get the same again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from credit_risk.data.inputs import Inputs
from credit_risk.ledger.replay import Decide
from credit_risk.scoring.scorer import Scorer


def decider(scorer: Scorer) -> Decide:
    """A function that decides stored applications with this scorer, many at a time, and gives their records."""
    inputs = Inputs.of(scorer.config)

    def decide(applications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        decisions = scorer.decide_inputs(np.vstack([inputs.single_row(application) for application in applications]))
        return [decisions.record(row) for row in range(len(applications))]

    return decide
