"""What `credit-risk deploy` and `rollback` do: make a plan, say it, and drive the engine until the rollout ends."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live

from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.errors import UsageError
from credit_risk.registry.lifecycle import standing
from credit_risk.registry.settings import load as load_registry
from credit_risk.rollout import ledger_history, releases, smoke
from credit_risk.rollout.analysis import Counts
from credit_risk.rollout.engine import Engine, NotReached, RolloutRefused, Target, signed
from credit_risk.rollout.folder import HERE, Place, here
from credit_risk.rollout.local import status
from credit_risk.rollout.local.supervisor import NotUp, is_locked, lock
from credit_risk.rollout.local.target import Local
from credit_risk.rollout.plan import Plan, plan
from credit_risk.rollout.settings import Environment
from credit_risk.rollout.split import COLOURS
from credit_risk.rollout.state import Record, State, Strategy

log = logging.getLogger(__name__)

MOST_PAUSE = 1.0  # seconds between two ticks
BUSY = "another controller drives this rollout: `credit-risk status` shows it."


@dataclass(frozen=True)
class Wish:
    """What is to be brought into traffic, and how.

    version: a number of the registry, `challenger`, or `here` for the release of this repository. percent: the first
    share of a canary, or the only one before 100 of a blue-green; None for the plan's. current: what must be live now.
    """

    version: str
    strategy: Strategy
    by: str
    reason: str
    percent: int | None = None
    current: str | None = None


@dataclass(frozen=True)
class Site:
    """One repository with its environment, and the file that says it."""

    root: Path
    environment: Environment
    settings: Path
    health: str = "/health"

    @property
    def place(self) -> Place:
        """Rollouts in a cluster have files of their own: what is up on this machine is another matter."""
        return Place(self.root, self.environment.environment if self.environment.kubernetes else "")

    @property
    def target(self) -> Target:
        """The cluster that the environment names, or this machine."""
        if self._cluster is not None:
            return self._cluster
        return Local(self.place, self.environment, self.health)

    @cached_property
    def _cluster(self) -> Target | None:
        if (where := self.environment.kubernetes) is None:
            return None
        # Late: the client takes half a second to import, and only a cluster needs it.
        package = import_module("credit_risk.rollout.kubernetes.target")
        api = package.connected(where.context)
        made: Target = package.Cluster(self.place, self.environment, where, api, self.health)
        return made

    @property
    def record(self) -> Record:
        return Record(self.place.run)

    @contextmanager
    def registry(self) -> Iterator[Any]:
        """The registry, open for a while; importing MLflow takes seconds, so not before it is asked."""
        package = import_module("credit_risk.registry.mlflow.registry")
        name = load(Files(self.root).config).project.name
        with package.Registry.opened(name, load_registry(self.settings, self.root), self.root) as registry:
            yield registry

    @property
    def engine(self) -> Engine:
        given = releases.of_registry(self.registry, self.place, self.environment.registry.signed_by)
        return Engine(self.record, self.target, given, self.environment.rollout)

    def version(self, word: str) -> str:
        """The version that a word names."""
        if word == "here":
            return here(self.place)
        with self.registry() as registry:
            return str(standing(registry.events()).named(word))


def first(site: Site, word: str) -> None:
    """Where nothing was ever up, let blue have the version that a word names, verified; else what is wanted stays."""
    if site.place.wanted() or word == "here":
        return  # `supervisor.prepare` takes the release of this repository
    version = site.version(word)
    site.engine.releases.fetch(version, "blue", "", "")
    site.place.want({"blue": version})


def deploy(site: Site, wish: Wish, say: Callable[[str], None]) -> State:
    """A new rollout to its end. Raises RolloutRefused, NotUp, UsageError before anything is moved."""
    signed(wish.by, wish.reason)
    _must_be_up(site)
    smoke.key(site.environment)
    with lock(site.record.lock_file, BUSY):
        if wish.current and wish.current != (live := site.target.live()[1]):
            raise RolloutRefused(f"version {live} is live, and not {wish.current} (--current-version).")
        version = site.version(wish.version)
        _know_the_live(site)
        steps = _steps(site, wish, say)
        site.engine.begin(version, wish.strategy, steps, by=wish.by, reason=wish.reason)
        return drive(site)


def _must_be_up(site: Site) -> None:
    if site.environment.kubernetes:
        for colour in COLOURS:
            site.target.ready(colour, "")  # raises where the cluster cannot be asked, or lacks the colour
    elif not is_locked(site.place.run / "supervisor.lock"):
        raise NotUp("nothing runs here to bring a version into: `credit-risk up` first.")


def _know_the_live(site: Site) -> None:
    """A cluster's live version was perhaps brought there from elsewhere, and the shadow compares with its scorer."""
    if site.environment.kubernetes:
        colour, version = site.target.live()
        if not (version.startswith(HERE) or version.isdecimal()):
            raise RolloutRefused(f"{colour} serves {version!r}, which is no version of the registry: tag images by it.")
        site.engine.releases.fetch(version, colour, "", "")


