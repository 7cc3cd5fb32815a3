"""What `credit-risk deploy` and `rollback` do: make a plan, say it, and drive the engine until the rollout ends."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.live import Live

from credit_risk.config import load
from credit_risk.config.names import person_of, same_person
from credit_risk.data.files import Files
from credit_risk.errors import UsageError
from credit_risk.registry.lifecycle import standing
from credit_risk.registry.settings import load as load_registry
from credit_risk.registry.versions import open_versions
from credit_risk.rollout import ledger_history, releases, smoke
from credit_risk.rollout.colours import Colour
from credit_risk.rollout.engine import NotReached, RolloutEngine, RolloutRefused, Target, signed
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.plan import RolloutPlan, plan
from credit_risk.rollout.record.folder import RolloutFolder, version_here
from credit_risk.rollout.record.lock import is_locked, lock
from credit_risk.rollout.record.state import RolloutRecord, RolloutState, Strategy
from credit_risk.rollout.settings import Environment, Rollout, validate_environment_config
from credit_risk.rollout.targets import part_of

log = logging.getLogger(__name__)

MOST_PAUSE = 1.0  # seconds between two ticks
BUSY = "another controller drives this rollout: `credit-risk status` shows it."


class DeploymentTarget(Target, Protocol):
    """What `credit-risk deploy` needs to know of a target, beside what the engine does with it."""

    def require_running(self) -> None:
        """Raise where nothing runs that a version could be brought into."""

    def restart(self, colour: Colour) -> None:
        """Let the replicas of a colour start anew, with the version that they have. Raises NotReached."""

    def foreign_live(self) -> tuple[Colour, str] | None:
        """The live colour and its version, where it may have come from elsewhere and is to be fetched; else None."""

    def overview(self) -> RenderableType:
        """What runs, how traffic is split and how the rollout stands. Raises where that cannot be seen."""

    def facts(self) -> dict[str, Any]:
        """What the overview shows, as values that JSON knows. Raises where that cannot be seen."""


@dataclass(frozen=True)
class DeploymentRequest:
    """What is to be brought into traffic, and how.

    version: a number of the registry, `challenger`, or `here` for the release of this repository. percent: the first
    share of a canary, or the only one before 100 of a blue-green; None for the plan's. current: what must be live now.
    duration_s: of all steps together, shared out evenly, as their least time; None for the environment's times.
    """

    version: str
    strategy: Strategy
    by: str
    reason: str
    percent: int | None = None
    current: str | None = None
    duration_s: float | None = None


@dataclass(frozen=True)
class Site:
    """One repository with its environment, and the file that says it. health: must answer before a version is tried."""

    root: Path
    environment: Environment
    settings: Path
    health: str = "/health"

    @classmethod
    def read(cls, root: Path, environment: str = "local", health: str = "/health") -> "Site":
        """The site of an environment of configs/deploy, by its name. Raises ConfigError, NotFound."""
        path = root.absolute() / "configs" / "deploy" / f"{environment}.yaml"
        return cls(root.absolute(), validate_environment_config(path, environment), path, health)

    @property
    def folder(self) -> RolloutFolder:
        return RolloutFolder.of(self.root, self.environment)

    @cached_property
    def target(self) -> DeploymentTarget:
        """The cluster that the environment names, or this machine. Raises TargetMissing."""
        target: DeploymentTarget = part_of(self.environment, "target").connect(
            self.environment, self.folder, self.health
        )
        return target

    @property
    def record(self) -> RolloutRecord:
        return RolloutRecord(self.folder.run, (self.environment.registry.signed_by, self.root))

    @contextmanager
    def registry(self) -> Iterator[Any]:
        """The registry's versions, open for a while. Raises NoVersions where nothing keeps any."""
        name = load(Files(self.root).config).project.name
        with open_versions(name, load_registry(self.settings, self.root), self.root) as registry:
            yield registry

    @cached_property
    def engine(self) -> RolloutEngine:
        given = releases.of_registry(self.registry, self.folder, self.environment.registry.signed_by)
        return RolloutEngine(self.record, self.target, given, self.environment.rollout)

    def version(self, word: str) -> str:
        """The version that a word names."""
        if word == "here":
            return version_here(self.root)
        with self.registry() as registry:
            return str(standing(registry.events()).named(word))


def deploy(site: Site, request: DeploymentRequest, say: Callable[[str], None]) -> RolloutState:
    """A new rollout to its end. Raises RolloutRefused, NotUp, Locked, UsageError before anything is moved."""
    signed(request.by, request.reason)
    site.target.require_running()
    smoke.key(site.environment)
    with lock(site.record.lock_file, BUSY):
        if request.current and request.current != (live := site.target.live()[1]):
            raise RolloutRefused(f"version {live} is live, and not {request.current} (--current-version).")
        version = site.version(request.version)
        if foreign := site.target.foreign_live():
            colour, live = foreign
            site.engine.releases.fetch(live, colour, "", "")
        steps = _steps(site, request, say)
        site.engine.begin(
            version, request.strategy, steps, by=request.by, reason=request.reason, duration_s=request.duration_s
        )
        return drive(site)


