"""Reads every source of the metrics that is there; of each that is not, the sentence that says so."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.operations.delivery import changes, gate_history, github, metrics
from credit_risk.operations.delivery.metrics import Sources
from credit_risk.operations.use_record import UseRecord
from credit_risk.registry import settings as registry_settings
from credit_risk.registry.history import events_if_there
from credit_risk.rollout.deployment import Site

COVERAGE = Path("build") / "coverage.xml"
DRILL = Path("build") / "rollout-drill.json"


def read(site: Site, variables: Mapping[str, str], since: datetime) -> Sources:
    """Everything that was recorded since then. Raises RegistryBroken for a history that does not hold."""
    root = site.root
    missing = {
        "changes": f"no rollout was begun from here in {site.environment.environment}",
        "registry_history": "nothing was registered here",
        "verdicts": f"git has no {gate_history.RECORD}",
        "drill": f"there is no {DRILL.as_posix()}: no drill was held on this machine",
        "coverage": f"there is no {COVERAGE.as_posix()} (`make coverage`)",
    }
    try:
        workflow_runs = github.runs(variables, since)
    except github.NotAnswered as error:
        workflow_runs, missing["workflow_runs"] = None, str(error)
    name = load(Files(root).config).project.name
    return Sources(
        changes=changes.read(site.record.events()) if site.record.audit.path.is_file() else None,
        registry_history=events_if_there(registry_settings.load(site.settings, root), root, name),
        verdicts=gate_history.read(root, since),
        workflow_runs=workflow_runs,
        uses=UseRecord(root).read(),
        coverage=coverage(root / COVERAGE),
        drill=drill(root / DRILL),
        missing=missing,
    )


def measure(site: Site, sources: Sources, since: datetime, now: datetime) -> dict[str, metrics.Metric]:
    """The metrics of these sources, with git asked when a commit was made."""
    return metrics.measure(sources, partial(gate_history.commit_time, site.root), since, now)


def drill(path: Path) -> dict[str, float] | None:
    """Seconds from each planted fault of the last drill until it was over; None without a drill."""
    try:
        kinds = json.loads(path.read_text(encoding="utf-8"))["bad"]["kinds"]
        return {name: float(kind["seconds"]) for name, kind in kinds.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def coverage(path: Path) -> float | None:
    """The share of lines that the last test run reached; None without a report, or for one that is none."""
    try:
        return float(ET.parse(path).getroot().attrib["line-rate"])  # noqa: S314
    except (OSError, LookupError, ValueError, ET.ParseError):
        return None
