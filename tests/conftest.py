"""What many tests share: the simulated lender's files, and its pipeline run once to the end."""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Before anything loads OpenMP: where two workers and their servers share the cores, the threads of a small fit wait on
# one another, which takes eight times the processor time of a single thread; the trees are the same to the bit.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # and where a test asks for two, no thread spins while it waits

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from credit_risk.cli import main
from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.simulated_lender import lender
from credit_risk.scoring import signing
from passed import hand_on
from shared import built_once, written_into

# How long an example takes is a matter of what else the machine does.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

TESTS = Path(__file__).parent
LENDER = TESTS / "lender"
# Fixtures that say what a test is, so that nobody has to mark it.
WORKFLOW = {"pristine"}  # a clone in which act executes workflows
SLOW = {"empty_registry"}  # MLflow is imported
TRAINED = {"trained"}  # a pipeline has run
QUICK = 5.0  # seconds of processor time, which other work on the machine hardly changes
NOT_QUICK = pytest.StashKey[list[str]]()
Raw = Callable[..., tuple[Config, Files]]
Screen = tuple[int, str, str]  # exit code, what a command printed, what it complained of


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is quick, and begin with the files that are not: no worker is left alone with one at the end."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if WORKFLOW & fixtures:
            item.add_marker("workflow")
        if SLOW & fixtures:
            item.add_marker("slow")
        if not TRAINED & fixtures and not any(map(item.get_closest_marker, ("slow", "weekly", "workflow"))):
            item.add_marker("quick")
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow_files)


# What a worker has collected, 800,000 objects, lives to its end; looking through it for garbage again and again took
# an eighth of all processor time. What tests make is collected as ever.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def processor_seconds() -> float:
    """What this process and the programs that it ran have used."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Note what is not quick among the quick. No failure: the first import in a fresh clone costs more."""
    begun = processor_seconds()
    result = yield
    spent = processor_seconds() - begun
    if item.config.option.markexpr == "quick" and spent > QUICK:
        item.config.stash.setdefault(NOT_QUICK, []).append(f"{spent:.1f} s  {item.nodeid}")
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker noted comes with its last word."""
    noted = getattr(node, "workeroutput", {}).get("not quick", [])
    node.config.stash.setdefault(NOT_QUICK, []).extend(noted)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not quick"] = session.config.stash.get(NOT_QUICK, [])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if noted := config.stash.get(NOT_QUICK, []):
        terminalreporter.section("not quick; mark it @pytest.mark.slow if it is so every time")
        terminalreporter.write_line("\n".join(sorted(noted)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Fail a test that wrote where others read. Two workers share the folders: it may also have run in the other."""
    result = yield
    if changed := written_into():
        pytest.fail(f"a test that ran now wrote into what all tests share: {', '.join(changed)}")
    return result


def write_lender(root: Path, rows: int = 4_000, **doses: object) -> tuple[Config, Files]:
    """A root with the simulated lender's config and data; doses as `simulate.lender` takes them."""
    (root / "data").mkdir(parents=True)
    shutil.copytree(LENDER, root / "configs")
    lender(rows, seed=7, **doses).applications.to_csv(root / "data" / "applications.csv", index=False)
    return load(root / "configs" / "credit.yaml"), Files(root)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Files]:
    """The simulated lender up to models/scorer. Read it, copy it, never write into it."""
    root = built_once(tmp_path_factory, "lender", train_lender)
    return load(root / "configs" / "credit.yaml"), Files(root)


def train_lender(root: Path) -> None:
    # Here alone: `make check` and whoever only hands out tests need no model library.
    from credit_risk.stages import assemble, prepare, select, train  # noqa: PLC0415

    config, files = write_lender(root)
    hand_on(config, files)
    for stage in (prepare, train, select, assemble):
        stage.run(config, files)


@pytest.fixture
def raw_lender(tmp_path: Path) -> Raw:
    """Call it for a root with a config and raw applications; `change` edits the table before it is written."""

    def write(rows: int = 800, change: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> tuple[Config, Files]:
        (tmp_path / "data").mkdir()
        shutil.copytree(LENDER, tmp_path / "configs")
        table = lender(rows, seed=7).applications
        (change(table) if change else table).to_csv(tmp_path / "data" / "applications.csv", index=False)
        return load(tmp_path / "configs" / "credit.yaml"), Files(tmp_path)

    return write


@pytest.fixture
def harmed(tmp_path: Path, trained: tuple[Config, Files]) -> tuple[Config, Files]:
    """A copy of the trained lender, up to models/scorer, that a test may write into."""
    config, files = trained
    shutil.copytree(files.root, tmp_path / "copy")
    return config, Files(tmp_path / "copy")


@pytest.fixture
def run(files: Files, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Screen]:
    """Runs a command in the repository of the fixture `files`; returns exit code, screen and complaints."""
    monkeypatch.delenv(signing.VARIABLE, raising=False)

    def command(*words: str) -> Screen:
        code = main([*words, "--root", str(files.root)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


@pytest.fixture
def changed() -> Callable[..., Config]:
    """A config with some values of a section changed: changed(config, "policy", lgd=0.9)."""

    def change(config: Config, section: str, **values: Any) -> Config:
        return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})

    return change
