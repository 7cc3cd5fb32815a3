"""A person is erased with a signed certificate: nothing can be read, and what still names the person is listed."""

import bz2
import gzip
import lzma
import shutil
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ledger_trial import KEY, entry

from credit_risk.ledger.copies import backup
from credit_risk.ledger.ledger import Ledger
from credit_risk.retention import certificate, traces, unpacked
from credit_risk.retention.traces import Names
from credit_risk.scoring import signing
from credit_risk.scoring.signed_chain import SignedFacts
from credit_risk.scoring.signing import SignedBy

SIGNER = "build/signing/signing.pub"


def traces_in(path, gone, person):
    """What of a person a file holds."""
    return certificate.traces_in(path, gone, (), Names.of([person]), Names.of([person]))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A ledger with two decisions about Ada-77 and one about Bob-12, and a copy of it."""
    monkeypatch.setenv("CREDIT_RISK_LEDGER_KEY", KEY.hex())
    for name in ("CREDIT_RISK_LEDGER_URL", signing.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    ledger = "ledger: {url: 'sqlite:///build/ledger/ledger.db'}"
    settings = f"serving:\n  {ledger}\n  access: {{mode: off}}\n  signed_by: {{public_key: {SIGNER}}}\n"
    (tmp_path / "configs" / "deploy").mkdir(parents=True)
    (tmp_path / "configs" / "deploy" / "local.yaml").write_text(settings, encoding="utf-8")
    signing.private_key(tmp_path, {})
    (tmp_path / "data").mkdir()
    with Ledger.open(f"sqlite:///{tmp_path}/build/ledger/ledger.db", key=KEY) as ledger:
        ledger.append([entry("Ada-77"), entry("Ada-77"), entry("Bob-12")])
        backup(ledger, tmp_path / "copy.db", key=KEY)
    return tmp_path


def forget(run, root, *more):
    return run("forget", "--applicant", "Ada-77", "--certificate", root / "erasure.json", *more)


def certified(root):
    return SignedFacts.parse((root / "erasure.json").read_text(encoding="utf-8")).verified(
        SignedBy(public_key=SIGNER), root
    )


def test_a_person_is_gone_and_the_signed_certificate_says_so_without_a_name(run, root):
    code, out, _ = forget(run, root, "--search", root / "data")
    assert (code, "2 decisions of this person can no longer be read" in out) == (0, True)
    facts = certified(root)
    assert (facts["whole"], facts["decisions"], facts["read_again"]) == (True, 2, 2)
    assert [key["number"] for key in facts["keys"]] == [1]
    assert (facts["keys_stand_in"], facts["named_in"]) == ([], [])
    assert facts["searched"] >= 1
    assert "Ada" not in (root / "erasure.json").read_text(encoding="utf-8")
    assert (run("show", "--applicant", "Ada-77")[0], run("show", "--applicant", "Bob-12")[0]) == (1, 0)
    assert run("verify")[0] == 0


def test_a_copy_with_the_keys_and_files_that_name_the_person_are_listed_and_exit_1(run, root):
    (root / "data" / "raw.csv").write_text("id;income\nAda-77;12\n", encoding="utf-8")
    pd.DataFrame({"id": ["Bob-12", "Ada-77"]}).to_parquet(root / "data" / "raw.parquet")
    (root / "data" / "other.csv").write_text("id;income\nAda-771;12\nXAda-77;3\n", encoding="utf-8")
    searched = ("--search", root / "data", "--search", root / "copy.db")
    code, _, err = forget(run, root, *searched, "--copies-kept-days", "35")
    assert code == 1
    assert f"a destroyed key still stands in {root}/copy.db, written 20" in err
    facts = certified(root)
    today = datetime.now(UTC).date()
    copy = {"path": f"{root}/copy.db", "written": f"{today}", "gone_by": f"{today + timedelta(days=35)}"}
    assert (facts["whole"], facts["keys_stand_in"]) == (False, [copy])
    assert facts["named_in"] == [f"{root}/data/raw.csv", f"{root}/data/raw.parquet"]
    assert run("show", "--applicant", "Ada-77")[0] == 1


def test_a_file_that_cannot_be_read_is_on_the_certificate_and_does_not_stop_it(run, root):
    (root / "data" / "torn.parquet").write_bytes(b"PAR1 and no more PAR1")
    code, _, err = forget(run, root, "--search", root / "data")
    assert (code, f"{root}/data/torn.parquet could not be read" in err) == (1, True)
    facts = certified(root)
    assert (facts["whole"], facts["not_read"]) == (False, [f"{root}/data/torn.parquet"])
    assert run("show", "--applicant", "Ada-77")[0] == 1


def test_a_file_that_went_away_while_it_was_searched_holds_nothing(root):
    assert traces_in(root / "gone", {bytes(40)}, "Ada-77") == set()


def test_a_file_is_listed_for_its_name_and_the_certificate_does_not_repeat_it(run, root):
    (root / "data" / "letter-Ada-77.txt").write_text("Dear Sir or Madam", encoding="utf-8")
    code, _, err = forget(run, root, "--search", root / "data")
    assert (code, f"named in {root}/data/letter-Ada-77.txt" in err) == (1, True)
    assert certified(root)["named_in"] == [f"{root}/data/letter-[the person].txt"]
    assert "Ada-77" not in (root / "erasure.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "message"), [("ada/Ada-77.json", "names the person"), ("data.csv/erasure.json", "cannot be written")]
)
def test_nobody_is_erased_where_the_certificate_could_not_be_kept(run, root, path, message):
    (root / "data.csv").touch()
    code, _, err = run("forget", "--applicant", "Ada-77", "--certificate", root / path)
    assert (code, message in err) == (2, True)
    assert run("show", "--applicant", "Ada-77")[0] == 0


def test_a_person_with_a_decision_on_hold_is_not_erased_and_an_erasure_is_certified_once(run, root):
    with Ledger.open(f"sqlite:///{root}/build/ledger/ledger.db", key=KEY) as ledger:
        decision = next(ledger.decisions_about("Ada-77")).decision_id
    assert run("hold", decision, "--reason", "case 17")[0] == 0
    code, _, err = forget(run, root)
    assert (code, "hold" in err, (root / "erasure.json").exists()) == (2, True, False)
    assert run("release", decision, "--reason", "ended")[0] == 0
    assert forget(run, root)[0] == 0
    code, _, err = run("forget", "--applicant", "Ada-77", "--certificate", root / "second.json")
    assert (code, "nothing to certify" in err, (root / "second.json").exists()) == (1, True, False)


def test_without_the_key_that_signs_nobody_is_erased(run, root, monkeypatch):
    monkeypatch.setenv(signing.VARIABLE, str(root / "another.key"))
    signing.make_keys(root / "another.key")
    assert forget(run, root)[0] != 0
    assert run("show", "--applicant", "Ada-77")[0] == 0
    assert not (root / "erasure.json").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: (root / "erasure.json").write_text("{}"), "is there and is no certificate"),
        (
            lambda root: (root / "configs/deploy/local.yaml").write_text(
                "serving:\n  access: {mode: off}\n  gate: reported\n"
            ),
            "set serving.signed_by",
        ),
    ],
)
def test_what_could_not_be_certified_is_not_begun(run, root, change, message):
    change(root)
    code, _, err = forget(run, root)
    assert (code, message in err) == (2, True)


def test_a_folder_that_is_not_there_is_no_search(run, root):
    code, _, err = forget(run, root, "--search", root / "dta")
    assert (code, "dta" in err) == (2, True)
    assert run("show", "--applicant", "Ada-77")[0] == 0


def test_nobody_is_no_erasure(run, root):
    code, _, err = run("forget", "--applicant", "Nobody", "--certificate", root / "erasure.json")
    assert (code, "holds nobody of this reference" in err) == (1, True)
    assert not (root / "erasure.json").exists()


def test_on_postgresql_a_person_is_erased_once_and_the_named_files_alone_are_searched(server, tmp_path):
    (tmp_path / "raw.csv").write_text("id;income\nAda-77;12\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("id;income\nBob-12;12\n", encoding="utf-8")
    with Ledger.open(server.new_database(), key=KEY) as ledger:
        ledger.append([entry("Ada-77"), entry("Ada-77"), entry("Bob-12")])
        its = certificate.erase(ledger, "Ada-77", certificate.keys_of(ledger, "Ada-77"), [tmp_path], by="Kim Lee")
        assert (its.decisions, len(its.keys), its.read_again, its.searched) == (2, 1, 2, 2)
        assert (its.keys_stand_in, its.named_in) == ((), (str(tmp_path / "raw.csv"),))
        assert len(list(ledger.decisions_about("Bob-12"))) == 1
        with pytest.raises(certificate.CheckFailed, match="nothing to certify"):
            certificate.keys_of(ledger, "Ada-77")


def test_a_decision_that_can_still_be_read_gives_no_certificate(root, monkeypatch):
    monkeypatch.setattr(Ledger, "_destroy", lambda *_: {1: 2})
    with (
        Ledger.open(f"sqlite:///{root}/build/ledger/ledger.db", key=KEY) as ledger,
        pytest.raises(certificate.CheckFailed, match="can still be read"),
    ):
        certificate.erase(ledger, "Ada-77", certificate.keys_of(ledger, "Ada-77"), [], by="Kim Lee")


@pytest.mark.parametrize(
    ("content", "stands"),
    [
        (b"x,Ada-77,y", True),
        (b'{"id": "Ada-77"}', True),
        (b"Ada-77", True),
        (b"Ada-770", False),
        (b"Ada-77_b", False),
        ("Müller".encode(), False),
        (b"", False),
    ],
)
def test_a_reference_is_a_word_of_its_own(tmp_path, content, stands):
    (tmp_path / "file").write_bytes(content)
    assert traces.stands_in(tmp_path / "file", Names.of(["Ada-77"])) is stands


def test_both_forms_of_a_letter_are_searched_for(tmp_path):
    (tmp_path / "file").write_text("id\nMu\u0308ller\n", encoding="utf-8")
    assert traces.stands_in(tmp_path / "file", Names.of(["M\u00fcller"]))


MANY = [f"Eve-{number}" for number in range(2 * traces.FEW)]


@pytest.mark.parametrize(
    ("content", "stands"),
    [
        (b"x;Ada-77;y", True),
        (b"x-Ada-77", True),
        (b"x_Ada-77", False),
        (b"Ada-771", False),
        (b"Ada-7 77", False),
        ("an \u6771\u4eac b".encode(), True),
        ("a\u6771\u4eac b".encode(), False),
        ("Mu\u0308ller".encode(), True),
        (b"", False),
        (b"a b" * traces.PIECE + b" Ada-77", True),
        (b"a" * (traces.PIECE - 3) + b" Ada-77 ", True),
    ],
)
def test_of_many_names_each_is_found_as_it_is_alone(tmp_path, content, stands):
    (tmp_path / "file").write_bytes(content)
    names = ["Ada-77", "\u6771\u4eac", "M\u00fcller"]
    assert traces.stands_in(tmp_path / "file", Names.of([*names, *MANY])) is stands
    assert any(traces.stands_in(tmp_path / "file", Names.of([name])) for name in names) is stands


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", "77"]),
        pa.array([76, 77]),
        pa.array(["a", "77"]).dictionary_encode(),
        pa.array([["a"], ["77"]]).cast(pa.list_(pa.string())),
        pa.array(["a", "77"], pa.large_string()),
        pa.array([b"a", b"77"]),
    ],
    ids=["text", "whole number", "dictionary", "list", "large", "bytes"],
)
def test_tables_are_read_cell_by_cell_however_they_are_stored(tmp_path, column):
    pq.write_table(pa.table({"id": column}), tmp_path / "t.parquet", compression="zstd")
    assert traces.stands_in(tmp_path / "t.parquet", Names.of(["77"])) is True
    assert traces.stands_in(tmp_path / "t.parquet", Names.of(["7"])) is False


def test_what_is_left_out_and_links_are_not_searched(tmp_path):
    for name in (".git/a", "data/b", ".venv/c"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert [path.name for path in traces.files_below([tmp_path])] == ["b"]


class Killed(BaseException):
    """The process ends here."""


def forget_killed_at(run, root, monkeypatch, of, name):
    """`ledger forget` by a process that is killed when it comes to this function."""

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(of, name, killed)
        with pytest.raises(Killed):
            forget(run, root)


def test_an_erasure_killed_behind_the_keys_is_finished_by_the_same_command(run, root, monkeypatch):
    forget_killed_at(run, root, monkeypatch, certificate, "_erasure")
    assert certified(root)["what"] == "erasure begun"
    assert "Ada" not in (root / "erasure.json").read_text(encoding="utf-8")
    assert run("show", "--applicant", "Ada-77")[0] == 1
    assert forget(run, root)[0] == 0
    facts = certified(root)
    assert (facts["what"], facts["whole"], facts["decisions"], facts["read_again"]) == ("erasure", True, 2, 2)
    code, _, err = forget(run, root)
    assert (code, "is there already" in err) == (2, True)


def test_a_copy_is_found_by_what_its_table_holds_where_the_killed_run_alone_knew_the_keys(run, root, monkeypatch):
    forget_killed_at(run, root, monkeypatch, certificate, "_erasure")
    with gzip.open(root / "data" / "nightly.gz", "wb") as packed:
        packed.write((root / "copy.db").read_bytes())
    code, _, err = forget(run, root, "--search", root / "data")
    assert (code, f"a destroyed key still stands in {root}/data/nightly.gz" in err) == (1, True)


def test_an_erasure_killed_before_the_keys_went_begins_anew(run, root, monkeypatch):
    forget_killed_at(run, root, monkeypatch, Ledger, "erase")
    assert (certified(root)["what"], run("show", "--applicant", "Ada-77")[0]) == ("erasure begun", 0)
    assert forget(run, root)[0] == 0
    assert (certified(root)["whole"], run("show", "--applicant", "Ada-77")[0]) == (True, 1)


def test_once_the_files_are_mended_a_second_certificate_is_whole(run, root):
    (root / "data" / "raw.csv").write_text("id\nAda-77\n", encoding="utf-8")
    assert forget(run, root, "--search", root / "data")[0] == 1
    (root / "data" / "raw.csv").unlink()
    second = ("--certificate", root / "second.json", "--after", root / "erasure.json", "--search", root / "data")
    assert run("forget", "--applicant", "Ada-77", *second)[0] == 0
    facts = SignedFacts.parse((root / "second.json").read_text(encoding="utf-8")).verified(
        SignedBy(public_key=SIGNER), root
    )
    assert (facts["whole"], facts["decisions"], facts["keys"]) == (True, 2, certified(root)["keys"])


def test_a_certificate_of_somebody_else_erases_nobody(run, root):
    assert forget(run, root)[0] == 0
    more = ("--certificate", root / "bob.json", "--after", root / "erasure.json")
    code, _, err = run("forget", "--applicant", "Bob-12", *more)
    assert (code, "a key of this person that the earlier certificate does not name" in err) == (1, True)
    assert (run("show", "--applicant", "Bob-12")[0], (root / "bob.json").exists()) == (0, False)


@pytest.mark.parametrize(
    "text", ["{}", "no JSON", '{"facts": "{\\"what\\": \\"erasure\\", \\"keys\\": []}", "signature": {}}']
)
def test_what_is_no_signed_certificate_is_gone_on_with_by_nobody(run, root, text):
    (root / "first.json").write_text(text, encoding="utf-8")
    code, _, err = forget(run, root, "--after", root / "first.json")
    assert (code, "is no certificate of `credit-risk ledger forget`" in err) == (2, True)
    code, _, err = run("erase-again", root / "first.json")
    assert (code, "is no certificate of `credit-risk ledger forget`" in err) == (2, True)
    assert run("show", "--applicant", "Ada-77")[0] == 0


@pytest.mark.parametrize("facts", [{"what": "erasure"}, {"what": "erasure", "keys": [1]}, {"what": "head", "keys": []}])
def test_a_signed_statement_of_something_else_names_no_keys(facts):
    with pytest.raises(ValueError, match="expected"):
        certificate.keys_in(facts)


def test_whoever_came_back_with_a_restored_copy_is_erased_again_and_nobody_else(run, root):
    assert forget(run, root)[0] == 0
    path = root / "build" / "ledger" / "ledger.db"
    shutil.copy(root / "copy.db", path)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    assert run("show", "--applicant", "Ada-77")[0] == 0
    code, out, _ = run("erase-again", root)
    assert (
        code,
        "1 certificate names 1 key: 1 key had come back and is destroyed again" in out,
        "2 decisions" in out,
    ) == (0, True, True)
    assert (run("show", "--applicant", "Ada-77")[0], run("show", "--applicant", "Bob-12")[0]) == (1, 0)
    assert run("verify")[0] == 0
    assert "1 certificate names 1 key: none had come back." in run("erase-again", root)[1]
    code, _, err = run("erase-again", root / "nowhere")
    assert (code, "nowhere: there is no such file" in err) == (2, True)


def test_a_later_key_of_the_same_number_is_somebody_elses(root):
    with Ledger.open(f"sqlite:///{root}/build/ledger/ledger.db", key=KEY) as ledger:
        number, made = certificate.keys_of(ledger, "Ada-77")[0]
        assert certificate.again(ledger, [certificate.ErasedKey(number, made + 1)], by="Kim Lee") == {}
        assert len(list(ledger.decisions_about("Ada-77"))) == 2
        assert certificate.again(ledger, [certificate.ErasedKey(number, made)], by="Kim Lee") == {number: 2}


def packed_as(path, kind, content):
    """A file that holds this content, packed in one of the ways that working files are."""
    plain = path.with_name("plain")
    plain.write_bytes(content)
    if kind in ("gz", "bz2", "xz"):
        with {"gz": gzip, "bz2": bz2, "xz": lzma}[kind].open(path, "wb") as packed:
            packed.write(content)
    elif kind in ("zstd", "lz4"):
        with pa.output_stream(str(path), compression=kind) as packed:
            packed.write(content)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.write(plain, "inner/plain")
    elif kind == "tar":
        with tarfile.open(path, "w") as packed:
            packed.add(plain, "inner/plain")
    plain.unlink()


KINDS = ("gz", "bz2", "xz", "zstd", "lz4", "zip", "tar")


@pytest.mark.parametrize("outer", ["", *KINDS])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_packed_is_searched_as_if_it_were_not(tmp_path, kind, outer):
    packed_as(tmp_path / "file", kind, b"id;income\n" + b"Ada-78;1\n" * 1_000 + b"Ada-77;12\n")
    if outer:
        packed_as(tmp_path / "outer", outer, (tmp_path / "file").read_bytes())
    path = tmp_path / ("outer" if outer else "file")
    assert traces.stands_in(path, Names.of(["Ada-77"])) is (
        {kind, outer} <= {"", "tar"}
    )  # tar alone leaves text as it is
    assert traces_in(path, set(), "Ada-77") == {"name"}
    assert traces_in(path, set(), "Ada-7") == set()


def test_a_parquet_within_a_zip_is_read_cell_by_cell_and_a_members_name_counts(tmp_path):
    pd.DataFrame({"id": ["Bob-12", "Ada-77"]}).to_parquet(tmp_path / "raw.parquet", compression="zstd")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as packed:
        packed.write(tmp_path / "raw.parquet", "raw.parquet")
        packed.writestr("letters/Cy-5.txt", "Dear Sir or Madam")
    assert traces_in(tmp_path / "export.zip", set(), "Ada-77") == {"name"}
    assert traces_in(tmp_path / "export.zip", set(), "Cy-5") == {"name"}
    assert traces_in(tmp_path / "export.zip", set(), "Dan-3") == set()


def test_what_cannot_be_unpacked_was_not_read(tmp_path, monkeypatch):
    packed_as(tmp_path / "torn.gz", "gz", bytes(range(256)) * 400)
    (tmp_path / "torn.gz").write_bytes((tmp_path / "torn.gz").read_bytes()[:-20])
    packed_as(tmp_path / "torn.zip", "zip", b"some text")
    (tmp_path / "torn.zip").write_bytes((tmp_path / "torn.zip").read_bytes()[:-20])
    content = b"innermost"
    for _ in range(unpacked.DEEPEST + 1):
        content = gzip.compress(content)
    (tmp_path / "deep.gz").write_bytes(content)
    for name in ("torn.gz", "torn.zip", "deep.gz"):
        assert traces_in(tmp_path / name, set(), "Ada-77") == {"unread"}, name
    packed_as(tmp_path / "large.gz", "gz", b"x" * 101)
    assert traces_in(tmp_path / "large.gz", set(), "Ada-77") == set()
    monkeypatch.setattr(unpacked, "MOST_BYTES", 100)
    assert traces_in(tmp_path / "large.gz", set(), "Ada-77") == {"unread"}


def test_nothing_that_was_unpacked_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    packed_as(tmp_path / "file", "zip", b"Ada-77")
    traces_in(tmp_path / "file", set(), "Ada-77")
    assert list((tmp_path / "tmp").iterdir()) == []
