"""Where a scorer comes from: raw files, stages, prepared tables, scorer, gate, registry, decisions, each by its digest.

The graph is read off dvc.lock, which DVC writes as it runs, and is held against the files: what has changed since is
named. Nothing of a person stands in it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import dataset_version_dataset, documentation_job, source_code_location_job
from openlineage.client.generated.base import JobFacet
from openlineage.client.serde import Serde
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider
from requests import RequestException
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.compliance import dataset_facts
from credit_risk.config import Config
from credit_risk.data import digest, provenance
from credit_risk.data.files import Files
from credit_risk.errors import CheckFailed, ConfigError, CreditRiskError, NotFound
from credit_risk.ledger import replay
from credit_risk.ledger.ledger import Ledger
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.scoring.features import made_of

CODE = "src"
SPACE = uuid.UUID("6f0c4d8e-6a39-4a0c-8f0b-1d2a2b6d6c11")  # of the names that runs get: the same run, the same name
NOT_OURS = ("__pycache__",)
VARIABLE = "OPENLINEAGE_API_KEY"  # the variable that OpenLineage's own clients read


class NotTaken(CreditRiskError, OSError):
    """A catalogue refused the lineage, or cannot be reached."""


@dataclass(frozen=True)
class Stage:
    """One step as it ran: command, and inputs, outputs and code with DVC's MD5 of each."""

    name: str
    command: str
    description: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    code: Mapping[str, str]


def stages(files: Files) -> list[Stage]:
    """The stages in the order they ran in. Raises NotFound, ConfigError for a dvc.lock that is none."""
    ran = _yaml(files.root / "dvc.lock").get("stages", {})
    declared = _yaml(files.root / "dvc.yaml").get("stages", {})
    if not isinstance(ran, Mapping) or not ran:
        raise ConfigError(files.root / "dvc.lock", ["it names no stage; run `make run`"])
    in_order = []
    for name, entry in ran.items():
        deps = {dep["path"]: dep["md5"] for dep in entry.get("deps", [])}
        in_order.append(
            Stage(
                name,
                entry["cmd"],
                declared.get(name, {}).get("desc", ""),
                {path: md5 for path, md5 in deps.items() if not path.startswith(CODE)},
                {out["path"]: out["md5"] for out in entry.get("outs", [])},
                {path: md5 for path, md5 in deps.items() if path.startswith(CODE)},
            )
        )
    return in_order


def record(config: Config, files: Files, at: datetime) -> dict[str, Any]:
    """The lineage as it stands in reports/data_lineage.json: hashes of raw and processed data, steps, commit, time."""
    ran = stages(files)
    made = {path for stage in ran for path in stage.outputs}
    raw = [source.path for source in config.data.sources]
    wrong = changed(files, ran)
    return {
        "project": config.project.name,
        "time": at.isoformat(timespec="seconds"),
        "commit": provenance.commit(files.root),
        "uncommitted": list(provenance.uncommitted(files.root, "src", "configs", "dvc.yaml", "dvc.lock")),
        "raw": {path: _sha256(files.root / path) for path in raw},
        "processed": {path: _sha256(files.root / path) for path in sorted(made)},
        "transformations": [asdict(stage) for stage in ran],
        "features": {name: list(columns) for name, columns in made_of(config, config.features).items()},
        "scorer": _sha256(files.scorer),
        "verified": not wrong,
        "changed_since": wrong,
    }


def afterwards(scorer: str, events: Sequence[HistoryEvent] | None, ledger: Ledger | None) -> dict[str, Any]:
    """What became of a scorer: its moves in the registry, and how many decisions it made; None where nobody can say."""
    mine = None if events is None else [event for event in events if event.scorer == scorer]
    return {
        "registry": None if mine is None else [as_facts(event) for event in mine],
        "decisions": None if ledger is None else _decisions(scorer, ledger),
    }


def as_facts(event: HistoryEvent) -> dict[str, Any]:
    """A move in plain words."""
    return {name: getattr(event, name) for name in ("move", "version", "by", "reason")} | {"at": event.at.isoformat()}


