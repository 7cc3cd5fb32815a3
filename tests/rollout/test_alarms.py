"""Each alert fires where its fault is and nowhere else, has a runbook, and says what the config says."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.rollout import alarms
from credit_risk.rollout.settings import validate_environment_config
from tools import needed

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = Path(__file__).parent / "environments"
ALWAYS = "CreditRiskDeadMansSwitch"


@pytest.fixture
def environment():
    """Production: 5 % errors, 1,000 ms, 0.7 of 50 decisions a second, 1,024 in the ledger's queue."""
    return validate_environment_config(ENVIRONMENTS / "production.yaml", "production")


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    needed(program, "promtool is not installed: apt-get install prometheus")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@dataclass
class Traffic:
    """What a service counts in each minute, for an hour. status: problems a minute by status."""

    decisions: float | None = 3000  # None: a process that has answered nobody yet has no such series
    slow: float = 0.01
    status: dict[str, float] = field(default_factory=dict)
    queue: int = 3
    lapses: int = 0
    up: int | None = 1

    def series(self) -> list[dict[str, str]]:
        labels, counted = 'job="credit-risk"', self.decisions
        rates = {f'credit_risk_problems_total{{{labels}, status="{each}"}}': rate for each, rate in self.status.items()}
        if counted is not None:
            rates |= {
                f'credit_risk_decisions_total{{{labels}, outcome="approve"}}': counted,
                f"credit_risk_latency_seconds_count{{{labels}}}": counted,
                f'credit_risk_latency_seconds_bucket{{{labels}, le="1.0"}}': counted * (1 - self.slow),
                f'credit_risk_latency_seconds_bucket{{{labels}, le="+Inf"}}': counted,
            }
        levels = {
            f"credit_risk_ledger_queue{{{labels}}}": self.queue,
            f"credit_risk_admission_lapses{{{labels}}}": self.lapses,
        }
        levels |= {} if self.up is None else {f"up{{{labels}}}": self.up}
        growing = [{"series": name, "values": f"0+{rate:g}x60"} for name, rate in rates.items()]
        return growing + [{"series": name, "values": f"{level}x60"} for name, level in levels.items()]


SOUND = Traffic()
FAULTS = {
    "errors": (Traffic(status={"500": 200}), {"CreditRiskErrors"}),
    "errors below the limit": (Traffic(status={"500": 120}), set()),
    "many refused by clients' fault": (Traffic(status={"422": 3000, "401": 3000}), set()),
    "slow": (Traffic(slow=0.06), {"CreditRiskSlow"}),
    "not quite slow": (Traffic(slow=0.04), set()),
    "few applications": (Traffic(decisions=0.69 * 3000), {"CreditRiskFewApplications"}),
    "enough applications": (Traffic(decisions=0.71 * 3000), set()),
    "no decision": (Traffic(decisions=0), {"CreditRiskFewApplications", "CreditRiskNoDecisions"}),
    "ledger gone": (
        Traffic(decisions=0, status={"503": 3000}),
        {"CreditRiskErrors", "CreditRiskFewApplications", "CreditRiskNoDecisions", "CreditRiskLedgerUnavailable"},
    ),
    "never a decision": (
        Traffic(decisions=None, status={"500": 3000}),
        {"CreditRiskErrors", "CreditRiskFewApplications", "CreditRiskNoDecisions"},
    ),
    "overload sheds some": (Traffic(status={"503": 60}), set()),
    "queue": (Traffic(queue=600), {"CreditRiskLedgerQueue"}),
    "lapsed": (Traffic(lapses=1), {"CreditRiskAdmissionLapsed"}),
    "down": (Traffic(up=0), {"CreditRiskDown"}),
    "not even there": (Traffic(up=None), {"CreditRiskDown"}),
}


