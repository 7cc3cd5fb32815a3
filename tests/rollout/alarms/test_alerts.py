"""Each alert fires where its fault is and nowhere else, has a runbook, and says what the config says."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from credit_risk.cli import main
from credit_risk.ledger.settings import LedgerSettings
from credit_risk.rollout.alarms import files
from credit_risk.rollout.alarms.alerts import Alarm, alarms, population_alarms
from credit_risk.rollout.settings import Environment, validate_environment_config
from credit_risk.serving.prometheus import ServiceMetrics
from credit_risk.serving.settings import Access
from credit_risk.serving.supplies import Supplies
from tools import needed

ROOT = Path(__file__).parents[3]
ENVIRONMENTS = Path(__file__).parents[1] / "environments"
NOW = 2_400  # seconds into a test of rules: 40 minutes
ALWAYS = "CreditRiskDeadMansSwitch"


@pytest.fixture(scope="module")
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
    free: float = 0.5
    days_left: float = 15
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
            f"credit_risk_disk_free_ratio{{{labels}}}": self.free,
            f'credit_risk_expires_timestamp_seconds{{{labels}, what="a key"}}': NOW + self.days_left * 86_400,
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
    "disk": (Traffic(free=0.09), {"CreditRiskDiskFull"}),
    "disk not full": (Traffic(free=0.11), set()),
    "a key ends": (Traffic(days_left=13.9), {"CreditRiskExpires"}),
    "a key has ended": (Traffic(days_left=-3), {"CreditRiskExpires"}),
    "down": (Traffic(up=0), {"CreditRiskDown"}),
    "not even there": (Traffic(up=None), {"CreditRiskDown"}),
}


@pytest.fixture(scope="module")
def rules_file(environment, tmp_path_factory):
    """The rules as the command writes them."""
    return files.write(tmp_path_factory.mktemp("rules"), environment)[0]


@pytest.fixture(scope="module")
def population_file(environment, tmp_path_factory):
    """The rules that look at a week, alone: all rules over eight days take seconds. JSON is YAML, and quick."""
    path = tmp_path_factory.mktemp("population") / "rules.yaml"
    groups = [group for group in files.rules(environment)["groups"] if "interval" in group]
    path.write_text(json.dumps({"groups": groups}))
    return path


def every(environment: Environment) -> list[Alarm]:
    return [*alarms(environment), *population_alarms(environment.monitoring)]


def rules_of(environment: Environment) -> list[dict[str, Any]]:
    return [rule for group in files.rules(environment)["groups"] for rule in group["rules"]]


def test_the_rules_are_rules(rules_file):
    checked = promtool("check", "rules", str(rules_file))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SUCCESS: 13 rules found" in checked.stdout


@pytest.mark.parametrize(
    ("traffic", "fire"), [pytest.param(*fault, id=name) for name, fault in {"sound": (SOUND, set()), **FAULTS}.items()]
)
def test_a_fault_fires_its_alerts_and_no_other(environment, rules_file, tmp_path, traffic, fire):
    rules = {rule["alert"]: rule for rule in rules_of(environment)}
    expected = [
        {
            "eval_time": "40m",
            "alertname": name,
            "exp_alerts": [{"exp_labels": {**rule["labels"], **extra(name)}, "exp_annotations": rule["annotations"]}]
            if name in {*fire, ALWAYS}
            else [],
        }
        for name, rule in rules.items()
    ]
    test = {"interval": "1m", "input_series": traffic.series(), "alert_rule_test": expected}
    assert failures(tmp_path, rules_file, "1m", test) == ""


def failures(tmp_path: Path, rules: Path, evaluated_every: str, test: dict[str, Any]) -> str:
    """What `promtool test rules` finds wrong; empty where everything fires as expected."""
    tests = {"rule_files": [str(rules)], "evaluation_interval": evaluated_every}
    path = tmp_path / "tests.yaml"
    path.write_text(json.dumps(tests | {"tests": [test]}))
    tested = promtool("test", "rules", str(path))
    return "" if tested.returncode == 0 else tested.stdout + tested.stderr


@dataclass
class Week:
    """A week of one scorer, hour by hour, then 30 hours in which the shares may be others; each is of decisions."""

    an_hour: float
    low: tuple[float, float] = (0.5, 0.5)  # scores at or below 550, in the week and on the last day
    approved: tuple[float, float] = (0.7, 0.7)

    def series(self) -> list[dict[str, str]]:
        labels, scorer = 'job="credit-risk"', 'scorer="a"'
        shares = {
            f'credit_risk_score_bucket{{{labels}, {scorer}, le="550.0"}}': self.low,
            f'credit_risk_score_bucket{{{labels}, {scorer}, le="+Inf"}}': (1.0, 1.0),
            f"credit_risk_score_count{{{labels}, {scorer}}}": (1.0, 1.0),
            f'credit_risk_decisions_total{{{labels}, {scorer}, outcome="approve"}}': self.approved,
            f'credit_risk_decisions_total{{{labels}, {scorer}, outcome="decline"}}': tuple(
                1 - share for share in self.approved
            ),
        }
        return [{"series": name, "values": self._hours(*each)} for name, each in shares.items()]

    def _hours(self, week: float, day: float) -> str:
        before, last = self.an_hour * week, self.an_hour * day
        return f"0+{before:g}x168 {before * 168 + last:g}+{last:g}x31"


# At 1,000 a day chance is 1.358 * sqrt(1/1000 + 1/7000) = 0.046 of a gap in scores, and 0.030 of a share of 0.7.
SHIFTS = {
    "same": (Week(1000 / 24), set()),
    "scores apart by more than limit and chance": (Week(1000 / 24, low=(0.5, 0.66)), {"CreditRiskScoreDrift"}),
    "scores apart by less": (Week(1000 / 24, low=(0.5, 0.63)), set()),
    "approvals lower": (Week(1000 / 24, approved=(0.7, 0.56)), {"CreditRiskApprovalShift"}),
    "approvals higher": (Week(1000 / 24, approved=(0.7, 0.84)), {"CreditRiskApprovalShift"}),
    "approvals lower by less": (Week(1000 / 24, approved=(0.7, 0.58)), set()),
    "nobody is approved": (Week(1000 / 24, approved=(0.7, 0.0)), {"CreditRiskApprovalShift"}),
    "too few to say": (Week(20 / 24, low=(0.5, 0.66), approved=(0.7, 0.56)), set()),
    "nobody applies": (Week(0), set()),
}


@pytest.mark.parametrize(("week", "fire"), [pytest.param(*each, id=name) for name, each in SHIFTS.items()])
def test_who_applies_and_who_is_approved_is_held_against_a_week(environment, population_file, tmp_path, week, fire):
    rules = {rule["alert"]: rule for rule in rules_of(environment)}
    expected = [
        {
            "eval_time": "198h",
            "alertname": alarm.name,
            "exp_alerts": [
                {
                    "exp_labels": {**rules[alarm.name]["labels"], "scorer": "a"},
                    "exp_annotations": rules[alarm.name]["annotations"],
                }
            ]
            if alarm.name in fire
            else [],
        }
        for alarm in population_alarms(environment.monitoring)
    ]
    test = {"interval": "1h", "input_series": week.series(), "alert_rule_test": expected}
    assert failures(tmp_path, population_file, "6h", test) == ""


def extra(name: str) -> dict[str, str]:
    """Labels of an alert about one service, or about there being none."""
    single = {"CreditRiskDown", "CreditRiskLedgerQueue", "CreditRiskAdmissionLapsed", "CreditRiskDiskFull"}
    labels = {"job": "credit-risk"} if name in {*single, "CreditRiskExpires"} else {}
    return labels | ({"what": "a key"} if name == "CreditRiskExpires" else {})


def runbooks() -> list[str]:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.split("## Runbooks\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^### (.+)$", section, re.MULTILINE)


def test_every_alert_has_its_runbook_and_every_runbook_its_alert(environment):
    assert sorted({alarm.runbook for alarm in every(environment)}) == sorted(runbooks())


def test_every_alert_says_whose_it_is_how_urgent_and_where_to_read(environment):
    for rule in rules_of(environment):
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
    assert files.anchor(heading) == anchor


def test_the_metrics_of_the_rules_are_those_of_the_service(environment, tmp_path):
    own = {"ledger": LedgerSettings(url="sqlite:///ledger.db"), "access": Access(mode="keys")}
    supplies = Supplies(environment.serving.model_copy(update=own), tmp_path)
    metrics = ServiceMetrics("s" * 64, supplies)
    metrics.count_decision("approve", 0.1, 600.0, [])
    metrics.problems.labels("503").inc()
    scraped = metrics.text().decode()
    named = {name for alarm in every(environment) for name in re.findall(r"credit_risk_[a-z_]+", alarm.expr)}
    assert len(named) >= 10
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
