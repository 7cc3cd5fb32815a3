"""Who vouches for a scorer: OpenSSF model signatures over its directory, and over the gate's record of it.

Offline with a key pair (the environment names it, or a development key is made); in a release keyless, by Sigstore,
where the workflow itself is the identity. Verifying says which file is not what was signed. The libraries that sign are
imported late: what decides needs none of them.
"""

import base64
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from credit_risk.config.section import Section, Text
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import replacing
from credit_risk.errors import CheckFailed, CreditRiskError, NotFound, UsageError

log = logging.getLogger(__name__)

VARIABLE = "CREDIT_RISK_SIGNING_KEY"  # the private key's file
OPENED_BY = "CREDIT_RISK_SIGNING_PASSWORD"  # the variable that holds the word which opens it
DEVELOPMENT = Path("build") / "signing" / "signing.key"
MARK = "A development key of one machine, which no environment but a developer's believes.\n"  # PEM may be preceded


class SignedBy(Section):
    """Whose signature counts: that of a key, or that of an identity which an issuer vouches for (Sigstore)."""

    public_key: Text | None = None
    identity: Text | None = None
    issuer: Text | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "SignedBy":
        if (self.public_key is None) == (self.identity is None) or (self.identity is None) != (self.issuer is None):
            raise ValueError("give public_key, or identity and issuer")
        return self


class SignaturePolicy(Section, extra="ignore"):
    """Which scorers may decide in an environment, in the service and in files: the part of `serving:` that says so.

    gate: `required` lets those decide alone that passed and are signed; `reported` any. signed_by: whose signature they
    must carry; it may be left out only where the gate is `reported`, and then nothing is verified.
    """

    gate: Literal["required", "reported"] = "required"
    signed_by: SignedBy | None = None

    @model_validator(mode="after")
    def _what_is_required_is_signed(self) -> "SignaturePolicy":
        if self.gate == "required" and self.signed_by is None:
            raise ValueError("gate: required needs signed_by: whose signature scorer and gate record must carry")
        return self


def keyless(identity: str | None, issuer: str | None) -> SignedBy | None:
    """Whose keyless signature counts, as two options of a command say; None without both. Raises UsageError for one."""
    if not (identity or issuer):
        return None
    if not (identity and issuer):
        raise UsageError("--identity and --issuer go together.")
    return SignedBy(identity=identity, issuer=issuer)


class SignatureRefused(CheckFailed, ValueError):
    """Something is not signed, was signed by another, or is not what was signed."""


class SigningUnavailable(CreditRiskError, ConnectionError):
    """Nobody vouches for this process: Sigstore is not reached, or gives it no identity."""


def sign_release(files: Files, key: Path | None) -> list[Path]:
    """Sign scorer and gate record; returns the signatures that were made anew. key: None signs keyless."""
    unsigned = [pair for pair in signed(files) if key is None or not _is_signed(*pair, key)]
    return [sign(path, signature, key) for path, signature in unsigned]


def verify_release(files: Files, by: SignedBy) -> None:
    """Raise SignatureRefused with everything about scorer and gate record that is not as this signer left it."""
    wrong = [sentence for path, signature in signed(files) if (sentence := refusal(path, signature, by, files.root))]
    if wrong:
        raise SignatureRefused("\n".join(wrong))


def signed(files: Files) -> tuple[tuple[Path, Path], ...]:
    """What is signed in a release, each with the path of its signature."""
    return (files.scorer, files.scorer_signature), (files.report("gate"), files.gate_signature)


def sign(path: Path, signature: Path, key: Path | None) -> Path:
    """Sign a directory or file with a private key, or keyless. Raises NotFound, UsageError, SigningUnavailable."""
    if not path.exists():
        raise NotFound(path, "There is nothing to sign: run `make run`.")
    from model_signing import signing  # noqa: PLC0415

    config = signing.Config()  # type: ignore[no-untyped-call]
    with replacing(signature) as unfinished:
        if key is None:
            _keyless(config, path, unfinished)
        else:
            _with_key(config, key).sign(path, unfinished)
    return signature


def _with_key(config: Any, key: Path) -> Any:
    try:
        return config.use_elliptic_key_signer(private_key=key, password=os.environ.get(OPENED_BY))
    except FileNotFoundError:
        raise NotFound(key, f"{VARIABLE} names the private key's file.") from None
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{key} is no private key that can sign ({error}); expected a PEM file of an EC key."
        ) from None


def _keyless(config: Any, path: Path, signature: Path) -> None:
    from sigstore.errors import Error  # noqa: PLC0415

    try:
        config.use_sigstore_signer(use_ambient_credentials=True).sign(path, signature)
    except (Error, OSError, ValueError) as error:
        raise SigningUnavailable(
            f"{path} cannot be signed keyless: {error}. It takes a workflow with `id-token: write` and the network; "
            f"elsewhere sign with a key ({VARIABLE})."
        ) from None


