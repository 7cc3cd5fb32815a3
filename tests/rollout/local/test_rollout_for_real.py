"""A rollout from end to end: registry, HAProxy, BentoML's processes and applicants, by the commands that people use."""

import re
import time

import httpx
import pytest

from credit_risk.cli import main
from credit_risk.data import digest
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from credit_risk.registry.lifecycle import standing
from credit_risk.rollout.alarms.alerts import alarms, population_alarms
from credit_risk.rollout.alarms.dashboards import charts
from credit_risk.rollout.local.folder import LocalFolder
from credit_risk.rollout.settings import validate_environment_config
from registry_trial import assemble_again, empty_registry, files, move_version, opened, registered
from rollout.alarms.queries import metrics_named
from rollout_trial import ADA, KEY, Applicants, write_environment
from tools import HAPROXY, needed

__all__ = ["empty_registry", "files", "opened", "registered"]

pytestmark = pytest.mark.slow

KIM = ["--by", "Kim Lee", "--reason", "a reason of five words"]


@pytest.fixture
def up(files, registered, opened, monkeypatch):
    """The repository with version 1 as champion, up; ended afterwards."""
    needed(HAPROXY, "haproxy (Debian package haproxy)")
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY)
    registered()
    for move in ("nominate", "promote"):
        move_version(opened, move, "1")
    port = write_environment(files.root)
    root = ["--root", str(files.root)]
    try:
        assert main(["up", "--no-alarms", *root, "--model-version", "champion"]) == 0
        yield port, root
    finally:
        assert main(["down", *root]) == 0


@pytest.mark.weekly
def test_a_rollout_and_a_rollback_fail_no_request_and_the_registry_follows(up, files, registered, opened, capsys):
    port, root = up
    versions = {1: digest.of_directory(files.scorer)}
    assemble_again(files, lgd=0.51)
    registered()
    versions[2] = digest.of_directory(files.scorer)
    move_version(opened, "nominate", "2")
    with Applicants(port, rate=200, people=100) as asking:
        time.sleep(2)
        assert main(["deploy", *root, "--model-version", "2", "--current-version", "1", *ADA]) == 0
        assert standing(opened.events()).champion == 2
        gone_over = asking.scorers()
        assert main(["rollback", *root, *ADA]) == 0
        assert standing(opened.events()).champion == 1
        time.sleep(4)  # until everybody has asked once more
    assert asking.failed() == []
    assert {scorer for scorers in gone_over.values() for scorer in scorers} == set(versions.values())
    for scorers in gone_over.values():  # whoever has met the new scorer stays with it
        assert scorers == sorted(scorers, key=list(versions.values()).index)
    assert {scorers[-1] for scorers in asking.scorers().values()} == {versions[1]}
    assert LocalFolder(files.root).versions() == {"blue": "1"}
    with Ledger.open(f"sqlite:///{files.root / 'build/ledger/ledger.db'}", key=bytes.fromhex(KEY)) as ledger:
        assert verify(ledger).holds
        recorded = [one.decision_id for person in asking.scorers() for one in ledger.decisions_about(person)]
    assert sorted(recorded) == sorted(one.decision for one in asking.answers)  # nothing lost, nothing twice
    assert main(["status", *root]) == 0
    assert "rollback of 1" in capsys.readouterr().out.replace("\n", " ")


def test_four_eyes_and_the_shadow_each_stop_a_candidate_before_it_decides(up, files, registered, opened, capsys):
    """One environment for both, as starting it is most of the work: who registered may not deploy, then Ada may."""
    port, root = up
    assemble_again(files, lgd=2.0)  # declines nearly all
    registered()
    move_version(opened, "nominate", "2")
    assert main(["deploy", *root, *KIM]) == 1
    assert "four eyes" in capsys.readouterr().err
    assert LocalFolder(files.root).versions() == {"blue": "1"}
    with Applicants(port, rate=200, people=100) as asking:
        time.sleep(4)
    assert asking.failed() == []
    assert named_by_alerts_and_dashboard(files.root) <= scraped(files.root, port) | {"up"}  # which Prometheus adds
    assert main(["deploy", *root, *ADA]) == 1
    assert "shadow: approval_rate" in capsys.readouterr().err
    assert standing(opened.events()).champion == 1
    assert LocalFolder(files.root).versions() == {"blue": "1"}


def named_by_alerts_and_dashboard(root):
    environment = validate_environment_config(root / "configs" / "deploy" / "local.yaml")
    queries = [alarm.expr for alarm in (*alarms(environment), *population_alarms(environment.monitoring))]
    queries += [query for chart in charts(environment) for query in chart.queries.values()]
    named = set().union(*map(metrics_named, queries))
    assert len(named) >= 12
    return named


def scraped(root, port):
    """The names at /metrics of the running service, once it has refused an application and decided one with a gap.

    Nothing expires here, so that of this metric its type alone is there.
    """
    router = f"http://127.0.0.1:{port}"
    gap = {"employment": ">=7y", "purpose": "car", "loan_amount": 2_000.0, "term_months": 12, "utilisation": 0.05}
    gap |= {"months_late": 0, "existing_customer": True}
    for body in ({"no such field": 1}, gap):
        httpx.post(f"{router}/decide", json=body)
    environment = validate_environment_config(root / "configs" / "deploy" / "local.yaml")
    text = httpx.get(f"http://127.0.0.1:{environment.router.blue_port}/metrics").text
    return set(re.findall(r"^(?:# TYPE )?(credit_risk_\w+)", text, re.MULTILINE))
