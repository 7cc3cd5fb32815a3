"""The alerts as files: rules for Prometheus, and the way of an alert to a person for Alertmanager."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from credit_risk.data.writing import write_text
from credit_risk.errors import CheckFailed
from credit_risk.rollout.alarms.alerts import Alarm, alarms, population_alarms
from credit_risk.rollout.settings import Environment

FOLDER = Path("configs") / "alarms"
HEAD = "# Written by `credit-risk alarms --environment {0}` from configs/deploy/{0}.yaml; edits are lost.\n"
PAGE = "docs/operations.md"
# A page goes out at once, a ticket with others that come meanwhile; both again while nobody has mended it.
PAGE_WAIT, TICKET_WAIT, AGAIN = "5s", "5m", {"page": "1h", "ticket": "1d"}
HEARTBEAT = "1m"  # between two signs of life to monitoring.heartbeat
DOWN, SWITCH = "CreditRiskDown", "CreditRiskDeadMansSwitch"
FOLLOWS_FROM_DOWN = "CreditRiskFewApplications|CreditRiskNoDecisions"


class StaleAlarms(CheckFailed, ValueError):
    """Files on disk are not what the config says."""


def rules(environment: Environment) -> dict[str, Any]:
    """The alerts as a file of rules for Prometheus."""
    groups = [
        {"name": "credit-risk", "rules": _rules(alarms(environment), environment)},
        {
            "name": "credit-risk-population",
            "interval": "10m",
            "rules": _rules(population_alarms(environment.monitoring), environment),
        },
    ]
    return {"groups": groups}


def _rules(alerts: Iterable[Alarm], environment: Environment) -> list[dict[str, Any]]:
    return [
        {
            "alert": alarm.name,
            "expr": alarm.expr,
            "for": alarm.lasts,
            "labels": {
                "severity": alarm.severity,
                "owner": environment.monitoring.owner,
                "environment": environment.environment,
            },
            "annotations": {"summary": alarm.summary, "runbook_url": f"{PAGE}#{anchor(alarm.runbook)}"},
        }
        for alarm in alerts
    ]


def routes(environment: Environment) -> dict[str, Any]:
    """The config of Alertmanager: pages and tickets to `monitoring.webhook`, the switch to `monitoring.heartbeat`.

    Without a webhook nobody is called, and alerts stand in Alertmanager's own page alone.
    """
    watched = environment.monitoring
    switch = {
        "receiver": "heartbeat",
        "matchers": [f'alertname="{SWITCH}"'],
        "group_wait": "0s",
        "group_interval": HEARTBEAT,
        "repeat_interval": HEARTBEAT,
    }
    page = {
        "receiver": "person",
        "matchers": ['severity="page"'],
        "group_wait": PAGE_WAIT,
        "repeat_interval": AGAIN["page"],
    }
    quiet = {
        "source_matchers": [f'alertname="{DOWN}"'],
        "target_matchers": [f'alertname=~"{FOLLOWS_FROM_DOWN}"'],
        "equal": ["environment"],
    }
    return {
        "route": {
            "receiver": "person",
            "group_by": ["alertname", "environment"],
            "group_wait": TICKET_WAIT,
            "repeat_interval": AGAIN["ticket"],
            "routes": [switch, page],
        },
        "inhibit_rules": [quiet],
        "receivers": [_receiver("person", watched.webhook), _receiver("heartbeat", watched.heartbeat)],
    }


def _receiver(name: str, url: str | None) -> dict[str, Any]:
    return {"name": name} | ({"webhook_configs": [{"url": url}]} if url else {})


def texts(environment: Environment) -> dict[str, str]:
    """The files of an environment: name in configs/alarms to content, with its origin in the first line."""
    name = environment.environment
    contents = {f"{name}.rules.yaml": rules(environment), f"{name}.alertmanager.yaml": routes(environment)}
    return {file: HEAD.format(name) + _yaml(content) for file, content in contents.items()}


def write(root: Path, environment: Environment) -> list[Path]:
    """Write the files of an environment, and return where they lie."""
    written = {root / FOLDER / name: text for name, text in texts(environment).items()}
    for path, text in written.items():
        write_text(path, text)
    return list(written)


def check(root: Path, environment: Environment) -> None:
    """Raise StaleAlarms if files on disk are not what the config says."""
    paths = {root / FOLDER / name: text for name, text in texts(environment).items()}
    stale = [str(path) for path, text in paths.items() if not path.is_file() or path.read_text("utf-8") != text]
    if stale:
        command = f"credit-risk alarms --environment {environment.environment}"
        raise StaleAlarms(f"stale: {', '.join(stale)}. `{command}` writes them.")


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading: small letters, no punctuation but - and _, blanks as -."""
    kept = (letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return "".join(kept).replace(" ", "-")


def _yaml(content: dict[str, Any]) -> str:
    stream, yaml = io.StringIO(), YAML()
    yaml.width = 4096
    yaml.dump(content, stream)
    return stream.getvalue()
