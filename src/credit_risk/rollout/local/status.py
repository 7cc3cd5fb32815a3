"""What runs on this machine, in one table."""

from contextlib import suppress
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table

from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.router import RouterUnavailable, Server
from credit_risk.rollout.local.supervisor import NotUp, known
from credit_risk.rollout.record.folder import RolloutFolder
from credit_risk.rollout.record.lock import is_locked
from credit_risk.rollout.settings import Environment
from credit_risk.rollout.status import rollout_facts, rollout_lines


def facts(environment: Environment, shared: RolloutFolder) -> dict[str, Any]:  # noqa: ARG001  (see targets.part_of)
    """The processes with their state, the rollout, and the split in percent. Raises NotUp if nothing runs."""
    folder = LocalFolder(shared.root, shared.within)
    if not is_locked(folder.supervisor_lock):
        raise NotUp("nothing runs here; `credit-risk up` starts it.")
    split = folder.router.split()
    green = max(split.end - split.first, 0) / 100
    traffic = {"green": green, "blue": 100 - green, "salt": split.salt}
    return {"processes": _processes(folder), "rollout": rollout_facts(folder), "traffic": traffic}


def overview(environment: Environment, shared: RolloutFolder) -> Group:
    """The same for people: the processes as a table. Raises NotUp if nothing runs."""
    now = facts(environment, shared)
    table = Table("process", "version", "pid", "state", "restarts", "in traffic", "requests", "failed", box=box.SIMPLE)
    for process in now["processes"]:
        in_traffic = {None: "", True: "yes", False: "no"}[process["in_traffic"]]
        row = {**process, "pid": process["pid"] or "", "in_traffic": in_traffic}
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    traffic = now["traffic"]
    split = f"green {traffic['green']:g} %, blue {traffic['blue']:g} % of the applicants; salt {traffic['salt']}"
    return Group(table, *rollout_lines(shared), split)


def _processes(folder: LocalFolder) -> list[dict[str, Any]]:
    """A process each, in the order of the table's columns."""
    servers: dict[str, Server] = {}
    with suppress(RouterUnavailable):
        servers = dict(folder.router.servers())
    versions = folder.versions()
    rows = []
    for name, process in known(folder).items():
        if "state" not in process:
            continue
        server = servers.get(name)
        rows.append(
            {
                "process": name,
                "version": next(
                    (version for colour, version in versions.items() if name.startswith(f"{colour}-")), None
                ),
                "pid": process["pid"],
                "state": process["state"],
                "restarts": process["restarts"],
                "in_traffic": server.up if server else None,
                "requests": server.requests if server else None,
                "failed": server.failed if server else None,
            }
        )
    return rows
