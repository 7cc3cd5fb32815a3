"""What runs on this machine, in one table."""

from contextlib import suppress

from rich import box
from rich.console import Group
from rich.table import Table

from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.router import RouterUnavailable, Server
from credit_risk.rollout.local.supervisor import NotUp, known
from credit_risk.rollout.lock import is_locked
from credit_risk.rollout.status import rollout_lines


def overview(folder: LocalFolder) -> Group:
    """The processes with their state, the rollout and the split. Raises NotUp if nothing runs."""
    if not is_locked(folder.supervisor_lock):
        raise NotUp("nothing runs here; `credit-risk up` starts it.")
    split = folder.router.split()
    share = max(split.end - split.first, 0) / 100
    traffic = f"green {share:g} %, blue {100 - share:g} % of the applicants; salt {split.salt}"
    return Group(_processes(folder), *rollout_lines(folder), traffic)


def _processes(folder: LocalFolder) -> Table:
    table = Table("process", "version", "pid", "state", "restarts", "in traffic", "requests", "failed", box=box.SIMPLE)
    servers: dict[str, Server] = {}
    with suppress(RouterUnavailable):
        servers = dict(folder.router.servers())
    versions = folder.versions()
    for name, process in known(folder).items():
        if "state" not in process:
            continue
        server = servers.get(name)
        counted = ("yes" if server.up else "no", str(server.requests), str(server.failed)) if server else ("", "", "")
        version = next((version for colour, version in versions.items() if name.startswith(f"{colour}-")), "")
        row = (name, version, str(process["pid"] or ""), process["state"], str(process["restarts"]))
        table.add_row(*row, *counted)
    return table
