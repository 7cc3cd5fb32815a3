"""An environment's file: sound files pass, and every fault of a bad one is said at once, with its line."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.errors import ConfigError, NotFound
from credit_risk.rollout.settings import validate_environment_config

CLUSTER = {"context": "lab", "namespace": "lending", "image": "registry.example:5000/risk/credit-risk"}
SMALL = Path(__file__).parent / "environments"


@pytest.fixture
def changed(tmp_path):
    """A function that writes a sound environment with some values changed, by their place, and gives its path."""

    def write(name="local", **values):
        path = tmp_path / "configs" / "deploy" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        yaml = YAML()
        tree = yaml.load(SMALL / f"{name}.yaml")
        for place, value in values.items():
            node = tree
            *sections, key = place.split("__")
            for section in sections:
                node = node[section]
            node[key] = value
        yaml.dump(tree, path)
        return path

    return write


@pytest.mark.parametrize("name", ["local", "production"])
def test_a_sound_environment_is_read(changed, name):
    found = validate_environment_config(changed(name))
    assert found.environment == name
    assert found.rollout.steps == (1, 5, 10, 25, 50, 100)


def test_an_environment_names_a_cluster_or_none(changed):
    assert validate_environment_config(changed()).kubernetes is None
    found = validate_environment_config(changed(kubernetes=CLUSTER)).kubernetes
    assert (found.context, found.namespace, found.route) == ("lab", "lending", "credit-risk")


def test_memory_above_the_quota_is_refused_and_at_the_quota_not(changed):
    assert validate_environment_config(changed(compute__memory_gb=32)).compute.memory_gb == 32
    with pytest.raises(ConfigError, match=r"local.yaml line \d+: compute.memory_gb: .* or equal to 32; got 32.5"):
        validate_environment_config(changed(compute__memory_gb=32.5))


def test_every_problem_is_said_at_once_with_the_line_it_stands_in(changed):
    path = changed(compute__cpu="two", scaling__cool_downs=3, rollout__bake_s=0)
    with pytest.raises(ConfigError) as caught:
        validate_environment_config(path)
    lines = path.read_text().splitlines()
    said = {one.split(": ")[1]: int(one.split("line ")[1].split(":")[0]) for one in caught.value.problems}
    assert said == {
        "compute.cpu": lines.index(next(line for line in lines if "cpu: two" in line)) + 1,
        "scaling.cool_downs": lines.index("  cool_downs: 3") + 1,
        "rollout.bake_s": lines.index(next(line for line in lines if "bake_s: 0" in line)) + 1,
    }
    assert any("did you mean 'cool_down_s'" in problem for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("local", {"scaling__min_replicas": 9}, "scaling.min_replicas: 9 is more than max_replicas, 4"),
        ("local", {"rollout__steps": [5, 1, 100]}, "rollout.steps: steps must grow and end with 100"),
        ("local", {"rollout__steps": [1, 5]}, "rollout.steps: steps must grow and end with 100"),
        ("local", {"rollout__low_volume__steps": [10, 10, 100]}, "rollout.low_volume.steps: steps must grow"),
        ("local", {"rollout__approvals": [33]}, "rollout.approvals: .33. is no step"),
        ("local", {"rollout__analysis__slow_above_ms": 60}, "answers are counted at 1, 2, 3, 5"),
        ("local", {"rollout__analysis__false_alarms": 0.5}, "false_alarms"),
        ("local", {"rollout__analysis__tolerances__error_rate": 1.5}, "error_rate"),
        ("local", {"router__green_port": 8080}, "router: blue_port and green_port need 4 ports each"),
        ("local", {"router__green_port": 3113}, "got 3110, 3113 and 8080"),
        ("local", {"costs__currency": "euro"}, "currency"),  # part: operations
        ("local", {"environment": "staging"}, "local is meant, and the file says it is 'staging'"),
        ("local", {"kubernetes": CLUSTER | {"namespace": "Lending"}}, "kubernetes.namespace: "),
        ("local", {"kubernetes": CLUSTER | {"image": "registry.example/credit-risk:3"}}, "kubernetes.image: "),
        ("local", {"kubernetes": CLUSTER | {"digests": {"3": "latest"}}}, "kubernetes.digests"),
        ("local", {"kubernetes": CLUSTER | {"contxt": "lab"}}, "kubernetes.contxt: .*did you mean 'context'"),
        ("production", {"serving__access": {"mode": "off"}}, "everybody could decide in production"),
        ("production", {"serving__gate": "reported"}, "a scorer that the gate stopped"),
        ("production", {"serving__ledger__key_file": "a.key"}, "a development key is not for production"),
        ("production", {"security__run_as_non_root": False}, "nothing runs as root"),
        ("production", {"scaling__min_replicas": 1}, "production needs 2 or more"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changed, name, values, sentence):
    with pytest.raises(ConfigError, match=rf"{name}\.yaml line \d+: .*{sentence}"):
        validate_environment_config(changed(name, **values))


def test_a_section_that_is_missing_is_said(changed):
    path = changed()
    yaml = YAML()
    tree = yaml.load(path)
    del tree["compute"], tree["security"]
    yaml.dump(tree, path)
    with pytest.raises(ConfigError) as caught:
        validate_environment_config(path)
    assert [problem.split(": ")[1] for problem in caught.value.problems] == ["compute", "security"]


def test_an_environment_that_is_not_there_is_said(tmp_path):
    with pytest.raises(NotFound):
        validate_environment_config(tmp_path / "local.yaml")


def test_the_command_checks_one_environment_and_says_what_is_wrong(changed, tmp_path, capsys):
    changed("production")
    assert main(["environment", "--root", str(tmp_path), "--environment", "production"]) == 0
    assert "production: 2 to 8 replicas" in capsys.readouterr().out
    changed("production", compute__memory_gb=64)
    assert main(["environment", "--root", str(tmp_path), "--environment", "production"]) == 2
    assert "compute.memory_gb" in capsys.readouterr().err


def test_the_command_checks_all_environments_and_one_that_is_missing_is_no_pass(changed, tmp_path):
    changed("local")
    changed("production")
    assert main(["environment", "--root", str(tmp_path)]) == 2
    shutil.copy(SMALL / "staging.yaml", tmp_path / "configs" / "deploy" / "staging.yaml")
    assert main(["environment", "--root", str(tmp_path)]) == 0


def test_the_command_checks_what_serves_without_rollouts_too(changed, tmp_path, capsys):
    for name in ("local", "staging", "production"):
        shutil.copy(SMALL / f"{name}.yaml", changed(name))
    trial = tmp_path / "configs" / "deploy" / "trial.yaml"
    serving = YAML().load(SMALL / "local.yaml")["serving"]
    YAML().dump({"serving": serving}, trial)
    assert main(["environment", "--root", str(tmp_path)]) == 0
    assert "trial: a service each, without rollouts" in capsys.readouterr().out
    YAML().dump({"serving": dict(serving) | {"acces": {}}}, trial)
    assert main(["environment", "--root", str(tmp_path)]) == 2
    assert "trial.yaml line" in (text := capsys.readouterr().err)
    assert "unknown key 'acces'; did you mean 'access'?" in text
    YAML().dump({"serving": serving, "registri": {}}, trial)
    assert main(["environment", "--root", str(tmp_path)]) == 2
