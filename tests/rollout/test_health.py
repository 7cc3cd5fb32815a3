"""HealthMonitor: which limits are missed, what follows, how often it may act, and that all of it is on record."""

import json
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.errors import UsageError
from credit_risk.rollout import CanaryDeployer, HealthMonitor, deployment, health
from credit_risk.rollout.deployment import Site
from credit_risk.rollout.engine import Releases
from credit_risk.rollout.evidence.analysis import Counts
from credit_risk.rollout.health import Health, MissedLimit, PersonNeeded
from credit_risk.rollout.record.lock import lock
from credit_risk.rollout.settings import Healing
from registry_trial import empty_registry, files
from rollout.world import World
from rollout_trial import KEY, write_environment

__all__ = ["empty_registry", "files"]

ADA = {"by": "Ada Berg", "reason": "a reason of five words"}
PAGER = "https://pager.example/alerts"
HOUR = 3_600


def counts(**changed):
    """A minute of a sound service at 200 a second."""
    return Counts(**({"requests": 12_000, "decisions": 12_000, "approved": 8_000} | changed))


def sentences(environment, seconds=60.0, least=50, **changed):
    found = Health(seconds, counts(**changed)).missed_limits(environment.monitoring, least)
    return [(fault.sentence, fault.curable) for fault in found]


def test_a_sound_service_misses_no_limit(environment):
    assert sentences(environment) == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"errors": 601, "decisions": 11_399}, ("error rate 5.0%, limit 5.0%", True)),
        ({"slow": 601}, ("p95 above 1000 ms: 5.0% of answers took longer, limit 5%", True)),
        ({"decisions": 8_399}, ("140.0 decisions a second, at least 140 are expected", True)),
        ({"requests": 8_399, "decisions": 8_399}, ("140.0 decisions a second, at least 140 are expected", False)),
    ],
)
def test_each_limit_is_missed_by_one_too_many(environment, changed, fault):
    assert sentences(environment, **changed) == [fault]


@pytest.mark.parametrize("changed", [{"errors": 600}, {"slow": 600}, {"decisions": 8_400}])
def test_at_the_limit_nothing_is_missed(environment, changed):
    assert sentences(environment, **changed) == []


def test_of_few_answers_no_share_is_said(environment):
    few = {"requests": 49, "decisions": 49, "errors": 49, "slow": 49}
    assert [curable for _, curable in sentences(environment, **few)] == [False]
    assert len(sentences(environment, **few | {"requests": 50})) == 2


def test_a_colour_that_is_out_of_traffic_is_the_fault_and_nothing_else(environment):
    faults = Health(60.0, Counts(), answering=False).missed_limits(environment.monitoring, 50)
    assert faults == [MissedLimit("the live colour is out of traffic: it crashed, hangs or is not ready")]


@pytest.fixture
def world(monkeypatch):
    """The target in memory; 1,000 requests a second come in wherever somebody waits."""
    world = World(now=time.time())
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    monkeypatch.setattr(deployment, "part_of", lambda *_: SimpleNamespace(connect=lambda *_: world))
    monkeypatch.setattr(deployment.time, "sleep", lambda _: world.pass_())
    monkeypatch.setattr(deployment.ledger_history, "per_day", lambda *_: 86_400_000.0)
    return world


@pytest.fixture
def posted(monkeypatch):
    """What was posted to whom."""
    calls = []
    monkeypatch.setattr(health, "post", lambda url, value: calls.append((url, value)) or "")
    return calls


@pytest.fixture
def site(files, world):
    write_environment(files.root)
    path, yaml = files.root / "configs" / "deploy" / "local.yaml", YAML()
    tree = yaml.load(path)
    tree["rollout"] |= {"steps": [50, 100], "step_s": 1, "bake_s": 1}
    tree["monitoring"] |= {"webhook": PAGER, "expected_per_second": 1_000, "heal": {"look_s": 60, "per_hour": 2}}
    yaml.dump(tree, path)
    return open_site(files.root, world)


