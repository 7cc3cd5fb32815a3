"""A target that was taken out is said in a sentence, and the settings of both stay readable."""

import pytest

from credit_risk.cli import main
from credit_risk.rollout import targets
from credit_risk.rollout.settings import KubernetesSettings

CLUSTER = KubernetesSettings(context="lab", namespace="lending", image="registry.example/credit-risk")


@pytest.fixture(params=["local", "kubernetes"])
def gone(request, environment, monkeypatch):
    """An environment whose target is not there, and that target's name."""
    there = targets.find_spec
    package = f"credit_risk.rollout.{request.param}"
    monkeypatch.setattr(targets, "find_spec", lambda name: None if name == package else there(name))
    return environment.model_copy(
        update={"kubernetes": CLUSTER if request.param == "kubernetes" else None}
    ), request.param


def test_an_environment_says_its_target(environment):
    assert targets.name_of(environment) == "local"
    assert targets.name_of(environment.model_copy(update={"kubernetes": CLUSTER})) == "kubernetes"


def test_a_target_that_was_taken_out_is_said(gone):
    environment, name = gone
    with pytest.raises(targets.TargetMissing, match=f"{name}.*was taken out of this repository"):
        targets.part_of(environment, "target")


@pytest.mark.parametrize(("name", "more"), [("trial", "trial.yaml says how a service runs"), ("prod", "or a file.")])
def test_an_environment_without_rollouts_is_refused_by_name(tmp_path, capsys, name, more):
    (tmp_path / "configs" / "deploy").mkdir(parents=True)
    (tmp_path / "configs" / "deploy" / "trial.yaml").write_text("serving: {gate: reported}")
    assert main(["status", "--root", str(tmp_path), "--environment", name]) == 2
    complaint = capsys.readouterr().err
    assert f"--environment {name}: expected local, staging, production or a file" in complaint
    assert more in complaint


def test_status_says_it_too(gone, environment, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("credit_risk.rollout.settings.validate_environment_config", lambda *_: gone[0])
    assert main(["status", "--root", str(tmp_path)]) == 2
    assert "was taken out of this repository" in capsys.readouterr().err
