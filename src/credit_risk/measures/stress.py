"""What decisions become when the world turns worse, and when applications come with holes or nonsense in them.

A stress changes applications (columns set by formulas) or multiplies the odds of bad for everybody. Money is
expected, not observed: it follows from the PDs, in shares of the exposure of one application.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_risk.config import Config
from credit_risk.config.columns import Column
from credit_risk.config.schema import Policy, Scenario
from credit_risk.data.inputs import Inputs, Mask, Matrix, numbers
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import mean, share
from credit_risk.scoring.decision import APPROVE, DECLINE, OUTCOMES, REFUSED, Decisions
from credit_risk.scoring.features import Features

Groups = NDArray[np.integer]
Decide = Callable[[Matrix], Decisions]
Policies = Literal["refuse", "refer", "allow"]

NO_SUCH_WORD = "(no such value)"


def stressed(config: Config, scenario: Scenario, inputs: Matrix) -> Matrix:
    """The applications after the stress; every formula reads them as they were before it.

    A category column takes the index of a category in the config's list. What leaves a column's range is not cut
    back: the decision then refuses it, and the row is counted as not scored.
    """
    columns = Features.of(config).columns(inputs)
    after = inputs.copy()
    for name, text in scenario.columns.items():
        after[:, config.inputs.index(name)] = config.formula(text).evaluate(columns)
    return after


def level(decisions: Decisions, policy: Policy, group: Groups, *, confidence: float) -> dict[str, Figure]:
    """Approval rate, mean PD, and expected loss and profit per application, of the rows with a PD."""
    scored = ~np.isnan(decisions.pd)
    approved, pd_, applicant = decisions.approved[scored], decisions.pd[scored], group[scored]
    return {
        "approval_rate": share(approved, applicant, confidence=confidence),
        "mean_pd": mean(pd_, applicant, confidence=confidence),
        "expected_loss": mean(np.where(approved, pd_ * policy.lgd, 0.0), applicant, confidence=confidence),
        "expected_profit": mean(approved * earned(pd_, policy), applicant, confidence=confidence),
    }


def change(
    before: Decisions, after: Decisions, policy: Policy, group: Groups, *, confidence: float
) -> dict[str, Figure]:
    """What the stress changes on the rows scored before and after it; rows it left without a PD are in none of these.

    flips: another decision than before. approved_lost, approved_won: approved before only, after only.
    held_profit, held_loss: of those approved before the stress, if it comes when their accounts are open already.
    """
    both = ~np.isnan(before.pd) & ~np.isnan(after.pd)
    applicant, was, now = group[both], before.approved[both], after.approved[both]
    pd_was, pd_now = before.pd[both], after.pd[both]
    flags = {"flips": (before.outcome != after.outcome)[both], "approved_lost": was & ~now, "approved_won": ~was & now}
    amounts = {
        "approval_rate_change": now.astype(np.float64) - was,
        "mean_pd_change": pd_now - pd_was,
        "expected_profit_change": now * earned(pd_now, policy) - was * earned(pd_was, policy),
        "held_loss": was * pd_now * policy.lgd,
        "held_profit": was * earned(pd_now, policy),
    }
    return {name: share(flag, applicant, confidence=confidence) for name, flag in flags.items()} | {
        name: mean(amount, applicant, confidence=confidence) for name, amount in amounts.items()
    }


def earned(pd_: Matrix, policy: Policy) -> Matrix:
    """Expected profit of an open account, a share of its exposure (see decision.cut_off)."""
    return np.asarray((1 - pd_) * policy.margin - pd_ * policy.lgd - policy.cost)


def migration(before: Decisions, after: Decisions) -> pd.DataFrame:
    """Rows by decision before and after."""
    counts = np.zeros((len(OUTCOMES), len(OUTCOMES)), dtype=np.int64)
    np.add.at(counts, (before.outcome, after.outcome), 1)
    was, now = np.nonzero(counts)
    names = np.array(OUTCOMES)
    return pd.DataFrame({"before": names[was], "after": names[now], "rows": counts[was, now]})


@dataclass(frozen=True)
class Injection:
    """Applications with something put into them, and what the policy says of such an application."""

    input: str
    kind: str
    policy: Policies
    inputs: Matrix


def gaps(inputs: Inputs, matrix: Matrix) -> Iterator[Injection]:
    """Each input blanked in all rows in turn, and then all inputs at once."""
    for index, (name, column) in enumerate(zip(inputs.names, inputs.columns, strict=True)):
        yield Injection(name, "missing", column.missing, _with(matrix, index, nan))
    if inputs.max_missing < 1:
        refuses = any(column.missing == "refuse" for column in inputs.columns)
        yield Injection("(all)", "missing", "refuse" if refuses else "refer", np.full_like(matrix, nan))


def nonsense(inputs: Inputs, matrix: Matrix) -> Iterator[Injection]:
    """Each input in turn below its range, above it, broken where it must be whole, and an unknown word."""
    policy: Policies = "refuse" if inputs.refuse_invalid else "refer"
    for index, (name, column) in enumerate(zip(inputs.names, inputs.columns, strict=True)):
        for kind, value in _wrong_values(inputs, index, column):
            yield Injection(name, kind, policy, _with(matrix, index, value))


def _wrong_values(inputs: Inputs, index: int, column: Column) -> Iterator[tuple[str, float]]:
    low, high = float(inputs.low[index]), float(inputs.high[index])
    if np.isfinite(low):
        yield "below", float(np.nextafter(low, -np.inf)) if column.type == "number" else low - 1
    if np.isfinite(high):
        yield "above", float(np.nextafter(high, np.inf)) if column.type == "number" else high + 1
    if column.type == "integer":
        yield "not whole", (low if np.isfinite(low) else 0.0) + 0.5
    # Through the encoder, so that it is tested too.
    yield "unknown word", float(numbers(pd.Series([NO_SUCH_WORD]), column)[0])


def random_gaps(matrix: Matrix, missing_share: float, seed: int) -> Mask:
    """Which cells to blank: each with this probability, whatever it holds."""
    return np.random.default_rng(seed).random(matrix.shape) < missing_share


def by_accident(policy: Policies, after: Decisions) -> Mask:
    """Rows that were decided as if nothing were wrong: scored or approved, or not refused where the policy refuses."""
    slipped = ~np.isnan(after.pd) | after.approved
    if policy == "refuse":
        slipped = slipped | (after.outcome != REFUSED)
    return slipped & (policy != "allow")


def judged(injection: Injection, before: Decisions, decide: Decide) -> dict[str, Any]:
    """One line of the table: what became of the injected rows.

    pd_shift: mean absolute change of PD of the rows that still get one, where the policy allows that.
    won: rows approved with the change and not before; an applicant could profit from it.
    """
    after = decide(injection.inputs)
    both = ~np.isnan(before.pd) & ~np.isnan(after.pd)
    moved = after.pd[both] - before.pd[both]
    return {
        "input": injection.input,
        "kind": injection.kind,
        "policy": injection.policy,
        "rows": len(after),
        "scored": int((~np.isnan(after.pd)).sum()),
        "by_accident": int(by_accident(injection.policy, after).sum()),
        "pd_shift": float(np.abs(moved).mean()) if moved.size else nan,
        "pd_change": float(moved.mean()) if moved.size else nan,
        "won": int((~before.approved & after.approved).sum()),
        "declined_before": int((before.outcome == DECLINE).sum()),
        "approved_before": int((before.outcome == APPROVE).sum()),
    }


def _with(matrix: Matrix, column: int, value: float) -> Matrix:
    changed = matrix.copy()
    changed[:, column] = value
    return changed
