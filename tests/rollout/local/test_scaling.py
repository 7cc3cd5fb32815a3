"""How many replicas there should be: rules on numbers that can be counted by hand, then on real processes."""

import itertools
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.data.writing import read_json, write_json
from credit_risk.rollout.local import scaling
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.scaling import ScalingRule, busiest, look
from credit_risk.rollout.local.supervisor import NotUp
from credit_risk.rollout.record.state import RolloutRecord
from rollout.local.supervisor_trial import up

__all__ = ["up"]


@pytest.mark.parametrize(
    ("rule", "replicas", "measured", "wanted"),
    [
        (ScalingRule("cpu_utilization", 70), 2, 140, 4),
        (ScalingRule("cpu_utilization", 70), 2, 76, 2),  # within a tenth of the target
        (ScalingRule("cpu_utilization", 70), 2, 78, 3),
        (ScalingRule("cpu_utilization", 70), 4, 35, 2),
        (ScalingRule("cpu_utilization", 70), 4, 0, 0),
        (ScalingRule("cpu_utilization", 80, "scale_out", 2), 1, 81, 3),
        (ScalingRule("cpu_utilization", 80, "scale_out", 2), 1, 80, 1),
        (ScalingRule("cpu_utilization", 20, "scale_in", 1), 3, 19, 2),
        (ScalingRule("cpu_utilization", 20, "scale_in", 1), 3, 90, 3),
    ],
)
def test_a_rule_on_one_look(rule, replicas, measured, wanted):
    assert rule.replicas_after(replicas, measured) == wanted


@pytest.fixture
def folder(tmp_path):
    found = LocalFolder(tmp_path)
    found.run.mkdir(parents=True)
    return found


@pytest.fixture
def limited(environment):
    """1 to 4 replicas, and half a minute between two changes."""
    assert (environment.scaling.min_replicas, environment.scaling.max_replicas) == (1, 4)
    assert environment.scaling.cool_down_s == 30
    return environment


OUT = ScalingRule("cpu_utilization", 80, "scale_out", 2)


def test_a_change_is_written_with_its_time_and_its_reason(folder, limited):
    said = scaling._scaled(folder, limited, OUT, 91.26, now=1_000)
    assert said == "cpu_utilization 91.3, threshold 80: 1 replicas of each colour, now 3"
    assert read_json(folder.scale_file) == {"replicas": 3, "at": 1_000}
    (event,) = RolloutRecord(folder.run).events()
    assert (event.what, event.by) == ("1 to 3 replicas", "the auto-scaler")
    assert event.why == "cpu_utilization 91.3, threshold 80: 1 replicas of each colour"


def test_the_limits_hold_and_are_said(folder, limited):
    scaling._scaled(folder, limited, OUT, 91, now=0)
    assert scaling._scaled(folder, limited, OUT, 91, now=100).endswith("now 4")
    assert scaling._scaled(folder, limited, OUT, 91, now=200).endswith("unchanged: the limits are 1 to 4")
    inwards = ScalingRule("cpu_utilization", 20, "scale_in", 9)
    assert scaling._scaled(folder, limited, inwards, 5, now=300).endswith("now 1")
    assert folder.scale(limited.scaling) == 1


def test_between_two_changes_lies_the_cool_down(folder, limited):
    scaling._scaled(folder, limited, OUT, 91, now=1_000)
    assert scaling._scaled(folder, limited, OUT, 91, now=1_018).endswith("unchanged: 4 in 12 s, after the cool-down")
    assert folder.scale(limited.scaling) == 3
    assert scaling._scaled(folder, limited, OUT, 91, now=1_030).endswith("now 4")


def test_a_plan_is_a_floor_while_it_lasts_and_never_above_the_limit(folder, limited):
    hour = {"begin": 1_000, "end": 4_600}
    write_json(folder.replica_plan, {"hours": [hour | {"replicas": 2}, {"begin": 4_600, "end": 8_200, "replicas": 9}]})
    idle = ScalingRule("cpu_utilization", 70)
    assert scaling._scaled(folder, limited, idle, 1, now=999).endswith("1 replicas of each colour, unchanged")
    assert scaling._scaled(folder, limited, idle, 1, now=1_000).endswith("now 2")
    assert scaling._scaled(folder, limited, OUT, 91, now=1_100).endswith("now 4")  # use still adds to it
    assert scaling._scaled(folder, limited, idle, 1, now=1_200).endswith("now 2")
    assert scaling._scaled(folder, limited, idle, 1, now=4_600).endswith("now 4")
    assert scaling._scaled(folder, limited, idle, 1, now=8_200).endswith("now 1")