def open_site(root, world):
    site = Site.read(root)
    site.engine.clock = lambda: world.now
    site.engine.releases = Releases(world.fetch, world.promoted, world.returned)
    return site


def monitor_of(site, world):
    return HealthMonitor(site, "Ada Berg", clock=lambda: world.now, sleep=world.pass_)


def on_record(site):
    return [(event.what, event.by) for event in site.record.events() if event.rollout == "health"]


def test_a_sound_service_is_left_alone(site, world):
    assert monitor_of(site, world).watch() == "sound: 1000.0 decisions a second, 0 errors"
    assert (world.calls, on_record(site)) == ([], [])


def test_a_version_that_fails_is_started_anew_twice_an_hour_then_a_person_is_called_once(site, world, posted):
    world.error_rate["1"] = 0.06
    monitor = monitor_of(site, world)
    for _ in range(2):
        assert monitor.watch() == "error rate 6.0%, limit 5.0%: started anew blue, which serves version 1"
    assert (world.calls, posted) == ([("restart", "blue")] * 2, [])
    again = monitor_of(open_site(site.root, world), world)  # the trail remembers, not the process
    with pytest.raises(PersonNeeded, match=r"after 2 actions in an hour .*A person was called at https://pager"):
        again.watch()
    with pytest.raises(PersonNeeded, match="was called within the last hour"):
        again.watch()
    assert world.calls == [("restart", "blue")] * 2
    assert [url for url, _ in posted] == [PAGER]
    assert on_record(site) == [(what, "Ada Berg") for what in ("restarts", "restarts", "calls a person")]
    world.now += HOUR
    assert "started anew" in again.watch()
    verified = site.record.audit.verify(site.environment.registry.signed_by, site.root, [])
    assert verified.faults == ()


