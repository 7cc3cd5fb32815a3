"""The gate's record: every check, its verdict, and the digests it speaks about (DVC stage `gate`).

The stage records a refusal and ends without an error, so that the report is still made; `check`
is what blocks, in `make run`, in CI and at promotion.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.config import Config, load
from credit_risk.data import digest, provenance
from credit_risk.data.files import Files
from credit_risk.data.writing import write_json
from credit_risk.errors import CheckFailed, ConfigError, NotFound
from credit_risk.measures import gate, waiver
from credit_risk.measures.dotted import lookup
from credit_risk.measures.figure import Figure
from credit_risk.measures.waiver import Waiver
from credit_risk.modelling import selection
from credit_risk.scoring.scorer import differences
from credit_risk.stages import measurements
from credit_risk.stages.measurements import METRICS, SELECTION, object_of

CODE = "src/credit_risk"
UNDECIDED = "nobody has decided what a program suggested; decide it, and take it out of `suggested` in the config"
NO_WAIVERS = ("README.md", ".gitkeep", ".gitignore")  # may lie among them


def run(config: Config, files: Files) -> None:
    """Judge the measurements of exactly this scorer and write reports/gate.json."""
    write_json(files.report("gate"), record(config, files, datetime.now(UTC).date()))


def record(config: Config, files: Files, today: date) -> dict[str, Any]:
    """The gate record as it stands in reports/gate.json; every waiver that is used stands in it."""
    digests = current_digests(files)
    reports = measurements.taken(files)
    if METRICS not in reports:
        raise NotFound(files.report(METRICS), "Nothing was measured yet: run `make run` or `dvc repro`.")
    kind = (object_of(files.scorer / "scorer.json") or {}).get("kind")
    gates, others = gate.applicable(config.own_gates, kind)
    checks = gate.decide(gates, *measurements.merged(reports))
    waived = waiver.apply(
        checks,
        read_waivers(files.waivers),
        gates=[one.name for one in config.gates],
        scorer=digests["scorer"],
        today=today,
    )
    let_pass = [one.check.gate.name for one in waived]
    stale = [
        f"reports/{name}.json measured another scorer"
        for name, report in reports.items()
        if name != SELECTION and report.get("scorer") != digests["scorer"]
    ]
    if reports[METRICS].get("challenger") != digests["challenger"]:
        stale.append(f"reports/{METRICS}.json measured another challenger")
    stale += not_as_selected(config, files, reports.get(SELECTION, {}))
    other = differences(object_of(files.scorer / "config.json") or {}, config)
    stale += [f"models/scorer was assembled under other {part} than the config's now" for part in other]
    if config.suggested:
        stale.append(f"{UNDECIDED}: {', '.join(config.suggested)}")
    verdict = "FAIL" if stale else gate.overall([check for check in checks if check.gate.name not in let_pass])
    return {
        "verdict": verdict,
        "stale": stale,
        "kind": kind,
        "recommended": "models/scorer" if verdict == "PASS" else None,
        "digest": digests["scorer"] if verdict == "PASS" else None,
        "checks": [check.as_dict() for check in checks],
        "not_applicable": others,
        "waivers": [one.waiver.model_dump(mode="json") for one in waived],
        "digests": digests,
    }


def not_as_selected(config: Config, files: Files, chosen: Mapping[str, Any]) -> list[str]:
    """Why the scorers are not what the selection rows and the config's present materiality ask for; empty if they are.

    Chosen anew from the recorded figures, so that a materiality edited since, or a kind written by hand, shows.
    """
    facts = [object_of(path / "scorer.json") or {} for path in (files.scorer, files.challenger)]
    if chosen.get("models") != {one.get("kind"): one.get("model_digest") for one in facts}:
        return [f"reports/{SELECTION}.json measured another pair of models than models/scorer and models/challenger"]
    known = [lookup(chosen, f"scorecard.auc{end}") for end in ("", "_low", "_high")]
    value, low, high = (math.nan if end is None else end for end in known)
    difference = Figure(value, low, high, n=0)
    wanted = selection.choose(config.model, difference).kind
    if facts[0].get("kind") == wanted:
        return []
    return [f"models/scorer was assembled under other choice than {wanted}, which model.candidate asks for now"]


def read_waivers(folder: Path) -> list[Waiver]:
    """Every waiver of the folder. Raises ConfigError for a file that is none: it must not be passed over."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in NO_WAIVERS):
        if path.parent != folder or path.suffix != ".yaml":
            raise ConfigError(path, [f"a waiver is a file {folder.name}/NAME.yaml; this one would be passed over"])
        try:
            found.append(Waiver.model_validate(YAML(typ="safe").load(path)))
        except ValidationError as error:
            raise ConfigError(path, [f"{_place(one)}: {one['msg']}" for one in error.errors()]) from None
        except (YAMLError, ValueError, RecursionError) as error:
            raise ConfigError(path, str(error).splitlines()[:8]) from None
    loose = provenance.uncommitted(folder.parents[1], "configs/waivers") if found else ()
    if loose:
        why = "a waiver counts when it is committed, so that its author and its day are on record; commit it first"
        raise ConfigError(folder, [f"{name}: {why}" for name in loose])
    return found


def _place(problem: Mapping[str, Any]) -> str:
    return ".".join(map(str, problem["loc"])) or "the file"


def current_digests(files: Files) -> dict[str, str]:
    """What a verdict speaks about: scorer, challenger, data, config and code, each by its digest."""
    code = files.root / CODE
    splits = [files.inputs("train").parent, files.outcomes("train").parent]
    configs = files.config.parent
    # How a decision is served says nothing of the scorer: another port or limit leaves the verdict standing.
    judged = (file for file in configs.rglob("*.yaml") if not file.is_relative_to(configs / "deploy"))
    return {
        "scorer": digest.of_directory(files.scorer),
        "challenger": digest.of_directory(files.challenger),
        "data": digest.of_files(files.root, (file for split in splits for file in split.rglob("*.parquet"))),
        "config": digest.of_files(files.root, judged),
        "code": digest.of_files(files.root, code.rglob("*.py")),
    }


def check(files: Files, today: date | None = None) -> dict[str, Any]:
    """The record, if it lets exactly the present scorer through; CheckFailed with every reason otherwise."""
    path = files.report("gate")
    if not path.is_file():
        raise NotFound(path, "Nothing was judged yet: run `make run` or `dvc repro`.")
    found = object_of(path)
    before = found.get("digests") if found else None
    if found is None or not isinstance(before, dict):
        raise CheckFailed(f"{path} is no gate record; the file was altered. Run `dvc repro --force gate`.")
    # Judged again: what the record says of its own checks could have been written by anybody.
    now = record(load(files.config), files, today or datetime.now(UTC).date())
    digests = now["digests"].items()
    reasons = [f"the {name} changed after the verdict" for name, value in digests if before.get(name) != value]
    reasons += now["stale"]
    waived = {one["check"] for one in now["waivers"]}
    blocking = [one for one in now["checks"] if one["verdict"] != "PASS" and one["name"] not in waived]
    reasons += [f"{one['verdict']} {one['name']}: {one['sentence']}" for one in blocking]
    if now["checks"] and len(waived) == len(now["checks"]):
        reasons.append("every check is waived; at least one must pass")
    if not reasons and found != now:
        reasons = [f"{path} is not what the figures say: it, or they, were altered after the verdict"]
    if reasons or now["verdict"] != "PASS":
        raise CheckFailed("\n  ".join(["The gate does not let this scorer through.", *reasons]))
    return found
