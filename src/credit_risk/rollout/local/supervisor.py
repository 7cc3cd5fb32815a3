"""Router and services as processes of this machine, kept running: `credit-risk up`, `down`, `status`."""

import fcntl
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import CreditRiskError, UsageError
from credit_risk.rollout.folder import Place, copy_release, here, write_settings
from credit_risk.rollout.local.processes import Command, Kept, answers, begin
from credit_risk.rollout.local.replicas import Replica
from credit_risk.rollout.local.router import OFF, RouterUnavailable
from credit_risk.rollout.settings import Environment
from credit_risk.rollout.split import COLOURS

log = logging.getLogger(__name__)

EVERY = 0.2  # seconds between two looks at the processes
DRAINED_S = 0.5  # from the last request that a replica is sent to its end; it finishes what it has begun
ROUTER = "router"


class NotUp(CreditRiskError, RuntimeError):
    """The local target does not run, or did not come up."""


@dataclass
class Supervisor:
    """Keeps the router and the replicas of every wanted colour running until it is told to stop."""

    place: Place
    environment: Environment
    kept: dict[str, Kept] = field(default_factory=dict)
    serving: frozenset[str] = frozenset()
    stopping: bool = False

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then end what was started. Raises NotUp if another supervisor works here."""
        with lock(self.place.run / "supervisor.lock", "another supervisor works here: `credit-risk status`."):
            for one in (signal.SIGTERM, signal.SIGINT):
                signal.signal(one, self._stop)
            self.place.router.write(self.environment, self.serving)
            while not self.stopping:
                self.look()
                time.sleep(EVERY)
            # The router first: it sends nothing more to services that are about to go.
            for name in sorted(self.kept, key=lambda name: name != ROUTER):
                self.kept[name].end()
            self._note()

    def look(self) -> None:
        """One look at everything: what is wanted and not kept is started, what is kept and not wanted is ended."""
        commands = self._commands()
        gone = [name for name, kept in self.kept.items() if _version(commands.get(name)) != kept.command.version]
        if gone:
            self._serve(but=gone)
            time.sleep(DRAINED_S)
        for name in gone:
            self.kept.pop(name).end()
            self._note()
        for name, command in commands.items():
            if name not in self.kept:
                self.kept[name] = self._begin(command)
            before = self.kept[name].said
            self.kept[name].tend()
            if (after := self.kept[name].said) != before:
                log.warning("%s: %s", name, after)
        self._serve()
        self._note()

    def _commands(self) -> dict[str, Command]:
        """What is to run: the router and every replica, each with the version of its colour."""
        wanted = self.place.wanted()
        services = [
            service_command(self.place, self.environment, one, wanted[one.colour])
            for one in self.place.replicas(self.environment.scaling)
        ]
        return {one.name: one for one in (router_command(self.place), *services)}

    def _serve(self, but: Collection[str] = ()) -> None:
        """Let the router know which replicas are in service: those that have answered; asked again where it is away."""
        serving = frozenset(name for name, one in self.kept.items() if one.has_answered and name not in (ROUTER, *but))
        if serving != self.serving:
            with suppress(RouterUnavailable):
                self.place.router.serve(self.environment, serving)
                self.serving = serving

    def _begin(self, command: Command) -> Kept:
        kept, name = Kept(command), command.name
        earlier = known(self.place).get(name, {})
        if earlier.get("pid") and earlier.get("version", "") == command.version:
            kept.adopt(earlier["pid"], earlier.get("created", 0.0))
        return kept

    def _note(self) -> None:
        told: dict[str, Any] = {name: kept.as_dict() for name, kept in self.kept.items()}
        told |= {"supervisor": {"pid": os.getpid() if not self.stopping else None}}
        if told != known(self.place):
            write_json(self.place.processes, told)

    def _stop(self, _: int, __: FrameType | None) -> None:
        self.stopping = True


def _version(command: Command | None) -> str | None:
    return command.version if command else None


def known(place: Place) -> dict[str, Any]:
    """What the supervisor last noted of each process."""
    with suppress(ValueError):
        return dict(read_json(place.processes)) if place.processes.is_file() else {}
    return {}


def router_command(place: Place) -> Command:
    """HAProxy in the foreground, one process: the split is in a file, so that it comes back as it was."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise UsageError("There is no haproxy here. Install it: apt-get install haproxy, or `.ci/packages`.")

    def alive() -> bool:
        with suppress(RouterUnavailable):
            return bool(place.router.ask("show info"))
        return False

    return Command(ROUTER, (program, "-db", "-f", str(place.router.config)), alive, place.log(ROUTER), starts_within=10)


