"""A process that has to run: crashed, hung or slow to start, it is started again, later each time."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from credit_risk.rollout.local import processes
from credit_risk.rollout.local.processes import KeptProcess, ProcessCommand, answers, runs
from tools import PATIENCE, free_ports

ECHO = Path(__file__).with_name("echo.py")


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keep(tmp_path, clock):
    """A function that keeps a command, whose answers the test gives; what it started is ended."""
    made = []

    def start(*words, said=(True,), starts_within=10.0):
        left = list(said)
        command = ProcessCommand(
            "trial",
            words or (sys.executable, "-c", "import time; time.sleep(600)"),
            lambda: left.pop(0) if len(left) > 1 else left[0],
            tmp_path / "trial.log",
            starts_within=starts_within,
        )
        kept = KeptProcess(command, clock=clock)
        made.append(kept)
        return kept

    yield start
    for kept in made:
        kept.end()


def pass_(clock, kept, seconds):
    clock.now += seconds
    kept.tend()


def until(wanted):
    deadline = time.monotonic() + PATIENCE
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_is_started_and_runs_once_it_answers(keep, clock):
    kept = keep()
    kept.tend()
    assert kept.status == "starting"
    pass_(clock, kept, 1)
    assert kept.status == "runs"
    assert kept.as_dict() | {"pid": 0, "created": 0} == {
        "state": "runs",
        "restarts": 0,
        "answers": True,
        "pid": 0,
        "created": 0,
        "version": "",
        "generation": 0,
    }


def test_a_crash_is_seen_and_each_pause_is_twice_the_last(keep, clock):
    kept = keep(sys.executable, "-c", "raise SystemExit(1)")
    pauses = []
    for _ in range(4):
        kept.tend()
        until(lambda: not runs(kept.process))
        kept.tend()
        assert kept.process is None
        pauses.append(kept.not_before - clock.now)
        kept.tend()
        assert kept.process is None  # not before its time
        clock.now = kept.not_before
    assert pauses == [0.5, 1, 2, 4]
    assert kept.restarts == 4


def test_no_pause_is_longer_than_half_a_minute(keep, clock):
    kept = keep(sys.executable, "-c", "raise SystemExit(1)")
    kept.crashes = 20
    kept.tend()
    until(lambda: not runs(kept.process))
    kept.tend()
    assert kept.not_before - clock.now == 30


def test_a_crash_after_a_steady_minute_is_the_first_again(keep, clock):
    kept = keep()
    kept.crashes = 5
    kept.tend()
    clock.now += 61
    kept.process.kill()
    until(lambda: not runs(kept.process))
    kept.tend()
    assert kept.not_before - clock.now == 0.5


def test_one_that_hangs_is_killed_after_three_questions(keep, clock):
    kept = keep(said=(True, False, False, False))
    kept.tend()
    pass_(clock, kept, 1)
    process = kept.process
    pass_(clock, kept, 1)
    pass_(clock, kept, 1)
    assert runs(process)
    pass_(clock, kept, 1)
    assert not runs(process)
    assert kept.status == "hung; starts again in 0.5 s"


def test_one_late_answer_does_no_harm(keep, clock):
    kept = keep(said=(True, False, False, True, False, False, True))
    for _ in range(8):
        pass_(clock, kept, 1)
    assert (kept.restarts, kept.status) == (0, "runs")


def test_one_that_never_answers_is_started_again_after_its_time(keep, clock):
    kept = keep(said=(False,), starts_within=3)
    for _ in range(4):
        pass_(clock, kept, 1)
    assert kept.restarts == 0
    pass_(clock, kept, 1)
    assert kept.status == "did not answer within 3 s; starts again in 0.5 s"


def test_children_with_sessions_of_their_own_are_killed_with_it(keep, clock, tmp_path):
    place = tmp_path / "child"
    child = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], "
    )
    child += f"start_new_session=True); open({str(place)!r}, 'w').write(str(p.pid)); time.sleep(600)"
    kept = keep(sys.executable, "-c", child)
    kept.tend()
    until(lambda: place.is_file() and place.read_text())
    grandchild = psutil.Process(int(place.read_text()))
    processes.kill(kept.process)
    until(lambda: not runs(grandchild))


def test_a_process_of_an_earlier_supervisor_is_taken_over(keep):
    first, second = keep(), keep()
    first.tend()
    told = first.as_dict()
    assert second.adopt(told["pid"], told["created"])
    assert second.process.pid == first.process.pid


def test_another_process_with_the_same_number_is_not(keep):
    first, second = keep(), keep()
    first.tend()
    assert not second.adopt(first.process.pid, first.process.create_time() - 100)
    assert not second.adopt(2**22 + 1, 0.0)


def test_one_that_ignores_the_request_to_end_is_killed(keep, monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "END_WITHIN", 0.3)
    ready = tmp_path / "ready"
    code = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(ready)!r}, 'w').close(); "
    kept = keep(sys.executable, "-c", code + "time.sleep(600)")
    kept.tend()
    until(ready.exists)
    process = kept.process
    kept.end()
    until(lambda: not runs(process))


def test_an_answer_of_any_kind_is_one_and_silence_is_none(tmp_path):
    (port,) = free_ports(1)
    ask = answers(f"http://127.0.0.1:{port}/other")
    assert not ask()
    kept = KeptProcess(
        ProcessCommand("echo", (sys.executable, str(ECHO), str(port), "x", "503"), ask, tmp_path / "log")
    )
    kept.tend()
    try:
        until(ask)
        os.kill(kept.process.pid, signal.SIGSTOP)
        assert not ask()
        os.kill(kept.process.pid, signal.SIGCONT)
    finally:
        kept.end()
