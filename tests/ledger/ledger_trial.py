"""Entries that tests record, and ways to reach below the ledger."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import cache

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credit_risk.ledger import chain
from credit_risk.ledger.chain import DECISION, ERASURE, Row
from credit_risk.ledger.commit.group_commit import GroupCommit
from credit_risk.ledger.database import schema
from credit_risk.ledger.database.store import Store
from credit_risk.ledger.entry import DecidedBy, Entry, RecordedDecision, facts, new_id
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.sealing import Secret, seal
from credit_risk.scoring.signed_chain import Head

KEY = bytes(range(32))

BY = DecidedBy(scorer="5c", model="30", config="c0", code="c1")
SECRET_INCOME = 41_234.56
REASONS = [{"id": "R01", "text": "payments were late", "driver": "months_late", "value": 3.0}]


def entry(applicant: str | None = "Ada", request: str | None = None, **changes: object) -> Entry:
    """A decline with one reason."""
    decided = {"decision": "decline", "pd": 0.1 + 0.2, "score": 512.3, "band": "C", "rule": None, "reasons": REASONS}
    fields = {
        "inputs": {"income": SECRET_INCOME, "months_late": 3, "purpose": "car"},
        "decided": decided,
        "by": BY,
        "client": "web",
        "body_digest": "b0",
        "applicant": applicant,
        "request_id": request,
        "latency_ms": 1.5,
    }
    return Entry(**{**fields, **changes})


@cache
def loop() -> asyncio.AbstractEventLoop:
    """An event loop that runs in a thread of its own until the tests end."""
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, daemon=True).start()
    return made


def submit(commit: GroupCommit, new: Entry) -> "Future[RecordedDecision]":
    """What a coroutine elsewhere will have recorded. It waits when this returns; raises what it was refused with."""

    async def waiting() -> "asyncio.Task[RecordedDecision]":
        task = asyncio.create_task(commit.record(new))
        await asyncio.sleep(0)
        if task.done():
            task.result()
        return task

    async def result(task: "asyncio.Task[RecordedDecision]") -> RecordedDecision:
        return await task

    task = asyncio.run_coroutine_threadsafe(waiting(), loop()).result()
    return asyncio.run_coroutine_threadsafe(result(task), loop())


def literal(ledger, value: bytes) -> str:
    """Bytes, written in the SQL of the ledger's database."""
    return f"x'{value.hex()}'" if ledger.store.sqlite else rf"'\x{value.hex()}'"


def change(ledger, *statements: str, triggers: bool = False) -> None:
    """What somebody does who holds the database; unless `triggers` stay, all that stands in the way goes first."""
    with ledger.store.core() as connection:
        if triggers:
            pass
        elif ledger.store.sqlite:
            for trigger in ("entries_no_update", "entries_no_delete", "entries_only_behind"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
        else:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS entries_only_grow ON entries")
            connection.exec_driver_sql("ALTER TABLE entries DROP CONSTRAINT IF EXISTS entries_seq_check")
        for statement in statements:
            connection.exec_driver_sql(statement)


def older(url: str, applicants: Sequence[str], *, version: str = "0002", erased: Sequence[str] = ()) -> Head:
    """A ledger as earlier versions wrote it: keys bound to their number alone, references as they came. Its head."""
    store = Store(url, busy_timeout_s=5)
    store.create()
    secret, ledger_id = Secret(bytes([5] * 32)), bytes(16)
    rows, keys = [], []
    for number, applicant in enumerate(applicants, start=1):
        data_key = bytes([number % 256] * 32)
        subject = secret.digest(b"subject", "applicant", applicant)
        keys.append((number, subject, secret.wrap(data_key, number)))
        personal = {"applicant": applicant, "request_id": None, "body_digest": "b0", **_parts(entry(applicant))}
        decision_id, at = new_id()
        sealed = seal(AESGCM(data_key), orjson.dumps(personal), decision_id.encode())
        rows.append(Row(0, DECISION, at, decision_id, None, number, orjson.dumps(facts(entry())).decode(), sealed))
    for applicant in erased:
        number = applicants.index(applicant) + 1
        keys[number - 1] = (number, None, None)
        decision_id, at = new_id()
        rows.append(Row(0, ERASURE, at, decision_id, None, number, '{"decisions":1}', None))
    linked, head = chain.continued(chain.genesis(ledger_id), rows)
    mac = chain.signed(head, len(keys), ledger_id, secret.signing)
    mark = "?" if store.sqlite else "%s"
    with store.core() as connection:
        schema._upgrade(connection, None, to=version)
        for table, values in (
            ("identity (one, ledger_id, secret)", [(1, ledger_id, secret.wrapped(KEY, ledger_id))]),
            ("head (one, seq, hash, keys, mac)", [(1, head.seq, head.hash, len(keys), mac)]),
            ("keys (number, subject, wrapped)", keys),
            ("entries (seq, kind, at, decision_id, request, key, facts, sealed, hash)", linked),
        ):
            for row in values:
                marks = ", ".join([mark] * len(row))
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", tuple(row))
    store.close()
    return head


def _parts(whole: Entry) -> dict[str, object]:
    return {"inputs": whole.inputs, "decided": whole.decided}


def submit_all(url: str, process: int) -> list[tuple[str, str, int]]:
    """From another process: ten requests that everybody sends, ten that only this one does."""
    with Ledger.open(url, key=KEY, busy_timeout_s=30) as ledger:
        said = []
        for number in range(10):
            mine = entry(f"p{process}", f"mine-{process}-{number}")
            for outcome, name in zip(
                ledger.append([entry("all", f"all-{number}"), mine]), (f"all-{number}", mine.request_id), strict=True
            ):
                said.append((name, outcome.decision_id, outcome.seq))
        return said
