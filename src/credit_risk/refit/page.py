"""The page of a refit: that its figures are its twin's, and what is known of itself."""

from collections.abc import Mapping
from typing import Any

from credit_risk.config import Config
from credit_risk.report.artefacts import Cells, cells
from credit_risk.report.figures import HEADLINE, value_of
from credit_risk.report.templates import template

Record = Mapping[str, Any]


def page(config: Config, record: Record, metrics: Mapping[str, Any]) -> str:
    """The page as text. record: of the refit's gate; metrics: the twin's."""
    return template("refit").render(
        title=config.project.title,
        record=record,
        own=_checks(record, "refit"),
        of_twin=_checks(record, "twin"),
        figures=_figures(metrics),
        digests=_digests(record),
        rows=cells(("Rows", "Number"), [(name, f"{count:,}") for name, count in record["refit"]["rows"].items()], ""),
    )


def _checks(record: Record, judged: str) -> Cells:
    rows = [(its["name"], its["verdict"], its["sentence"]) for its in record["checks"] if its["judged"] == judged]
    return cells(("Check", "Verdict", "Finding"), rows, "", texts=3)


def _figures(metrics: Mapping[str, Any]) -> Cells:
    values = [(measure.label, *value_of(metrics, "test", measure)) for measure in HEADLINE]
    rows = [(label, f"{value} ({unknown})" if unknown else value) for label, value, unknown in values]
    return cells(("Figure", "Value and interval"), rows, "")


def _digests(record: Record) -> Cells:
    rows = [
        ("this scorer", record["digests"]["scorer"]),
        ("its twin", record["twin"]["scorer"]),
        ("the gate's record of its twin", record["twin"]["gate_record"]),
        ("the table that it was fitted to", record["refit"]["trained_on"]["table"]),
    ]
    return cells(("What", "SHA-256"), rows, "", texts=2)
