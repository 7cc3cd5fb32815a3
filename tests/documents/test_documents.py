"""Documents on a small made-up run: every number traced, a difference found, texts owed; and the bundle's verifier."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from credit_risk.cli import main
from credit_risk.data.writing import read_json, write_json, write_text
from credit_risk.documents import bundle, pages, promotion, settings
from credit_risk.errors import ConfigError
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignedBy
from documents_trial import METRICS, declared

DECLARED = declared("{label: Outcome, artefact: configs/credit.yaml, key: outcome.definition, kind: text}")
AT = datetime(2026, 11, 30, tzinfo=UTC)
COMPUTED = {
    "registry/history.json": {"roles": {"1": "champion"}, "moves": [{"seq": 1, "move": "promote"}]},
    "reports/audits/ecoa.json": {"verdict": "PASS"},
}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    write_text(root / settings.FILE, DECLARED)
    write_text(root / "configs" / "credit.yaml", "outcome: {definition: a <bad> account}\n")
    write_json(root / "reports" / "metrics.json", METRICS)
    write_text(root / "models" / "scorer" / "scorer.json", "{}")
    return root


def test_every_number_says_where_it_was_read(root, tmp_path):
    done = pages.write(root, tmp_path / "out")
    assert (done.numbers, done.missing, done.unread) == (5, ["use"], [])
    claims = list(pages.claims((tmp_path / "out" / "card.html").read_text()))
    assert [(claim.key, claim.value) for claim in claims] == [
        ("test.auc", "0.750"),
        ("test.auc_low", "0.700"),
        ("test.auc_high", "0.800"),
        ("rows", "6,000"),
        ("outcome.definition", "a <bad> account"),
    ]
    assert {len(claim.sha256) for claim in claims} == {64}
    assert pages.verify(root, tmp_path / "out") == (5, [])


def test_a_number_that_was_typed_over_is_found(root, tmp_path):
    pages.write(root, tmp_path / "out")
    page = tmp_path / "out" / "card.html"
    page.write_text(page.read_text().replace(">0.750<", ">0.790<"))
    count, faults = pages.verify(root, tmp_path / "out")
    assert (count, faults) == (
        5,
        ["card.html: test.auc of reports/metrics.json: the document says '0.790', the artefact '0.750'"],
    )


def test_an_artefact_that_changed_since_is_found_though_the_number_reads_the_same(root, tmp_path):
    pages.write(root, tmp_path / "out")
    write_json(root / "reports" / "metrics.json", METRICS | {"other": 1})
    _, faults = pages.verify(root, tmp_path / "out")
    assert len(faults) == 4  # what is of credit.yaml still holds
    assert all("the artefact is another one" in fault for fault in faults)


def test_a_page_or_an_artefact_that_is_gone_is_found(root, tmp_path):
    assert pages.verify(root, tmp_path / "out") == (0, ["card.html is not there"])
    pages.write(root, tmp_path / "out")
    (root / "reports" / "metrics.json").unlink()
    assert len(pages.verify(root, tmp_path / "out")[1]) == 4


@pytest.mark.parametrize("change", [{"test": {"auc": 0.75}}, {"test": None}, {"test": {"auc": None}}])
def test_a_figure_that_cannot_be_read_is_said_in_its_place(root, tmp_path, change):
    write_json(root / "reports" / "metrics.json", METRICS | change)
    done = pages.write(root, tmp_path / "out")
    assert len(done.unread) == 1
    assert "reports/metrics.json has no" in (tmp_path / "out" / "card.html").read_text()


SAMPLES = ("SAMPLE: for cards", "# SAMPLE\n\nfor cards", "<!-- SAMPLE -->\nfor cards", "\n  **SAMPLE** for cards")
NOBODYS = [(text, 1) for text in (None, "", *SAMPLES)]


@pytest.mark.parametrize(
    ("text", "owed"), [*NOBODYS, ("For cards & loans.", 0), ("For cards & loans. A SAMPLE of rows.", 0)]
)
def test_a_text_that_nobody_wrote_is_marked_and_stops_a_promotion(root, tmp_path, text, owed):
    if text is not None:
        write_text(root / settings.TEXTS / "use.md", text)
    reasons = promotion.refusals(root, SignedBy(public_key="k"), "s", date(2026, 11, 30))
    assert reasons == ["governance/texts/use.md is not written"] * owed
    pages.write(root, tmp_path / "out")
    page = (tmp_path / "out" / "card.html").read_text()
    assert ("To be written by a person" in page) is bool(owed)
    assert owed or "For cards &amp; loans." in page


def test_without_the_list_of_documents_nothing_is_promoted(tmp_path):
    (reason,) = promotion.refusals(tmp_path, SignedBy(public_key="k"), "s", date(2026, 11, 30))
    assert "documents.yaml" in reason


def test_a_section_is_of_figures_or_of_a_person(root):
    write_text(root / settings.FILE, DECLARED.replace("        ask: For what?\n", ""))
    with pytest.raises(ConfigError, match="give figures, or a table, or person with ask"):
        settings.load(root)


@pytest.fixture
def gathered(root, tmp_path):
    signing.make_keys(tmp_path / "own.key")
    manifest = bundle.write(root, tmp_path / "evidence", tmp_path / "own.key", AT, COMPUTED)
    return tmp_path / "evidence", manifest


def verified(folder, key):
    words = [sys.executable, str(folder / "verify.py"), "--key", str(key)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_a_bundle_lists_what_it_holds_and_what_it_lacks(gathered):
    folder, manifest = gathered
    assert manifest == read_json(folder / "manifest.json")
    assert {"documents/card.html", "reports/metrics.json", "verify.py", "signing.pub"} <= manifest["files"].keys()
    assert "reports/gate.json" in manifest["absent"]
    assert manifest["not_written"] == ["use"]
    assert "reports/gate.json is not there" in (folder / "index.html").read_text()


def test_what_is_computed_stands_in_a_bundle_and_no_older_file_of_the_repository(root, tmp_path):
    write_json(root / "reports" / "audits" / "sox.json", {"verdict": "of another scorer"})
    signing.make_keys(tmp_path / "own.key")
    manifest = bundle.write(root, tmp_path / "evidence", tmp_path / "own.key", AT, COMPUTED)
    assert read_json(tmp_path / "evidence" / "registry" / "history.json") == COMPUTED["registry/history.json"]
    assert [path.name for path in (tmp_path / "evidence" / "reports" / "audits").iterdir()] == ["ecoa.json"]
    assert {"registry/history.json", "reports/audits/ecoa.json"} <= manifest["files"].keys()
    assert {"registry/history.json", "reports/audits"}.isdisjoint(manifest["absent"])


def test_what_could_not_be_computed_is_absent(root, tmp_path):
    signing.make_keys(tmp_path / "own.key")
    manifest = bundle.write(root, tmp_path / "evidence", tmp_path / "own.key", AT, {})
    assert {"registry/history.json", "reports/audits"} <= set(manifest["absent"])
    assert not (tmp_path / "evidence" / "registry").exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_verifier_names_a_changed_an_added_and_a_missing_file(gathered, tmp_path):
    folder, _ = gathered
    key = tmp_path / "own.pub"
    assert verified(folder, key) == (0, ["Every file is as it was signed."])
    metrics = folder / "reports" / "metrics.json"
    metrics.write_bytes(metrics.read_bytes().replace(b"0.75", b"0.76"))
    (folder / "documents" / "card.html").unlink()
    write_text(folder / "extra.txt", "x")
    assert verified(folder, key) == (
        1,
        ["documents/card.html is missing", "extra.txt was added", "reports/metrics.json was changed"],
    )


EDITS = {
    "a link": (lambda folder: (folder / "card").symlink_to(folder / "index.html"), "card was added"),
    "a link to nothing": (lambda folder: (folder / "card").symlink_to("/nowhere"), "card was added"),
    "a pipe": (lambda folder: os.mkfifo(folder / "card"), "card was added"),
    "an empty folder": (lambda folder: (folder / "card").mkdir(), "card was added"),
    "a link in a file's stead": (
        lambda folder: (
            (folder / "index.html").rename(folder.parent / "index.html")
            and (folder / "index.html").symlink_to(folder.parent / "index.html")
        ),
        "index.html was changed",
    ),
    "no JSON": (lambda folder: write_text(folder / "manifest.json", "no json"), "manifest.json lists no files"),
    "no list": (lambda folder: write_text(folder / "manifest.json", "{}"), "manifest.json lists no files"),
    "another list": (
        lambda folder: write_text(folder / "manifest.json", '{"files": []}'),
        "manifest.json lists no files",
    ),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json lists no files"),
}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(("edit", "fault"), EDITS.values(), ids=EDITS)
def test_whatever_else_is_done_to_a_bundle_is_named_and_ends_in_no_traceback(gathered, tmp_path, edit, fault):
    folder, _ = gathered
    edit(folder)
    code, faults = verified(folder, tmp_path / "own.pub")
    assert (code, faults[-1]) == (1, fault)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_repositorys_own_command_names_files_figures_and_signatures_that_do_not_hold(gathered, root, capsys):
    folder, _ = gathered
    words = [
        "evidence",
        "verify",
        "--root",
        str(root),
        "--folder",
        str(folder),
        "--key",
        str(folder.parent / "own.pub"),
    ]
    assert main(words) == 0
    assert "all 5 figures are what their artefacts say" in capsys.readouterr().out
    metrics = root / "reports" / "metrics.json"
    metrics.write_bytes(metrics.read_bytes().replace(b"0.75", b"0.76"))
    write_text(folder / "extra.txt", "x")
    assert main(words) == 1
    said = capsys.readouterr().err
    assert ("card.html: test.auc of reports/metrics.json" in said, "extra.txt was added" in said) == (True, True)
    signing.make_keys(folder.parent / "another.key")
    assert main([*words[:-1], str(folder.parent / "another.pub")]) == 1
    assert "manifest.json is not signed by" in capsys.readouterr().err


@pytest.mark.parametrize(("folder", "key"), [("nowhere", "own.pub"), ("evidence", "none.pub")])
def test_a_bundle_or_a_key_that_is_not_there_verifies_nothing(gathered, root, capsys, folder, key):
    words = ["--folder", str(gathered[0].parent / folder), "--key", str(gathered[0].parent / key)]
    assert main(["evidence", "verify", "--root", str(root), *words]) == 2
    assert ("nowhere" if folder == "nowhere" else "none.pub") in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_another_key_and_an_edited_list_are_refused(gathered, tmp_path):
    folder, _ = gathered
    signing.make_keys(tmp_path / "another.key")
    assert verified(folder, tmp_path / "another.pub")[0] == 1
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    assert verified(folder, tmp_path / "own.pub") == (1, [f"manifest.json is not signed by {tmp_path / 'own.pub'}"])


def test_the_signature_is_one_that_cryptography_reads(gathered, tmp_path):
    folder, _ = gathered
    key = serialization.load_pem_public_key((tmp_path / "own.pub").read_bytes())
    content, signature = (folder / "manifest.json").read_bytes(), (folder / "manifest.sig").read_bytes()
    key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(signature, content + b" ", ec.ECDSA(hashes.SHA256()))