def _steps(site: Site, wish: Wish, say: Callable[[str], None]) -> tuple[int, ...]:
    """The percentages, and the plan said with the time that each step will take at the measured traffic."""
    target = site.target
    made = plan(site.environment.rollout, _usual(target), ledger_history.per_day(site.place, site.environment))
    wanted = chosen(made, wish.strategy, wish.percent)
    say(f"shadow: {site.environment.rollout.shadow_decisions:,} recent applications, before any traffic")
    known = {step.percent: step.sentence for step in made.steps}
    for percent in wanted:
        say(known.get(percent, f"{percent} %"))
    if made.low_volume and wish.strategy == "canary":
        say("few applications: the coarse plan is the default; docs/operations.md says why")
    return wanted


def chosen(made: Plan, strategy: Strategy, percent: int | None) -> tuple[int, ...]:
    """The percentages of a strategy. Raises UsageError for a share that is none."""
    if percent is not None and not 1 <= percent <= 100:
        raise UsageError(f"{percent} is no share of traffic; expected 1 to 100.")
    if strategy == "direct":
        return (100,)
    if strategy == "blue-green":
        return (percent, 100) if percent not in (None, 100) else (100,)
    planned = tuple(step.percent for step in made.steps)
    return planned if percent is None else (percent, *(one for one in planned if one > percent))


def _usual(target: Target) -> Counts:
    try:
        return sum(target.counts().get(target.live()[0], {}).values(), start=Counts())
    except NotReached:
        return Counts()


def resume(site: Site) -> State:
    """Go on with a rollout whose controller is gone."""
    _must_be_up(site)
    with lock(site.record.lock_file, BUSY):
        return drive(site)


def order(site: Site, what: str, by: str, reason: str) -> State | None:
    """Tell the controller; where none runs, an abort is done here and now, and anything else waits for `resume`."""
    state = site.record.load()
    if state is None or state.ended:
        raise UsageError("no rollout is under way.")
    site.record.order(what, by, reason)
    if what == "abort":
        return follow(site) if is_locked(site.record.lock_file) else resume(site)
    return None


def follow(site: Site) -> State:
    """Wait until the rollout that another controller drives has ended."""
    while (state := site.record.load()) and not state.ended:
        if not is_locked(site.record.lock_file):
            return resume(site)  # it was killed meanwhile
        time.sleep(0.2)
    if state is None:
        raise UsageError("no rollout is under way.")
    return state


def roll_back(site: Site, by: str, reason: str) -> State:
    """Back to what was live before: a rollout that is under way is aborted, one that has ended is undone."""
    _must_be_up(site)
    state = site.record.load()
    if state is None:
        raise RolloutRefused("nothing was ever brought into traffic here, so there is nothing to go back to.")
    if not state.ended:
        found = order(site, "abort", by, reason)
        return found or state
    if state.phase == "rolled back" or state.strategy == "rollback":
        raise RolloutRefused(f"the last rollout ({state.id}) was taken back already; {state.live} was live before it.")
    smoke.key(site.environment)
    with lock(site.record.lock_file, BUSY):
        site.engine.begin(state.live, "rollback", (100,), by=by, reason=reason)
        return drive(site)


def drive(site: Site) -> State:
    """Tick until the rollout has ended, showing how it stands: live in a terminal, else a line for each change."""
    engine = site.engine
    pause = min(site.environment.rollout.analysis.interval_s, MOST_PAUSE)
    console = Console(file=sys.stderr)
    with Live(console=console, auto_refresh=False, transient=True) as view:
        while not (state := engine.tick()).ended:
            if console.is_terminal:
                with suppress(NotReached):  # the engine says that it waits, and asks again
                    view.update(shown(site), refresh=True)
            time.sleep(pause)
    return state


def shown(site: Site) -> Group:
    """What runs and how the rollout stands; of a cluster, which colour is live.

    Raises NotUp if nothing runs here, and NotReached where a cluster cannot be asked.
    """
    if site.environment.kubernetes is None:
        return status.shown(site.place)
    try:
        live = "{} with version {} has all requests".format(*site.target.live())
    except RolloutRefused as error:  # as in the middle of a rollout
        live = str(error)
    return Group(*(f"rollout {line}" for line in status.of_rollout(site.place)), live)