def service_command(place: Place, environment: Environment, one: Replica, version: str) -> Command:
    """The service of a replica. BentoML's home is its own: a second service would empty the first one's metrics."""
    number, root, settings = one.port(environment), place.release(one.colour), place.settings(one.colour)
    words = [sys.executable, "-m", "credit_risk.cli", "serve", "--root", str(root.absolute())]
    words += ["--settings", str(settings.absolute()), "--port", str(number)]
    home = {"BENTOML_HOME": str((place.run / f"bentoml-{one.name}").absolute())}
    asked = answers(f"http://127.0.0.1:{number}/health")
    within = environment.rollout.ready_s
    return Command(one.name, tuple(words), asked, place.log(one.name), home, starts_within=within, version=version)


@contextmanager
def lock(path: Path, refusal: str) -> Iterator[None]:
    """Alone in here, on this machine, until the block or the process ends. Raises NotUp with the refusal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotUp(refusal) from None
        yield


def is_locked(path: Path) -> bool:
    """Whether somebody is in there now."""
    if not path.is_file():
        return False
    try:
        with lock(path, ""):
            return False
    except NotUp:
        return True


def up(place: Place, environment: Environment, settings: Path) -> None:
    """Start the supervisor in the background and wait until the router sends applications to the live colour.

    settings: the environment's file. With nothing wanted yet, blue serves the release of this repository. Raises NotUp
    with the end of the logs.
    """
    router_command(place)  # what is missing is said before anything starts
    prepare(place, environment)
    if not is_locked(place.run / "supervisor.lock"):
        words = [sys.executable, "-m", "credit_risk.cli", "supervise", "--root", str(place.root)]
        words += ["--environment", environment.environment, "--config-file", str(settings)]
        begin(words, place.log("supervisor"))
    _wait_until_up(place, environment)


def prepare(place: Place, environment: Environment) -> None:
    """What the supervisor needs: settings of both colours, and something that is wanted."""
    place.run.mkdir(parents=True, exist_ok=True)
    for colour in COLOURS:
        write_settings(place, environment, colour)
    if not place.wanted():
        copy_release(Files(place.root), place.release("blue"))
        place.want({"blue": here(place)})


def _wait_until_up(place: Place, environment: Environment) -> None:
    deadline = time.monotonic() + environment.rollout.ready_s
    said = ""
    while time.monotonic() < deadline:
        with suppress(RouterUnavailable):
            servers = place.router.servers()
            if all(servers.get(one.name, OFF).up for one in place.replicas(environment.scaling)):
                return
        states = [f"{one}: {told['state']}" for one, told in known(place).items() if "state" in told]
        if (now := ", ".join(states)) != said:
            log.warning(now)
            said = now
        if any(told.get("restarts", 0) >= 3 for told in known(place).values()):
            break
        time.sleep(EVERY)
    ends = [f"{path.name}: {line}" for path in sorted(place.run.glob("*.log")) for line in dict.fromkeys(_tail(path))]
    raise NotUp("\n  ".join(["it did not come up. `credit-risk down` ends what runs; the logs end with:", *ends]))


def _tail(path: Path, lines: int = 3) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]


def down(place: Place) -> bool:
    """End the supervisor with all that it keeps; False if none runs. Raises NotUp if it does not end."""
    if not is_locked(place.run / "supervisor.lock"):
        return False
    os.kill(int(known(place)["supervisor"]["pid"]), signal.SIGTERM)
    deadline = time.monotonic() + 3 * 30
    while is_locked(place.run / "supervisor.lock"):
        if time.monotonic() > deadline:
            raise NotUp("the supervisor does not end; `credit-risk status` shows its process.")
        time.sleep(EVERY)
    return True
