"""Put the scorer of the last run into the registry: with its figures, its data, its gate record and its signatures."""

import json
import logging
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from credit_risk.config import Config, load
from credit_risk.config.dotted import leaves, numbers
from credit_risk.data import digest, provenance
from credit_risk.data.files import SPLITS, Files
from credit_risk.data.writing import read_json
from credit_risk.errors import CheckFailed, NotFound, UsageError
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.registry.mlflow import packing, schemas
from credit_risk.registry.mlflow.registry import Registry
from credit_risk.registry.mlflow.tracking import Run, dataset
from credit_risk.scoring.release_files import verified_release
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.requests import examples
from credit_risk.stages import gate as judging

log = logging.getLogger(__name__)

PARAMETERS = ("model", "policy", "parameters", "split")
OURS = ("scorer", "gate_record", "artefact", "commit", "verdict", "kind", "clean")
NOT_A_NAME = re.compile(r"[^\w\-. /]")  # what MLflow refuses in the name of a parameter


def register(
    registry: Registry,
    config: Config,
    files: Files,
    *,
    by: str,
    reason: str,
    run_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    metrics: Path | None = None,
) -> HistoryEvent:
    """Register models/scorer as a candidate; the same scorer with the same gate record is registered once.

    A scorer that the gate refused can be registered, for the record; it can never be promoted.
    metrics: the figures to log (default: reports/metrics.json).
    Raises CheckFailed if the gate's record is not of exactly this scorer, SignatureRefused if it is not signed.
    """
    record = judged(files)
    with verified_release(files, registry.signed_by) as verified:
        scorer = Scorer.load(verified.scorer)
        if scorer.digest != record["digests"]["scorer"] or read_json(verified.report("gate")) != record:
            raise CheckFailed("The scorer or its gate record was exchanged while it was registered. Register it again.")
        if known := registry.known(scorer.digest, digest.of_file(verified.report("gate"))):
            log.info("This scorer with this gate record is registered already")
            return known
        facts = _facts(record, config, files) | exported(files, scorer.digest)
        all_tags = own_tags(tags or {}) | _tags(verified, scorer, facts)
        figures = dict(numbers(_metrics(metrics or files.report("metrics"))))
        run = Run(
            run_name or f"{scorer.digest[:12]}",
            _params(config),
            figures,
            all_tags,
            _datasets(config, files),
            [files.reports],
        )
        with tempfile.TemporaryDirectory() as scratch:
            packed = Path(scratch) / "scorer"
            schema = schemas.declared(scorer.config)
            log.info("Packing the scorer, and asking the packed one once")
            packing.pack(verified, schema, examples.application(scorer.config, scorer.reference), packed)
            log.info("Registering it at %s", registry.tracking.url)
            return registry.register(run, packed, by=by, reason=reason, facts=facts)


def _facts(record: Mapping[str, Any], config: Config, files: Files) -> dict[str, Any]:
    """What the history keeps of a version: its verdict and digests, the raw data, and the commit it came from."""
    return {
        "verdict": record["verdict"],
        "waivers": record["waivers"],
        "digests": record["digests"],
        "raw": {source.path: digest.of_file(files.root / source.path) for source in config.data.sources},
        "commit": provenance.commit(files.root),
        "uncommitted": list(provenance.uncommitted(files.root, "src", "configs", "dvc.yaml")),
    }


def judged(files: Files, today: date | None = None) -> dict[str, Any]:
    """The gate's record, whatever its verdict, if it is what the figures say now of exactly this scorer."""
    path = files.report("gate")
    if not path.is_file():
        raise NotFound(path, "Nothing was judged yet: run `make run`.")
    record: dict[str, Any] = read_json(path)
    now = judging.record(load(files.config), files, today or datetime.now(UTC).date())
    if record != now:
        raise CheckFailed(
            f"{path} is not what the figures say of this scorer now: something changed after the verdict. "
            "Run `make run` again."
        )
    return record


def exported(files: Files, scorer: str) -> dict[str, Any]:
    """What was exported of this scorer for other systems, each file with its digest; nothing where nothing was.

    It is logged with the reports. Raises CheckFailed for exports of another scorer, and for a file that is not as it
    was exported.
    """
    folder = files.reports / "exports"
    if not folder.is_dir():
        return {}
    record = read_json(folder / "exports.json")
    digests = {name: facts["sha256"] for name, facts in record["files"].items()}
    there = {path.name: digest.of_file(path) for path in folder.iterdir() if path.name != "exports.json"}
    if record["scorer"] != scorer or there != digests:
        raise CheckFailed(
            f"{folder} does not hold what was exported of this scorer. "
            "Export it again (`credit-risk export`), or remove the folder."  # part: exports
        )
    return {"exports": digests}


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags of the caller's, as environment=staging; the names that we set ourselves are refused."""
    if taken := sorted(name for name in tags if name in OURS or name.startswith("digest.")):
        raise UsageError(f"--tags: {', '.join(taken)} is set by the registration itself; choose another name.")
    return dict(tags)


def _metrics(path: Path) -> dict[str, Any]:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(path, "It holds the figures to log: run `make run`, or name it with --metrics-path.") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON ({error}); expected a report as reports/metrics.json.") from None
    if not isinstance(figures, dict):
        raise UsageError(f"{path} holds no JSON object; expected a report as reports/metrics.json.")
    return figures


def _tags(files: Files, scorer: Scorer, facts: Mapping[str, Any]) -> dict[str, str]:
    digests = {f"digest.{name}": value for name, value in facts["digests"].items()}
    return digests | {
        "scorer": scorer.digest,
        "gate_record": digest.of_file(files.report("gate")),
        "verdict": facts["verdict"],
        "kind": scorer.model.kind,
        "commit": facts["commit"] or "none",
        "clean": "yes" if not facts["uncommitted"] else "no",
    }


def _params(config: Config) -> dict[str, str]:
    tree = config.as_dict()
    values = leaves({section: tree[section] for section in PARAMETERS})
    names = ((name.replace("[", ".").replace("]", ""), value) for name, value in values)
    return {NOT_A_NAME.sub("_", name): str(value) for name, value in names if value not in (None, {})}


def _datasets(config: Config, files: Files) -> list[tuple[Any, str]]:
    """What the scorer was made from, as MLflow's dataset inputs: raw files, and the prepared splits."""
    made_from = [(files.root / source.path, "raw") for source in config.data.sources]
    made_from += [(files.inputs(split), split) for split in SPLITS]
    return [(_dataset(path, path.relative_to(files.root).as_posix()), context) for path, context in made_from]


def _dataset(path: Path, name: str) -> Any:
    sha256 = digest.of_file(path)
    return dataset(path.stem, name, sha256, json.dumps({"sha256": sha256}))