def test_the_call_is_an_alert_as_alertmanager_posts_them_with_its_runbook(site, world, posted, request):
    world.error_rate["1"] = 0.5
    site.record.event("health", "restarts", "Ada Berg", "before")
    site.record.event("health", "rolls back", "Ada Berg", "before")
    with pytest.raises(PersonNeeded):
        monitor_of(site, world).watch()
    (alert,) = posted[0][1]["alerts"]
    assert alert["labels"] == {
        "alertname": "CreditRiskNotHealed",
        "severity": "page",
        "owner": "on-call",
        "environment": "local",
    }
    assert alert["annotations"]["summary"].startswith("error rate 50.0%, limit 5.0%")
    page = (request.config.rootpath / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"\n### {health.RUNBOOK}\n" in page


def deployed(site, world):
    """A version that came just now, and turns bad after it was promoted."""
    assert CanaryDeployer(site).deploy("here", **ADA).phase == "done"
    version = site.version("here")
    assert world.live()[1] == version
    world.error_rate[version] = 0.2
    world.calls.clear()
    return version


def test_a_version_that_came_lately_is_rolled_back_by_the_engine(site, world):
    deployed(site, world)
    said = monitor_of(site, world).watch()
    assert said == "error rate 20.0%, limit 5.0%: rolled back, version 1 has all traffic"
    assert world.live()[1] == "1"
    assert ("restart", "green") not in world.calls
    assert on_record(site) == [("rolls back", "Ada Berg")]
    assert site.record.load().reason == "the health monitor: error rate 20.0%, limit 5.0%"


def test_a_version_that_came_long_ago_is_started_anew(site, world):
    deployed(site, world)
    world.now += site.environment.monitoring.heal.undo_within_s + 1
    assert "started anew green" in monitor_of(site, world).watch()


def test_what_was_rolled_back_is_not_rolled_forward(site, world):
    deployed(site, world)
    monitor = monitor_of(site, world)
    monitor.watch()
    world.error_rate["1"] = 0.2
    assert "started anew blue, which serves version 1" in monitor.watch()


def test_a_version_that_cannot_be_brought_back_calls_a_person(site, world, posted):
    deployed(site, world)
    world.refuse = "version 1 is not signed"
    with pytest.raises(PersonNeeded, match="version 1 could not be brought back: version 1 is not signed"):
        monitor_of(site, world).watch()
    assert len(posted) == 1


def test_a_rollout_under_way_is_aborted(site, world, monkeypatch):
    tick = type(site.engine).tick

    def killed(engine):
        state = tick(engine)
        if state.percent == 50:
            raise KeyboardInterrupt
        return state

    with monkeypatch.context() as once, suppress(KeyboardInterrupt):
        once.setattr(type(site.engine), "tick", killed)
        CanaryDeployer(site).deploy("here", **ADA)
    world.error_rate |= {"1": 0.2, site.version("here"): 0.2}
    assert "rolled back, version 1 has all traffic" in monitor_of(site, world).watch()
    assert site.record.load().phase == "rolled back"


def test_while_a_rollback_is_under_way_it_waits(site, world):
    world.error_rate["1"] = 0.2
    with lock(site.record.lock_file, "busy"):
        assert monitor_of(site, world).watch() == "error rate 20.0%, limit 5.0%: a rollback is under way"
    assert world.calls == []


def test_where_too_few_apply_a_person_is_called_and_nothing_restarted(site, world, posted, monkeypatch):
    monkeypatch.setattr(World, "_counts", lambda *_: Counts())
    with pytest.raises(PersonNeeded, match=r"^0\.0 decisions a second.*too few apply"):
        monitor_of(site, world).watch()
    assert (world.calls, len(posted)) == ([], 1)


def test_a_restart_that_fails_calls_a_person(site, world, posted, monkeypatch):
    world.is_ready = False

    def restart(self, colour):
        raise deployment.NotReached("blue-1 did not answer")

    monkeypatch.setattr(World, "restart", restart)
    with pytest.raises(PersonNeeded, match="it could not be mended: blue-1 did not answer"):
        monitor_of(site, world).watch()
    assert on_record(site) == [("restarts", "Ada Berg"), ("calls a person", "Ada Berg")]


@pytest.mark.parametrize(
    ("webhook", "failure"),
    [(None, "monitoring.webhook names no address"), ("http://127.0.0.1:9/", "http://127.0.0.1:9/: .*refused")],
)
def test_where_nobody_can_be_called_it_says_so_and_tries_again(site, world, webhook, failure):
    heal = Healing(look_s=60, per_hour=1)
    watched = site.environment.monitoring.model_copy(update={"webhook": webhook, "heal": heal})
    mute = Site(site.root, site.environment.model_copy(update={"monitoring": watched}), site.settings)
    site.record.event("health", "restarts", "Ada Berg", "before")
    world.error_rate["1"] = 0.2
    for _ in range(2):
        with pytest.raises(PersonNeeded, match=f"Nobody could be called: {failure}"):
            monitor_of(mute, world).watch()
    assert on_record(mute)[1:] == [("could call nobody", "Ada Berg")] * 2


def test_it_acts_for_a_person(site):
    with pytest.raises(UsageError, match="expected a first and a last name"):
        HealthMonitor(site, "monitor")


def test_the_exit_code_says_whether_a_person_is_needed(site, world, posted, capsys, monkeypatch):
    monkeypatch.setattr(HealthMonitor, "look", lambda self: Health(1.0, world.did["blue"]))
    words = ["heal", "--root", str(site.root), "--by", "Ada Berg"]
    world.pass_()
    assert main(words) == 0
    assert capsys.readouterr().out == "sound: 1000.0 decisions a second, 0 errors\n"
    world.did["blue"] = Counts()
    assert main(words) == 1
    assert "too few apply" in capsys.readouterr().err
    assert json.dumps(posted[0][1])
