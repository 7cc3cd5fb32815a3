"""Who is called for what: amtool's word on the generated config, and the routes that alerts of each severity take."""

import shutil
import subprocess
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.rollout.alarms import files
from credit_risk.rollout.settings import validate_environment_config
from tools import needed

ENVIRONMENTS = Path(__file__).parents[1] / "environments"
PAGER, HEARTBEAT = "https://pager.example/alerts?team=credit", "http://127.0.0.1:9999"


def environment_with(**changed):
    environment = validate_environment_config(ENVIRONMENTS / "production.yaml", "production")
    return environment.model_copy(update={"monitoring": environment.monitoring.model_copy(update=changed)})


def amtool(*arguments):
    program = shutil.which("amtool")
    needed(program, "amtool is not installed: apt-get install prometheus-alertmanager")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def config(tmp_path):
    return str(files.write(tmp_path, environment_with(webhook=PAGER, heartbeat=HEARTBEAT))[1])


def test_alertmanager_takes_the_config(config):
    checked = amtool("check-config", config)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "2 receivers" in checked.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=CreditRiskDown", "severity=page"], "person"),
        (["alertname=CreditRiskSlow", "severity=ticket"], "person"),
        (["alertname=CreditRiskDeadMansSwitch", "severity=none"], "heartbeat"),
    ],
)
def test_an_alert_goes_to_whom_its_severity_says(config, labels, receiver):
    assert amtool("config", "routes", "test", f"--config.file={config}", *labels).stdout.strip() == receiver


def receivers(environment):
    return {each["name"]: each.get("webhook_configs", []) for each in files.routes(environment)["receivers"]}


def test_addresses_are_those_of_the_environment():
    environment = environment_with(webhook=PAGER, heartbeat=HEARTBEAT)
    assert receivers(environment) == {"person": [{"url": PAGER}], "heartbeat": [{"url": HEARTBEAT}]}


def test_without_an_address_nobody_is_called_and_the_command_says_so(tmp_path, capsys):
    assert receivers(environment_with(webhook=None)) == {"person": [], "heartbeat": []}
    shutil.copytree(ENVIRONMENTS, tmp_path / "configs" / "deploy")
    assert main(["alarms", "--root", str(tmp_path), "--environment", "local"]) == 0
    assert "monitoring.webhook names no address: nobody is called by it." in capsys.readouterr().out


def test_what_follows_from_a_service_that_is_down_is_not_told_beside_it():
    rule = files.routes(environment_with())["inhibit_rules"][0]
    assert rule["source_matchers"] == ['alertname="CreditRiskDown"']
    named = rule["target_matchers"][0].removeprefix('alertname=~"').removesuffix('"').split("|")
    known = {rule["alert"] for group in files.rules(environment_with())["groups"] for rule in group["rules"]}
    assert set(named) < known
    assert "CreditRiskErrors" not in named


@pytest.mark.parametrize("address", ["pager.example", "ftp://pager.example", "https://", "https://a b"])
def test_an_address_that_is_none_is_refused(tmp_path, address):
    text = (ENVIRONMENTS / "production.yaml").read_text(encoding="utf-8")
    path = tmp_path / "production.yaml"
    path.write_text(text.replace("monitoring:", f"monitoring:\n  webhook: {address!r}\n ", 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"monitoring\.webhook"):
        validate_environment_config(path, "production")
