"""Reads the ledger's hours, plans the next day and writes the plan where the machine or the cluster takes it from."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from credit_risk.data.writing import remove, write_json, write_text
from credit_risk.errors import NotFound
from credit_risk.operations import ledger_counts
from credit_risk.operations.capacity import plan
from credit_risk.operations.capacity.plan import ReplicaPlan
from credit_risk.operations.use_record import FOLDER
from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.rollout.settings import Environment

KEDA = FOLDER / "keda-cron"


def write(root: Path, environment: Environment, per_replica: float | None) -> tuple[ReplicaPlan, list[Path]]:
    """The plan of the next 24 hours, and the files that it stands in; without one an older plan is taken away.

    Raises NotFound where there is no ledger.
    """
    now = datetime.now(UTC)
    begin = now.replace(minute=0, second=0, microsecond=0)  # the present hour is not over: it is planned, too
    with ledger_counts.ledger_if_there(root, environment.serving.ledger) as ledger:
        if ledger is None:
            raise NotFound(environment.serving.ledger.url, "There is no ledger yet, or its key is not here.")
        counts = ledger_counts.by_hour(ledger, now)
    share = per_replica or plan.share_of_replica(environment)
    made = plan.of_next_day(counts.to_numpy(dtype=np.float64), begin, environment, share)
    write_json(root / FOLDER / "replicas.json", made.as_dict())
    return made, [FOLDER / "replicas.json", *_handed_over(root, environment, made)]


def _handed_over(root: Path, environment: Environment, made: ReplicaPlan) -> list[Path]:
    """Where whoever scales takes it from: KEDA's triggers for a cluster, a floor for the auto-scaler here."""
    if environment.kubernetes:
        folder = root / KEDA
        remove(folder)
        for name, content in plan.keda(made.hours, environment.scaling.min_replicas).items():
            write_text(folder / name, _yaml(content))
        return [KEDA]
    path = RolloutFolder.of(root, environment).replica_plan
    if made.hours:
        write_json(path, plan.floors(made.hours))
        return [path.relative_to(root)]
    remove(path)
    return []


def _yaml(content: Any) -> str:
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(content, stream)
    return stream.getvalue()
