"""Signatures: what was signed verifies, and any byte that differs is refused by its file's name."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError
from sigstore.errors import TUFError

from credit_risk.data.files import Files
from credit_risk.errors import NotFound, UsageError
from credit_risk.scoring import signing
from credit_risk.scoring.signing import SignatureRefused, SignedBy

KEY = Path("build/signing/signing.key")


@pytest.fixture
def files(tmp_path) -> Files:
    """A release of three small files, signed."""
    files = Files(tmp_path / "repository")
    files.scorer.mkdir(parents=True)
    (files.scorer / "model.txt").write_text("model")
    (files.scorer / "scorer.json").write_text("{}")
    files.reports.mkdir()
    files.report("gate").write_text('{"verdict": "PASS"}')
    assert len(signing.sign_release(files, signing.private_key(files.root, {}))) == 2
    return files


BY = SignedBy(public_key="build/signing/signing.pub")


def refused(files: Files, sentence: str, by: SignedBy = BY) -> None:
    with pytest.raises(SignatureRefused, match=sentence) as caught:
        signing.verify_release(files, by)
    assert caught.value.exit_code == 1


def test_what_was_signed_verifies_wherever_it_lies(files, tmp_path):
    signing.verify_release(files, BY)
    moved = shutil.copytree(files.root, tmp_path / "elsewhere")
    signing.verify_release(Files(moved), BY)


def test_the_development_key_is_for_its_owner_alone_and_made_once(files):
    before = (files.root / KEY).read_bytes()
    assert (files.root / KEY).stat().st_mode & 0o777 == 0o600
    assert signing.private_key(files.root, {}).read_bytes() == before
    assert signing.private_key(files.root, {signing.VARIABLE: "/elsewhere.key"}) == Path("/elsewhere.key")


def test_signing_again_with_the_same_key_changes_nothing(files):
    assert signing.sign_release(files, files.root / KEY) == []
    (files.scorer / "model.txt").write_text("another")
    assert signing.sign_release(files, files.root / KEY) == [files.scorer_signature]
    signing.verify_release(files, BY)


def test_one_flipped_byte_of_any_file_is_refused_by_its_name(files):
    for path in (files.scorer / "model.txt", files.scorer / "scorer.json"):
        whole = path.read_bytes()
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        refused(files, f"it is not what was signed: {path.name} was altered")
        path.write_bytes(whole)
    files.report("gate").write_text('{"verdict": "PASS" }')
    refused(files, r"gate.json: it is not what was signed: it was altered")


def test_every_flipped_byte_of_a_signature_is_refused(files):
    whole = files.scorer_signature.read_bytes()
    for place in range(0, len(whole), 7):
        files.scorer_signature.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused(files, "models/scorer: ")


def test_files_that_were_added_or_taken_away_are_named(files):
    (files.scorer / "extra.json").write_text("{}")
    (files.scorer / "model.txt").unlink()
    refused(files, "extra.json was added, model.txt is missing")


def test_another_key_is_not_the_one_that_counts(files, tmp_path):
    signing.make_keys(tmp_path / "other.key")
    refused(files, "scorer.sig was made with another key", SignedBy(public_key=str(tmp_path / "other.pub")))


def test_the_signature_of_another_file_does_not_count(files):
    shutil.copy(files.gate_signature, files.scorer_signature)
    refused(files, "models/scorer: it is not what was signed")


def test_what_is_not_signed_is_refused_and_everything_is_said_at_once(files):
    files.scorer_signature.unlink()
    files.gate_signature.write_text("no signature")
    refused(files, r"scorer is not signed[^\n]*\n.*gate.json: .* is no valid signature")


def test_an_empty_signature_is_none(files):
    files.scorer_signature.write_bytes(b"")
    refused(files, "is no valid signature")


def test_without_the_public_key_nothing_can_be_said(files):
    (files.root / "build/signing/signing.pub").unlink()
    with pytest.raises(NotFound, match="public key whose signature counts"):
        signing.verify_release(files, BY)


def test_a_public_key_that_is_none_refuses(files):
    (files.root / "build/signing/signing.pub").write_text("no key")
    refused(files, "models/scorer: ")


@pytest.mark.parametrize(
    ("text", "error", "sentence"), [(None, NotFound, "names the private key"), ("no", UsageError, "no private key")]
)
def test_a_private_key_that_cannot_sign_is_said(files, tmp_path, text, error, sentence):
    key = tmp_path / "my.key"
    if text:
        key.write_text(text)
    with pytest.raises(error, match=sentence):
        signing.sign(files.scorer, files.scorer_signature, key)
    signing.verify_release(files, BY)  # the signature that was there stays


class Unreachable:
    """Sigstore's side of the library, on a machine that does not reach it."""

    def __init__(self, *_, **__):
        raise TUFError("Failed to refresh TUF metadata")


def test_keyless_without_an_identity_is_said_and_the_old_signature_stays(files, monkeypatch):
    monkeypatch.setattr("model_signing._signing.sign_sigstore.Signer", Unreachable)
    with pytest.raises(signing.SigningUnavailable, match=r"cannot be signed keyless: .*`id-token: write`") as caught:
        signing.sign_release(files, None)
    assert caught.value.exit_code == 2
    signing.verify_release(files, BY)


def test_a_keyless_signature_that_cannot_be_looked_up_is_refused(files, monkeypatch):
    monkeypatch.setattr("model_signing._signing.sign_sigstore.Verifier", Unreachable)
    refused(files, "cannot be verified: .*TUF", SignedBy(identity="me", issuer="https://issuer"))


def test_there_must_be_something_to_sign(tmp_path):
    with pytest.raises(NotFound, match="nothing to sign"):
        signing.sign(tmp_path / "none", tmp_path / "none.sig", tmp_path / "my.key")


@pytest.mark.parametrize(
    "given", [{}, {"public_key": "a", "identity": "b", "issuer": "c"}, {"identity": "b"}, {"issuer": "c"}]
)
def test_one_signer_is_named(given):
    with pytest.raises(ValidationError, match="give public_key, or identity and issuer"):
        SignedBy.model_validate(given)


def test_what_is_not_there_is_not_called_unsigned(tmp_path):
    sentence = signing.refusal(tmp_path / "scorer", tmp_path / "scorer.sig", signing.SignedBy(public_key="k"), tmp_path)
    assert sentence is not None
    assert sentence.startswith(f"{tmp_path / 'scorer'} is not there: `make run`")
