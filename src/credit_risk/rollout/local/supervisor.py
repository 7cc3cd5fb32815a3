"""Router and services as processes of this machine, kept running: `credit-risk up`, `down`, `status`."""

import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, write_json
from credit_risk.errors import CreditRiskError, UsageError
from credit_risk.rollout.colours import COLOURS
from credit_risk.rollout.local import alarms
from credit_risk.rollout.local.folder import LocalFolder, write_settings
from credit_risk.rollout.local.processes import KeptProcess, ProcessCommand, answers, begin
from credit_risk.rollout.local.replicas import Replica
from credit_risk.rollout.local.router import OFF, RouterUnavailable
from credit_risk.rollout.record.folder import copy_release, version_here
from credit_risk.rollout.record.lock import is_locked, lock
from credit_risk.rollout.settings import Environment

log = logging.getLogger(__name__)

EVERY = 0.2  # seconds between two looks at the processes
DRAINED_S = 0.5  # from the last request that a replica is sent to its end; it finishes what it has begun
ROUTER = "router"
NO_REPLICAS = (ROUTER, alarms.PROMETHEUS, alarms.ALERTMANAGER)


class NotUp(CreditRiskError, RuntimeError):
    """The local target does not run, or did not come up."""


@dataclass
class Supervisor:
    """Keeps the router and the replicas of every colour with a version running until it has to stop.

    watching: Prometheus and Alertmanager, where they are to run beside them (see alarms.commands).
    """

    folder: LocalFolder
    environment: Environment
    watching: tuple[ProcessCommand, ...] = ()
    kept: dict[str, KeptProcess] = field(default_factory=dict)
    serving: frozenset[str] = frozenset()
    stopping: bool = False

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then end what was started. Raises Locked if another supervisor works here."""
        with lock(self.folder.supervisor_lock, "another supervisor works here: `credit-risk status`."):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._stop)
            self.folder.router.write(self.environment, self.serving)
            if self.watching:
                alarms.write(self.folder, self.environment)
            while not self.stopping:
                self.look()
                time.sleep(EVERY)
            # The router first: it sends nothing more to services that are about to go.
            for name in sorted(self.kept, key=lambda name: name != ROUTER):
                self.kept[name].end()
            self.kept.clear()  # who starts anew counts restarts from none
            self._note()

    def look(self) -> None:
        """One look at everything: what shall run and does not is started, what runs and shall not is ended."""
        commands = self._commands()
        if self.watching:
            alarms.write_targets(self.folder, self.environment)
        gone = [name for name, kept in self.kept.items() if _identity(commands.get(name)) != _identity(kept.command)]
        if gone:
            self._serve(but=gone)
            time.sleep(DRAINED_S)
        for name in gone:
            self.kept.pop(name).end()
            self._note()
        for name, command in commands.items():
            if name not in self.kept:
                self.kept[name] = self._begin(command)
            before = self.kept[name].status
            self.kept[name].tend()
            if (after := self.kept[name].status) != before:
                log.warning("%s: %s", name, after)
        self._serve()
        self._note()

    def _commands(self) -> dict[str, ProcessCommand]:
        """What is to run: the router, every replica with the version of its colour, and who watches them."""
        versions, generations = self.folder.versions(), self.folder.generations()
        services = [
            replace(
                service_command(self.folder, self.environment, replica, versions[replica.colour]),
                generation=generations.get(replica.name, 0),
            )
            for replica in self.folder.replicas(self.environment.scaling)
        ]
        return {command.name: command for command in (router_command(self.folder), *services, *self.watching)}

    def _serve(self, but: Collection[str] = ()) -> None:
        """Let the router know which replicas are in service: those that have answered; asked again where it is away."""
        answering = (name for name, kept in self.kept.items() if kept.has_answered)
        serving = frozenset(name for name in answering if name not in (*NO_REPLICAS, *but))
        if serving != self.serving:
            with suppress(RouterUnavailable):
                self.folder.router.serve(self.environment, serving)
                self.serving = serving

    def _begin(self, command: ProcessCommand) -> KeptProcess:
        kept, name = KeptProcess(command), command.name
        earlier = known(self.folder).get(name, {})
        if earlier.get("pid") and (earlier.get("version", ""), earlier.get("generation", 0)) == _identity(command):
            kept.adopt(earlier["pid"], earlier.get("created", 0.0))
        return kept

    def _note(self) -> None:
        processes: dict[str, Any] = {name: kept.as_dict() for name, kept in self.kept.items()}
        processes |= {"supervisor": {"pid": os.getpid() if not self.stopping else None}}
        if processes != known(self.folder):
            write_json(self.folder.processes, processes)

    def _stop(self, _: int, __: FrameType | None) -> None:
        self.stopping = True


def _identity(command: ProcessCommand | None) -> tuple[str, int] | None:
    """What must be the same for a process to go on."""
    return (command.version, command.generation) if command else None


def known(folder: LocalFolder) -> dict[str, Any]:
    """What the supervisor last noted of each process."""
    with suppress(ValueError):
        return dict(read_json(folder.processes)) if folder.processes.is_file() else {}
    return {}


def router_command(folder: LocalFolder) -> ProcessCommand:
    """HAProxy in the foreground, one process: the split is in a file, so that it comes back as it was."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise UsageError("There is no haproxy here. Install it: apt-get install haproxy, or `.ci/packages`.")

    def alive() -> bool:
        with suppress(RouterUnavailable):
            return bool(folder.router.ask("show info"))
        return False

    return ProcessCommand(
        ROUTER, (program, "-db", "-f", str(folder.router.config)), alive, folder.log(ROUTER), starts_within=10
    )


