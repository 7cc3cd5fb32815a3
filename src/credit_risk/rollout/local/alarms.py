"""Prometheus and Alertmanager beside the services of this machine: what they read, and how each is started."""

import hashlib
import shutil
from typing import Any

from credit_risk.data.writing import json_text, write_text
from credit_risk.errors import UsageError
from credit_risk.rollout.alarms.files import texts
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.processes import ProcessCommand, answers
from credit_risk.rollout.settings import Environment

PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
# Debian calls Alertmanager's program after its package.
PROGRAMS = {PROMETHEUS: ("prometheus",), ALERTMANAGER: ("prometheus-alertmanager", "alertmanager")}
RULES, ROUTES, SCRAPES, TARGETS = "rules.yaml", "alertmanager.yaml", "prometheus.yaml", "targets.json"
KEPT_DAYS = 15  # of samples; the alerts read eight


def commands(folder: LocalFolder, environment: Environment) -> tuple[ProcessCommand, ...]:
    """Both as processes to be kept running. Raises UsageError where one of the programs is not installed.

    Their version is a digest of what they read: other limits take another process.
    """
    home, watched = folder.alarms, environment.monitoring
    version = hashlib.sha256("".join(_texts(folder, environment).values()).encode()).hexdigest()[:12]
    flags = {
        PROMETHEUS: (
            watched.prometheus_port,
            f"--config.file={home / SCRAPES}",
            f"--storage.tsdb.path={home / PROMETHEUS}",
            f"--storage.tsdb.retention.time={KEPT_DAYS}d",
        ),
        ALERTMANAGER: (
            watched.alertmanager_port,
            f"--config.file={home / ROUTES}",
            f"--storage.path={home / ALERTMANAGER}",
            "--cluster.listen-address=",  # alone: no port for others of its kind
        ),
    }
    return tuple(
        ProcessCommand(
            name,
            (_program(name), f"--web.listen-address=127.0.0.1:{port}", *more),
            answers(f"http://127.0.0.1:{port}/-/ready"),
            folder.log(name),
            starts_within=60,
            version=version,
        )
        for name, (port, *more) in flags.items()
    )


def write(folder: LocalFolder, environment: Environment) -> None:
    """Write what both read, but for the targets."""
    for name, text in _texts(folder, environment).items():
        write_text(folder.alarms / name, text)


def write_targets(folder: LocalFolder, environment: Environment) -> None:
    """Let Prometheus know which replicas shall run. It sees a change of the file by itself."""
    ports = [replica.port(environment) for replica in folder.replicas(environment.scaling)]
    text = json_text([{"targets": [f"127.0.0.1:{port}" for port in ports]}])
    path = folder.alarms / TARGETS
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def _texts(folder: LocalFolder, environment: Environment) -> dict[str, str]:
    """The files by name: alerts and routes as `credit-risk alarms` writes them, and what is scraped. JSON is YAML."""
    rules, routes = texts(environment).values()
    return {RULES: rules, ROUTES: routes, SCRAPES: json_text(_scrapes(folder, environment)) + "\n"}


def _scrapes(folder: LocalFolder, environment: Environment) -> dict[str, Any]:
    watched, home = environment.monitoring, folder.alarms
    every = f"{round(watched.scrape_s * 1e3)}ms"
    own = {"job_name": "credit-risk", "file_sd_configs": [{"files": [str(home / TARGETS)]}]}
    manager = {"static_configs": [{"targets": [f"127.0.0.1:{watched.alertmanager_port}"]}]}
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(home / RULES)],
        "alerting": {"alertmanagers": [manager]},
        "scrape_configs": [own],
    }


def _program(name: str) -> str:
    for program in PROGRAMS[name]:
        if path := shutil.which(program):
            return path
    raise UsageError(
        f"There is no {name} here. Install it: apt-get install prometheus prometheus-alertmanager, or `.ci/packages`; "
        "or go without alarms: `make up ALARMS=off` (credit-risk up --no-alarms)."
    )
