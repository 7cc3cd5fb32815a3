"""Test rows as other policies are tried on them: the PD, and what rules, gaps and exclusions decide whatever it is."""

from dataclasses import dataclass, replace

import numpy as np

from credit_risk.config import Config
from credit_risk.config.schema import Policy
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.split import Labels
from credit_risk.scoring import decision
from credit_risk.scoring.decision import Codes
from credit_risk.scoring.scorer import Scorer
from credit_risk.what_if.grid import TriedPolicy

ALL_BUT_CERTAIN = 1e12  # a margin beside which no loss counts: the PD then declines nobody


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """pd: (rows,), NaN where none was scored. at_best: the outcome of each row if its PD spoke for it, (rows,)."""

    pd: Matrix
    at_best: Codes
    bad: Mask
    applicant: Labels

    def __len__(self) -> int:
        return len(self.pd)

    @property
    def by_pd(self) -> Mask:
        """Rows whose PD can move them between approval, referral and decline."""
        return np.asarray(~np.isnan(self.pd) & (self.at_best == decision.APPROVE))

    @property
    def by_pd_or_referred(self) -> Mask:
        """Rows that a rule refers whatever their PD, unless it declines them."""
        return np.asarray(~np.isnan(self.pd) & (self.at_best == decision.REFER))

    @property
    def fixed(self) -> Mask:
        """Rows that no PD moves."""
        return ~(self.by_pd | self.by_pd_or_referred)

    def outcomes(self, policy: TriedPolicy) -> Codes:
        """What the policy decides, the stricter of PD and rules; declines in doubt of their reasons stay declines."""
        between = decision.DECLINE if policy.refer_within == 0 else decision.REFER
        by_pd = np.where(
            self.pd < policy.lower, decision.APPROVE, np.where(self.pd > policy.upper, decision.DECLINE, between)
        )
        return np.where(self.fixed, self.at_best, np.maximum(by_pd, self.at_best)).astype(np.int8)


def judged(scorer: Scorer, inputs: Matrix, bad: Mask, applicant: Labels) -> JudgedRows:
    """Decide once as if every PD spoke for its application. inputs: (rows, inputs); bad, applicant: (rows,)."""
    decisions = replace(scorer, config=_approving(scorer)).decide_inputs(inputs, reasons=False)
    return JudgedRows(decisions.pd, decisions.outcome, bad, applicant)


def _approving(scorer: Scorer) -> Config:
    policy: Policy = scorer.config.policy.model_copy(update={"margin": ALL_BUT_CERTAIN, "refer_within": 0.0})
    return scorer.config.model_copy(update={"policy": policy})
