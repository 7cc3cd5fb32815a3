"""A cluster decides to the byte what one machine does; what is lost with a worker or scheduler is decided again."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client, KilledWorker, LocalCluster
from tornado.ioloop import IOLoop

from credit_risk.batch import dask_engine
from credit_risk.batch.dask_engine import ClusterError, DaskEngine, OtherVersion, Recipe, cluster, versions
from credit_risk.batch.dask_options import deciding
from credit_risk.batch.score import score
from credit_risk.batch.task import THIS_MACHINE, BatchTask
from credit_risk.data.simulated_lender import lender
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import UsageError
from credit_risk.scoring.scorer import Scorer
from tools import free_port

ROWS = 700
BATCH = 100
SOON = 0.1


@pytest.fixture(scope="module")
def loop():
    """Dask's event loop, in a thread: on a busy machine Dask gives up a loop of its own after ten seconds."""
    made: list[IOLoop] = []
    ends, started = asyncio.Event(), threading.Event()

    async def run():
        made.append(IOLoop.current())
        started.set()
        await ends.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait()
    yield made[0]
    made[0].add_callback(ends.set)
    thread.join()


@pytest.fixture(scope="module")
def client(loop):
    workers = LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, loop=loop)
    with workers, Client(workers, loop=loop) as connected:
        yield connected


@pytest.fixture(scope="module")
def path(trained) -> Path:
    return trained[1].scorer


@pytest.fixture(scope="module")
def scorer(path) -> Scorer:
    return Scorer.load(path)


@pytest.fixture(scope="module")
def applications(scorer, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("applications") / "in.parquet"
    table = lender(ROWS, seed=11).applications[["application_id", *scorer.config.inputs]]
    table.to_parquet(file, index=False)
    return file


@pytest.fixture
def engine(client, path) -> DaskEngine:
    return DaskEngine(client, path, width=4)


@pytest.mark.parametrize(
    ("name", "options"), [("out.parquet", {}), ("out.csv", {"reasons": False, "exposure": "loan_amount"})]
)
def test_the_output_is_that_of_one_machine_to_the_byte(engine, applications, tmp_path, name, options):
    scorer = Scorer.load(engine.scorer)
    score(scorer, applications, tmp_path / "here" / name, batch_rows=BATCH, **options)
    summary = score(scorer, applications, tmp_path / "there" / name, batch_rows=BATCH, engine=engine, **options)
    assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert (summary.rows, summary.read) == (ROWS, ROWS)


def test_a_worker_refuses_a_scorer_of_another_digest(client, path, scorer, applications, tmp_path):
    other = shutil.copytree(path, tmp_path / "scorer")
    facts = read_json(other / "scorer.json")
    facts["calibration"]["intercept"] += 1
    write_json(other / "scorer.json", facts)
    with pytest.raises(OtherVersion, match=f"the worker inproc://.* reads the scorer .* where {scorer.digest[:12]} is"):
        score(scorer, applications, tmp_path / "out.csv", engine=DaskEngine(client, other, width=2))
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", ["the deciding code", "lightgbm", "pandas"])
def test_a_worker_with_other_code_or_libraries_decides_nothing(path, scorer, name):
    started = Recipe.of(BatchTask(scorer, None), path)
    elsewhere = tuple((each, "0.1" if each == name else its) for each, its in started.versions)
    assert started.task().scorer.digest == scorer.digest
    with pytest.raises(OtherVersion, match=f"^has {name} .* where 0.1 is expected.*Install there what is installed"):
        replace(started, versions=elsewhere).task()


def test_the_versions_are_those_of_what_decides():
    assert [name for name, _ in versions()] == ["the deciding code", "lightgbm", "numpy", "pandas", "pyarrow"]


class Lost:
    """A future of Dask's that ends as it is told; before that it is not ready for a look or two."""

    def __init__(self, *ends):
        self.ends = list(ends)

    def result(self, timeout):
        assert timeout == dask_engine.LOOK
        if isinstance(end := self.ends.pop(0), BaseException):
            raise end
        return end


class Cluster:
    """A client of Dask's whose scheduler has so many threads at each look."""

    def __init__(self, futures, threads=(2,)):
        self.futures, self.looks, self.status = list(futures), list(threads), "running"
        self.scheduler = type("Scheduler", (), {"addr": "tcp://head:8786"})

    def submit(self, *_, pure):
        assert not pure  # a batch like another is decided as one of its own
        return self.futures.pop(0)

    def nthreads(self):
        threads = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(threads, BaseException):
            raise threads
        return {"tcp://worker:1": threads}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(dask_engine, "LOOK", 0.01)


def decided(cluster, path, scorer, patience=SOON):
    with DaskEngine(cluster, path, 2, patience).deciding(BatchTask(scorer, None)) as decide:
        return decide(range(7))


@pytest.mark.usefixtures("quick")
def test_what_was_lost_with_the_scheduler_is_decided_again(path, scorer, caplog):
    lost = [Lost(TimeoutError(), CancelledError()), Lost(CancelledError()), Lost(TimeoutError(), "the rows")]
    assert decided(Cluster(lost, [2, OSError("lost"), 0, 2]), path, scorer) == "the rows"
    assert caplog.text.count("The scheduler was lost with 7 rows") == 2


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("threads", [0, OSError("lost"), TimeoutError()])
def test_a_cluster_that_stays_away_ends_the_run(path, scorer, threads):
    with pytest.raises(ClusterError, match=r"tcp://head:8786: no scheduler with workers for 0.1 s.*batches are kept"):
        decided(Cluster([Lost("never")], [threads]), path, scorer)


@pytest.mark.usefixtures("quick")
def test_a_scheduler_that_the_client_seeks_has_no_workers(path, scorer):
    away = Cluster([Lost("never")])
    away.status = "connecting"
    with pytest.raises(ClusterError, match="no scheduler with workers"):
        decided(away, path, scorer)


@pytest.mark.usefixtures("quick")
def test_rows_that_end_their_workers_end_the_run_and_say_what_helps(path, scorer):
    ended = KilledWorker("decide", None, 3)
    with pytest.raises(ClusterError, match=r"7 rows ended 4 workers.*--memory-limit"):
        decided(Cluster([Lost(ended)]), path, scorer)


@pytest.mark.parametrize("fault", [OSError("Timed out trying to connect"), ValueError("missing port number")])
def test_an_address_where_no_scheduler_is_gets_a_sentence(monkeypatch, path, fault):
    def refuse(address, timeout):
        assert (address, timeout) == ("tcp://head:1", dask_engine.PATIENCE)
        raise fault

    monkeypatch.setattr(dask_engine, "Client", refuse)
    with pytest.raises(ClusterError, match=f"^tcp://head:1: {fault}. Expected a scheduler's address, as tcp://"):
        cluster("tcp://head:1", path).__enter__()


@pytest.mark.weekly
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "head", "post://head:1"])
def test_whatever_is_no_scheduler_is_refused_so(monkeypatch, path, address):
    monkeypatch.setattr(dask_engine, "PATIENCE", SOON)
    with pytest.raises(ClusterError, match=f"{address}: .*Expected a scheduler's address"):
        cluster(address, path).__enter__()


