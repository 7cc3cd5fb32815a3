"""Envelope encryption: a person's data under the person's own key, those under the ledger's secret, that under yours.

    master key   yours, 32 bytes, never stored here
     └ secret    the ledger's, stored sealed under the master key; a new master key seals it again, nothing else changes
        ├ wrapping key    seals the persons' keys
        ├ index key       keyed digests of applicant references and idempotency keys, so that they can be looked up
        ├ signing key     the HMAC of the chain's head
        └ key pair        Ed25519, signs the head for those who have only its public half
           person's key   random; destroying it is what erases the person

AES-256-GCM throughout, with random nonces; keyed BLAKE2b for digests. What is sealed is bound to a context (the
decision's id, the key's number), so that a ciphertext opens in no other row.
"""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credit_risk.data.writing import sync_folder
from credit_risk.ledger.errors import LedgerRefused

BYTES = 32
NONCE = 12
VARIABLE = "CREDIT_RISK_LEDGER_KEY"
HOW_TO_MAKE = (
    "A ledger that is there opens with the key it was made with alone: restore that from your vault, or name its file "
    "with --key-file. For a new ledger make one with `python3 -c 'import secrets; print(secrets.token_hex(32))'`."
)


def seal(cipher: AESGCM, content: bytes, context: bytes) -> bytes:
    """The nonce and the ciphertext of `content`, which opens with the same key and context alone."""
    nonce = os.urandom(NONCE)
    return nonce + cipher.encrypt(nonce, content, context)


def unseal(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes | None:
    """The content that `seal` was given, None if key or context are others or the bytes were changed.

    Whatever a database's column gives may come in: SQLite's take text for bytes.
    """
    try:
        return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], context)
    except (InvalidTag, ValueError, TypeError):
        return None


def signature_holds(verification_key: bytes, signature: object, message: bytes) -> bool:
    """Whether the owner of this public key has signed the message."""
    try:
        key = Ed25519PublicKey.from_public_bytes(verification_key)
        key.verify(signature if isinstance(signature, bytes) else b"", message)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True)
class Secret:
    """32 random bytes, from which one ledger derives all its keys."""

    value: bytes

    @classmethod
    def new(cls) -> "Secret":
        return cls(os.urandom(BYTES))

    def wrapped(self, master: bytes, ledger_id: bytes) -> bytes:
        """The secret, sealed under the master key for this ledger."""
        return seal(AESGCM(master), self.value, ledger_id)

    @classmethod
    def unwrapped(cls, master: bytes, wrapped: bytes, ledger_id: bytes) -> "Secret":
        """Raises LedgerRefused if another master key, or another ledger, sealed it."""
        value = unseal(AESGCM(master), wrapped, ledger_id)
        if value is None:
            raise LedgerRefused(
                f"the master key is not the one that this ledger was sealed with. Give the right one in {VARIABLE}."
            )
        return cls(value)

    @cached_property
    def signing(self) -> bytes:
        return self._derived(b"head")

    @cached_property
    def _index(self) -> bytes:
        return self._derived(b"index")

    @cached_property
    def _wrapping(self) -> AESGCM:
        return AESGCM(self._derived(b"wrap"))

    def _derived(self, purpose: bytes) -> bytes:
        return hashlib.blake2b(key=self.value, person=purpose, digest_size=BYTES).digest()

    def digest(self, purpose: bytes, *words: str) -> bytes:
        """A keyed digest (16 bytes) to look words up by; without the key nobody can try words out against it."""
        written = "".join(f"{len(word)}:{word}" for word in words)
        return hashlib.blake2b(written.encode(), key=self._index, person=purpose, digest_size=16).digest()

    @cached_property
    def _signer(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._derived(b"signature"))

    @cached_property
    def verification_key(self) -> bytes:
        """The public half (32 bytes) of the key pair: whoever has it can check a head, and sign none."""
        return self._signer.public_key().public_bytes_raw()

    def signature(self, message: bytes) -> bytes:
        """The Ed25519 signature (64 bytes) of a message."""
        return self._signer.sign(message)

    def wrap(self, data_key: bytes, number: int, bound: bytes = b"") -> bytes:
        """A person's key, sealed for the key of this number; bound: whatever else of its row must stay as it is."""
        return seal(self._wrapping, data_key, number.to_bytes(8, signed=True) + bound)

    def unwrap(self, wrapped: bytes, number: int, bound: bytes = b"") -> AESGCM | None:
        """The cipher of a person's key; None if the key was altered, is another person's, or its row was changed."""
        data_key = unseal(self._wrapping, wrapped, number.to_bytes(8, signed=True) + bound)
        return None if data_key is None else AESGCM(data_key)


def master_key(environ: Mapping[str, str], file: Path | None = None, variable: str = VARIABLE) -> bytes:
    """The master key from the environment, or else from a file, as 64 hex digits. Raises LedgerRefused without one."""
    if text := environ.get(variable, "").strip():
        return _key_of(text, variable)
    if file is not None and file.is_file():
        return _key_of(_text_of(file), str(file))
    no_file = f", nor is there a file {file}" if file is not None else ""
    raise LedgerRefused(f"there is no master key: {variable} is not set{no_file}. {HOW_TO_MAKE}")


def _key_of(text: str, source: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != BYTES:  # what was got is a secret, or near one: only its length is said
        raise LedgerRefused(
            f"{source}: expected 64 hex digits, got {len(text)} characters of another kind. {HOW_TO_MAKE}"
        )
    return key


def make_key_file(path: Path) -> bytes:
    """The key of this file, made if there is none, readable by its owner alone: for development, not for production."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(os.urandom(BYTES).hex() + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):  # another process was first: its key is the one
            os.link(unfinished, path)  # whole or not at all, and never over another
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)  # before anything is sealed under it
    return _key_of(_text_of(path), str(path))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerRefused(f"{file} cannot be read as a master key ({type(error).__name__}). {HOW_TO_MAKE}") from None
