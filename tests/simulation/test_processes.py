"""A process is given a day, a pager keeps what was posted, and what is not installed is said."""

import json
import urllib.request
from datetime import date

import pytest

from credit_risk.errors import CheckFailed, UsageError
from credit_risk.simulation import pager, processes
from tools import needed

DAY = date(2022, 9, 15)


@pytest.fixture
def there():
    try:
        return processes.library()
    except UsageError as error:
        needed(None, str(error))


@pytest.fixture
def called():
    with pager.listening() as listening:
        listening.day = DAY
        yield listening


def test_a_process_takes_it_to_be_the_day_and_seconds_stay_seconds(there, called, tmp_path, monkeypatch):
    runs = processes.Processes(tmp_path, there, 20_000, called)
    told = "import datetime, sys; print(datetime.date.today(), sys.argv[1:])"
    monkeypatch.setattr(
        processes.Processes, "_command", lambda self, name: [processes.sys.executable, "-c", told, name]
    )
    assert runs.run(DAY, "verb", "--flag").strip() == f"2022-09-15 {['verb', '--flag', '--root', str(tmp_path)]}"
    first = runs.environment(DAY)["DATEFUDGE"]
    assert runs.environment(DAY)["DATEFUDGE"] == first  # the second process of a day is later, not at noon again


def test_what_a_command_refuses_is_raised_with_its_sentence(there, called, tmp_path):
    runs = processes.Processes(tmp_path, there, 20_000, called)
    with pytest.raises(CheckFailed, match="no such file") as refused:
        runs.run(DAY, "ledger verify")
    assert str(tmp_path) not in str(refused.value)  # the page names no folder of this machine


def test_a_pager_keeps_each_alarm_of_a_day_once(called):
    alert = {
        "status": "firing",
        "labels": {"alertname": "CreditRiskDown"},
        "annotations": {"summary": "It is down.", "runbook_url": "docs/operations.md#down"},
    }
    for status in ("firing", "firing", "resolved"):
        body = json.dumps({"alerts": [alert | {"status": status}]}).encode()
        urllib.request.urlopen(urllib.request.Request(called.url, data=body)).close()
    assert called.alarms == [
        {
            "day": "2022-09-15",
            "name": "CreditRiskDown",
            "summary": "It is down.",
            "runbook": "docs/operations.md#down",
        }
    ]
    assert called.has("CreditRiskDown")
    called.day = date(2022, 10, 15)
    assert not called.has("CreditRiskDown")


def test_without_datefudge_the_way_out_is_said(monkeypatch):
    monkeypatch.setattr(processes, "LIBRARIES", "/nowhere/*")
    with pytest.raises(UsageError, match=r"apt-get install datefudge.*--no-service"):
        processes.library()


def test_ports_in_a_row_are_free():
    first = processes.free_ports()
    assert processes.FIRST_PORT <= first < processes.LAST_PORT
