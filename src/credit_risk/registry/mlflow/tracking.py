"""The registry's MLflow side: runs, model versions with their files, and the aliases that follow the history.

A version exists for us only once the history says so; what a killed registration leaves behind in MLflow is closed by
the next one.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from credit_risk.config.environment import sqlite_file
from credit_risk.data import digest
from credit_risk.registry.errors import RegistryUnavailable

log = logging.getLogger(__name__)

ITS_OWN = "registered_model_meta"  # MLflow writes it beside our files when a version is made of them
LOCAL, COPY = "file://", "version"
MODEL = "scorer"  # the folder of a run's artefacts that a version is made of


@dataclass(frozen=True)
class Run:
    """What MLflow records of a registration."""

    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    datasets: Sequence[tuple[Dataset, str]]
    folders: Sequence[Path]


@dataclass(frozen=True)
class Version:
    """A version as MLflow knows it."""

    number: int
    tags: Mapping[str, str]


class Tracking:
    """One registered model, in an MLflow database or server."""

    def __init__(self, url: str, name: str, artifacts: str | None) -> None:
        self.url, self.name, self._artifacts = url, name, artifacts
        if (file := sqlite_file(url)) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        with self._reached():
            self._client = MlflowClient(tracking_uri=url, registry_uri=url)
            if not self._client.search_registered_models(f"name = '{name}'"):
                self._client.create_registered_model(name)

    def add(self, run: Run, model: Path, artefact: str) -> int:
        """Log a run and make a version of the model directory, whole or not at all. Returns the version's number.

        artefact: the digest of that directory, which the version carries.
        """
        with self._reached():
            experiment = self._experiment()
            self._close_what_was_left(experiment, run.tags)
            made = self._client.create_run(experiment, run_name=run.name, tags=dict(run.tags)).info
            try:
                self._log(made.run_id, run)
                self._client.log_artifacts(made.run_id, str(model), MODEL)
                source, tags = f"{made.artifact_uri}/{MODEL}", {**run.tags, "artefact": artefact}
                version = self._client.create_model_version(self.name, source=source, run_id=made.run_id, tags=tags)
            except BaseException:
                self._give_up(made.run_id)
                raise
            self._client.set_terminated(made.run_id)
        return int(version.version)

    def versions(self) -> list[Version]:
        """Every version with its tags."""
        with self._reached():
            versions = self._client.search_model_versions(f"name = '{self.name}'")
        return [Version(int(version.version), version.tags) for version in versions]

    def address_of(self, version: int) -> str:
        """Where MLflow keeps a version's files."""
        with self._reached():
            return str(self._client.get_model_version(self.name, str(version)).source or "")

    def files_of(self, version: int, scratch: Path) -> Path:
        """A copy of a version's files in the scratch folder: what is verified there is what is used."""
        address = self.address_of(version)
        with self._reached():
            scratch.mkdir(parents=True, exist_ok=True)
            if folder := _on_this_machine(address):  # which MLflow would not copy
                return Path(shutil.copytree(folder, scratch / COPY, ignore=shutil.ignore_patterns("__pycache__")))
            return Path(mlflow.artifacts.download_artifacts(address, dst_path=str(scratch), tracking_uri=self.url))

    @contextmanager
    def reading(self, version: int) -> Iterator[Path]:
        """A version's files for as long as they are looked at, and not used: as they lie there, if on this machine."""
        folder = _on_this_machine(self.address_of(version))
        with self._reached(), tempfile.TemporaryDirectory() as scratch:
            if folder:
                folder.stat()  # raises where it is gone
            yield folder or self.files_of(version, Path(scratch))

    def set_aliases(self, aliases: Mapping[str, int], head: str) -> None:
        """Make MLflow's aliases those of the history, and note there where the history ends."""
        with self._reached():
            known = self._client.get_registered_model(self.name).aliases
            for alias in known.keys() - aliases.keys():
                self._client.delete_registered_model_alias(self.name, alias)
            for alias, version in aliases.items():
                if str(known.get(alias)) != str(version):
                    self._client.set_registered_model_alias(self.name, alias, str(version))
            self._client.set_registered_model_tag(self.name, "history", head)

    def head(self) -> str | None:
        """Where the history ended when the aliases were last set, as SEQ:HASH."""
        with self._reached():
            noted: str | None = self._client.get_registered_model(self.name).tags.get("history")
        return noted

    def _experiment(self) -> str:
        experiment = self._client.get_experiment_by_name(self.name)
        return str(
            experiment.experiment_id if experiment else self._client.create_experiment(self.name, self._artifacts)
        )

    def _log(self, run: str, what: Run) -> None:
        metrics = [Metric(name, value, 0, 0) for name, value in what.metrics.items()]
        params = [Param(name, value) for name, value in what.params.items()]
        self._client.log_batch(run, metrics, params, [RunTag(name, value) for name, value in what.tags.items()])
        inputs = [
            DatasetInput(dataset, [InputTag("mlflow.data.context", context)]) for dataset, context in what.datasets
        ]
        self._client.log_inputs(run, inputs)
        for folder in what.folders:
            self._client.log_artifacts(run, str(folder), folder.name)

    def _close_what_was_left(self, experiment: str, tags: Mapping[str, str]) -> None:
        """Runs of this very scorer that a killed registration left open."""
        open_ones = f"attributes.status = 'RUNNING' and tags.scorer = '{tags['scorer']}'"
        for left in self._client.search_runs([experiment], open_ones):
            self._client.set_terminated(left.info.run_id, "KILLED")

    def _give_up(self, run: str) -> None:
        """Say in MLflow too that nothing came of it; if that cannot be said, the next registration does."""
        try:
            self._client.set_terminated(run, "FAILED")
        except (MlflowException, SQLAlchemyError, OSError) as error:
            log.warning("the run %s of the failed registration stays open: %s", run, error)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, SQLAlchemyError, OSError) as error:
            what = str(error).strip().splitlines()[0]
            raise RegistryUnavailable(
                f"MLflow at {_without_password(self.url)} cannot be used: {what}. Nothing was registered or moved; "
                "try the same command again."
            ) from None


def _on_this_machine(address: str) -> Path | None:
    return Path(unquote(address.removeprefix(LOCAL))) if address.startswith(LOCAL) else None


def artefact_digest(model: Path) -> str:
    """The digest of a version's files, without the one that MLflow adds and what Python compiles when it is loaded."""
    files = (path for path in model.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return digest.of_files(model, (path for path in files if path.name != ITS_OWN))


def dataset(name: str, source: str, sha256: str, profile: str) -> Dataset:
    """A table as MLflow names it; its digest there has room for 36 characters, the whole one stands in the profile."""
    return Dataset(name, sha256[:36], "local", source, None, profile)


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2] if mark else ''}"
