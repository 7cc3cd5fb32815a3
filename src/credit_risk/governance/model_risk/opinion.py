"""The validator's opinion of exactly one scorer, by its digest: approve, approve with conditions, or reject.

It stands on the audits of that moment by the frameworks of the inventory, which go on record with it. An approval
without conditions takes a PASS from each; conditions become findings, with an owner and a day.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from credit_risk.config.names import person_of, same_person
from credit_risk.governance.model_risk.inventory import Inventory
from credit_risk.governance.records import Entered, RecordRefused, last
from credit_risk.registry.lifecycle import HistoryEvent

View: TypeAlias = Literal["approve", "conditions", "reject"]
VIEWS: tuple[View, ...] = get_args(View)


def refuse(
    view: str,
    conditions: Sequence[str],
    inventory: Inventory,
    *,
    audits: Mapping[str, Mapping[str, Any]],
    makers: Iterable[HistoryEvent],
    by: str,
) -> None:
    """Raise RecordRefused for an opinion that this person may not give, or that the audits do not bear.

    audits: the record of each framework of the inventory. makers: how this scorer came into the registry.
    """
    if view not in VIEWS:
        raise RecordRefused(f"the opinion is {view!r}; expected {', '.join(VIEWS)}.")
    if not same_person(inventory.validator, by):
        raise RecordRefused(
            f"{person_of(by)} is not the validator of the inventory, {inventory.validator or 'nobody'}."
        )
    if any(same_person(event.by, by) for event in makers):
        raise RecordRefused(f"{person_of(by)} registered this scorer: somebody else has to validate it (four eyes).")
    if (view == "conditions") != bool(conditions):
        raise RecordRefused("conditions and --condition go together: each is a finding.")
    lacking = [framework for framework in inventory.frameworks if framework not in audits]
    failing = [*lacking, *(name for name, record in audits.items() if record["verdict"] != "PASS")]
    if view == "approve" and failing:
        raise RecordRefused(f"the audit by {', '.join(failing)} does not pass: reject it, or name conditions.")


def facts(view: str, audits: Mapping[str, Mapping[str, Any]], conditions: Sequence[str]) -> dict[str, Any]:
    """What stands on record with the opinion. conditions: the ids of their findings."""
    return {
        "view": view,
        "conditions": list(conditions),
        "audits": {
            name: {
                "verdict": record["verdict"],
                "policy": record["policy"]["sha256"],
                "not_met": [c["id"] for c in record["controls"] if c["verdict"] != "PASS" and c["binding"]],
            }
            for name, record in audits.items()
        },
    }


def fault(entries: Sequence[Entered], scorer: str) -> str | None:
    """Why the last opinion of a scorer does not let it be promoted; None if it does."""
    entry = last(entries, "opinion", scorer)
    if entry is None:
        return f"the validator has given no opinion of scorer {scorer[:12]}: credit-risk opinion"
    if entry.facts["view"] == "reject":
        return f"{entry.by} rejected scorer {scorer[:12]} on {entry.at:%Y-%m-%d}: {entry.reason}"
    return None
