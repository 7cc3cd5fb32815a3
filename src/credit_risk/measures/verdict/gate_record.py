"""A gate's record, judged again by who did not measure: the service before and while it serves, the registry before it
moves, and the gate itself when it is asked whether its verdict still stands.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from credit_risk.config.schema import Gate
from credit_risk.measures.verdict import gate, waiver
from credit_risk.measures.verdict.waiver import SignedWaiver, Waiver

ALTERED = "the gate's record cannot be judged again: it was altered, or another version wrote it"


def refusals(record: Any, scorer: str | None, today: date, *, twin: str | None = None) -> list[str]:
    """Why a recorded verdict does not let this scorer through today, each as a sentence; empty if it does.

    Whatever the record says of itself, each verdict has to follow from its figures and limits, each waiver to count
    today (measures.verdict.waiver), nothing to be stale, and all to be about this scorer, by its digest.
    twin: of a refit, the scorer on which the figures were measured, by its digest: the record has to name it.
    """
    try:
        return [*_of_other_twin(record, twin), *_refusals(record, scorer, today)]
    except (LookupError, TypeError, AttributeError, ValueError):  # what a record of another form causes
        return [ALTERED]


def _of_other_twin(record: Mapping[str, Any], twin: str | None) -> list[str]:
    """What speaks against a record by whom it measured: of a refit its twin, else nobody's."""
    measured = (record.get("twin") or {}).get("scorer")
    if measured == twin:
        return []
    if measured is None:
        return ["it is a refit, and the gate's record does not say that its figures are its twin's"]
    return ["the gate's record measured a twin, and not that of this scorer"]


def _refusals(record: Mapping[str, Any], scorer: str | None, today: date) -> Iterator[str]:
    if record["digests"]["scorer"] != scorer:
        yield "the gate's record is of another scorer"
    stale = list(record["stale"])
    yield from stale
    verdicts = [(check, _verdict(check)) for check in record["checks"]]
    names = [check["name"] for check, _ in verdicts]
    waivers = [_waiver(used) for used in record["waivers"]]
    for used in waivers:
        wrong = waiver.refusals(used, names, today)
        wrong += [] if used.scorer in (None, scorer) else ["it was given for another scorer"]
        yield from (f"the waiver of {used.check} by {used.person} does not count: {why}" for why in wrong)
    waived = {used.check for used in waivers}
    blocking = [(check, verdict) for check, verdict in verdicts if verdict != "PASS" and check["name"] not in waived]
    yield from (f"{verdict} {check['name']}: {check['sentence']}" for check, verdict in blocking)
    if not names:
        yield "nothing was checked"
    elif waived >= set(names):
        yield "every check is waived; at least one must pass"
    if record["verdict"] not in gate.LETS_THROUGH and not stale and not blocking:
        yield f"the gate says {record['verdict']}"


def _waiver(used: Mapping[str, Any]) -> Waiver:
    """A waiver as it was recorded; a record from before names no identity that signed it."""
    return (SignedWaiver if "identity" in used else Waiver).model_validate(used)


def _verdict(check: Mapping[str, Any]) -> str:
    """The recorded verdict; a PASS only if it follows from the figures that stand beside it."""
    if check["verdict"] != "PASS":
        return str(check["verdict"])
    limits = Gate(**{name: check[name] for name in Gate.model_fields if name in check})
    return gate.verdict_on(limits, check["value"], check["low"], check["high"])
