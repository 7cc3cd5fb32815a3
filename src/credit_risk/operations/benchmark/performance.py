"""What deciding takes, as ratios to a reference that is measured in turns with it, in the same process.

The reference is a small LightGBM model, fitted at the start to rows that never change, and asked just as often. What a
slow or busy machine does to a time it does to both, so their ratio says the same there. Of each, the shortest of many
rounds counts: what others did meanwhile only adds.
"""

import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal, Protocol

import lightgbm as lgb
import numpy as np
import pandas as pd

from credit_risk.data.inputs import Inputs, Matrix
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.requests import examples

Quantity = Literal["latency", "throughput", "memory", "cpu"]
QUANTITIES: Final[tuple[Quantity, ...]] = ("latency", "throughput", "memory", "cpu")
WORSE_BY = 0.15  # of the baseline: half of the 30 % that must be found, and several times what chance does
SINGLE, BATCH, BLOCKS, ROUNDS = 20, 200, 8, 300
BASELINES = 3  # runs whose median is a baseline: one could be luck
PREDICTIONS = 10  # predictions of the reference beside one decision: about as long
ROWS, COLUMNS, TREES = 500, 10, 60  # of the reference
SEED = 42

Work = Callable[[], object]


class Decides(Protocol):
    """What is measured: a scorer, or something that stands before one."""

    def decide(self, applications: Mapping[str, Any]) -> object:
        """One application, as the service has it decided."""

    def decide_inputs(self, inputs: Matrix) -> object:
        """A table of applications, as a batch has it decided."""


@dataclass(frozen=True)
class Timing:
    """Seconds: on the clock, and of the processor, all threads of this process together."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class PerformanceBenchmark:
    """What a scorer takes to decide. single: applications one at a time; batch: a table of them."""

    scorer: Decides
    single: Sequence[Mapping[str, Any]]
    batch: Matrix
    rounds: int = ROUNDS

    @classmethod
    def of(cls, path: Path) -> "PerformanceBenchmark":
        """Of a scorer directory, on valid applications that are made from its own config. Raises ScorerError."""
        scorer = Scorer.load(path)
        applications = list(islice(examples.of_scorer(path, seed=SEED), SINGLE + BATCH))
        table = Inputs.of(scorer.config).table(pd.DataFrame(applications[SINGLE:]))
        return cls(scorer, applications[:SINGLE], table)

    def ratios(self) -> dict[Quantity, float]:
        """Each quantity in times the reference's, a prediction of one row; more is worse.

        latency: time of a decision. cpu: its processor time. throughput: processor time of a row in a batch. memory:
        the most that a batch holds beside its own table, in times that table.
        """
        booster, rows = reference()

        def predictions() -> None:
            for _ in range(PREDICTIONS):
                booster.predict(rows[:1], num_threads=1)

        decisions = [partial(self.scorer.decide, application) for application in self.single]
        ours, theirs = in_turns(decisions, predictions, self.rounds)
        blocks = [partial(self.scorer.decide_inputs, block) for block in np.array_split(self.batch, BLOCKS)]
        batch, batch_theirs = in_turns(blocks, predictions, self.rounds // 2)
        return {
            "latency": ours.wall / theirs.wall,
            "throughput": (batch.cpu / len(self.batch)) / (batch_theirs.cpu / BLOCKS / PREDICTIONS),
            "memory": peak_bytes(lambda: self.scorer.decide_inputs(self.batch)) / self.batch.nbytes,
            "cpu": ours.cpu / theirs.cpu,
        }

    def baseline(self) -> dict[Quantity, float]:
        """What later runs are held against: of each quantity the median of BASELINES runs."""
        runs = [self.ratios() for _ in range(BASELINES)]
        return {name: median(run[name] for run in runs) for name in QUANTITIES}


def regressions(ratios: Mapping[Quantity, float], baseline: Mapping[Quantity, float]) -> dict[Quantity, float]:
    """The quantities that are worse than the baseline by more than WORSE_BY, and by how much (0.3: by 30 %)."""
    changes = {name: ratios[name] / baseline[name] - 1 for name in QUANTITIES}
    return {name: change for name, change in changes.items() if change > WORSE_BY}


def reference() -> tuple[lgb.Booster, Matrix]:
    """The model that does not change from one version of this repository to the next, and its rows."""
    random = np.random.default_rng(SEED)
    rows = random.normal(size=(ROWS, COLUMNS))
    bad = (rows[:, 0] + random.normal(size=ROWS) > 0.7).astype(float)
    parameters = {"objective": "binary", "seed": SEED, "num_threads": 1, "deterministic": True, "verbosity": -1}
    return lgb.train(parameters, lgb.Dataset(rows, bad), num_boost_round=TREES), rows


def in_turns(ours: Sequence[Work], theirs: Work, rounds: int) -> tuple[Timing, Timing]:
    """What all of `ours` take together, and as many of `theirs`: of each piece the shortest of all rounds, in turns.

    A piece takes a tenth of a millisecond and rounds are many: in some round nobody else had the core or its caches.
    Under five processes for each core ratios so measured lay within 3 % of each other; by medians of pairs within 16 %.
    The first round is not counted: caches fill.
    """
    times = np.array([[(_timed(work), _timed(theirs)) for work in ours] for _ in range(rounds + 1)][1:])
    shortest = times.min(axis=0).sum(axis=0)
    return Timing(*shortest[0].tolist()), Timing(*shortest[1].tolist())


def peak_bytes(work: Work) -> int:
    """The most memory that some work held at once beside what was there before: Python's and numpy's."""
    work()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _timed(work: Work) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu
