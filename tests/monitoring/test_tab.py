"""The tab of the service's page: the last report as it was written, for the scope `admin`, whatever lies there."""

import json

import pytest
from starlette.testclient import TestClient

from conftest import LENDER
from credit_risk.config import load
from credit_risk.data.files import Files
from credit_risk.ledger.database.store import Store
from credit_risk.ledger.sealing import Secret
from credit_risk.monitoring import tab
from credit_risk.serving import page
from credit_risk.serving.clients import key_file
from monitoring.test_page import report, window
from serving.conftest import root, serve

__all__ = ["report", "root", "serve"]


@pytest.fixture
def path(root, tmp_path, monkeypatch):
    """Where the service looks for the report; nothing lies there yet."""
    monkeypatch.setattr(Files, "report", lambda _, name: tmp_path / f"{name}.json")
    return tmp_path / "monitoring.json"


def asked(client: TestClient, **headers: str) -> dict[str, object]:
    answer = client.get("/monitoring", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def test_the_last_report_is_shown_as_it_was_written(path, serve, report):
    path.write_text(json.dumps({**report, "digest": "of its content"}), encoding="utf-8")
    assert asked(serve()) == {"why": "", "report": report}


def test_a_service_that_runs_elsewhere_is_told_where_the_report_lies(path, serve, report, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps(report), encoding="utf-8")
    monkeypatch.setenv(tab.REPORT, str(elsewhere))
    assert asked(serve())["report"]["as_of"] == "2026-04-15"


def test_of_a_long_history_a_year_is_sent(path, report):
    report["drift"]["windows"] = [window(f"{2024 + at // 12}-{at % 12 + 1:02}", "IN") for at in range(30)]
    report["shifts"] = {"verdict": "CANNOT SAY", "why": "not set"}
    path.write_text(json.dumps(report), encoding="utf-8")
    sent = tab.last_report(path)["report"]
    assert [each["month"] for each in sent["drift"]["windows"]] == [f"2025-{month:02}" for month in range(7, 13)] + [
        f"2026-{month:02}" for month in range(1, 7)
    ]
    assert sent["shifts"]["months"] == []


def test_where_nothing_was_measured_a_sentence_says_so(path, serve):
    assert asked(serve()) == {"why": tab.NONE_YET, "report": None}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"as_of": "2026-04-15"}', '{"drift": 1}', "\udc80", "[" * 100_000]
)
def test_what_is_no_report_is_a_sentence_and_no_failure(path, serve, text):
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert asked(serve()) == {"why": tab.UNREADABLE, "report": None}


@pytest.mark.parametrize("name", tab.SHOWN)
def test_a_report_that_lacks_a_part_is_of_another_version(path, report, name):
    del report[name]
    path.write_text(json.dumps(report), encoding="utf-8")
    assert tab.last_report(path)["why"] == tab.UNREADABLE


def test_it_is_for_the_scope_admin_alone(path, serve, tmp_path):
    keys = {scope: key_file.add_key(tmp_path / "keys.json", scope, [scope], 1) for scope in ("read:all", "admin")}
    client = serve(access={"mode": "keys", "keys_file": "keys.json"})
    assert client.get("/monitoring").status_code == 401
    refused = client.get("/monitoring", headers={"X-API-Key": keys["read:all"]})
    assert (refused.status_code, "admin" in refused.json()["detail"]) == (403, True)
    assert asked(client, **{"X-API-Key": keys["admin"]})["why"] == tab.NONE_YET


def test_looking_unseals_nothing_and_asks_no_database(path, serve, report, monkeypatch):
    path.write_text(json.dumps(report), encoding="utf-8")
    client = serve()

    def never(*_: object) -> None:
        raise AssertionError("a request for the last report reads the ledger")

    monkeypatch.setattr(Secret, "unwrap", never)
    monkeypatch.setattr(Store, "reading", never)
    monkeypatch.setattr(Store, "core", never)
    assert asked(client)["why"] == ""


def test_it_is_read_only(path, serve):
    refused = serve().post("/monitoring", json={})
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("needs_key", [True, False])
def test_the_page_has_the_tab_and_asks_for_a_key_where_one_is_needed(needs_key):
    config = load(LENDER / "credit.yaml")
    html = page.render(config, example={}, scorer="ab12", needs_key=needs_key).html
    assert 'id="tab-monitoring"' in html
    assert ('id="admin-key"' in html) == needs_key
