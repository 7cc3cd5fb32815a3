"""What was answered is there: after kill -9 under load, and because an fdatasync came before the answer.

Three kills in `make test-weekly`, twenty in `make ledger-kills`.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ledger_trial import KEY

from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from tools import PATIENCE, decision_of_request, needed

pytestmark = pytest.mark.slow

RECORDER = Path(__file__).with_name("recorder.py")
KILLS = int(os.environ.get("LEDGER_KILLS", "3"))


def killed_after(seconds: float, *command: object) -> bytes:
    """What a recorder had answered when it was killed, some time after its first answer."""
    # Without a buffer, in which answers that arrived together with the first would be lost to `communicate`.
    process = subprocess.Popen([sys.executable, RECORDER, *map(str, command)], stdout=subprocess.PIPE, bufsize=0)
    first = process.stdout.readline()
    assert first, "the recorder ended before its first answer"
    time.sleep(seconds)
    process.kill()
    rest = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == -9
    return first + rest


@pytest.mark.weekly
def test_kill_9_under_load_loses_nothing_that_was_answered(url):
    """Proves that nothing was answered from memory; that the disk had it is what the next test shows."""
    moments, answered = random.Random(7), {}
    for number in range(KILLS):
        said = killed_after(moments.uniform(0.05, 0.3), url, number, 4).decode()
        lines = [line for line in said.splitlines(keepends=True) if line.endswith("\n")]
        answered.update(line.split() for line in lines)
    with Ledger.open(url, key=KEY, create=False) as ledger:
        found = verify(ledger)
        lost = [
            name
            for name, decision_id in answered.items()
            if decision_of_request(ledger, "web", name).decision_id != decision_id
        ]
    assert lost == []
    assert found.holds
    assert len(answered) <= found.entries <= len(answered) + 4 * KILLS  # recorded, and killed before the answer
    assert len(answered) >= 10 * KILLS
    print(f"{KILLS} kills, {len(answered)} answered, {found.entries} recorded, 0 lost")


CALL = re.compile(r"^\d+ +(\w+)\((\d+)<([^>]*)>")


def not_durable(trace: list[str], log: str) -> tuple[int, int]:
    """How many answers a trace holds, and before how many of them the log was not written and then synced.

    What came before the answer before it, or before the ledger was open, does not count.
    """
    answers = early = 0
    written = synced = False
    for line in trace:
        call, file, path = CALL.match(line).groups() if CALL.match(line) else ("", "", "")
        if path == log:
            written, synced = written or call == "pwrite64", written and call in ("fdatasync", "fsync")
        elif (call, file) == ("write", "2"):
            written = synced = False
        elif (call, file) == ("write", "1") and "watched-" in line:
            answers += 1
            early += not (written and synced)
            written = synced = False
    return answers, early


OPENED = '8 write(2</e>, "opened", 6) = 6'
WRITE, SYNC, ANSWER = (
    '7 pwrite64(4</l-wal>, "x", 1, 0) = 1',
    "7 fdatasync(4</l-wal>) = 0",
    '8 write(1</o>, "watched-0", 9) = 9',
)


@pytest.mark.parametrize(
    ("trace", "early"),
    [
        ([WRITE, SYNC, ANSWER], 0),
        ([WRITE, WRITE, SYNC, ANSWER, WRITE, SYNC, ANSWER], 0),
        ([WRITE, ANSWER], 1),
        ([WRITE, SYNC, OPENED, ANSWER, WRITE, SYNC, ANSWER], 1),
        ([SYNC, WRITE, ANSWER], 1),
        ([WRITE, SYNC, WRITE, ANSWER], 1),
        ([WRITE, SYNC, ANSWER, ANSWER], 1),
        ([SYNC, ANSWER], 1),
    ],
)
def test_a_trace_is_read_rightly(trace, early):
    assert not_durable(trace, "/l-wal") == (trace.count(ANSWER), early)


def test_an_fdatasync_of_the_log_comes_before_each_answer(file, tmp_path):
    """strace, because kill -9 proves no sync: the kernel keeps what a killed process has written."""
    strace = shutil.which("strace")
    needed(strace, "strace is not installed: apt-get install strace")
    trace = tmp_path / "trace"
    watch = [strace, "-f", "-y", "-o", trace, "-e", "trace=write,pwrite64,fdatasync,fsync"]
    recorder = [sys.executable, RECORDER, f"sqlite:///{file}", "watched", "1", "20"]
    done = subprocess.run([*watch, *recorder], check=True, capture_output=True, timeout=PATIENCE)
    assert b"opened" in done.stderr
    assert not_durable(trace.read_text(encoding="utf-8").splitlines(), f"{file}-wal") == (20, 0)
