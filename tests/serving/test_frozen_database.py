"""PostgreSQL that takes what is sent and answers nothing: 503 within the stated time, and none of it for ever."""

import signal
import threading
import time
from contextlib import suppress

import psutil
import psycopg
import pytest
from starlette.testclient import TestClient

from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.serving import engine, web
from credit_risk.serving.clients import access
from credit_risk.serving.settings import Serving
from postgresql import server

__all__ = ["server"]
LONG = 120  # seconds, after which a wait is taken for one without end


def signalled(server, sign: signal.Signals) -> None:
    first = psutil.Process(server.process.pid)
    for process in (first, *first.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(sign)


@pytest.fixture
def freeze(server):
    """Call it to freeze the server; it goes on after the test at the latest."""
    yield lambda: signalled(server, signal.SIGSTOP)
    signalled(server, signal.SIGCONT)


def test_a_frozen_database_is_503_for_decisions_reads_and_health_and_comes_back(root, server, freeze, application):
    ledger = {"url": server.new_database(), "busy_timeout_s": 1, "answer_timeout_s": 1}
    settings = Serving.model_validate({"ledger": ledger, "access": {"mode": "off"}, "gate": "reported"})
    variables = {"CREDIT_RISK_LEDGER_KEY": "5e" * 32}

    def made() -> web.Service:
        return web.Service.of(settings, engine.start(root, settings, variables), access.guard(settings.access, root))

    with TestClient(web.application(made)) as client:
        decided = client.post("/decide", json=application).json()["decision_id"]
        assert client.get("/health").status_code == 200
        freeze()
        statuses: list[int] = []
        asked = [
            threading.Thread(target=lambda: statuses.append(client.post("/decide", json=application).status_code)),
            threading.Thread(target=lambda: statuses.append(client.get(f"/decisions/{decided}").status_code)),
            threading.Thread(target=lambda: statuses.append(client.get("/health").status_code)),
        ]
        for thread in asked:
            thread.start()
        for thread in asked:
            thread.join(LONG)
        assert statuses == [503, 503, 503]
        signalled(server, signal.SIGCONT)
        deadline = time.monotonic() + LONG
        while client.post("/decide", json=application).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_connecting_to_a_frozen_database_ends_by_the_same_deadline(server, freeze):
    """libpq by itself gives each address two seconds or more, beyond what was waited for a connection of before."""
    with Ledger.open(server.new_database(), key=b"k" * 32, busy_timeout_s=1) as ledger:
        ledger.store.answer_timeout_s = 0.5
        ledger.store.engine.dispose()  # as after a fault: the next transaction connects
        freeze()
        with pytest.raises(LedgerUnavailable, match=r"no connection came about within 0.5 seconds"):
            ledger.head()


def test_a_name_that_nobody_looks_up_ends_by_the_same_deadline(server, monkeypatch):
    with Ledger.open(server.new_database(), key=b"k" * 32, busy_timeout_s=1) as ledger:
        ledger.store.answer_timeout_s = 0.5
        ledger.store.engine.dispose()
        asked, late = threading.Event(), []
        connect = psycopg.Connection.connect.__func__

        def hang(cls, *arguments, **options):
            asked.wait(LONG)
            late.append(connect(cls, *arguments, **options))
            return late[0]

        monkeypatch.setattr(psycopg.Connection, "connect", classmethod(hang))
        with pytest.raises(LedgerUnavailable, match=r"no connection came about within 0.5 seconds"):
            ledger.head()
        asked.set()
        deadline = time.monotonic() + LONG
        while not (late and late[0].closed):  # one that comes late is nobody's, and is not left open
            assert time.monotonic() < deadline
            time.sleep(0.01)
        monkeypatch.undo()
        ledger.head()


def sleep_often(ledger: Ledger) -> None:
    with ledger.store.reading() as cursor:
        for _ in range(LONG):
            cursor.execute("SELECT pg_sleep(0.4)")


def test_a_transaction_of_many_short_waits_ends_by_the_same_deadline(server):
    with Ledger.open(server.new_database(), key=b"k" * 32, busy_timeout_s=1) as ledger:
        ledger.store.answer_timeout_s = 1.0
        with pytest.raises(LedgerUnavailable, match=r"did not answer within 1.0 seconds"):
            sleep_often(ledger)
        ledger.head()


def test_without_the_services_limit_a_long_statement_may_take_its_time(server):
    with Ledger.open(server.new_database(), key=b"k" * 32, busy_timeout_s=1) as ledger:
        with ledger.store.reading() as cursor:
            cursor.execute("SELECT pg_sleep(2.5)")
        ledger.store.answer_timeout_s = 0.5
        with (
            pytest.raises(LedgerUnavailable, match=r"did not answer within 0.5 seconds"),
            ledger.store.reading() as cursor,
        ):
            cursor.execute("SELECT pg_sleep(60)")
        ledger.head()  # by a new connection
