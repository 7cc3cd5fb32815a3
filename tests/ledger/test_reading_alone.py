"""An auditor's account: it may read the ledger and do no more, and has no master key."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from ledger_trial import KEY, entry

from credit_risk.ledger.errors import LedgerUnavailable
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import LedgerReader, verify

NOBODY = 65534


@pytest.fixture
def auditor(server):
    """The URL of a filled ledger for a role that may select and nothing else, and the ledger's public key."""
    url = server.new_database()
    with Ledger.open(url, key=KEY) as ledger, psycopg.connect(url, autocommit=True) as owner:
        ledger.append([entry("Ada"), entry("Bob")])
        ledger.erase("Bob", by="Kim Lee")
        owner.execute("DROP ROLE IF EXISTS auditor")
        owner.execute("CREATE ROLE auditor LOGIN")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor")
        public = ledger.verification_key
    separator = "&" if "?" in url else "?"
    yield f"{url}{separator}user=auditor", public
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("DROP OWNED BY auditor")
        owner.execute("DROP ROLE auditor")


def test_a_role_of_postgresql_that_may_only_select_verifies(auditor):
    url, public = auditor
    with LedgerReader.open(url, verification_key=public) as reader:
        with reader.store.reading() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("auditor",)
        found = verify(reader, [reader.head()])
    assert (found.faults, found.entries, found.erased) == ([], 3, 1)
    assert found.unchecked.startswith("not checked, as that takes the master key")


def test_reading_can_write_in_neither_database(url):
    with Ledger.open(url, key=KEY) as ledger:
        ledger.append([entry("Ada")])
    with LedgerReader.open(url, key=KEY) as reader:
        with pytest.raises(LedgerUnavailable, match=r"readonly|read-only"), reader.store.reading() as cursor:
            cursor.execute("DELETE FROM keys")
        assert verify(reader).faults == []


def test_reading_while_others_record_sees_what_was_committed(url):
    with Ledger.open(url, key=KEY) as ledger, LedgerReader.open(url, key=KEY) as reader:
        for number in range(1, 4):
            ledger.append([entry("Ada")])
            assert verify(reader).entries == number
            assert verify(reader).faults == []


def test_a_file_that_is_written_while_it_is_read_without_its_log_is_said(file):
    url = f"sqlite:///{file}"
    with Ledger.open(url, key=KEY) as ledger:
        ledger.append([entry("Ada")])
    with LedgerReader.open(url, key=KEY) as reader:
        with Ledger.open(url, key=KEY) as ledger:
            ledger.append([entry("Bob")])
        with pytest.raises(LedgerUnavailable, match="was written while it was read"):
            verify(reader)
    with LedgerReader.open(url, key=KEY) as reader:
        assert verify(reader).entries == 2


AS_NOBODY = """
import os, sys
from credit_risk.ledger.verification import LedgerReader, verify
os.setgid({nobody}); os.setuid({nobody})
with LedgerReader.open(sys.argv[1], verification_key=bytes.fromhex(sys.argv[2])) as reader:
    found = verify(reader)
print(found.entries, found.faults)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="another account can be tried by root alone")
@pytest.mark.parametrize("serving", [False, True])
def test_another_account_that_may_only_read_the_file_verifies(serving, request):
    # Not below pytest's own folder: that is closed to others, and other runs on this machine share it.
    room = tempfile.TemporaryDirectory()
    request.addfinalizer(room.cleanup)
    folder = Path(room.name)
    folder.chmod(0o755)
    path = folder / "ledger.db"
    url = f"sqlite:///{path}"
    with Ledger.open(url, key=KEY) as ledger:
        public = ledger.verification_key.hex()
    path.chmod(0o644)
    with Ledger.open(url, key=KEY) as ledger:
        ledger.append([entry("Ada")])
        if not serving:
            ledger.close()
        command = [sys.executable, "-c", AS_NOBODY.format(nobody=NOBODY), url, public]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1 []\n", "")
