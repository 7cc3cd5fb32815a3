"""Authentication and scopes: API keys that are hashed at rest, or tokens of an identity provider.

A key is `ck_ID_SECRET`; the file holds SHA-256 of the secret, which is 256 random bits and so needs no slow hash.
Several keys of one client may be valid at once: that is how a key is rotated without a gap.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import jwt

from credit_risk.data.writing import write_json
from credit_risk.errors import NotFound, UsageError
from credit_risk.serving.problems import Problem
from credit_risk.serving.settings import Access, Jwt

Scope = Literal["decide", "read", "admin"]
SCOPES: tuple[Scope, ...] = ("decide", "read", "admin")
LOOK_AGAIN = 2.0  # seconds after which a change of the file of keys is seen
CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True)
class Client:
    """Who sent a request: the name that the ledger keeps, and the scopes."""

    name: str
    scopes: frozenset[str]


class Guard(Protocol):
    """Authenticates requests. `client` raises Problem 401 for nobody known; `waits`: it may ask over the network."""

    @property
    def waits(self) -> bool: ...

    def client(self, headers: Mapping[str, str]) -> Client: ...


def guard(settings: Access, root: Path) -> Guard:
    """The guard that the settings name. Raises NotFound or UsageError if its keys are not there."""
    if settings.mode == "keys":
        return ApiKeyGuard(root / settings.keys_file)
    if settings.jwt is not None and settings.mode == "jwt":
        return JwtGuard(settings.jwt, root)
    return OpenAccess()


def needs(client: Client, scope: Scope) -> None:
    """Raises Problem 403 if the client does not have the scope."""
    if scope not in client.scopes:
        raise Problem(403, f"This needs the scope {scope!r}; yours: {', '.join(sorted(client.scopes)) or 'none'}.")


class OpenAccess:
    """Lets everybody do everything: for one developer's machine."""

    waits = False

    def client(self, headers: Mapping[str, str]) -> Client:  # noqa: ARG002  (it asks nobody)
        return Client("development", frozenset(SCOPES))


@dataclass
class ApiKeyGuard:
    """Checks keys against a file of their hashes. The file is read again when it changes: revoking takes seconds."""

    path: Path
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)
    _stamp: tuple[int, int] = (0, 0)
    _looked: float = 0.0
    waits = False

    def __post_init__(self) -> None:
        if not self.path.is_file():
            raise NotFound(self.path, "Make a key first: credit-risk keys add NAME --scope decide")
        self._look()

    def client(self, headers: Mapping[str, str]) -> Client:
        if time.monotonic() - self._looked > LOOK_AGAIN:
            self._look()
        presented = headers.get("x-api-key") or _bearer(headers)
        if not presented:
            raise Problem(401, "Send your key in the header X-API-Key.", more=CHALLENGE)
        _, _, rest = presented.partition("_")
        identifier, _, secret = rest.partition("_")
        known = self._known.get(identifier)
        # A key that is not known takes as long as one that is.
        expected = known["sha256"] if known else "0" * 64
        if not hmac.compare_digest(hashed(secret), expected) or known is None or not _valid(known):
            raise Problem(401, "This key is not known, was revoked, or has expired.", more=CHALLENGE)
        return Client(known["client"], frozenset(known["scopes"]))

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                self._known, self._stamp = read_keys(self.path), stamp
        except FileNotFoundError:
            self._known = {}  # whoever took the file away wants nobody in


@dataclass
class JwtGuard:
    """Tokens signed by an identity provider (OpenID Connect): issuer, audience, time and algorithm are all checked."""

    settings: Jwt
    root: Path

    def __post_init__(self) -> None:
        where = self.settings.jwks
        if where.startswith("https://"):
            self._remote: jwt.PyJWKClient | None = jwt.PyJWKClient(where, cache_keys=True, lifespan=300, timeout=5)
            self._local: dict[str, jwt.PyJWK] = {}
            return
        if "://" in where:
            raise UsageError(f"jwks: {where} is neither a file nor an https URL.")
        path = self.root / where
        if not path.is_file():
            raise NotFound(path, "Name the identity provider's key set under serving.access.jwt.jwks.")
        self._remote = None
        keys = jwt.PyJWKSet.from_json(path.read_text(encoding="utf-8")).keys
        self._local = {key.key_id: key for key in keys if key.key_id}

    @property
    def waits(self) -> bool:
        return self._remote is not None

    def client(self, headers: Mapping[str, str]) -> Client:
        token = _bearer(headers)
        if not token:
            raise Problem(401, "Send a token in the header Authorization: Bearer …", more=CHALLENGE)
        try:
            claims = jwt.decode(
                token,
                self._key(token),
                algorithms=list(self.settings.algorithms),
                audience=self.settings.audience,
                issuer=self.settings.issuer,
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWKClientConnectionError:
            raise Problem(503, "The identity provider cannot be reached.", retry_after=5) from None
        except (jwt.PyJWTError, KeyError) as error:
            raise Problem(401, f"This token is not accepted: {error}.", more=CHALLENGE) from None
        scopes = claims.get(self.settings.scope_claim, "")
        given = scopes.split() if isinstance(scopes, str) else [scope for scope in scopes if isinstance(scope, str)]
        return Client(str(claims["sub"]), frozenset(given))

    def _key(self, token: str) -> jwt.PyJWK:
        if self._remote is not None:
            return self._remote.get_signing_key_from_jwt(token)
        return self._local[str(jwt.get_unverified_header(token).get("kid"))]


def add_key(path: Path, client: str, scopes: list[str], days: int) -> str:
    """Make a key, keep its hash, and return it: this is the only time that anybody sees it."""
    identifier, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    keys = read_keys(path) if path.is_file() else {}
    now = int(time.time())
    keys[identifier] = {
        "client": client,
        "scopes": sorted(scopes),
        "sha256": hashed(secret),
        "made": now,
        "expires": now + days * 86_400,
        "revoked": None,
    }
    _write_keys(path, keys)
    return f"ck_{identifier}_{secret}"


def revoke_key(path: Path, identifier: str) -> None:
    """End a key. It stays in the file, so that the client names of the ledger keep their meaning."""
    keys = read_keys(path) if path.is_file() else {}
    if identifier not in keys:
        raise UsageError(f"{path}: there is no key {identifier!r}; there are {', '.join(keys) or 'none'}.")
    keys[identifier]["revoked"] = int(time.time())
    _write_keys(path, keys)


def read_keys(path: Path) -> dict[str, dict[str, Any]]:
    """The file of keys: id → client, scopes, hash and times. Raises UsageError for a file that is none."""
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))
        for key in keys.values():
            key["client"], key["scopes"], key["sha256"], key["expires"], key["revoked"]
    except (ValueError, AttributeError, KeyError, TypeError):
        raise UsageError(
            f"{path} is no file of keys. Restore it, or make a new one with credit-risk keys add."
        ) from None
    return dict(keys)


def day(moment: int | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).date().isoformat()


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _write_keys(path: Path, keys: dict[str, dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, keys)
    path.chmod(0o600)


def _valid(known: Mapping[str, Any]) -> bool:
    return known["revoked"] is None and time.time() < known["expires"]


def _bearer(headers: Mapping[str, str]) -> str:
    # A Kubernetes API server that hands a request to a pod keeps the usual header for itself.
    header = headers.get("authorization") or headers.get("x-authorization", "")
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def open_access_warning(settings: Access) -> str | None:
    """The warning of every start if nobody is asked who they are, else None."""
    if settings.mode != "off":
        return None
    return f"ACCESS IS OFF: everybody who reaches this port can decide and read decisions (process {os.getpid()})."
