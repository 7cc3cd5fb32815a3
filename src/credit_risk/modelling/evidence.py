"""Whether what the gate reads is what the stages wrote: tables, predictions and figures, each named if it is not.

A report names what it was measured on and carries its own digest, the prepared tables are those of `prepare`, the
predictions are what the scorer says of them, and the headline figures, contrasts and the stressed book are computed
again. The reports then stand in a chain, whose end the gate's record holds.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.data import digest
from credit_risk.data.files import SPLITS, Files
from credit_risk.data.rounding import all_rounded
from credit_risk.data.writing import json_text, read_json, read_parquet, write_json
from credit_risk.errors import CreditRiskError
from credit_risk.modelling import training_record
from credit_risk.scoring import signed_chain

MEASURED_ON = "prepared"  # under which a report names the tables that it was measured on
SEAL = "sealed"  # under which it carries the digest of all else in it
TABLES = ("inputs", "outcomes", "protected")
ALIKE = 1e-9  # PDs are kept with ten decimals
Chain = list[dict[str, str]]


def prepared(files: Files) -> str:
    """The digest of the prepared inputs and outcomes, all parts together."""
    folders = [files.inputs("train").parent, files.outcomes("train").parent]
    return digest.of_files(files.root, (file for folder in folders for file in folder.rglob("*.parquet")))


def write(files: Files, name: str, report: Mapping[str, Any], *, part: Config | None = None) -> None:
    """Write a stage's report with what it was measured on; all of it for a part's, which no run makes anew."""
    bound = _measured_on(part, files) if part else {MEASURED_ON: prepared(files)}
    write_json((files.part if part else files.report)(name), sealed({**report, **bound}))


def sealed(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report, each figure rounded to what it means, with the digest of its content: an edit by hand is named."""
    content = {**all_rounded(report), SEAL: None}
    return {**content, SEAL: digest.of_text(json_text(content, sort_keys=True))}


def _measured_on(config: Config, files: Files) -> dict[str, str]:
    """What a part measures on, by digest. No limit is among the settings: a gate may be declared afterwards."""
    settings = {name: section for name, section in config.as_dict().items() if name != "gates"}
    predictions = files.predictions / "test.parquet"
    return {
        MEASURED_ON: prepared(files),
        "predictions": digest.of_file(predictions) if predictions.is_file() else "",
        "settings": digest.of_text(json_text(settings, sort_keys=True)),
    }


def chain(files: Files, names: Iterable[str]) -> Chain:
    """The reports as they are, each with its digest, chained: the last hash vouches for all before it."""
    paths = {name: files.report(name) for name in ("preparation", *names)}
    return chained({name: digest.of_file(path) for name, path in paths.items() if path.is_file()})


def chained(digests: Mapping[str, str]) -> Chain:
    """Reports by the digest of each, in this order."""
    entries, head = [], signed_chain.BEGINNING.hash
    for name, sha256 in digests.items():
        head = signed_chain.link(head, f"reports/{name}.json {sha256}")
        entries.append({"report": name, "sha256": sha256, "hash": head.hex()})
    return entries


def changed_since(before: object, now: Chain) -> list[str]:
    """The reports that a recorded chain has otherwise than they are now, by file."""
    recorded = {entry["report"]: entry["sha256"] for entry in before} if isinstance(before, list) else {}
    present = {entry["report"]: entry["sha256"] for entry in now}
    return [f"reports/{name}.json" for name in {**recorded, **present} if recorded.get(name) != present.get(name)]


def altered(
    config: Config, files: Files, reports: Mapping[str, Mapping[str, Any]], parts: Collection[str]
) -> list[str]:
    """A sentence for each file that is not what its stage wrote, as far as the others can tell; empty if none is.

    reports: by name, `metrics` among them; parts: which of them optional parts wrote.
    """
    now, sentences = _measured_on(config, files), []
    for name, report in reports.items():
        path, again = f"reports/{name}.json", "run its stage again"
        if name in parts:
            path, again = f"reports/parts/{name}.json", f"run `make {name}` again"
        if report.get(SEAL) != sealed(report)[SEAL]:
            sentences.append(f"{path} was altered: it is not as it was written, {again}")
        changed = [key for key in (now if name in parts else (MEASURED_ON,)) if report.get(key) != now[key]]
        if what := ", ".join(changed).replace(MEASURED_ON, "prepared tables"):
            sentences.append(f"{path} was not measured on the {what} as they are: {again}")
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