def verify(path: Path, signature: Path, by: SignedBy, root: Path) -> None:
    """Raise SignatureRefused unless a directory or file is, to the byte, what `by` has signed."""
    if sentence := refusal(path, signature, by, root):
        raise SignatureRefused(sentence)


def refusal(path: Path, signature: Path, by: SignedBy, root: Path) -> str | None:
    """Why a directory or file is not what `by` has signed; None if it is. Raises NotFound without the public key."""
    if not path.exists():
        return f"{path} is not there: `make run` makes the scorer, and `credit-risk sign` signs what the gate let pass."
    if not signature.is_file():
        return f"{path} is not signed ({signature} is missing). Sign what the gate let pass: `credit-risk sign`."
    public_key = root / by.public_key if by.public_key else None
    if public_key is not None and not public_key.is_file():
        raise NotFound(
            public_key, "It is the public key whose signature counts; `credit-risk sign` makes one to try with."
        )
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from model_signing import verifying  # noqa: PLC0415
    from sigstore.errors import Error  # noqa: PLC0415

    config = verifying.Config()  # type: ignore[no-untyped-call]
    try:
        if public_key is not None:
            config.use_elliptic_key_verifier(public_key=public_key)
        else:
            config.use_sigstore_verifier(identity=by.identity or "", oidc_issuer=by.issuer or "")
        config.verify(path, signature)
    except (OSError, Error) as error:
        return f"{path} cannot be verified: {error}"
    # What a garbled signature causes.
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, InvalidSignature) as error:
        return f"{path}: {_difference(error, path, signature)}"
    return None


def private_key(root: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """The private key's file: the environment's, or one for development, made here with its public half beside it."""
    if named := environment.get(VARIABLE, "").strip():
        return Path(named)
    path = root / DEVELOPMENT
    if not path.is_file():
        make_keys(path)
        public = path.with_suffix(".pub")
        public.write_text(MARK + public.read_text(encoding="utf-8"), encoding="utf-8")
        log.warning("A development key to sign with was made: %s. Production sets %s.", path, VARIABLE)
    return path


def is_development(root: Path | None, public_key: str) -> bool:
    """Whether a public key was made for development, here or (it is marked) on another machine.

    A copy without its mark is known on the machine that made the key, and on no other.
    """
    made_here = DEVELOPMENT.with_suffix(".pub")
    if Path(public_key).parts[-3:] == made_here.parts:
        return True
    path = None if root is None else root / public_key
    if root is None or path is None or not path.is_file():
        return False
    key, mark = path.read_bytes(), MARK.encode()
    own = (root / made_here).read_bytes().removeprefix(mark).split() if (root / made_here).is_file() else None
    return key.startswith(mark) or key.split() == own


def make_keys(path: Path) -> None:
    """Write a new private key, for its owner alone, and its public half as NAME.pub beside it."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    path.parent.mkdir(parents=True, exist_ok=True)
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    path.with_suffix(".pub").write_bytes(public)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))


def _is_signed(path: Path, signature: Path, key: Path) -> bool:
    """Whether this very key has signed it: signing again would only change the file."""
    public = key.with_suffix(".pub")
    if not (path.exists() and public.is_file()):
        return False
    return refusal(path, signature, SignedBy(public_key=str(public.absolute())), path.parent) is None


def _difference(error: Exception, path: Path, signature: Path) -> str:
    """The library's finding in one line: the names of the files that differ, or why the signature does not count."""
    if "Signature mismatch" in str(error):
        return f"it is not what was signed: {', '.join(_differences(path, signature))}."
    if "Key mismatch" in str(error):
        return f"{signature.name} was made with another key than the one that counts."
    return f"{signature} is no valid signature of it ({type(error).__name__}); it was altered, or is of something else."


def _differences(path: Path, signature: Path) -> list[str]:
    """Each file that is not as a valid signature lists it."""
    envelope = json.loads(signature.read_bytes())["dsseEnvelope"]
    listed = json.loads(base64.b64decode(envelope["payload"]))["predicate"]["resources"]
    then = {resource["name"]: resource["digest"] for resource in listed}
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    now = {file.relative_to(path).as_posix(): digest.of_file(file) for file in files}  # a single file is "."
    changes = {name: "was altered" for name in then.keys() & now.keys() if then[name] != now[name]}
    changes |= dict.fromkeys(now.keys() - then.keys(), "was added")
    changes |= dict.fromkeys(then.keys() - now.keys(), "is missing")
    return [f"{'it' if name == '.' else name} {change}" for name, change in sorted(changes.items())]
