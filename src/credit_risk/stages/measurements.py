"""What the stages have measured, read from their reports: what the gate judges."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from credit_risk.config import Config
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json
from credit_risk.errors import DataError
from credit_risk.measures import gate
from credit_risk.measures.dotted import lookup

METRICS, SELECTION = "metrics", "selection"
REPORTS = (METRICS, SELECTION, "fairness", "explain", "robustness", "latency")  # attacks are a room of their own


def taken(files: Files) -> dict[str, dict[str, Any]]:
    """Every report that there is, by its name."""
    return {name: measured(files.report(name)) for name in REPORTS if files.report(name).is_file()}


def measured(path: Path) -> dict[str, Any]:
    """The figures of one stage."""
    figures = object_of(path)
    if figures is None:
        raise DataError(f"{path} holds no figures; the file was altered. Run its stage with `dvc repro --force`.")
    return figures


def object_of(path: Path) -> dict[str, Any] | None:
    """The JSON object of a file; None where there is none."""
    try:
        raw = read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    return raw if isinstance(raw, dict) else None


def merged(reports: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """All measures by their full names, and why some are not known: evaluate's plainly, others under their report."""
    measures, unknown = dict(reports[METRICS]), dict(reports[METRICS].get("unknown", {}))
    for name, report in reports.items():
        if name != METRICS:
            measures[name] = report
            unknown |= {f"{name}.{measure}": why for measure, why in report.get("unknown", {}).items()}
    return measures, unknown


def unmeasured(config: Config, files: Files) -> list[str]:
    """A sentence for each gate on a measure that the last run has not taken; none before the first run.

    Only a run can say what is measured: a contrast that was declared since is not in its reports yet.
    """
    reports = taken(files)
    if METRICS not in reports:
        return []
    found, unknown = merged(reports)
    lacking = [one for one in config.own_gates if one.measure not in unknown and lookup(found, one.measure) is None]
    hints = [gate.nearest(one.measure, found) for one in lacking]
    return [
        f"{one.name}: the last run did not measure {one.measure}" + (f"; did you mean {hint}?" if hint else ".")
        for one, hint in zip(lacking, hints, strict=True)
    ]
