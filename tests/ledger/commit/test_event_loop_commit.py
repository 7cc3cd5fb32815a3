"""Group commit in the loop: what arrived together is written together, and only the disk holds the loop up."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from ledger_trial import KEY, entry
from sqlalchemy import event

from credit_risk.ledger.commit.event_loop_commit import EventLoopCommit
from credit_risk.ledger.errors import Conflict, EntryError, LedgerBusy, LedgerUnavailable, Overloaded
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify


@pytest.fixture
def sizes(monkeypatch) -> list[int]:
    """How many entries each transaction held."""
    found, write = [], Ledger.write

    def counted(self, prepared, *, wait=True):
        found.append(len(prepared))
        return write(self, prepared, wait=wait)

    monkeypatch.setattr(Ledger, "write", counted)
    return found


@contextmanager
def another_writer(file) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def run(ledger: Ledger, what: Callable[[EventLoopCommit], Awaitable[Any]], **limits: int) -> Any:
    async def within() -> Any:
        commit = EventLoopCommit(ledger, **limits)
        try:
            return await asyncio.wait_for(what(commit), 10)
        finally:
            commit.close()

    return asyncio.run(within())


def test_what_arrived_together_is_one_transaction(local, sizes):
    async def together(commit):
        return await asyncio.gather(*(commit.record(entry(f"p{number}")) for number in range(10)))

    recorded = run(local, together)
    assert [one.seq for one in recorded] == list(range(1, 11))
    assert sizes == [10]
    assert verify(local).entries == 10


def test_a_transaction_holds_at_most_so_many(local, sizes):
    async def together(commit):
        waiting = [asyncio.ensure_future(commit.record(entry())) for _ in range(10)]
        await asyncio.sleep(0)
        assert commit.depth == 10
        recorded = await asyncio.gather(*waiting)
        assert commit.depth == 0
        return recorded

    assert [one.seq for one in run(local, together, most_together=4)] == list(range(1, 11))
    assert sizes == [4, 4, 2]


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_while_several_ask_what_two_turns_bring_joins_the_transaction_and_a_single_client_waits_for_none(local, sizes):
    """What a socket brings while others are decided is decided a turn later; alone, each costs a whole transaction."""

    async def several(commit):
        await asyncio.gather(commit.record(entry()), commit.record(entry()))
        late = [asyncio.ensure_future(commit.record(entry()))]
        for _ in range(3):
            await turns(2)
            late.append(asyncio.ensure_future(commit.record(entry())))
        await asyncio.gather(*late)
        assert sizes == [2, 4]
        for _ in range(3):  # a client alone: after a few it is written in the first turn again
            await commit.record(entry())
        alone = asyncio.ensure_future(commit.record(entry()))
        await turns(3)  # begin, write, be answered
        assert (alone.done(), sizes) == (True, [2, 4, 1, 1, 1, 1])

    run(local, several)


def test_gathering_ends_with_a_full_transaction_however_many_come(local, sizes):
    async def many(commit):
        await asyncio.gather(commit.record(entry()), commit.record(entry()))
        waiting = []
        for _ in range(9):
            waiting.append(asyncio.ensure_future(commit.record(entry())))
            await turns(1)
        await asyncio.gather(*waiting)
        assert (max(sizes), sum(sizes)) == (4, 11)

    run(local, many, most_together=4)


def test_nothing_is_answered_before_it_is_durable(local, monkeypatch):
    def gone(*_, **__):
        raise LedgerUnavailable("the disk is full")

    async def two(commit):
        monkeypatch.setattr(Ledger, "write", gone)
        lost = await asyncio.gather(commit.record(entry()), commit.record(entry()), return_exceptions=True)
        monkeypatch.undo()
        return lost, await commit.record(entry())

    lost, kept = run(local, two)
    assert [str(one) for one in lost] == ["the disk is full"] * 2
    assert kept.seq == 1


def test_beyond_what_may_wait_it_is_overloaded_at_once(local):
    async def four(commit):
        return await asyncio.gather(*(commit.record(entry()) for _ in range(4)), return_exceptions=True)

    *recorded, refused = run(local, four, most_waiting=3)
    assert [one.seq for one in recorded] == [1, 2, 3]
    assert isinstance(refused, Overloaded)


def test_a_conflict_and_what_is_not_json_fail_alone(local):
    async def four(commit):
        entries = entry(request="r1"), entry(request="r1", body_digest="b1"), entry(inputs={"x": object()}), entry()
        return await asyncio.gather(*map(commit.record, entries), return_exceptions=True)

    first, conflict, no_json, other = run(local, four)
    assert (first.seq, other.seq) == (1, 2)
    assert isinstance(conflict, Conflict)
    assert isinstance(no_json, EntryError)


def test_while_another_process_writes_the_loop_goes_on(local, file):
    opened = []
    event.listen(local.store.engine, "connect", lambda *_: opened.append(1))

    async def wait_for_it(commit):
        with another_writer(file) as other:
            waiting = asyncio.ensure_future(commit.record(entry()))
            for _ in range(20):
                await asyncio.sleep(0.001)  # each of these turns would wait for the other process, and it for us
            assert not waiting.done()
            other.execute("ROLLBACK")
            return await waiting

    assert run(local, wait_for_it).seq == 1
    assert len(opened) <= 1  # a connection that found the file busy is used again


def test_another_process_that_never_stops_makes_it_unavailable(local, file):
    async def never(commit):
        with another_writer(file), pytest.raises(LedgerBusy, match="database is locked"):
            await commit.record(entry())
        return await commit.record(entry())

    with Ledger.open(f"sqlite:///{file}", key=KEY, busy_timeout_s=0.05) as impatient:
        assert run(impatient, never).seq == 1  # nothing of the first was kept


def test_a_request_that_is_given_up_harms_nobody(local):
    async def give_up(commit):
        asked = asyncio.ensure_future(commit.record(entry("Ada")))
        other = asyncio.ensure_future(commit.record(entry("Bob")))
        await asyncio.sleep(0)
        asked.cancel()
        return await other

    assert run(local, give_up).seq == 2  # what was accepted is recorded, whoever waits for it


def test_closing_writes_what_was_accepted_and_takes_no_more(local):
    async def close(commit):
        waiting = [asyncio.ensure_future(commit.record(entry())) for _ in range(5)]
        await asyncio.sleep(0)
        commit.close()
        with pytest.raises(LedgerUnavailable, match="was closed"):
            await commit.record(entry())
        return await asyncio.gather(*waiting)

    assert [one.seq for one in run(local, close, most_together=2)] == [1, 2, 3, 4, 5]


def test_after_a_fault_of_ours_nobody_is_answered_as_if_recorded(local, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    async def two(commit):
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # it is told of the fault, and so are we
        monkeypatch.setattr(Ledger, "write", broken)
        found = await asyncio.gather(commit.record(entry()), commit.record(entry()), return_exceptions=True)
        monkeypatch.undo()
        with pytest.raises(LedgerUnavailable, match="was closed"):
            await commit.record(entry())
        return found

    assert [str(one) for one in run(local, two)] == ["the ledger's writer stopped: ZeroDivisionError()."] * 2
    assert local.head().seq == 0