def test_limits_of_today_hold_for_a_scale_of_yesterday(folder, limited):
    write_json(folder.scale_file, {"replicas": 4, "at": 0})
    assert folder.scale(limited.scaling.model_copy(update={"max_replicas": 2})) == 2


def measured(monkeypatch, folder, environment, metric, *readings):
    """What `busiest` makes of two readings, two seconds apart."""
    told, clock = iter(readings), itertools.count(0, 2)
    monkeypatch.setitem(scaling._READERS, metric, lambda _: next(told))
    monkeypatch.setattr(scaling.time, "sleep", lambda _: None)
    monkeypatch.setattr(scaling.time, "monotonic", lambda: next(clock))
    return busiest(folder, environment, metric, 2)


def test_cpu_is_a_share_of_what_was_asked_for_and_the_busier_colour_counts(folder, environment, monkeypatch):
    before = {"blue-1": 10.0, "blue-2": 20.0, "green-1": 5.0}
    after = {"blue-1": 11.0, "blue-2": 20.5, "green-1": 5.2, "green-2": 9.0}
    assert measured(monkeypatch, folder, environment, "cpu_utilization", before, after) == 37.5
    two = environment.model_copy(update={"compute": environment.compute.model_copy(update={"cpu": 2})})
    assert measured(monkeypatch, folder, two, "cpu_utilization", before, after) == 18.75


def test_a_process_that_was_started_anew_counts_from_nothing(folder, environment, monkeypatch):
    assert measured(monkeypatch, folder, environment, "cpu_utilization", {"blue-1": 100.0}, {"blue-1": 1.0}) == 0


def test_memory_is_a_share_of_the_quota_and_requests_are_counted(folder, environment, monkeypatch):
    gigabyte = {"blue-1": 2.0**30, "blue-2": 2.0**29}
    assert environment.compute.memory_gb == 1
    assert measured(monkeypatch, folder, environment, "memory_utilization", {}, gigabyte) == 75
    requests = {"blue-1": 100.0, "blue-2": 100.0}, {"blue-1": 300.0, "blue-2": 200.0}
    assert measured(monkeypatch, folder, environment, "requests_per_second", *requests) == 75


def test_nothing_that_runs_is_nothing_to_scale(folder, environment):
    with pytest.raises(NotUp, match="credit-risk up"):
        look(folder, environment, OUT, 0.1)


def test_under_load_replicas_are_added_and_without_it_taken_away(up):
    environment = up.supervisor.environment
    quick = environment.scaling.model_copy(update={"cool_down_s": 0.001})
    environment = environment.model_copy(update={"scaling": quick})
    with up.asked_all_the_time() as statuses:
        up.until(lambda: len(statuses) > 10)
        said = look(up.folder, environment, ScalingRule("requests_per_second", 5, "scale_out", 2), 0.5)
        assert said.endswith("1 replicas of each colour, now 3")
        up.until(lambda: up.who() == {"blue-1@1", "blue-2@1", "blue-3@1"})
        assert busiest(up.folder, environment, "cpu_utilization", 1) > 0
        assert busiest(up.folder, environment, "memory_utilization", 0.1) > 0.1
    assert look(up.folder, environment, ScalingRule("requests_per_second", 5), 0.5).endswith("now 1")
    up.until(lambda: up.who() == {"blue-1@1"})
    assert set(statuses) == {200}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "0"], "0 is not more than 0"),
        (["--increment", "0"], "expected at least 1, got 0"),
        (["--metric", "guesses"], "'guesses' is not one of"),
    ],
)
def test_what_makes_no_rule_is_refused(words, said, capsys):
    assert main(["scale", *words]) == 2
    assert said in capsys.readouterr().err


def test_an_increment_without_an_action_is_refused(files_of, capsys):
    assert main(["scale", "--root", str(files_of), "--increment", "2"]) == 2
    assert "give scale_out or scale_in" in capsys.readouterr().err


def test_a_metric_without_a_target_needs_a_threshold(files_of, capsys):
    assert main(["scale", "--root", str(files_of), "--metric", "requests_per_second"]) == 2
    assert "give --threshold for requests_per_second" in capsys.readouterr().err
    assert main(["scale", "--root", str(files_of)]) == 2
    assert "nothing runs here that could be scaled" in capsys.readouterr().err


@pytest.fixture
def files_of(tmp_path):
    """A repository with nothing but a local environment."""
    target = tmp_path / "configs" / "deploy" / "local.yaml"
    target.parent.mkdir(parents=True)
    target.write_bytes((Path(__file__).parents[1] / "environments" / "local.yaml").read_bytes())
    return tmp_path
