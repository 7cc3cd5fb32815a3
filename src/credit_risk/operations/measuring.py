"""What a program and all that it starts take: processor seconds, memory over time, and which DVC stage took which."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from credit_risk.errors import CreditRiskError

SAMPLE_S = 0.25  # between two looks at the memory
# What DVC says of a stage: its three sentences, in the words of dvc/stage.
RAN = re.compile(r"^Running stage '([^']+)':")
NOT_RUN = re.compile(r"^(?:Stage )?'([^']+)' (?:didn't change, skipping|is cached - skipping run)")


class NotStarted(CreditRiskError, OSError):
    """A program that was to be measured cannot be started."""


@dataclass(frozen=True)
class Consumption:
    """What was taken since the start. seconds: on the clock; cpu_seconds: of all cores; memory_gb_hours: resident."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_gb_hours: float = 0.0

    def since(self, earlier: "Consumption") -> "Consumption":
        """What was taken from an earlier reading to this one; never less than nothing."""
        pairs = zip(vars(self).values(), vars(earlier).values(), strict=True)
        return Consumption(*(max(now - then, 0.0) for now, then in pairs))


@dataclass(frozen=True)
class Segment:
    """A part of a measured program: a DVC stage that ran, one whose outputs were there (cached), or the whole.

    name: of the stage. exit_code: of the program, on the last segment alone.
    """

    name: str | None
    cached: bool
    taken: Consumption
    exit_code: int | None = None


class Watch:
    """Reads a process tree while it lives. The memory is looked at every SAMPLE_S on a thread of its own."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._begun = time.monotonic()
        self._cpu_seconds = self._memory_gb_hours = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def read(self) -> Consumption:
        """So far. A process that has ended counts through the one that waited for it, as the system keeps it there."""
        used = sum(_cpu_seconds(process) for process in self._family())
        self._cpu_seconds = max(self._cpu_seconds, used)
        return Consumption(time.monotonic() - self._begun, self._cpu_seconds, self._memory_gb_hours)

    def end(self, cpu_seconds: float) -> Consumption:
        """The last reading. cpu_seconds: what the system says the whole tree took, once it was waited for."""
        self._ended.set()
        self._thread.join()
        return Consumption(time.monotonic() - self._begun, cpu_seconds, self._memory_gb_hours)

    def _sample(self) -> None:
        before = self._begun
        while not self._ended.wait(SAMPLE_S):
            now, held_bytes = time.monotonic(), sum(map(_resident, self._family()))
            self._memory_gb_hours += held_bytes / 1e9 * (now - before) / 3600
            before = now

    def _family(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [self._process, *self._process.children(recursive=True)]
        return []


def measured(command: Sequence[str], variables: Mapping[str, str], every_s: float | None = None) -> Iterator[Segment]:
    """Run a program, show what it prints, and yield each DVC stage as it ends, then the whole; `.name` is None there.

    every_s: for what runs on and on: yield what was taken in each such period instead of the whole at the end.
    The last segment has the program's exit code. Raises NotStarted.
    """
    before = _of_children()
    unbuffered = {**variables, "PYTHONUNBUFFERED": "1"}  # else stages are noticed late
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=unbuffered)  # noqa: S603
    except OSError as error:
        raise NotStarted(
            f"{command[0]} cannot be started ({error}): expected a program, as in `credit-risk measure -- dvc repro`."
        ) from None
    with process:
        watch = Watch(process.pid)
        if every_s is None:
            yield from _stages(process, watch)
            code = process.wait()
            yield Segment(None, cached=False, taken=watch.end(_of_children() - before), exit_code=code)
        else:
            yield from _periods(process, watch, every_s, before)


def _stages(process: "subprocess.Popen[str]", watch: Watch) -> Iterator[Segment]:
    """A segment for each stage, from the line that begins it to the line that begins the next."""
    name, begun = None, Consumption()
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        begins, idle = RAN.match(line), NOT_RUN.match(line)
        if begins or idle:
            now = watch.read()
            if name:
                yield Segment(name, cached=False, taken=now.since(begun))
            name, begun = (begins[1] if begins else None), now
        if idle and not idle[1].endswith(".dvc"):
            yield Segment(idle[1], cached=True, taken=Consumption())
    if name:
        yield Segment(name, cached=False, taken=watch.read().since(begun))


def _periods(process: "subprocess.Popen[str]", watch: Watch, every_s: float, before: float) -> Iterator[Segment]:
    printing = threading.Thread(target=_print_on, args=(process,), daemon=True)
    printing.start()
    begun = Consumption()
    while True:
        try:
            code = process.wait(every_s)
        except subprocess.TimeoutExpired:
            now = watch.read()
            yield Segment(None, cached=False, taken=now.since(begun))
            begun = now
        else:
            printing.join()
            whole = watch.end(_of_children() - before)
            yield Segment(None, cached=False, taken=whole.since(begun), exit_code=code)
            return


def _print_on(process: "subprocess.Popen[str]") -> None:
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return float(sum(process.cpu_times()[:4]))  # its own, and of children that have ended
    return 0.0


def _resident(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return float(process.memory_info().rss)
    return 0.0


def _of_children() -> float:
    """Processor seconds of all children of this process that have ended and were waited for."""
    times = os.times()
    return times.children_user + times.children_system
