"""Keys under keys."""

import os
import stat

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credit_risk.ledger.errors import LedgerRefused
from credit_risk.ledger.sealing import Secret, make_key_file, master_key, seal, unseal

SECRET = Secret(bytes(32))
MASTER, OTHER = bytes([1] * 32), bytes([2] * 32)


def test_what_is_sealed_opens_with_its_key_at_its_place_alone():
    sealed = seal(AESGCM(MASTER), b"plain", b"place")
    assert unseal(AESGCM(MASTER), sealed, b"place") == b"plain"
    assert unseal(AESGCM(OTHER), sealed, b"place") is None
    assert unseal(AESGCM(MASTER), sealed, b"elsewhere") is None
    assert unseal(AESGCM(MASTER), sealed[:-1] + bytes([sealed[-1] ^ 1]), b"place") is None
    assert unseal(AESGCM(MASTER), b"", b"place") is None


def test_the_same_is_never_sealed_alike():
    assert seal(AESGCM(MASTER), b"plain", b"place") != seal(AESGCM(MASTER), b"plain", b"place")


def test_a_persons_key_cannot_take_anothers_place():
    wrapped = SECRET.wrap(b"k" * 32, 1)
    assert SECRET.unwrap(wrapped, 1) is not None
    assert SECRET.unwrap(wrapped, 2) is None
    assert Secret(bytes([9] * 32)).unwrap(wrapped, 1) is None


def test_the_secret_opens_with_the_right_master_key_alone():
    wrapped = SECRET.wrapped(MASTER, b"ledger")
    assert Secret.unwrapped(MASTER, wrapped, b"ledger") == SECRET
    for key, ledger_id in ((OTHER, b"ledger"), (MASTER, b"another")):
        with pytest.raises(LedgerRefused, match="the master key is not the one"):
            Secret.unwrapped(key, wrapped, ledger_id)


def test_a_digest_is_of_these_words_for_this_purpose_under_this_key():
    digest = SECRET.digest(b"request", "a", "bc")
    assert digest == Secret(bytes(32)).digest(b"request", "a", "bc")
    assert digest != SECRET.digest(b"request", "ab", "c")
    assert digest != SECRET.digest(b"subject", "a", "bc")
    assert digest != Secret(MASTER).digest(b"request", "a", "bc")


def test_the_environment_goes_before_the_file(tmp_path):
    made = make_key_file(tmp_path / "build" / "ledger.key")
    assert master_key({}, tmp_path / "build" / "ledger.key") == made
    assert master_key({"CREDIT_RISK_LEDGER_KEY": MASTER.hex()}, tmp_path / "build" / "ledger.key") == MASTER


def test_a_key_file_is_for_its_owner_alone_and_never_replaced(tmp_path):
    path = tmp_path / "ledger.key"
    before = os.umask(0)
    try:
        made = make_key_file(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert make_key_file(path) == made


@pytest.mark.parametrize("text", ["tooshort", "0" * 63, "g" * 64, "0" * 66])
def test_a_key_of_another_kind_is_refused_and_not_repeated(text):
    with pytest.raises(LedgerRefused, match="CREDIT_RISK_LEDGER_KEY: expected 64 hex digits") as refused:
        master_key({"CREDIT_RISK_LEDGER_KEY": text})
    assert text not in str(refused.value)


def test_no_key_at_all_says_how_to_make_one(tmp_path):
    with pytest.raises(LedgerRefused, match=r"token_hex\(32\)"):
        master_key({}, tmp_path / "nowhere")
