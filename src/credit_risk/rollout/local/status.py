"""What runs, in one table."""

from contextlib import suppress

from rich import box
from rich.console import Group
from rich.table import Table

from credit_risk.rollout.folder import Place
from credit_risk.rollout.local.router import RouterUnavailable, Server
from credit_risk.rollout.local.supervisor import NotUp, is_locked, known
from credit_risk.rollout.state import Record


def shown(place: Place) -> Group:
    """The processes with their state, and the split. Raises NotUp if nothing runs."""
    if not is_locked(place.run / "supervisor.lock"):
        raise NotUp("nothing runs here; `credit-risk up` starts it.")
    table = Table("process", "version", "pid", "state", "restarts", "in traffic", "requests", "failed", box=box.SIMPLE)
    servers: dict[str, Server] = {}
    with suppress(RouterUnavailable):
        servers = dict(place.router.servers())
    wanted = place.wanted()
    for name, told in known(place).items():
        if "state" not in told:
            continue
        server = servers.get(name)
        counted = ("yes" if server.up else "no", str(server.requests), str(server.failed)) if server else ("", "", "")
        version = next((version for colour, version in wanted.items() if name.startswith(f"{colour}-")), "")
        table.add_row(name, version, str(told["pid"] or ""), told["state"], str(told["restarts"]), *counted)
    split = place.router.split()
    share = max(split.end - split.first, 0) / 100
    lines = [f"rollout {line}" for line in of_rollout(place)]
    return Group(table, *lines, f"green {share:g} %, blue {100 - share:g} % of the applicants; salt {split.salt}")


def of_rollout(place: Place) -> list[str]:
    """How the last rollout stands, in a line or two."""
    state = Record(place.run).load()
    if state is None:
        return []
    told = f"{state.id}: {state.strategy} of {state.candidate} ({state.colour}), {state.phase}, {state.percent} %"
    return [told, *([f"  {state.cause}"] if state.cause else []), *([f"  {state.said}"] if state.said else [])]
