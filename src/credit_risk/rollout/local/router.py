"""HAProxy on this machine: its configuration from a template, the split in a map that moves without a reload."""

import csv
import hashlib
import io
import os
import socket
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from credit_risk.data.writing import write_text
from credit_risk.errors import CreditRiskError
from credit_risk.rollout.colours import COLOURS
from credit_risk.rollout.local.bucket import BUCKETS
from credit_risk.rollout.local.replicas import Replica, replicas
from credit_risk.rollout.local.split import TrafficSplit
from credit_risk.rollout.settings import Environment

ANSWERS_WITHIN = 5.0
LONGEST_SOCKET = 80  # bytes; the system takes 107, and HAProxy adds some while it starts
FAILED = ("hrsp_5xx", "econ", "eresp")


class RouterUnavailable(CreditRiskError, ConnectionError):
    """The router does not answer. Its map file is written first, so that a new start takes the split up."""


@dataclass(frozen=True)
class Server:
    """One replica as the router sees it. up: it answered the router's last questions and gets traffic.

    requests and failed: since the router started.
    out_of_service: whatever its health; it was not put into service, or taken out of it.
    """

    up: bool
    out_of_service: bool
    requests: int
    failed: int


OFF = Server(up=False, out_of_service=True, requests=0, failed=0)
"""A replica that the router does not list: it runs with the limits of an earlier environment."""


@dataclass(frozen=True)
class HaproxyRouter:
    """A running router, or the files of one. run: the folder with its configuration, map and socket."""

    run: Path

    @property
    def config(self) -> Path:
        return self.run / "haproxy.cfg"

    @property
    def map(self) -> Path:
        return self.run / "canary.map"

    @property
    def socket(self) -> Path:
        """The runtime socket: in the folder, or where that name is too long for a socket, in one of this user's own."""
        inside = self.run.absolute() / "haproxy.sock"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET:
            return inside
        name = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"credit-risk-{os.getuid()}" / f"{name}.sock"

    def write(self, environment: Environment, serving: Collection[str]) -> None:
        """The configuration of an environment, and a map that sends all to blue where there is none yet.

        serving: the names of the replicas in service when a router starts.
        """
        self.run.mkdir(parents=True, exist_ok=True)
        write_text(self.config, rendered(environment, self, serving))
        if self.socket.parent != self.run.absolute():
            self.socket.parent.mkdir(mode=0o700, exist_ok=True)
            if self.socket.parent.stat().st_uid != os.getuid():
                raise RouterUnavailable(f"{self.socket.parent} belongs to somebody else; no router is asked there.")
        if not self.map.is_file():
            self._write_map(TrafficSplit(0, 0, 0))

    def serve(self, environment: Environment, serving: Collection[str]) -> None:
        """Put these replicas into service and take all others out, without a reload; the file is first, as in `move`.

        Raises RouterUnavailable where the router does not take it; one that starts now reads it from the file.
        """
        self.write(environment, serving)
        for name, server in self.servers().items():
            if server.out_of_service is (name not in serving):
                continue
            # Back in service it is down until the router has asked it, not up until the router has asked.
            orders = ("state maint",) if name not in serving else ("state ready", "health down")
            for backend in COLOURS:
                complaint = self.ask("; ".join(f"set server {backend}/{name} {order}" for order in orders))
                if complaint:
                    raise RouterUnavailable(f"the router did not take {name}: {complaint}")

    def split(self) -> TrafficSplit:
        """The split of the map file, which is what a router that starts will do."""
        entries = dict(line.split() for line in self.map.read_text(encoding="utf-8").splitlines())
        return TrafficSplit.of_entries(entries)

    def move(self, target: TrafficSplit) -> None:
        """Send the applicants where `target` says. The file is first: a router that dies meanwhile comes back to it.

        Raises RouterUnavailable where the router does not take it; the file says `target` then.
        """
        now = self.split()
        self._write_map(target)
        for step in now.way_to(target) or [target]:
            self._set(step)

    def _write_map(self, split: TrafficSplit) -> None:
        write_text(self.map, "".join(f"{name} {value}\n" for name, value in split.entries.items()))

    def _set(self, split: TrafficSplit) -> None:
        for name, value in split.entries.items():
            if answer := self.ask(f"set map {self.map.absolute()} {name} {value}"):
                raise RouterUnavailable(f"the router did not take the split: {answer}")

    def routed(self) -> TrafficSplit:
        """The split that the running router goes by."""
        lines = self.ask(f"show map {self.map.absolute()}").splitlines()
        return TrafficSplit.of_entries({name: value for _, name, value in (line.split() for line in lines if line)})

    def servers(self) -> Mapping[str, Server]:
        """Each replica by name: is it up, and what did it do, whichever colour's applicants it answered."""
        lines = list(csv.DictReader(io.StringIO(self.ask("show stat").removeprefix("# "))))
        own = {line["svname"]: line for line in lines if line["svname"].startswith(f"{line['pxname']}-")}
        servers = {}
        for name, line in own.items():
            mine = [each for each in lines if each["svname"] == name]
            requests = sum(int(each["stot"]) for each in mine)
            failed = sum(int(each[counter] or 0) for each in mine for counter in FAILED)
            status = line["status"]
            # A router that has just started takes each replica for up until it has asked it.
            up = status.startswith("UP") and "INI" not in line["check_status"]
            servers[name] = Server(up, status.startswith("MAINT"), requests, failed)
        return servers

    def ask(self, command: str) -> str:
        """One command on the runtime socket, and its answer. Raises RouterUnavailable."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(ANSWERS_WITHIN)
                line.connect(str(self.socket))
                line.sendall(f"{command}\n".encode())
                parts = []
                while part := line.recv(65_536):
                    parts.append(part)
        except OSError as error:
            raise RouterUnavailable(
                f"the router at {self.run} does not answer ({error.strerror or error}): `credit-risk status`."
            ) from None
        return b"".join(parts).decode().strip()


def all_replicas(environment: Environment) -> list[Replica]:
    """Every replica that there may ever be: the router lists each, so that scaling reloads nothing."""
    return [replica for colour in COLOURS for replica in replicas(colour, environment.scaling.max_replicas)]


def rendered(environment: Environment, router: HaproxyRouter, serving: Collection[str]) -> str:
    """HAProxy's configuration, whole."""
    templates = Templates(  # noqa: S701  (no HTML)
        loader=PackageLoader("credit_risk.rollout.local", "."), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return templates.get_template("haproxy.cfg.j2").render(
        map=router.map.absolute(),
        socket=router.socket,
        environment=environment,
        router=environment.router,
        replicas=all_replicas(environment),
        serving=serving,
        trusted=environment.security.trusted_networks,
        buckets=BUCKETS,
    )