def test_the_rules_are_rules(environment, tmp_path):
    file = alarms.write(tmp_path, environment)
    checked = promtool("check", "rules", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SUCCESS: 9 rules found" in checked.stdout


@pytest.mark.parametrize(
    ("traffic", "fire"), [pytest.param(*fault, id=name) for name, fault in {"sound": (SOUND, set()), **FAULTS}.items()]
)
def test_a_fault_fires_its_alerts_and_no_other(environment, tmp_path, traffic, fire):
    file = alarms.write(tmp_path, environment)
    rules = {rule["alert"]: rule for rule in alarms.rules(environment)["groups"][0]["rules"]}
    expected = [
        {
            "eval_time": "40m",
            "alertname": name,
            "exp_alerts": [
                {"exp_labels": {**rule["labels"], **extra(name, traffic)}, "exp_annotations": rule["annotations"]}
            ]
            if name in {*fire, ALWAYS}
            else [],
        }
        for name, rule in rules.items()
    ]
    tests = {"rule_files": [str(file)], "evaluation_interval": "30s"}
    tests["tests"] = [{"interval": "1m", "input_series": traffic.series(), "alert_rule_test": expected}]
    path = tmp_path / "tests.yaml"
    YAML().dump(tests, path)
    tested = promtool("test", "rules", str(path))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def extra(name: str, traffic: Traffic) -> dict[str, str]:
    """Labels of an alert about one service, or about there being none."""
    single = name in {"CreditRiskDown", "CreditRiskLedgerQueue", "CreditRiskAdmissionLapsed"}
    return {"job": "credit-risk"} if single else {}


def runbooks() -> list[str]:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.split("## Runbooks\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^### (.+)$", section, re.MULTILINE)


def test_every_alert_has_its_runbook_and_every_runbook_its_alert(environment):
    assert sorted({alarm.runbook for alarm in alarms.alarms(environment)}) == sorted(runbooks())


def test_every_alert_says_whose_it_is_how_urgent_and_where_to_read(environment):
    for rule in alarms.rules(environment)["groups"][0]["rules"]:
        assert rule["labels"]["owner"] == environment.monitoring.owner != ""
        assert rule["labels"]["severity"] in ("page", "ticket", "none")
        assert re.fullmatch(r"docs/operations\.md#[a-z0-9_-]+", rule["annotations"]["runbook_url"])


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("More errors than `monitoring.error_rate_above`", "more-errors-than-monitoringerror_rate_above"),
        ("The ledger's queue is long", "the-ledgers-queue-is-long"),
    ],
)
def test_an_anchor_is_the_one_that_github_gives(heading, anchor):
    assert alarms.anchor(heading) == anchor


def test_the_metrics_of_the_rules_are_those_of_the_service(environment):
    from credit_risk.serving.prometheus import ServiceMetrics  # noqa: PLC0415

    metrics = ServiceMetrics("s" * 64)
    metrics.count_decision("approve", 0.1, 600.0, [])
    metrics.problems.labels("503").inc()
    scraped = metrics.text().decode()
    named = set(re.findall(r"credit_risk_[a-z_]+", alarms.text(environment).split("\n", 1)[1]))
    assert len(named) >= 6
    assert all(f"\n{name}" in scraped for name in named), named
    assert 'le="1.0"' in scraped


def test_a_limit_that_the_service_does_not_count_at_is_refused(tmp_path):
    text = (
        (ENVIRONMENTS / "production.yaml")
        .read_text(encoding="utf-8")
        .replace("p95_above_ms: 1000", "p95_above_ms: 900")
    )
    path = tmp_path / "production.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"p95_above_ms.*answers are counted at"):
        validate_environment_config(path, "production")


def test_the_command_writes_and_checks(tmp_path, capsys):
    shutil.copytree(ENVIRONMENTS, tmp_path / "configs" / "deploy")
    arguments = ["alarms", "--root", str(tmp_path), "--environment", "staging"]
    assert main([*arguments, "--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    path = tmp_path / "configs" / "alarms" / "staging.rules.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("0.05", "0.5"), encoding="utf-8")
    assert main([*arguments, "--check"]) == 1
