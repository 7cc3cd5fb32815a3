"""Prometheus and Alertmanager on this machine: what they are started with, and that a real fault reaches a person."""

import json
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import httpx
import psutil
import pytest
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.errors import UsageError
from credit_risk.rollout.local import alarms
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.local.supervisor import known
from registry_trial import empty_registry, files, opened, registered
from rollout_trial import KEY, write_environment
from tools import HAPROXY, PATIENCE, free_ports, needed

__all__ = ["empty_registry", "files", "opened", "registered"]

PROGRAMS = {"prometheus": "prometheus", "promtool": "prometheus", "amtool": "prometheus-alertmanager"}


@pytest.fixture
def folder(tmp_path):
    here = LocalFolder(tmp_path)
    here.run.mkdir(parents=True)
    here.write_versions({"blue": "1"})
    return here


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(alarms.shutil, "which", lambda program: f"/usr/bin/{program}")


def with_limits(environment, **changed):
    return environment.model_copy(update={"monitoring": environment.monitoring.model_copy(update=changed)})


def test_prometheus_takes_what_it_is_started_with(folder, environment):
    program = shutil.which("promtool")
    needed(program, "promtool is not installed: apt-get install prometheus")
    alarms.write(folder, environment)
    alarms.write_targets(folder, environment)
    checked = subprocess.run(
        [program, "check", "config", str(folder.alarms / alarms.SCRAPES)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SUCCESS: 1 rule files found" in checked.stdout


def test_targets_are_the_replicas_that_shall_run(folder, environment):
    def targets():
        alarms.write_targets(folder, environment)
        return json.loads((folder.alarms / alarms.TARGETS).read_text(encoding="utf-8"))

    blue, green = environment.router.blue_port, environment.router.green_port
    assert targets() == [{"targets": [f"127.0.0.1:{blue}"]}]
    folder.write_versions({"blue": "1", "green": "2"})
    assert targets() == [{"targets": [f"127.0.0.1:{blue}", f"127.0.0.1:{green}"]}]


@pytest.mark.usefixtures("installed")
def test_both_listen_on_this_machine_alone_at_the_ports_of_the_environment(folder, environment):
    watched = with_limits(environment, prometheus_port=9501, alertmanager_port=9502)
    started = {command.name: command.words for command in alarms.commands(folder, watched)}
    assert started["prometheus"][:2] == ("/usr/bin/prometheus", "--web.listen-address=127.0.0.1:9501")
    assert started["alertmanager"][:2] == ("/usr/bin/prometheus-alertmanager", "--web.listen-address=127.0.0.1:9502")


@pytest.mark.usefixtures("installed")
def test_other_limits_take_another_process_and_the_same_do_not(folder, environment):
    def versions(settings):
        return {command.version for command in alarms.commands(folder, settings)}

    assert versions(environment) == versions(environment)
    assert versions(environment) != versions(with_limits(environment, error_rate_above=0.01))


def test_where_they_are_not_installed_the_way_out_is_said(folder, environment, monkeypatch):
    monkeypatch.setattr(alarms.shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match=r"There is no prometheus here.*ALARMS=off"):
        alarms.commands(folder, environment)


@pytest.fixture
def pager():
    """A webhook: what was posted to it and when, and its address."""
    posted = []

    class Pager(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posted.append((time.monotonic(), self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pager)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(posted=posted, url=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


@pytest.fixture
def up(files, registered, opened, pager, monkeypatch):
    """The real service with its alarms, which call the pager; ended afterwards."""
    needed(HAPROXY, "haproxy (Debian package haproxy)")
    for program, package in PROGRAMS.items():
        needed(shutil.which(program), f"{program} is not installed: apt-get install {package}")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    registered()
    write_environment(files.root)
    path, yaml = files.root / "configs" / "deploy" / "local.yaml", YAML()
    tree = yaml.load(path)
    prometheus, alertmanager = free_ports(2)
    tree["monitoring"] |= {"prometheus_port": prometheus, "alertmanager_port": alertmanager, "scrape_s": 2}
    tree["monitoring"] |= {"webhook": f"{pager.url}/alerts", "heartbeat": f"{pager.url}/heartbeat"}
    yaml.dump(tree, path)
    root = ["--root", str(files.root)]
    try:
        assert main(["up", *root]) == 0
        yield LocalFolder(files.root), f"http://127.0.0.1:{prometheus}"
    finally:
        assert main(["down", *root]) == 0


def until(what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return result


@pytest.mark.weekly
def test_a_service_that_stays_down_is_told_to_a_person_within_seconds(up, pager):
    folder, prometheus = up

    def scraped():
        results = httpx.get(f"{prometheus}/api/v1/query", params={"query": "up"}).json()["data"]["result"]
        return [result["value"][1] for result in results] == ["1"]

    def told(path, alert):
        for at, address, body in list(pager.posted):
            names = [each["labels"]["alertname"] for each in body["alerts"] if each["status"] == "firing"]
            if address == path and alert in names:
                return at
        return None

    until(scraped)
    until(lambda: told("/heartbeat", "CreditRiskDeadMansSwitch"))
    assert told("/alerts", "CreditRiskDown") is None
    # It is killed, and cannot start again: what it serves is not what was signed any more.
    (folder.release("blue") / "models" / "scorer" / "scorer.json").write_text("{}")
    stopped = time.monotonic()
    psutil.Process(known(folder)["blue-1"]["pid"]).kill()
    seconds = until(lambda: told("/alerts", "CreditRiskDown"), 60 + PATIENCE) - stopped
    print(f"\nfrom a service that was stopped to the webhook: {seconds:.1f} s, of which 60 it has to last")
    assert 60 <= seconds < 90