def _steps(site: Site, request: DeploymentRequest, say: Callable[[str], None]) -> tuple[int, ...]:
    """The percentages, and the plan said with the time that each step will take at the measured traffic."""
    target = site.target
    times = _timed(site.environment.rollout, request.duration_s)
    made = plan(times, _usual(target, times), ledger_history.per_day(site.folder, site.environment))
    steps = chosen(made, request.strategy, request.percent)
    say(f"shadow: {site.environment.rollout.shadow_decisions:,} recent applications, before any traffic")
    known = {step.percent: step.sentence for step in made.steps}
    for percent in steps:
        say(known.get(percent, f"{percent} %"))
    if made.low_volume and request.strategy == "canary":
        say("few applications: the coarse plan is the default; docs/operations.md says why")
    return steps


def _timed(rollout: Rollout, duration_s: float | None) -> Rollout:
    """The environment's rollout, with its times those of a duration, if one is given."""
    if duration_s is None:
        return rollout
    share = duration_s / len(rollout.steps)
    return rollout.model_copy(update={"step_s": share, "bake_s": share})


def chosen(made: RolloutPlan, strategy: Strategy, percent: int | None) -> tuple[int, ...]:
    """The percentages of a strategy. Raises UsageError for a share that is none."""
    if percent is not None and not 1 <= percent <= 100:
        raise UsageError(f"{percent} is no share of traffic; expected 1 to 100.")
    if strategy == "direct":
        return (100,)
    if strategy == "blue-green":
        return (percent, 100) if percent not in (None, 100) else (100,)
    planned = tuple(step.percent for step in made.steps)
    return planned if percent is None else (percent, *(share for share in planned if share > percent))


def _usual(target: DeploymentTarget, rollout: Rollout) -> Counts:
    try:
        slow_above_ms = rollout.analysis.slow_above_ms
        return sum(target.counts(slow_above_ms).get(target.live()[0], {}).values(), start=Counts())
    except NotReached:
        return Counts()


def resume(site: Site) -> RolloutState:
    """Go on with a rollout whose controller is gone."""
    site.target.require_running()
    with lock(site.record.lock_file, BUSY):
        return drive(site)


def order(site: Site, what: str, by: str, reason: str) -> RolloutState | None:
    """Leave an order for the controller; where none runs, an abort is done at once, and all else waits for `resume`."""
    state = site.record.load()
    if state is None or state.ended:
        raise UsageError("no rollout is under way.")
    if what == "approve" and same_person(by, state.by):
        raise RolloutRefused(f"{person_of(state.by)} began this rollout: somebody else has to approve it (four eyes).")
    site.record.order(what, by, reason)
    if what == "abort":
        return follow(site) if is_locked(site.record.lock_file) else resume(site)
    return None


def follow(site: Site) -> RolloutState:
    """Wait until the rollout that another controller drives has ended."""
    while (state := site.record.load()) and not state.ended:
        if not is_locked(site.record.lock_file):
            return resume(site)  # it was killed meanwhile
        time.sleep(0.2)
    if state is None:
        raise UsageError("no rollout is under way.")
    return state


def roll_back(site: Site, by: str, reason: str) -> RolloutState:
    """Back to what was live before: a rollout that is under way is aborted, one that has ended is undone."""
    site.target.require_running()
    state = site.record.load()
    if state is None:
        raise RolloutRefused("nothing was ever brought into traffic here, so there is nothing to go back to.")
    if not state.ended:
        aborted = order(site, "abort", by, reason)
        return aborted or state
    if state.phase == "rolled back" or state.strategy == "rollback":
        raise RolloutRefused(f"the last rollout ({state.id}) was taken back already; {state.live} was live before it.")
    smoke.key(site.environment)
    with lock(site.record.lock_file, BUSY):
        site.engine.begin(state.live, "rollback", (100,), by=by, reason=reason)
        return drive(site)


def restart(site: Site) -> str:
    """Start the replicas of the live colour anew, and say which. Not while another controller drives a rollout."""
    site.target.require_running()
    with lock(site.record.lock_file, BUSY):
        colour, version = site.target.live()
        site.target.restart(colour)
        return f"{colour}, which serves version {version}"


def drive(site: Site) -> RolloutState:
    """Tick until the rollout has ended, showing how it stands: live in a terminal, else a line for each change."""
    engine = site.engine
    pause = min(site.environment.rollout.analysis.interval_s, MOST_PAUSE)
    console = Console(file=sys.stderr)
    with Live(console=console, auto_refresh=False, transient=True) as view:
        while not (state := engine.tick()).ended:
            if console.is_terminal:
                with suppress(NotReached):  # the engine says that it waits, and tries again
                    view.update(site.target.overview(), refresh=True)
            time.sleep(pause)
    return state
