"""Batches decided on a Dask cluster: an optional part. The same `decide()` as on one machine, so the same bytes.

This process reads the file, keeps finished batches and writes the output, as on one machine; only the rows travel. A
worker gets the scorer's files with the rows, and refuses to decide by a scorer of another digest, or with code or
libraries that are not those of this process. What is lost with a worker or a scheduler is decided again.
"""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from distributed import Client, Future, KilledWorker, LocalCluster, get_worker
from pandas import DataFrame
from threadpoolctl import threadpool_limits

from credit_risk.batch.task import BatchTask, Decide
from credit_risk.data import digest
from credit_risk.errors import CreditRiskError
from credit_risk.scoring.scorer import Scorer

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).resolve().parents[1]
DECIDING = ("batch", "config", "data", "scoring", "errors.py")  # the code that a decision depends on
LIBRARIES = ("lightgbm", "numpy", "pandas", "pyarrow")
AHEAD = 2  # batches for each thread of the cluster: the next one is there when one is done
PATIENCE = 60.0  # seconds that the cluster may be without scheduler or workers
LOOK = 1.0  # seconds between two looks at whether it still is


class ClusterError(CreditRiskError, ConnectionError):
    """The cluster cannot be reached, or was lost for longer than a run waits for it."""


class OtherVersion(CreditRiskError, RuntimeError):
    """A worker would not decide as this process does."""


@dataclass(frozen=True)
class Recipe:
    """A task as it travels: the scorer's files by name with their digest, how to decide, and the code that must do it.

    versions: as `versions()` says them where the run was started.
    """

    files: tuple[tuple[str, bytes], ...]
    scorer: str
    identifier: str | None
    reasons: bool
    exposure: str | None
    points: bool
    versions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, task: BatchTask, scorer: Path) -> "Recipe":
        """Of a task and the directory that its scorer was read from; what was changed there since is refused later."""
        files = tuple((file.name, file.read_bytes()) for file in sorted(scorer.iterdir()))
        return cls(files, task.scorer.digest, task.identifier, task.reasons, task.exposure, task.points, versions())

    def task(self) -> BatchTask:
        """The task, in a worker. Raises OtherVersion where it would decide otherwise than where the run was started."""
        differs = [
            f"{name} {mine} where {expected} is expected"
            for (name, mine), (_, expected) in zip(versions(), self.versions, strict=True)
            if mine != expected
        ]
        if differs:
            raise OtherVersion(f"has {'; '.join(differs)}. Install there what is installed here, and start it anew.")
        with TemporaryDirectory() as folder:
            for name, content in self.files:
                (Path(folder) / name).write_bytes(content)
            scorer = Scorer.load(Path(folder))
        if scorer.digest != self.scorer:
            raise OtherVersion(f"reads the scorer {scorer.digest[:12]} where {self.scorer[:12]} is expected.")
        return BatchTask(scorer, self.identifier, self.reasons, self.exposure, self.points)


def versions() -> tuple[tuple[str, str], ...]:
    """What decides in this process: the digest of its code, and the libraries that it computes with."""
    code = digest.of_code(PACKAGE, DECIDING)[:12]
    return (("the deciding code", code), *((name, version(name)) for name in LIBRARIES))


@lru_cache(maxsize=1)
def _task(recipe: Recipe) -> BatchTask:
    """Read once in each worker. Threads beside one another decide; LightGBM takes none of its own."""
    threadpool_limits(limits=1, user_api="openmp")
    return recipe.task()


def _decide(recipe: Recipe, batch: DataFrame) -> pa.Table:
    """What a worker runs."""
    try:
        return _task(recipe).decide(batch)
    except OtherVersion as error:
        raise OtherVersion(f"the worker {get_worker().address} {error}") from None


@dataclass(frozen=True)
class DaskEngine:
    """A cluster's workers, as what decides batches. scorer: the directory that the task's scorer was read from."""

    client: Client
    scorer: Path
    width: int
    patience: float = PATIENCE

    @contextmanager
    def deciding(self, task: BatchTask) -> Iterator[Decide]:
        recipe = Recipe.of(task, self.scorer)
        yield lambda batch: self._by_workers(recipe, batch)

    def _by_workers(self, recipe: Recipe, batch: DataFrame) -> pa.Table:
        """A batch, decided again as often as the scheduler is lost with it. Raises ClusterError, OtherVersion."""
        while True:
            threads_of(self.client, self.patience)
            future = self.client.submit(_decide, recipe, batch, pure=False)
            try:
                return self._result(future)
            except CancelledError:
                log.warning("The scheduler was lost with %s rows, which are decided again", f"{len(batch):,}")
            except KilledWorker as error:
                raise ClusterError(
                    f"{len(batch):,} rows ended {error.allowed_failures + 1} workers, one after the other, as they do "
                    "where a worker's memory is too small. Give each more (--memory-limit of `dask worker`) and run "
                    "the command again: finished batches are kept."
                ) from None

    def _result(self, future: "Future[pa.Table]") -> pa.Table:
        while True:
            try:
                return future.result(timeout=LOOK)
            except TimeoutError:
                threads_of(self.client, self.patience)


@contextmanager
def cluster(address: str | None, scorer: Path) -> Iterator[DaskEngine]:
    """The cluster of a scheduler's address, or one of this machine that ends with the block: a process for each core.

    Raises ClusterError where no scheduler with workers answers.
    """
    with ExitStack() as ends:
        where = address or ends.enter_context(LocalCluster(threads_per_worker=1, dashboard_address=None))
        try:
            client = ends.enter_context(Client(where, timeout=PATIENCE))
        except (OSError, ValueError) as error:
            raise ClusterError(f"{address}: {error}. Expected a scheduler's address, as tcp://host:8786.") from None
        threads = threads_of(client, PATIENCE)
        log.info("Deciding on %s, %s threads", client.scheduler.addr, threads)
        yield DaskEngine(client, scorer, AHEAD * threads)


def threads_of(client: Client, patience: float) -> int:
    """The workers' threads, waited for up to `patience` seconds. Raises ClusterError where none come."""
    deadline = time.monotonic() + patience
    while not (threads := _threads(client)):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{client.scheduler.addr}: no scheduler with workers for {patience:g} s. Start them and run the "
                "command again: finished batches are kept."
            )
        time.sleep(LOOK)
    return threads


def _threads(client: Client) -> int:
    if client.status != "running":
        return 0
    try:
        return sum(client.nthreads().values())
    except (OSError, TimeoutError, CancelledError):  # lost at this moment
        return 0
