"""Which fitted model becomes the candidate: the one that is harder to explain must earn its place."""

import math
from dataclasses import dataclass, replace

from credit_risk.config.schema import Kind, Model
from credit_risk.measures.figure import Figure


@dataclass(frozen=True)
class Choice:
    """The kind of model that is put forward for promotion, and why in one sentence."""

    kind: Kind
    sentence: str


def choose(settings: Model, difference: Figure) -> Choice:
    """LightGBM only if it ranks better than the scorecard by more than the declared materiality, chance allowed for.

    difference: AUC of LightGBM minus AUC of the scorecard on the selection rows. What is not known speaks for the
    scorecard. A candidate that the config names is taken as it is; whether it is the better one is said all the same.
    """
    is_clear = difference.low > settings.materiality  # never of NaN
    finding = _finding(settings, difference, is_clear=is_clear)
    if settings.candidate == "better":
        kind: Kind = "lightgbm" if is_clear else "scorecard"
        return Choice(kind, f"{'Take LightGBM' if is_clear else 'Keep the scorecard'}: {finding}.")
    return Choice(settings.candidate, f"The config names the candidate, {settings.candidate}. On its own, {finding}.")


def beyond(settings: Model, difference: Figure) -> Figure:
    """By how much a difference in AUC exceeds the materiality: a gate holds it against 0."""
    less = {end: getattr(difference, end) - settings.materiality for end in ("value", "low", "high")}
    return replace(difference, **less)


def _finding(settings: Model, difference: Figure, *, is_clear: bool) -> str:
    if math.isnan(difference.low):
        return "by how much LightGBM ranks better than the scorecard is not known on the selection rows"
    observed = f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
    more = "clearly more" if is_clear else "not clearly more"
    return (
        f"LightGBM's AUC differs from the scorecard's by {observed} on the selection rows, "
        f"{more} than the materiality of {settings.materiality:g}"
    )
