"""The page a risk manager reads, from the artefacts alone.

Nothing is computed here that an artefact does not hold. What is missing is shown as not
available, with the reason; a verdict is shown as PASS only if nothing speaks against it.
"""

from credit_risk.config import Config
from credit_risk.config.dotted import lookup
from credit_risk.data.files import SPLITS, Files
from credit_risk.report import figures, plots_explain, plots_fairness, plots_robustness, plots_stability
from credit_risk.report.artefacts import read_inventory, read_report
from credit_risk.report.figures import FURTHER, HEADLINE, model_label, value_of, written
from credit_risk.report.pictures import Pictures
from credit_risk.report.templates import template

# What each report must hold to be shown at all.
REPORTS = {
    "metrics": ("scorer", "kind", "test", "challengers"),
    "selection": ("kind", "sentence", "scorecard"),
    "gate": ("verdict", "checks", "digests"),
    "preparation": ("rows_read", "left_out", "split", "parts", "population", "outcome", "inputs_digest"),
    "validation": ("passed", "contract", "drift"),
    "explain": ("scorer", "rows", "reasons", "unknown"),
}
TABLES = ("gains", "deciles", "calibration", "segments", "monotone")


def page(config: Config, files: Files) -> str:
    """The page as text; equal artefacts give an equal page."""
    loaded = {name: read_report(files.report(name), needed) for name, needed in REPORTS.items()}
    metrics, gate = loaded["metrics"][0], loaded["gate"][0]
    return template("report").render(
        config=config,
        missing={name: why for name, (_, why) in loaded.items()},
        verdict=figures.verdict(config, gate, metrics),
        inventory=read_inventory(files.config.parent / "model-inventory.yaml"),
        confidence=written(lookup(metrics, "information.confidence"), "percent", decimals=0),
        replicates=written(lookup(metrics, "information.replicates"), "count"),
        headline=[(measure, *value_of(metrics, "test", measure)) for measure in HEADLINE],
        further=[(measure, *value_of(metrics, "test", measure)) for measure in FURTHER],
        candidate=model_label(metrics.get("kind")),
        selection=loaded["selection"][0],
        rivals=[model_label(kind) for kind in figures.rivals(metrics)],
        comparison=figures.comparison(metrics, loaded["selection"][0]),
        pictures=Pictures(config, files, metrics).all(),
        tables={name: figures.table_of(files.plots / f"{name}.csv", figures.labels(config)) for name in TABLES},
        stability=plots_stability.figures(files),
        fairness=plots_fairness.figures(files),
        explanation={
            "numbers": loaded["explain"][0],
            "missing": loaded["explain"][1],
            "stale": bool(gate) and gate.get("digests", {}).get("scorer") != loaded["explain"][0].get("scorer"),
            "pictures": plots_explain.figures(config, files),
            "wordings": {family.id: config.reasons.wordings(family) for family in config.reasons.families},
            "compared_with": config.reasons.compared_with,
            "version": config.reasons.version,
        },
        robustness=plots_robustness.figures(files),
        leak=figures.leak(metrics),
        unused=figures.unused(metrics),
        monotone=figures.monotone(metrics),
        steps=figures.steps(loaded["preparation"][0]),
        preparation=loaded["preparation"][0],
        validation=loaded["validation"][0],
        digests=figures.digests(gate, loaded["preparation"][0]),
        labels=figures.labels(config),
        splits=SPLITS,
        score_psi=written(lookup(metrics, "stability.score_psi")),
        unknown=metrics.get("unknown", {}),
        not_scored=lookup(metrics, "rows.test_not_scored"),
    )
