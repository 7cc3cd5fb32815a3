"""An opinion being given: the audits run, it is judged whether this person may, and all goes on the record together."""

from datetime import UTC, date, datetime
from pathlib import Path

from credit_risk.config import load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.errors import NotFound
from credit_risk.governance import audit
from credit_risk.governance.model_risk import findings, inventory, opinion
from credit_risk.governance.records import Entered, RecordRefused, Records
from credit_risk.registry import settings
from credit_risk.registry.history import events_if_there


def digest_of_scorer(files: Files) -> str:
    """Of which scorer a word is given. Raises NotFound before there is one: a digest of nothing would be a digest."""
    if not files.scorer.is_dir():
        raise NotFound(files.scorer, "There is no scorer yet: `make run` makes it.")
    return digest.of_directory(files.scorer)


def give(
    root: Path,
    site: Path,
    records: Records,
    *,
    view: str,
    conditions: list[str],
    due: date | None,
    by: str,
    reason: str,
) -> Entered:
    """Record the opinion of models/scorer, each condition as a finding. Raises RecordRefused, and what audits raise."""
    files, entry, today = Files(root), inventory.load(root), datetime.now(UTC).date()
    config, scorer = load(files.config), digest_of_scorer(files)
    entries = records.read()
    audits = {
        framework: audit.audit(
            files.scorer, framework, files, config, site=site, answers=entries, applies=entry.applies, today=today
        )
        for framework in entry.frameworks
    }
    history = events_if_there(settings.load(site, root), root, config.project.name) or []
    makers = [event for event in history if event.move == "register" and event.scorer == scorer]
    opinion.refuse(view, conditions, entry, audits=audits, makers=makers, by=by)
    if conditions and due is None:
        raise RecordRefused("conditions need a day by which they are met (--due).")
    ids = []
    for condition in conditions:
        findings.refuse_opening("high", entry.owner, due or today, today)
        name = findings.next_id(findings.register(records.read()))
        facts = {"severity": "high", "owner": entry.owner, "due": (due or today).isoformat(), "evidence": []}
        records.add("open", name, by=by, reason=f"condition of the opinion: {condition}", **facts)
        ids.append(name)
    return records.add("opinion", scorer, by=by, reason=reason, **opinion.facts(view, audits, ids))
