"""The gate's record: every check, its verdict, and the digests it speaks about (DVC stage `gate`).

The stage records a refusal and ends without an error, so that the report is still made; `check`
is what blocks, in `make run`, in CI and at promotion.
"""

from pathlib import Path
from typing import Any

from credit_risk.config import Config, load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json
from credit_risk.domain import gate
from credit_risk.errors import CheckFailed, DataError, NotFound

CODE = "src/credit_risk"


def run(config: Config, files: Files) -> None:
    """Judge the measurements of exactly this scorer and write reports/gate.json."""
    write_json(files.report("gate"), record(config, files))


def record(config: Config, files: Files) -> dict[str, Any]:
    """The gate record as it stands in reports/gate.json."""
    digests = current_digests(files)
    metrics = measured(files.report("metrics"))
    checks = gate.decide(config.gates, metrics, metrics.get("unknown", {}))
    verdict = gate.overall(checks)
    stale = {name for name in ("scorer", "scorecard") if metrics.get(name) != digests[name]}
    if stale:
        verdict = "FAIL"
    return {
        "verdict": verdict,
        "stale": sorted(f"reports/metrics.json measured another {name}" for name in stale),
        "recommended": "models/scorer" if verdict == "PASS" else None,
        "checks": [check.as_dict() for check in checks],
        "digests": digests,
    }


def measured(path: Path) -> dict[str, Any]:
    """The figures of `evaluate`."""
    if not path.is_file():
        raise NotFound(path, "Nothing was measured yet: run `make run` or `dvc repro`.")
    figures = _object_of(path)
    if figures is None:
        raise DataError(f"{path} holds no figures; the file was altered. Run `dvc repro --force evaluate`.")
    return figures


def _object_of(path: Path) -> dict[str, Any] | None:
    try:
        raw = read_json(path)
    except ValueError:
        return None
    return raw if isinstance(raw, dict) else None


def current_digests(files: Files) -> dict[str, str]:
    """What a verdict speaks about: scorer, scorecard, data, config and code, each by its digest."""
    code = files.root / CODE
    splits = [files.inputs("train").parent, files.outcomes("train").parent]
    return {
        "scorer": digest.of_directory(files.scorer),
        "scorecard": digest.of_directory(files.scorecard),
        "data": digest.of_files(files.root, (file for split in splits for file in split.rglob("*.parquet"))),
        "config": digest.of_files(files.root, files.config.parent.glob("*.yaml")),
        "code": digest.of_files(files.root, code.rglob("*.py")),
    }


def check(files: Files) -> dict[str, Any]:
    """The record, if it lets exactly the present scorer through; CheckFailed with every reason otherwise."""
    path = files.report("gate")
    if not path.is_file():
        raise NotFound(path, "Nothing was judged yet: run `make run` or `dvc repro`.")
    found = _object_of(path)
    before = found.get("digests") if found else None
    if found is None or not isinstance(before, dict):
        raise CheckFailed(f"{path} is no gate record; the file was altered. Run `dvc repro --force gate`.")
    # Judged again: what the record says of its own checks could have been written by anybody.
    now = record(load(files.config), files)
    digests = now["digests"].items()
    reasons = [f"the {name} changed after the verdict" for name, value in digests if before.get(name) != value]
    reasons += now["stale"]
    blocking = [one for one in now["checks"] if one["verdict"] != "PASS"]
    reasons += [f"{one['verdict']} {one['name']}: {one['sentence']}" for one in blocking]
    if not reasons and found != now:
        reasons = [f"{path} is not what the figures say: it, or they, were altered after the verdict"]
    if reasons or now["verdict"] != "PASS":
        raise CheckFailed("\n  ".join(["The gate does not let this scorer through.", *reasons]))
    return found
