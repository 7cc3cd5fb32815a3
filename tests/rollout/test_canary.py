"""CanaryDeployer: the steps and their times, the way back, and that the command is this class."""

from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.rollout import CanaryDeployer, canary, deployment
from credit_risk.rollout.deployment import Site
from registry_trial import empty_registry, files
from rollout.world import World
from rollout_trial import ADA, KEY, write_environment

__all__ = ["empty_registry", "files"]

STEPS = [1, 5, 10, 25, 50, 100]
WHO = {"by": "Ada Berg", "reason": "a reason of five words"}


@pytest.fixture
def world(monkeypatch):
    """The target in memory; a second of its world passes wherever the controller would wait."""
    world = World()
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    monkeypatch.setattr(deployment, "part_of", lambda *_: SimpleNamespace(connect=lambda *_: world))
    monkeypatch.setattr(deployment.time, "sleep", lambda _: world.pass_())
    monkeypatch.setattr(deployment.ledger_history, "per_day", lambda *_: 86_400_000.0)
    return world


@pytest.fixture
def site(files, world):
    write_environment(files.root)
    path, yaml = files.root / "configs" / "deploy" / "local.yaml", YAML()
    tree = yaml.load(path)
    tree["rollout"] |= {"steps": STEPS, "step_s": 5, "bake_s": 7}
    yaml.dump(tree, path)
    site = Site.read(files.root)
    site.engine.clock = lambda: world.now
    return site


@pytest.fixture
def shares(world, monkeypatch):
    """How many seconds of the world each share of the candidate lasted."""
    seconds: dict[int, float] = {}
    pass_ = World.pass_

    def count(self, passed=1.0):
        seconds[self.split[1]] = seconds.get(self.split[1], 0.0) + passed
        pass_(self, passed)

    monkeypatch.setattr(World, "pass_", count)
    return seconds


def test_a_sound_version_takes_six_shares_each_for_a_sixth_of_the_duration(site, shares):
    state = CanaryDeployer(site, duration_s=240.0).deploy("here", **WHO)
    assert (state.phase, state.steps) == ("done", tuple(STEPS))
    assert [share for share in shares if share] == STEPS
    assert all(40 <= shares[share] <= 43 for share in STEPS), shares


def test_without_a_duration_the_times_are_those_of_the_environment(site, shares):
    assert CanaryDeployer(site).deploy("here", **WHO).phase == "done"
    assert all(5 <= shares[share] <= 9 for share in STEPS[1:]), shares
    assert shares[1] > 9, "the first share lasts until it is proved good"


def test_a_version_that_fails_requests_goes_back_at_the_first_share(site, world, shares):
    world.error_rate[site.version("here")] = 0.9
    state = CanaryDeployer(site, duration_s=240.0).deploy("here", **WHO)
    assert (state.phase, max(shares)) == ("rolled back", 1)
    assert "error_rate" in state.cause
    assert (world.runs, world.outages) == ({"blue": "1"}, 0)


def test_a_version_whose_health_is_lost_goes_back(site, world, shares, monkeypatch):
    ready = World.ready
    monkeypatch.setattr(World, "ready", lambda self, *colour: ready(self, *colour) and self.split[1] != 10)
    state = CanaryDeployer(site, duration_s=240.0).deploy("here", **WHO)
    assert (state.phase, max(shares)) == ("rolled back", 10)
    assert "out of traffic" in state.cause


def test_a_controller_that_is_killed_goes_on_with_the_same_duration(site, world, shares, monkeypatch):
    tick = type(site.engine).tick

    def killed(engine):
        state = tick(engine)
        if state.percent == 10:
            raise KeyboardInterrupt
        return state

    with monkeypatch.context() as once:
        once.setattr(type(site.engine), "tick", killed)
        with pytest.raises(KeyboardInterrupt):
            CanaryDeployer(site, duration_s=240.0).deploy("here", **WHO)
    after = Site.read(site.root)
    after.engine.clock = lambda: world.now
    assert CanaryDeployer(after).resume().phase == "done"
    assert all(39 <= shares[share] <= 43 for share in STEPS), shares


@pytest.mark.parametrize(("strategy", "duration"), [("canary", ["--duration", "600"]), ("direct", [])])
def test_the_command_for_a_canary_is_this_class_and_for_others_not(site, monkeypatch, strategy, duration):
    calls = []

    def deploy(self, version, **_):
        calls.append((version, self.duration_s))
        return SimpleNamespace(phase="done", candidate=version)

    monkeypatch.setattr(canary.CanaryDeployer, "deploy", deploy)
    words = ["deploy", "--root", str(site.root), "--model-version", "here", "--strategy", strategy, *duration, *ADA]
    assert main(words) == 0
    assert calls == ([("here", 600.0)] if strategy == "canary" else [])
