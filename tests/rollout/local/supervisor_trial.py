"""A supervisor at work behind a real router, each replica an echo in place of the service."""

import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from credit_risk.data.writing import write_json
from credit_risk.rollout.local import supervisor
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.processes import ProcessCommand, answers
from credit_risk.rollout.local.supervisor import Supervisor, known
from tools import HAPROXY, PATIENCE, free_ports, needed

ECHO = Path(__file__).with_name("echo.py")


def echoing(folder, environment, one, version):
    number = one.port(environment)
    words = (sys.executable, str(ECHO), str(number), f"{one.name}@{version}")
    return ProcessCommand(
        one.name, words, answers(f"http://127.0.0.1:{number}/health"), folder.log(one.name), version=version
    )


@dataclass
class Up:
    """A supervisor at work in a thread of this process, and somebody who asks its router all the time."""

    supervisor: Supervisor
    url: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=PATIENCE))

    @property
    def folder(self) -> LocalFolder:
        return self.supervisor.folder

    def scale(self, count: int) -> None:
        write_json(self.folder.scale_file, {"replicas": count, "at": 0.0})

    def kill(self, name: str) -> int:
        pid = known(self.folder)[name]["pid"]
        psutil.Process(pid).kill()
        return pid

    def who(self, count: int = 40) -> set[str]:
        return {self.client.post(f"{self.url}/decide", content=b"{}").text.split()[0] for _ in range(count)}

    def until(self, what, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, known(self.folder)
            time.sleep(0.05)

    @contextmanager
    def asked_all_the_time(self):
        """Every status that somebody got meanwhile."""
        statuses, stop = [], threading.Event()

        def ask() -> None:
            with httpx.Client(timeout=PATIENCE) as client:
                while not stop.wait(0.002):
                    with suppress(httpx.HTTPError):
                        statuses.append(0)
                        statuses[-1] = client.post(f"{self.url}/decide", content=b"{}").status_code

        thread = threading.Thread(target=ask)
        thread.start()
        yield statuses
        stop.set()
        thread.join()


@pytest.fixture
def up(environment, tmp_path, monkeypatch):
    needed(HAPROXY, "haproxy (Debian package haproxy)")
    monkeypatch.setattr(supervisor, "service_command", echoing)
    port, blue, green = free_ports(3, beside=3)
    router = environment.router.model_copy(update={"port": port, "blue_port": blue, "green_port": green})
    scaling = environment.scaling.model_copy(update={"min_replicas": 1, "max_replicas": 3})
    mine = environment.model_copy(update={"router": router, "scaling": scaling})
    folder = LocalFolder(tmp_path)
    folder.run.mkdir(parents=True)
    folder.write_versions({"blue": "1"})
    one = Supervisor(folder, mine)
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: None)  # a thread takes no signals
    thread = threading.Thread(target=one.run)
    thread.start()
    found = Up(one, f"http://127.0.0.1:{port}")
    try:
        found.until(lambda: is_up(folder, "blue-1"))
        yield found
    finally:
        found.client.close()
        one.stopping = True
        thread.join()


def is_up(folder, name):
    with suppress(ConnectionError):
        return folder.router.servers()[name].up
    return False