def test_an_address_without_the_engine_is_refused(path):
    assert deciding("threads", None, path).__enter__() is THIS_MACHINE
    with pytest.raises(UsageError, match="--cluster tcp://head:8786 is for --engine dask"):
        deciding("threads", "tcp://head:8786", path)


def test_without_the_library_it_is_said_what_to_install(monkeypatch, path):
    monkeypatch.delitem(sys.modules, "credit_risk.batch.dask_engine")
    monkeypatch.delattr("credit_risk.batch.dask_engine")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"distributed is not installed. pip install 'credit-risk\[dask"):
        deciding("dask", None, path)


@pytest.fixture
def dask(tmp_path):
    """Start Dask's own programs: a scheduler, or a worker of it; what is left is ended."""
    running, port = [], free_port()

    def start(program, *options):
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *options, "--no-dashboard"]
        with (tmp_path / f"{program}.log").open("a") as log:
            running.append(subprocess.Popen(command, stderr=log))
        return running[-1]

    def worker():
        options = ("--nthreads", "1", "--no-nanny", "--death-timeout", "60", "--local-directory", str(tmp_path))
        return start("worker", f"tcp://127.0.0.1:{port}", *options)

    yield lambda: start("scheduler", "--host", "127.0.0.1", "--port", str(port)), worker, f"tcp://127.0.0.1:{port}"
    for each in running:
        each.kill()
        each.wait()


@pytest.mark.weekly
def test_workers_and_scheduler_are_killed_and_the_file_is_the_same(dask, path, scorer, applications, tmp_path):
    scheduler_of, worker, address = dask
    scheduler, first = scheduler_of(), worker()
    worker()
    score(scorer, applications, tmp_path / "here.parquet", batch_rows=5)
    killed = []

    def kill(rows, _share):
        if rows >= 100 and not killed:
            first.send_signal(signal.SIGKILL)
            killed.append(first)
        if rows >= 300 and len(killed) == 1:
            scheduler.send_signal(signal.SIGKILL)
            scheduler.wait()
            killed.append(scheduler_of())
            worker()

    with cluster(address, path) as engine:
        score(scorer, applications, tmp_path / "there.parquet", batch_rows=5, engine=engine, progress=kill)
    assert len(killed) == 2
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()


@pytest.mark.weekly
def test_the_command_makes_a_cluster_of_its_own(applications, path, tmp_path):
    for name, engine in (("here", "threads"), ("there", "dask")):
        command = [Path(sys.executable).parent / "credit-risk", "score", "--scorer", path, "--engine", engine]
        command += ["--input", applications, "--output", tmp_path / f"{name}.parquet"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    assert "2 threads" in done.stderr or f"{os.cpu_count()} threads" in done.stderr
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