def service_command(folder: LocalFolder, environment: Environment, replica: Replica, version: str) -> ProcessCommand:
    """The service of a replica. BentoML's home is its own: a second service would empty the first one's metrics."""
    port, root = replica.port(environment), folder.release(replica.colour)
    settings = folder.settings(replica.colour)
    words = [sys.executable, "-m", "credit_risk.cli", "serve", "--root", str(root.absolute())]
    words += ["--environment", str(settings.absolute()), "--port", str(port)]
    home = {"BENTOML_HOME": str((folder.run / f"bentoml-{replica.name}").absolute())}
    report = (folder.root / "reports" / "monitoring.json").absolute()  # part: monitoring
    home |= {"CREDIT_RISK_MONITORING_REPORT": str(report)}  # part: monitoring
    answering = answers(f"http://127.0.0.1:{port}/health")
    within = environment.rollout.ready_s
    name, log_file = replica.name, folder.log(replica.name)
    return ProcessCommand(name, tuple(words), answering, log_file, home, starts_within=within, version=version)


def up(folder: LocalFolder, environment: Environment, settings: Path, *, alarmed: bool) -> None:
    """Start the supervisor in the background and wait until the router sends applications to the live colour.

    settings: the environment's file. alarmed: with Prometheus and Alertmanager, which are waited for too. With no
    version yet, blue serves the release of this repository. Raises NotUp with the end of the logs.
    """
    router_command(folder)  # refuses before anything starts
    watching = alarms.commands(folder, environment) if alarmed else ()
    prepare(folder, environment)
    if not is_locked(folder.supervisor_lock):
        words = [sys.executable, "-m", "credit_risk.cli", "supervise", "--root", str(folder.root)]
        words += ["--environment", environment.environment, "--config-file", str(settings)]
        begin(words if alarmed else [*words, "--no-alarms"], folder.log("supervisor"))
    _wait_until_up(folder, environment, [command.name for command in watching])


def prepare(folder: LocalFolder, environment: Environment) -> None:
    """What the supervisor needs: settings of both colours, and a version to run."""
    folder.run.mkdir(parents=True, exist_ok=True)
    for colour in COLOURS:
        write_settings(folder, environment, colour)
    if not folder.versions():
        copy_release(Files(folder.root), folder.release("blue"))
        folder.write_versions({"blue": version_here(folder.root)})


def _wait_until_up(folder: LocalFolder, environment: Environment, watching: Collection[str]) -> None:
    deadline = time.monotonic() + environment.rollout.ready_s
    shown = ""
    while time.monotonic() < deadline:
        with suppress(RouterUnavailable):
            servers, processes = folder.router.servers(), known(folder)
            serving = all(servers.get(replica.name, OFF).up for replica in folder.replicas(environment.scaling))
            if serving and all(processes.get(name, {}).get("answers") for name in watching):
                return
        processes = known(folder)
        states = [f"{name}: {process['state']}" for name, process in processes.items() if "state" in process]
        if (now := ", ".join(states)) != shown:
            log.warning(now)
            shown = now
        if any(process.get("restarts", 0) >= 3 for process in processes.values()):
            break
        time.sleep(EVERY)
    ends = [f"{path.name}: {line}" for path in sorted(folder.run.glob("*.log")) for line in dict.fromkeys(_tail(path))]
    raise NotUp("\n  ".join(["it did not come up. `credit-risk down` ends what runs; the logs end with:", *ends]))


def _tail(path: Path, lines: int = 3) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]


def down(folder: LocalFolder) -> bool:
    """End the supervisor with all that it keeps; False if none runs. Raises NotUp if it does not end."""
    if not is_locked(folder.supervisor_lock):
        return False
    os.kill(int(known(folder)["supervisor"]["pid"]), signal.SIGTERM)
    deadline = time.monotonic() + 3 * 30
    while is_locked(folder.supervisor_lock):
        if time.monotonic() > deadline:
            raise NotUp("the supervisor does not end; `credit-risk status` shows its process.")
        time.sleep(EVERY)
    return True
