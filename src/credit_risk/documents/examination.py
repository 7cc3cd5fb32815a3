"""One decision as an examiner asks for it: a signed folder with the answer to each question and what it stands on.

Decided by which model, made from which data, approved by whom, live since when, why declined; and decided again on the
spot with the registered scorer, to the last digit. A link that does not hold is said in the folder, and blocks nothing.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from credit_risk.data.writing import write_directory, write_json, write_text
from credit_risk.documents import bundle
from credit_risk.governance import decision_lineage
from credit_risk.governance.decision_lineage import Checks, NoSuchDecision
from credit_risk.ledger.ledger import Ledger
from credit_risk.registry.as_of import as_of
from credit_risk.registry.lifecycle import standing
from credit_risk.registry.versions import Versions

ANSWERS = "answers.json"


def examine(
    decision: str, ledger: Ledger, registry: Versions, folder: Path, *, key: Path, at: datetime
) -> tuple[dict[str, Any], Checks]:
    """Write and sign the folder; returns the answers and what was checked. Raises NoSuchDecision."""
    record = ledger.get(decision)
    if record is None:
        raise NoSuchDecision(f"the ledger holds no decision {decision!r}.")
    trace, checks = decision_lineage.why(decision, ledger, registry)
    events = registry.events()
    answers = {
        # By the reference an erasure's search finds this folder too.
        "decision": trace["decision"] | {"applicant": record.applicant},
        "decided_by": {"scorer": trace["scorer"], "version": trace.get("trained_on", {}).get("version")},
        "made_from": trace.get("trained_on"),
        "approved_by": trace.get("approved", []),
        "live": as_of(events, record.at),
        "why": trace["decision"]["reasons"],
        "checked": checks.sound,
        "does_not_hold": checks.broken,
    }

    def fill(unsealed: Path) -> None:
        write_json(unsealed / ANSWERS, answers)
        write_json(unsealed / "history.json", {"moves": [event.as_json() for event in events]})
        version = standing(events, record.at).champion
        if version is not None:
            registry.fetch(version, events, unsealed / "release")
        write_text(unsealed / "index.html", page(answers, at))
        bundle.seal(unsealed, key, {"at": at.isoformat(), "decision": decision})

    write_directory(folder, fill, mark=bundle.MARK)
    return answers, checks


def the_decision_about(applicant: str, day: date, ledger: Ledger) -> str:
    """The id of the one decision about a person on a day (UTC).

    Raises NoSuchDecision for none, as after an erasure, and for several, with their ids.
    """
    ids = [
        record.decision_id for record in ledger.decisions_about(applicant) if record.at.astimezone(UTC).date() == day
    ]
    if len(ids) != 1:
        which = f"several: name one by --decision: {', '.join(ids)}" if ids else "none (an erased person has none)"
        raise NoSuchDecision(f"of {day} the ledger holds {which}.")
    return ids[0]


def page(answers: dict[str, Any], at: datetime) -> str:
    """The answers for people, a heading each."""
    return bundle.page("examination.html.j2", title="Examination of one decision", at=at, **answers)
