"""Which scorer was live on a business date, as the registry's history says."""

from collections.abc import Sequence
from datetime import date, datetime

from credit_risk.errors import CheckFailed
from credit_risk.registry.as_of import as_of, moment
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.scoring.scorer import Scorer


def refuse_other(scorer: Scorer, events: Sequence[HistoryEvent], day: date) -> None:
    """Raise CheckFailed unless this scorer was champion at the end of the day."""
    at: datetime = moment(day.isoformat())
    then = as_of(list(events), at)
    if then["champion"] is None:
        raise CheckFailed(f"nothing was live at the end of {day}, so nothing can be decided for that date.")
    if then["scorer"] != scorer.digest:
        raise CheckFailed(
            f"version {then['champion']} was live at the end of {day}: the scorer {then['scorer'][:12]}. "
            f"This one is {scorer.digest[:12]}. Name that version with --scorer; "
            f"`credit-risk registry fetch {then['champion']}` fetches it."  # part: mlflow
        )
