"""What policies earn on the same applicants, by their true PDs: nobody's luck is in it."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.comparison.train_files import read_accounts
from credit_risk.config import Config
from credit_risk.config.schema import Policy
from credit_risk.data.inputs import Mask, Matrix
from credit_risk.data.writing import write_parquet
from credit_risk.modelling import training
from credit_risk.modelling.assembly import under_policy
from credit_risk.scoring import decision
from credit_risk.scoring.features import Features
from credit_risk.scoring.scorer import Scorer

ACTUAL, NEVER, MONTHLY, ORACLE = "as it was", "never retrain", "retrain every month", "oracle"


def expected(policy: Policy, approved: Mask, pd_: Matrix) -> float:
    """What approvals earn on average, in exposures: margin of the good, LGD of the bad, cost of each account.

    approved, pd_: (rows,); pd_ is the true one. A referral counts as not approved.
    """
    return float((policy.margin - (policy.margin + policy.lgd) * pd_[approved] - policy.cost).sum())


def of_scorer(scorer: Scorer, applications: pd.DataFrame, pd_: Matrix) -> float:
    """What a scorer's approvals of these applications earn. applications: as the feed delivered them."""
    return expected(scorer.config.policy, scorer.decide(applications, reasons=False).approved, pd_)


def of_oracle(policy: Policy, pd_: Matrix) -> float:
    """What whoever knows each true PD would earn by the same cut-off."""
    return expected(policy, pd_ < decision.cut_off(policy), pd_)


def refitted(config: Config, table: pd.DataFrame, kind: str, as_of: date, scratch: Path) -> Scorer:
    """The recipe fitted to all that has matured by a day, without selection, gates or reports.

    table: applications with `status`, empty where nobody knows it.
    """
    write_parquet(scratch, table)
    outcome = config.outcome.model_copy(update={"observed_until": as_of})
    accounts = read_accounts(config.model_copy(update={"outcome": outcome}), scratch)
    features = Features.of(config).table(accounts.inputs)
    fold = training.folds(config, accounts.identity(config), accounts.bad, accounts.applicants(config))
    models, _ = training.fit(config, features.matrix, accounts.bad, accounts.weights, fold=fold)
    its = models[kind]
    return under_policy(config, its.model, its.calibration, training.seen_missing(config, features.matrix))


def outcomes_of(applications: pd.DataFrame, bad: Mask, known: Mask) -> pd.DataFrame:
    """Applications with the status that the lender knows: of accounts alone."""
    words = pd.Series(np.where(bad, "bad", "good"), index=applications.index)
    return applications.assign(status=words.where(known))


def given_up(months: Sequence[Mapping[str, Any]], first: int) -> float:
    """What retraining every month would have earned more than the lender did, from a month (1 to 12) on."""
    return sum(float(month[MONTHLY] - month[ACTUAL]) for month in months[first - 1 :])
