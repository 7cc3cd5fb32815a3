"""All that the ledger holds about one person, in a form that they can read: what was decided, on what, and why."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from credit_risk.config import Config
from credit_risk.data.writing import write_json, write_text
from credit_risk.errors import CheckFailed
from credit_risk.ledger.entry import StoredDecision


def export(records: Iterable[StoredDecision], config: Config, folder: Path) -> int:
    """Write decisions.html for the person and decisions.json for their next lender; how many decisions stand in them.

    Raises CheckFailed where nothing is held. Of what was erased the facts that stay are said, and that it was erased.
    """
    decisions = list(records)
    if not decisions:
        raise CheckFailed("The ledger holds nothing of this person: never recorded under this reference, or erased.")
    write_json(folder / "decisions.json", {"decisions": [record.as_dict() for record in decisions]})
    write_text(folder / "decisions.html", page([_readable(record, config) for record in decisions], config))
    return len(decisions)


def page(decisions: list[dict[str, Any]], config: Config) -> str:
    """The page as text: a decision a section, the oldest first."""
    loader = PackageLoader("credit_risk.notices", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("person.html.j2").render(title=config.project.title, decisions=decisions)


def _readable(record: StoredDecision, config: Config) -> dict[str, Any]:
    decided: Mapping[str, Any] = record.decided or {}
    return {
        "id": record.decision_id,
        "day": record.at.date().isoformat(),
        "decision": record.decision,
        "erased": record.erased,
        "score": decided.get("score"),
        "reasons": [reason["text"] for reason in decided.get("reasons", ()) if "text" in reason],
        "inputs": [(_label(name, config), value) for name, value in (record.inputs or {}).items()],
        "scorer": record.by.scorer,
    }


def _label(name: str, config: Config) -> str:
    """How the config calls a column; a decision of the past may have read one that is gone."""
    column = config.columns.get(name)
    return (column.label if column else None) or name
