"""One process that has to run: started, started again with growing pauses when it crashes or hangs, ended whole."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before the second start, and at most before any
STEADY = 60.0  # seconds after which a crash counts as the first one again
CHECK_EVERY, ANSWER_WITHIN, HUNG_AFTER = 1.0, 2.0, 3  # seconds, seconds, questions without an answer
END_WITHIN = 30.0


@dataclass(frozen=True)
class ProcessCommand:
    """What is to run.

    answers: does it answer at all? starts_within: seconds until it must have answered once. version: what it serves;
    another version takes another process, and so does another generation, by which it is started anew.
    """

    name: str
    words: tuple[str, ...]
    answers: Callable[[], bool]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    starts_within: float = 120.0
    version: str = ""
    generation: int = 0


@dataclass
class KeptProcess:
    """A command that is kept running. Call `tend` often; it never waits long."""

    command: ProcessCommand
    clock: Callable[[], float] = time.monotonic
    process: psutil.Process | None = None
    began: float = 0.0
    not_before: float = 0.0
    crashes: int = 0
    restarts: int = 0
    last_check: float = 0.0
    silent: int = 0
    has_answered: bool = False
    status: str = "not started"

    def tend(self) -> None:
        """Start it, or look whether it runs and answers, and deal with what is found."""
        if self.process is None:
            if self.clock() >= self.not_before:
                self._start()
        elif not runs(self.process):
            self._fell("crashed")
        elif self.clock() - self.last_check >= CHECK_EVERY:
            self._check()

    def adopt(self, pid: int, created: float) -> bool:
        """Take over a process that an earlier supervisor started, if it is that one and runs."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if abs(process.create_time() - created) < 1 and runs(process):
                self.process, self.began, self.has_answered = process, self.clock(), True
                self.status = "adopted"
                return True
        return False

    def end(self) -> None:
        """End it and all that it started: politely, and after half a minute for good."""
        if self.process is not None:
            end(self.process)
            self.process = None
        self.status = "ended"

    def as_dict(self) -> dict[str, Any]:
        """What `status` shows and a later supervisor adopts."""
        fields: dict[str, Any] = {"state": self.status, "restarts": self.restarts, "version": self.command.version}
        fields |= {"generation": self.command.generation, "answers": self.has_answered and not self.silent}
        if self.process is None:
            return fields | {"pid": None, "answers": False}
        with suppress(psutil.NoSuchProcess):
            fields |= {"created": self.process.create_time()}
        return fields | {"pid": self.process.pid}

    def _start(self) -> None:
        self.process = begin(self.command.words, self.command.log, self.command.environment)
        self.began = self.last_check = self.clock()
        self.silent, self.has_answered, self.status = 0, False, "starting"

    def _check(self) -> None:
        self.last_check = self.clock()
        if self.command.answers():
            self.silent, self.has_answered, self.status = 0, True, "runs"
            return
        if self.has_answered:
            self.silent += 1
            self.status = f"does not answer ({self.silent})"
        late = not self.has_answered and self.clock() - self.began > self.command.starts_within
        if late or self.silent >= HUNG_AFTER:
            kill(self.process)
            self._fell("hung" if not late else f"did not answer within {self.command.starts_within:.0f} s")

    def _fell(self, why: str) -> None:
        kill(self.process)
        now = self.clock()
        self.crashes = 1 if now - self.began > STEADY else self.crashes + 1
        pause = min(FIRST_PAUSE * 2 ** (self.crashes - 1), LONGEST_PAUSE)
        self.process, self.not_before = None, now + pause
        self.restarts += 1
        self.status = f"{why}; starts again in {pause:g} s"


def begin(words: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> psutil.Process:
    """Start a process in a session of its own, its output going to the end of a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        begun = subprocess.Popen(  # noqa: S603  (our own words)
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    process = psutil.Process(begun.pid)
    begun.returncode = 0  # it may outlive this object; `runs` reaps it
    return process


def runs(process: psutil.Process) -> bool:
    """Whether it is there and no zombie; a child that has ended is reaped."""
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def kill(process: psutil.Process | None) -> None:
    """Kill it with all that it started: workers have sessions of their own and would keep the port."""
    if process is None:
        return
    for member in family(process):
        with suppress(psutil.NoSuchProcess):
            member.kill()
    _wait([process], 5)


def end(process: psutil.Process) -> None:
    """Ask it to end, wait, and kill what is left of it and its children."""
    everybody = family(process)
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    for member in _wait(everybody, END_WITHIN):
        with suppress(psutil.NoSuchProcess):
            member.kill()


def family(process: psutil.Process) -> list[psutil.Process]:
    """All that a process has started, and the process itself, last."""
    with suppress(psutil.NoSuchProcess):
        return [*process.children(recursive=True), process]
    return [process]


def _wait(everybody: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    deadline = time.monotonic() + seconds
    while (left := [process for process in everybody if runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def answers(url: str) -> Callable[[], bool]:
    """Whether something answers there, whatever it says: a service that refuses is no service that hangs."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_WITHIN):  # noqa: S310  (http on this machine)
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    return ask
