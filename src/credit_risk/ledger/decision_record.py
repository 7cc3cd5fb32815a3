"""A decision as JSON values: the service answers with it, the ledger stores it, replay must get the same again."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from credit_risk.data.inputs import Inputs
from credit_risk.ledger.replay import Decide
from credit_risk.scoring.decision import DECLINE, NO_RULE, OUTCOMES, REFER, Decisions
from credit_risk.scoring.scorer import Scorer


def decision_record(decisions: Decisions, row: int = 0) -> dict[str, Any]:
    """The decision of one application. row: its index in `decisions`.

    pd (0 to 1) and score are None where the application could not be scored, and `faults` says why. Reasons belong to
    declines, prompts (with a doubt, if there is one) to referrals.
    """
    scored = math.isfinite(decisions.pd[row])
    outcome, rule = int(decisions.outcome[row]), int(decisions.rule[row])
    explanation = decisions.explanation(row) if decisions.told is not None else None
    return {
        "decision": OUTCOMES[outcome],
        "pd": float(decisions.pd[row]) if scored else None,
        "score": float(decisions.score[row]) if scored else None,
        "band": decisions.names.bands[decisions.band[row]] if scored else None,
        "rule": decisions.names.rules[rule] if rule != NO_RULE else None,
        "reasons": [reason.as_dict() for reason in explanation.reasons] if explanation and outcome == DECLINE else [],
        "prompts": list(explanation.prompts) if explanation and outcome == REFER else [],
        "faults": [] if scored else decisions.why_not_scored(row),
    }


def decider(scorer: Scorer) -> Decide:
    """A function that decides stored applications with this scorer, many at a time, and gives their records."""
    inputs = Inputs.of(scorer.config)

    def decide(applications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        decisions = scorer.decide_inputs(np.vstack([inputs.one(application) for application in applications]))
        return [decision_record(decisions, row) for row in range(len(applications))]

    return decide
