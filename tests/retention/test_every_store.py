"""A person is forgotten in every store that a lender has: each that still names them is listed, until none does."""

import gzip
import io
import json
import shutil
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from ledger_trial import KEY, entry

from credit_risk.cli import main
from credit_risk.ledger.ledger import Ledger
from credit_risk.scoring import signing

TESTS = Path(__file__).parents[1]
DEPLOYED = """serving:
  ledger: {url: 'sqlite:///build/ledger/ledger.db'}
  access: {mode: off}
  signed_by: {public_key: build/signing/signing.pub}
"""
PERSON, OTHER = "Ada-77", "Bob-12"
DECIDED = datetime(2025, 1, 10, 12, tzinfo=UTC)
ROWS = f"applicant;income\n{PERSON};1200\n{OTHER};900\n".encode()
VERSION_OF_DVC, CACHED_REPLY = ".dvc/cache/files/md5/ab/cdef", "build/cache/reply.json"
NAMING = (
    *(VERSION_OF_DVC, CACHED_REPLY, "build/scored.parquet", "copies/sent.xlsx", "data/applications.csv"),
    *("logs/access.log.gz", "mlruns/1/artifacts/sample.tar.gz"),
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository whose ledger, stores, files and copies hold two persons, each in the way of its kind."""
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    monkeypatch.setenv("CREDIT_RISK_PROTECTED_KEY", bytes(32).hex())
    for name in ("CREDIT_RISK_LEDGER_URL", signing.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(TESTS / "lender", tmp_path / "configs")
    (tmp_path / "configs" / "deploy").mkdir()
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(DEPLOYED, encoding="utf-8")
    (tmp_path / "build" / "signing").mkdir(parents=True)
    signing.make_keys(tmp_path / "build" / "signing" / "signing.key")
    for path in NAMING:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    with Ledger.open(f"sqlite:///{tmp_path}/build/ledger/ledger.db", key=KEY) as ledger, monkeypatch.context() as then:
        then.setattr("credit_risk.ledger.entry.time.time_ns", lambda: int(DECIDED.timestamp()) * 1_000_000_000)
        ledger.append([entry(PERSON), entry(PERSON), entry(OTHER)])
    # of the part: monitoring
    outcomes = pd.DataFrame({"applicant": [OTHER], "decided_on": f"{DECIDED:%Y-%m-%d}", "outcome": "good", "month": 12})
    outcomes.assign(observed_on="2026-01-31").to_csv(tmp_path / "outcomes.csv", index=False)
    shutil.copy(TESTS.parent / "configs" / "monitoring.yaml", tmp_path / "configs")
    answers = pd.DataFrame({"applicant": [PERSON, OTHER], "sex": ["female", "male"]})
    answers.to_csv(tmp_path / "answers.csv", index=False)
    for words in (["outcomes", "add", "outcomes.csv"], ["protected", "add", "answers.csv"]):
        assert main([*words[:2], str(tmp_path / words[2]), "--root", str(tmp_path)]) == 0
    for name in ("outcomes.csv", "answers.csv"):
        (tmp_path / name).unlink()  # delivered files: what they held is in the stores now
    # end of part
    assert main(["ledger", "backup", str(tmp_path / "copies" / "ledger.backup"), "--root", str(tmp_path)]) == 0
    write_files(tmp_path)
    return tmp_path


def write_files(root: Path) -> None:
    (root / "data" / "applications.csv").write_bytes(ROWS)
    (root / VERSION_OF_DVC).write_bytes(ROWS)
    (root / CACHED_REPLY).write_text(json.dumps({"applicant": PERSON}), encoding="utf-8")
    pd.DataFrame({"id": [PERSON, OTHER], "pd": [0.1, 0.2]}).to_parquet(root / "build" / "scored.parquet")
    (root / "logs" / "access.log.gz").write_bytes(gzip.compress(f"POST /decide X-Applicant-Id: {PERSON}\n".encode()))
    with tarfile.open(root / "mlruns/1/artifacts/sample.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("sample.csv")
        member.size = len(ROWS)
        archive.addfile(member, io.BytesIO(ROWS))
    with zipfile.ZipFile(root / "copies" / "sent.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", f"<sst><si><t>{PERSON}</t></si></sst>")
        book.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")


def forget(root, name, *more):
    words = ["--applicant", PERSON, "--certificate", str(root / "certificates" / name), "--search", str(root), *more]
    return main(["ledger", "forget", *words, "--root", str(root)])


def facts_of(path):
    return json.loads(json.loads(path.read_text(encoding="utf-8"))["facts"])


def test_every_store_that_names_a_person_is_listed_and_once_mended_none_does(root, capsys):
    assert forget(root, "first.json") == 1
    first = facts_of(root / "certificates" / "first.json")
    assert sorted(first["named_in"]) == [str(root / path) for path in NAMING]
    assert [copy["path"] for copy in first["keys_stand_in"]] == [str(root / "copies" / "ledger.backup")]
    assert (first["not_read"], first["decisions"]) == ([], 2)

    for path in (*NAMING, "copies/ledger.backup"):
        (root / path).unlink()
    assert forget(root, "second.json", "--after", str(root / "certificates" / "first.json")) == 0
    second = facts_of(root / "certificates" / "second.json")
    assert (second["whole"], second["named_in"], second["keys_stand_in"]) == (True, [], [])
    assert second["searched"] > 5
    assert PERSON not in capsys.readouterr().out


def test_the_other_person_stays_in_every_store(root):
    assert forget(root, "first.json") == 1
    assert main(["ledger", "show", "--applicant", OTHER, "--root", str(root)]) == 0
    assert main(["ledger", "verify", "--root", str(root)]) == 0
    words = ["--applicant", OTHER, "--certificate", str(root / "certificates" / "other.json"), "--search", str(root)]
    assert main(["ledger", "forget", *words, "--root", str(root)]) == 1
    named_in = facts_of(root / "certificates" / "other.json")["named_in"]
    expected = {VERSION_OF_DVC, "build/scored.parquet", "data/applications.csv", "mlruns/1/artifacts/sample.tar.gz"}
    assert set(named_in) == {str(root / path) for path in expected}


BY_ID = ("build/notices/list.json", "build/notices/notices-en-0001.html", "build/decided.parquet")


def ids_of(root, person):
    """The ids of a person's decisions."""
    with Ledger.open(f"sqlite:///{root}/build/ledger/ledger.db", key=KEY) as ledger:
        return [record.decision_id for record in ledger.decisions_about(person)]


def write_by_id(root, decision):
    """What is kept of a decision under its id, without the person's reference: a notice, its list, a table."""
    (root / "build" / "notices").mkdir()
    (root / BY_ID[0]).write_text(json.dumps({"notices": [{"reference": decision}]}), encoding="utf-8")
    (root / BY_ID[1]).write_text(f"<p>Our reference {decision}: payments were late</p>", encoding="utf-8")
    pd.DataFrame({"decision_id": [decision], "reasons": ["R01"]}).to_parquet(root / BY_ID[2])


def test_what_is_kept_under_a_decisions_id_is_listed_too_but_for_ledgers_and_outcomes(root):
    write_by_id(root, ids_of(root, PERSON)[1])
    assert forget(root, "first.json") == 1
    assert set(facts_of(root / "certificates" / "first.json")["named_in"]) == {
        str(root / path) for path in (*NAMING, *BY_ID)
    }


def purge(root, *more):
    words = ["--policy", "ecoa", "--before", "2025-02-01", *more, "--root", str(root)]
    return main(["ledger", "purge", *words])


@pytest.fixture
def due(root):
    """A policy by which all of January 2025 may go."""
    shutil.copytree(TESTS / "lender" / "policies", root / "configs" / "policies", dirs_exist_ok=True)
    (root / "configs" / "policies" / "ecoa.yaml").write_text("statements: {retention_months: 12}\n", encoding="utf-8")
    return root


def test_a_purge_lists_every_file_in_which_a_decision_that_went_or_its_person_stands(due, capsys):
    write_by_id(due, ids_of(due, PERSON)[0])
    with Ledger.open(f"sqlite:///{due}/build/ledger/ledger.db", key=KEY) as ledger:
        ledger.append([entry("Cy-5")])  # of today: a ledger that rests lets nothing go
    capsys.readouterr()
    assert purge(due, "--search", str(due), "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert set(report["named_in"]) == {str(due / path) for path in (*NAMING, *BY_ID)}
    assert (report["keys"], report["read"], report["not_read"]) == (2, 3, [])
    assert report["keys_stand_in"] == [str(due / "copies" / "ledger.backup")]


def test_who_was_decided_about_since_may_stand_in_files_and_their_old_decision_may_not(due, capsys):
    old = ids_of(due, PERSON)[0]
    with Ledger.open(f"sqlite:///{due}/build/ledger/ledger.db", key=KEY) as ledger:
        ledger.append([entry(PERSON), entry(OTHER)])
    write_by_id(due, old)
    (due / "copies" / "ledger.backup").unlink()
    capsys.readouterr()
    assert purge(due, "--search", str(due)) == 1
    shown = capsys.readouterr()
    listed = {line.rpartition(" ")[2] for line in shown.err.splitlines() if "is named in" in line}
    assert listed == {str(due / path) for path in BY_ID}
    assert purge(due, "--search", str(due)) == 1  # nothing is due any more, and what went earlier is searched for again
    for path in BY_ID:
        (due / path).unlink()
    assert purge(due, "--search", str(due)) == 0


def test_what_a_hold_keeps_is_not_searched_for(due, capsys):
    (held,) = ids_of(due, OTHER)
    write_by_id(due, held)
    assert main(["ledger", "hold", held, "--reason", "case 17", "--root", str(due)]) == 0
    for path in (*NAMING, "copies/ledger.backup"):
        (due / path).unlink()
    capsys.readouterr()
    assert purge(due, "--search", str(due)) == 0
    assert "2 decisions before 2025-02-01 cannot be read" in capsys.readouterr().out


def test_a_hold_that_was_placed_since_a_copy_was_made_keeps_the_decision_in_the_copy_too(due, capsys, monkeypatch):
    (held,) = ids_of(due, OTHER)
    assert main(["ledger", "hold", held, "--reason", "case 17", "--root", str(due)]) == 0
    copy = f"sqlite:///{due}/copies/ledger.backup"
    monkeypatch.setattr("credit_risk.retention.term.MOST_AHEAD", timedelta(days=3660))  # the copy rests
    capsys.readouterr()
    assert purge(due, "--url", copy) == 0
    out = capsys.readouterr().out
    assert "1 key is destroyed; 2 decisions before 2025-02-01 cannot be read" in out
    assert f"Held, and kept: {held}" in out
    with Ledger.open(copy, key=KEY) as ledger:
        assert [record.erased for record in ledger.decisions_about(OTHER)] == [False]
    (due / "build" / "ledger" / "ledger.db").rename(due / "elsewhere.db")
    assert purge(due, "--url", copy) == 0
    assert "placed since this copy was made are not known here" in capsys.readouterr().err


def test_a_purge_that_could_not_search_destroys_nothing(due, capsys):
    assert purge(due, "--search", str(due / "nowhere")) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert len(ids_of(due, PERSON)) == 2
