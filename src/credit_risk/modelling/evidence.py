"""Whether what the gate reads is what the stages wrote: tables, predictions and figures, each named if it is not.

A report names the prepared tables that it was measured on, the prepared tables are those of `prepare`, the predictions
are what the scorer says of them, and the headline figures are computed again. The reports then stand in a chain, whose
end the gate's record holds: a report that is edited after the verdict is named too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.data import digest
from credit_risk.data.files import SPLITS, Files
from credit_risk.data.writing import read_json, read_parquet, write_report
from credit_risk.errors import CreditRiskError
from credit_risk.modelling import training_record
from credit_risk.scoring import signed_chain

MEASURED_ON = "prepared"  # under which a report names the tables that it was measured on
TABLES = ("inputs", "outcomes", "protected")
ALIKE = 1e-9  # PDs are kept with ten decimals
Chain = list[dict[str, str]]


def prepared(files: Files) -> str:
    """The digest of the prepared inputs and outcomes, all parts together."""
    folders = [files.inputs("train").parent, files.outcomes("train").parent]
    return digest.of_files(files.root, (file for folder in folders for file in folder.rglob("*.parquet")))


def write(files: Files, name: str, report: Mapping[str, Any]) -> None:
    """Write a stage's report with the tables that it was measured on, by digest."""
    write_report(files.report(name), {**report, MEASURED_ON: prepared(files)})


def chain(files: Files, names: Iterable[str]) -> Chain:
    """The reports as they are, each with its digest, chained: the last hash vouches for all before it."""
    entries, head = [], signed_chain.BEGINNING.hash
    for name in ("preparation", *names):
        path = files.report(name)
        if path.is_file():
            entry = f"reports/{name}.json {digest.of_file(path)}"
            head = signed_chain.link(head, entry)
            entries.append({"report": name, "sha256": entry.rpartition(" ")[2], "hash": head.hex()})
    return entries


def changed_since(before: object, now: Chain) -> list[str]:
    """The reports that a recorded chain has otherwise than they are now, by file."""
    recorded = {entry["report"]: entry["sha256"] for entry in before} if isinstance(before, list) else {}
    names = {**recorded, **{entry["report"]: "" for entry in now}}
    present = {entry["report"]: entry["sha256"] for entry in now}
    return [f"reports/{name}.json" for name in names if recorded.get(name) != present.get(name)]


def altered(config: Config, files: Files, reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each file that is not what its stage wrote, as far as the others can tell; empty if none is.

    reports: by name, `metrics` among them.
    """
    now = prepared(files)
    sentences = [
        f"reports/{name}.json was not measured on the prepared tables as they are: run its stage again"
        for name, report in reports.items()
        if report.get(MEASURED_ON) != now
    ]
    if tables := other_tables(config, files):
        return sentences + tables  # what is computed from them would only say the same again
    of_this_scorer = reports["metrics"].get("scorer") == digest.of_directory(files.scorer)  # else the gate says so
    return sentences + (other_figures(config, files, reports["metrics"]) if of_this_scorer else [])


def other_tables(config: Config, files: Files) -> list[str]:
    """The prepared tables that are not those that `prepare` recorded, or not those that the config now asks for."""
    try:
        report = read_json(files.report("preparation"))
        recorded, settings, parts = report["outputs_digest"], report["settings"], report["parts"]
    except (CreditRiskError, LookupError, TypeError):
        return ["reports/preparation.json does not say what was prepared: run `dvc repro --force prepare`"]
    paths = {f"{kind}/{name}": getattr(files, kind)(name) for kind in TABLES for name in SPLITS}
    altered = [
        f"artifacts/{name}.parquet is not the table that `prepare` wrote: it was altered since"
        for name, path in paths.items()
        if not path.is_file() or digest.of_file(path) != recorded.get(name)
    ]
    if settings != training_record.preparation(config):
        altered.append("the tables were prepared under other columns, outcome or split than the config's now")
    bads = {} if altered else {name: read_parquet(files.outcomes(name))["bad"] for name in SPLITS}
    return altered + [
        f"reports/preparation.json was altered: its counts of {name} rows are not those of the table"
        for name, bad in bads.items()
        if (len(bad), bad.sum()) != (parts[name]["rows"], parts[name]["bads"])
    ]


def other_figures(config: Config, files: Files, metrics: Mapping[str, Any]) -> list[str]:
    """Whether the predictions are the scorer's of the test rows, and the headline figures those of the predictions."""
    from credit_risk.measures.verdict import recomputation  # noqa: PLC0415  (late, as those below: `credit-risk config` need not wait)
    from credit_risk.modelling.accounts import Weights, read_inputs  # noqa: PLC0415
    from credit_risk.modelling.assembly import read_fitted  # noqa: PLC0415
    from credit_risk.scoring.decision import PD_DECIMALS  # noqa: PLC0415
    from credit_risk.scoring.scorer import Scorer  # noqa: PLC0415

    file = "artifacts/predictions/test.parquet"
    try:
        predictions, outcomes = read_parquet(files.predictions / "test.parquet"), read_parquet(files.outcomes("test"))
        scorer = Scorer.load(files.scorer)
        pds = scorer.pds(read_inputs(config, files, "test")).round(PD_DECIMALS)
        kept = predictions[scorer.model.kind].to_numpy()
        same_rows = predictions[["row", "group", "bad"]].equals(outcomes[["row", "group", "bad"]])
    except (CreditRiskError, LookupError, ValueError, OSError) as error:
        return [f"the headline figures cannot be computed again: {str(error).splitlines()[0].rstrip('.')}"]
    fitted = read_fitted(config, files, scorer.model.kind)
    if fitted.calibration != scorer.calibration:
        return ["models/scorer is calibrated otherwise than the model of artifacts/model: one of them was altered"]
    if not same_rows:
        return [f"{file} does not hold the rows and outcomes of artifacts/outcomes/test.parquet: it was altered"]
    if not np.allclose(kept, pds, rtol=0, atol=ALIKE, equal_nan=True):
        return [f"{file} does not hold what models/scorer says of the test rows: one of them was altered"]
    scored = ~np.isnan(kept)
    weight = Weights.of(outcomes).population[scored]
    again = recomputation.figures(outcomes["bad"].to_numpy()[scored], kept[scored], weight, scorer.config.policy)
    differing = recomputation.differing(metrics.get("test", {}), again)
    return [f"reports/metrics.json was altered: test.{sentence}" for sentence in differing]
