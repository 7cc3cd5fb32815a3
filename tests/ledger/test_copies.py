"""Backup while decisions are recorded, and the rehearsal of losing everything."""

import stat
import threading

import pytest
from ledger_trial import KEY, change, entry, submit

from credit_risk.data.writing import InTheWay
from credit_risk.errors import NotFound, UsageError
from credit_risk.ledger.commit.group_commit import GroupCommit
from credit_risk.ledger.copies import backup, restore
from credit_risk.ledger.errors import LedgerBroken, LedgerRefused, LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from credit_risk.scoring.signed_chain import write_down, written_down
from tools import PATIENCE


def test_the_rehearsal(local, file, tmp_path):
    """Back up, go on, lose the ledger, restore: all up to the backup is there, and recording goes on."""
    [ada] = local.append([entry("Ada", "r1")])
    copy = tmp_path / "elsewhere" / "ledger.backup"
    found = backup(local, copy, key=KEY)
    assert (found.holds, found.entries) == (True, 1)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in copy.parent.iterdir()] == ["ledger.backup"]
    local.append([entry("Bob")])
    local.close()
    for path in file.parent.iterdir():
        path.unlink()
    assert restore(copy, file, key=KEY).entries == 1
    with Ledger.open(f"sqlite:///{file}", key=KEY, create=False) as again:
        assert again.get(ada.decision_id).applicant == "Ada"
        assert again.append([entry("Ada", "r1")])[0].repeated
        assert again.append([entry("Cid")])[0].seq == 2
        assert verify(again).holds


def test_a_backup_of_a_ledger_that_is_being_written_is_whole(local, tmp_path):
    commit, stop = GroupCommit(local), threading.Event()

    def write():
        while not stop.is_set():
            submit(commit, entry()).result(PATIENCE)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [backup(local, tmp_path / "copy.db", key=KEY) for _ in range(3)]
    finally:
        stop.set()
        writer.join()
        commit.close()
    assert all(one.holds for one in found)
    assert found[0].entries < found[2].entries <= local.head().seq


def test_a_backup_that_does_not_hold_never_takes_the_place_of_one_that_does(local, tmp_path):
    local.append([entry(), entry()])
    copy = tmp_path / "copy.db"
    backup(local, copy, key=KEY)
    whole = copy.read_bytes()
    change(local, "DELETE FROM entries WHERE seq = 1")
    with pytest.raises(LedgerBroken, match="entries 1 to 1 are missing"):
        backup(local, copy, key=KEY)
    assert copy.read_bytes() == whole
    assert [path.name for path in copy.parent.iterdir() if path.is_file()] == ["copy.db"]


def test_a_ledger_is_never_replaced(local, file, tmp_path):
    local.append([entry()])
    backup(local, tmp_path / "copy.db", key=KEY)
    with pytest.raises(InTheWay, match="no ledger where one is restored"):
        restore(tmp_path / "copy.db", file, key=KEY)
    assert verify(local).holds


def test_a_backup_older_than_a_head_written_down_is_refused(local, tmp_path):
    local.append([entry()])
    backup(local, tmp_path / "copy.db", key=KEY)
    local.append([entry()])
    with pytest.raises(LedgerBroken, match="once reached entry 2 and now ends at 1"):
        restore(tmp_path / "copy.db", tmp_path / "new" / "ledger.db", key=KEY, remembered=[local.head()])
    assert not (tmp_path / "new" / "ledger.db").exists()


def test_what_is_no_backup(tmp_path):
    with pytest.raises(NotFound):
        restore(tmp_path / "none.db", tmp_path / "ledger.db", key=KEY)
    (tmp_path / "text.db").write_text("no database, by no means " * 99, encoding="utf-8")
    with pytest.raises(LedgerUnavailable, match="not a database"):
        restore(tmp_path / "text.db", tmp_path / "ledger.db", key=KEY)
    assert not (tmp_path / "ledger.db").exists()


def test_postgresql_is_backed_up_by_its_own_means(server, tmp_path):
    with (
        Ledger.open(server.new_database(), key=KEY) as ledger,
        pytest.raises(LedgerRefused, match="pg_dump"),
    ):
        backup(ledger, tmp_path / "copy.db", key=KEY)


def test_heads_are_written_down_one_behind_the_other(local, tmp_path):
    path = tmp_path / "heads" / "heads.txt"
    heads = []
    for _ in range(3):
        local.append([entry()])
        heads.append(local.head())
        write_down(heads[-1], path)
    assert written_down(path) == heads
    assert verify(local, heads).holds
    path.write_text("3:nonsense\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"heads\.txt"):
        written_down(path)
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"heads\.txt holds no head"):
        written_down(path)
