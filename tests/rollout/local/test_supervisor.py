"""Replicas that come, go, crash and hang behind a real router; each is an echo in place of the service."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from credit_risk.cli import main
from credit_risk.rollout import command
from credit_risk.rollout.engine import NotReached
from credit_risk.rollout.local import supervisor  # part: monitoring
from credit_risk.rollout.local.folder import LocalFolder  # part: monitoring
from credit_risk.rollout.local.replicas import Replica  # part: monitoring
from credit_risk.rollout.local.supervisor import known
from credit_risk.rollout.local.target import LocalTarget
from rollout.local.supervisor_trial import is_up, up

__all__ = ["up"]


def test_replicas_come_and_go_and_nobody_is_refused(up):
    with up.asked_all_the_time() as statuses:
        up.scale(3)
        up.until(lambda: up.who() == {"blue-1@1", "blue-2@1", "blue-3@1"})
        up.scale(1)
        up.until(lambda: "blue-3" not in known(up.folder))
        assert up.who() == {"blue-1@1"}
    assert len(statuses) > 100
    assert set(statuses) == {200}


def test_of_two_replicas_one_may_be_killed_and_is_started_again(up):
    up.scale(2)
    up.until(lambda: up.who() == {"blue-1@1", "blue-2@1"})
    with up.asked_all_the_time() as statuses:
        killed = up.kill("blue-1")
        up.until(lambda: known(up.folder)["blue-1"]["pid"] not in (None, killed))
        up.until(lambda: up.who() == {"blue-1@1", "blue-2@1"})
    assert set(statuses) == {200}
    assert known(up.folder)["blue-1"]["restarts"] == 1


def test_limits_of_the_environment_hold_whatever_is_asked(up):
    up.scale(40)
    up.until(lambda: "blue-3" in known(up.folder))
    assert len(up.folder.replicas(up.supervisor.environment.scaling)) == 3


def test_another_version_of_a_colour_is_another_process(up):
    before = known(up.folder)["blue-1"]["pid"]
    up.folder.write_versions({"blue": "2"})
    up.until(lambda: up.who() == {"blue-1@2"})
    assert known(up.folder)["blue-1"]["pid"] != before


def test_replicas_are_started_anew_one_after_the_other_and_nobody_is_refused(up):
    up.scale(2)
    up.until(lambda: up.who() == {"blue-1@1", "blue-2@1"})
    before = {name: known(up.folder)[name]["pid"] for name in ("blue-1", "blue-2")}
    target = LocalTarget(up.folder, up.supervisor.environment)
    with up.asked_all_the_time() as statuses:
        target.restart("blue")
        up.until(lambda: up.who() == {"blue-1@1", "blue-2@1"})
    assert set(statuses) == {200}
    after = known(up.folder)
    assert all(after[name]["pid"] not in (None, pid) for name, pid in before.items())
    assert [after[name]["generation"] for name in before] == [1, 1]


def test_a_replica_that_does_not_come_back_is_said(up, environment):
    rollout = environment.rollout.model_copy(update={"ready_s": 0.01})
    target = LocalTarget(up.folder, up.supervisor.environment.model_copy(update={"rollout": rollout}))
    with pytest.raises(NotReached, match=r"blue-1 was started anew and did not answer within 0\.01 s"):
        target.restart("blue")


def test_a_router_that_is_killed_comes_back_with_all_replicas(up):
    up.scale(2)
    up.until(lambda: up.who() == {"blue-1@1", "blue-2@1"})
    killed = up.kill("router")
    up.until(lambda: known(up.folder)["router"]["pid"] not in (None, killed))
    up.until(lambda: is_up(up.folder, "blue-2"))
    assert up.who() == {"blue-1@1", "blue-2@1"}


def test_status_shows_every_replica_and_watches_until_it_is_interrupted(up, monkeypatch, capsys):
    up.scale(2)
    up.until(lambda: is_up(up.folder, "blue-2"))
    looks = []

    def interrupted(seconds):
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt

    environments = Path(__file__).parents[1] / "environments"
    shutil.copytree(environments, up.folder.root / "configs" / "deploy")
    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=interrupted))
    assert main(["status", "--watch", "--root", str(up.folder.root)]) == 0
    assert looks == [0.5] * 3
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    shown = [row[:2] + row[3:] for row in rows if row and row[0].startswith("blue-")]
    assert shown == [[name, "1", "runs", "0", "yes", "0", "0"] for name in ("blue-1", "blue-2")]


# of the part: monitoring
def test_a_replica_shows_the_report_of_the_repository_and_not_of_its_release(environment, tmp_path):
    replica = supervisor.service_command(LocalFolder(tmp_path), environment, Replica("blue", 1), "1")
    assert replica.environment["CREDIT_RISK_MONITORING_REPORT"] == str(tmp_path / "reports" / "monitoring.json")


# end of part
