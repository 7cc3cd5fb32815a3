"""Hold three descriptions of a registered scorer against each other: its config's, MLflow's and the API's."""

import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from mlflow.models import Model

from credit_risk.data.files import Files
from credit_risk.errors import UsageError
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.registry.mlflow import schemas
from credit_risk.registry.mlflow.registry import Registry
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving import openapi
from credit_risk.serving.settings import Access, Serving


def validate(registry: Registry, version: int, events: list[HistoryEvent], url: str | None = None) -> int:
    """How many inputs all three agree on. Raises the SchemaMismatch that fits (see registry.mlflow.schemas).

    url: a running service; without it, what this code would serve is described.
    """
    with tempfile.TemporaryDirectory() as scratch:
        release = Path(scratch) / "release"
        registry.fetch(version, events, release)
        scorer = Scorer.load(Files(release).scorer)
        signature = Model.load(str(registry.tracking.files_of(version, Path(scratch) / "model"))).signature
    declared = schemas.declared(scorer.config)
    parts = {"inputs": signature.inputs.to_dict(), "outputs": signature.outputs.to_dict()}
    schemas.agree(declared, schemas.of_signature(parts), "MLflow's record")
    served = _openapi_of(url) if url else openapi.of(scorer, Serving(access=Access(mode="off"), gate="reported"))
    schemas.agree(declared, schemas.served(served), "the API")
    return len(declared.inputs)


def _openapi_of(url: str) -> dict[str, Any]:
    address = url.rstrip("/") + "/openapi.json"
    if not address.startswith(("http://", "https://")):
        raise UsageError(f"--url: got {url!r}, expected the service's address, as http://127.0.0.1:3000.")
    try:
        with urlopen(address, timeout=10) as answer:  # noqa: S310  (http and https alone)
            document: dict[str, Any] = json.load(answer)
    except (URLError, OSError, ValueError) as error:
        raise UsageError(f"{address} cannot be read: {error}. Does the service run?") from None
    return document