def _decisions(scorer: str, ledger: Ledger) -> dict[str, Any]:
    times = [record.at for page in replay.decision_pages(ledger) for record in page if record.by.scorer == scorer]
    ends = {"first": min(times).isoformat(), "last": max(times).isoformat()} if times else {}
    return {"count": len(times), **ends}


def changed(files: Files, ran: list[Stage]) -> list[str]:
    """Every file that is not what dvc.lock says a stage read or wrote."""
    recorded = {
        path: md5 for stage in ran for part in (stage.inputs, stage.code, stage.outputs) for path, md5 in part.items()
    }
    return [
        f"{path}: {'is missing' if digest_now is None else 'is not what was recorded'}"
        for path, md5 in sorted(recorded.items())
        if (digest_now := _md5(files.root / path)) != md5
    ]


def raise_unless_verified(lineage: Mapping[str, Any], output: Path) -> None:
    """Raises CheckFailed with every file that has changed since the run."""
    if not lineage["verified"]:
        lines = "\n  ".join(lineage["changed_since"])
        raise CheckFailed(f"{output}: these files are not what the last run read or wrote; run `make run`.\n  {lines}")


def openlineage(lineage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same as OpenLineage run events, one a stage, for a catalogue that reads them (openlineage.io)."""
    return [Serde.to_dict(_event(lineage, stage)) for stage in lineage["transformations"]]


def send(lineage: Mapping[str, Any], url: str, api_key: str | None) -> int:
    """Send the events to a catalogue that takes OpenLineage (Marquez, DataHub, …); how many it took.

    Raises NotTaken with the catalogue's answer as soon as it refuses one or cannot be reached.
    """
    events = [_event(lineage, stage) for stage in lineage["transformations"]]
    auth = ApiKeyTokenProvider({"apiKey": api_key}) if api_key else TokenProvider({})
    transport = HttpTransport(HttpConfig(url, auth=auth, retry={"total": 1}))
    try:
        for event in events:
            transport.emit(event)
    except RequestException as error:
        raise NotTaken(f"The catalogue at {url} does not take the lineage: {error}.") from None
    return len(events)


def _event(lineage: Mapping[str, Any], stage: Mapping[str, Any]) -> RunEvent:
    space = lineage["project"]
    job: dict[str, JobFacet] = {}
    if stage["description"]:
        job["documentation"] = documentation_job.DocumentationJobFacet(description=stage["description"])
    if lineage["commit"]:
        job["sourceCodeLocation"] = source_code_location_job.SourceCodeLocationJobFacet(
            type="git", url=f"git:{lineage['commit']}", version=lineage["commit"]
        )
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=lineage["time"],
        producer="https://github.com/OpenLineage/OpenLineage/tree/main/client/python",
        run=Run(runId=str(uuid.uuid5(SPACE, repr(sorted({**stage["inputs"], **stage["code"]}.items()))))),
        job=Job(namespace=space, name=stage["name"], facets=job),
        inputs=[
            InputDataset(namespace=space, name=path, facets=_version(md5)) for path, md5 in stage["inputs"].items()
        ],
        outputs=[
            OutputDataset(namespace=space, name=path, facets=_version(md5)) for path, md5 in stage["outputs"].items()
        ],
    )


def _version(md5: str) -> dict[str, Any]:
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=md5)}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(path, "DVC writes it: run `make run`.") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, [str(error).replace("\n", " ")]) from None
    if not isinstance(tree, dict):
        raise ConfigError(path, ["it holds no stages"])
    return tree


def _sha256(path: Path) -> str | None:
    if path.is_dir():
        return digest.of_directory(path)
    return digest.of_file(path) if path.is_file() else None


def _md5(path: Path) -> str | None:
    """As DVC takes it, which looks at no compiled Python."""
    if path.is_dir():
        return dataset_facts.dvc_md5(path, but=NOT_OURS)
    return dataset_facts.file_md5(path) if path.is_file() else None
