"""An event of the year's timeline."""

from dataclasses import dataclass


@dataclass
class Event:
    """Something that happened to the lender: when, when it was noticed and by what, what was done, what it cost.

    cost: in exposures, by true PDs; None where nothing was lost, or what was lost is not known.
    """

    name: str
    happened: str
    noticed: str = "not noticed"
    by: str = ""
    done: str = ""
    cost: float | None = None
    runbook: str = ""
