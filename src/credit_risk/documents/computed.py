"""What a bundle computes when it is made: audits, lineage, tier, findings, roles, and who did what, of each store."""

import os
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.documents.holdings import AUDIT_LOG, AUDITS, FINDINGS, HISTORY, INVENTORY, LINEAGE, ROLES
from credit_risk.governance import audit, audit_log, lineage
from credit_risk.governance.model_risk import inventory, standing
from credit_risk.governance.records import Records
from credit_risk.registry import settings as registry_settings
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.registry.lifecycle import standing as standing_of

PARTS: Final[tuple[str, ...]] = (
    "credit_risk.roles",  # part: roles
)


def evidence(
    config: Config, files: Files, site: Path, history: list[HistoryEvent], at: datetime
) -> dict[str, Mapping[str, Any]]:
    """Each computed file of a bundle, by its path in it. site: the environment's file, whose stores are read.

    Raises what reading the records, the inventory and the policies raises: an altered record makes no bundle.
    """
    root, today = files.root, at.date()
    signed_by = registry_settings.load(site, root).signed_by
    answers = Records(root, signed_by).read()
    entry = inventory.load(root)
    made: dict[str, Mapping[str, Any]] = {
        f"{AUDITS}/{name}.json": audit.audit(
            files.scorer, name, files, config, site=site, answers=answers, applies=entry.applies, today=today
        )
        for name in entry.frameworks
    }
    made[LINEAGE] = lineage.record(config, files, at)
    made[INVENTORY] = standing.of_model(files, entry, signed_by, today)
    made[FINDINGS] = standing.of_findings(answers, today)
    made[AUDIT_LOG] = {
        "sources": [
            {
                "source": source.name,
                "there": source.there,
                "holds": source.fault is None,
                "fault": source.fault,
                "events": [event.as_dict() for event in source.events],
            }
            for source in audit_log.sources(site, root, os.environ)
        ]
    }
    if history:
        roles = {str(version): role for version, role in standing_of(history).roles.items()}
        made[HISTORY] = {"roles": roles, "moves": [move.as_json() for move in history]}
    for part in PARTS:
        if find_spec(part) is not None:
            made[ROLES] = import_module(f"{part}.policy").by_environment(root)
    return made
