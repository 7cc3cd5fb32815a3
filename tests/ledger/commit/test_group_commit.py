"""Group commit: what gathers becomes durable together, and everybody gets an own answer."""

import asyncio
import threading

import pytest
from ledger_trial import entry, submit

from credit_risk.ledger.commit.group_commit import GroupCommit
from credit_risk.ledger.errors import Conflict, EntryError, LedgerUnavailable, Overloaded
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from tools import PATIENCE


class Held(Ledger):
    """A ledger whose transactions wait until they are let go, so that a test knows what has gathered."""

    def __init__(self, ledger):
        super().__init__(ledger.store, ledger.sql, ledger.ledger_id, ledger.secret)
        object.__setattr__(self, "go", threading.Event())
        object.__setattr__(self, "taken", threading.Event())
        object.__setattr__(self, "sizes", [])

    def write(self, prepared):
        self.sizes.append(len(prepared))
        self.taken.set()
        assert self.go.wait(PATIENCE)
        return super().write(prepared)


@pytest.fixture
def held(local):
    return Held(local)


def test_all_that_waits_is_one_transaction(held):
    commit = GroupCommit(held, most_together=4)
    futures = [submit(commit, entry())]
    assert held.taken.wait(PATIENCE)
    futures += [submit(commit, entry()) for _ in range(6)]
    assert commit.depth == 7
    assert not any(future.done() for future in futures)
    held.go.set()
    assert [future.result(PATIENCE).seq for future in futures] == list(range(1, 8))
    assert held.sizes == [1, 4, 2]
    assert commit.depth == 0
    commit.close()


def test_beyond_what_may_wait_it_is_overloaded_at_once(held):
    commit = GroupCommit(held, most_waiting=3)
    futures = [submit(commit, entry()) for _ in range(3)]
    with pytest.raises(Overloaded, match="3 decisions wait"):
        submit(commit, entry())
    held.go.set()
    assert [future.result(PATIENCE).seq for future in futures] == [1, 2, 3]
    assert submit(commit, entry()).result(PATIENCE).seq == 4
    commit.close()


def test_a_conflict_and_what_is_not_json_fail_alone(local):
    commit = GroupCommit(local)
    first = submit(commit, entry(request="r1"))
    conflict = submit(commit, entry(request="r1", body_digest="b1"))
    with pytest.raises(EntryError):
        submit(commit, entry(inputs={"x": object()}))
    other = submit(commit, entry())
    assert first.result(PATIENCE).seq == 1
    with pytest.raises(Conflict):
        conflict.result(PATIENCE)
    assert other.result(PATIENCE).seq == 2
    commit.close()


def test_closing_writes_what_was_accepted_and_takes_no_more(held):
    commit = GroupCommit(held)
    futures = [submit(commit, entry()) for _ in range(5)]
    threading.Timer(0.05, held.go.set).start()
    commit.close()
    assert held.head().seq == 5
    assert sorted(future.result(PATIENCE).seq for future in futures) == [1, 2, 3, 4, 5]
    with pytest.raises(LedgerUnavailable, match="was closed"):
        submit(commit, entry())
    commit.close()


def test_coroutines_wait_without_blocking_their_loop(local):
    async def all_of_them(commit):
        return await asyncio.gather(*(commit.record(entry(f"p{number}")) for number in range(50)))

    commit = GroupCommit(local)
    recorded = asyncio.run(all_of_them(commit))
    commit.close()
    assert sorted(one.seq for one in recorded) == list(range(1, 51))
    assert verify(local).entries == 50


def test_a_request_that_is_given_up_harms_nobody(held):
    async def give_up(commit):
        asked = asyncio.create_task(commit.record(entry("Ada")))
        other = asyncio.create_task(commit.record(entry("Bob")))
        await asyncio.sleep(0)
        asked.cancel()
        held.go.set()
        return (await other).seq

    commit = GroupCommit(held)
    assert asyncio.run(give_up(commit)) == 2  # what was accepted is recorded, whoever waits for it
    commit.close()


def test_a_loop_that_ended_meanwhile_harms_nobody(held):
    async def leave(commit):
        task = asyncio.create_task(commit.record(entry()))
        await asyncio.sleep(0)
        task.cancel()

    commit = GroupCommit(held)
    asyncio.run(leave(commit))
    held.go.set()
    assert submit(commit, entry()).result(PATIENCE).seq == 2
    commit.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_a_fault_of_ours_nobody_is_answered_as_if_recorded(local, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    commit = GroupCommit(local)
    monkeypatch.setattr(Ledger, "write", broken)
    future = submit(commit, entry())
    with pytest.raises(LedgerUnavailable, match="the ledger's writer stopped: ZeroDivisionError"):
        future.result(PATIENCE)
    with pytest.raises(LedgerUnavailable, match="was closed"):
        submit(commit, entry())
    commit.close()
