"""Authentication and scopes: API keys that are hashed at rest, or tokens of an identity provider.

Several keys of one client may be valid at once: that is how a key is rotated without a gap.
"""

import hmac
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import jwt
from starlette.datastructures import Headers

from credit_risk.errors import UsageError
from credit_risk.serving.clients.jwks import ProviderKeys
from credit_risk.serving.clients.key_file import READ_ALL, hashed, read_keys, stamp
from credit_risk.serving.problems import Problem
from credit_risk.serving.requests.request_reading import is_reference
from credit_risk.serving.settings import Access, Jwt

log = logging.getLogger(__name__)

Scope = Literal["decide", "read", "read:all", "admin"]
SCOPES: tuple[Scope, ...] = ("decide", "read", "read:all", "admin")
LOOK_AGAIN = 2.0  # seconds after which a change of the file of keys is seen
CHALLENGE = {"WWW-Authenticate": "Bearer"}
LONGEST = 16_384  # characters of a token
CREDENTIALS = ("x-api-key", "authorization", "x-authorization")
# What PyJWT raises for a token whose parts are not what it takes them for: text for a time, a list nested too deeply.
NO_TOKEN = (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class Client:
    """Who sent a request: the name that the ledger keeps, and the scopes."""

    name: str
    scopes: frozenset[str]


class Guard(Protocol):
    """Authenticates requests, without waiting for anything. `client` raises Problem 401 for nobody known.

    check: raises Problem 503 while it could let nobody in, however well known.
    """

    def client(self, headers: Mapping[str, str]) -> Client: ...

    def check(self) -> None: ...

    def close(self) -> None: ...


def guard(settings: Access, root: Path) -> Guard:
    """The guard that the settings name. Raises NotFound or UsageError if its keys are not there."""
    if settings.mode == "keys":
        return ApiKeyGuard(root / settings.keys_file)
    if settings.jwt is not None and settings.mode == "jwt":
        return JwtGuard(settings.jwt, root)
    return OpenAccess()


def needs(client: Client, scope: Scope) -> None:
    """Raises Problem 403 if the client does not have the scope."""
    if scope not in client.scopes and not (scope == "read" and READ_ALL in client.scopes):
        raise Problem(403, f"This needs the scope {scope!r}; yours: {', '.join(sorted(client.scopes)) or 'none'}.")


class OpenAccess:
    """Lets everybody do everything: for one developer's machine."""

    def client(self, headers: Mapping[str, str]) -> Client:  # noqa: ARG002  (it asks nobody)
        return Client("development", frozenset(SCOPES))

    def check(self) -> None:
        """Everybody is let in at all times."""

    def close(self) -> None:
        """It keeps nothing open."""


@dataclass
class ApiKeyGuard:
    """Checks keys against a file of their hashes. The file is read again when it changes: revoking takes seconds."""

    path: Path
    _known: dict[str, dict[str, Any]] | None = field(default_factory=dict)
    _stamp: tuple[int, ...] = ()
    _looked: float = 0.0

    def __post_init__(self) -> None:
        self._known = read_keys(self.path)  # without its stamp: the first look reads what was revoked meanwhile
        self._looked = time.monotonic()

    def client(self, headers: Mapping[str, str]) -> Client:
        keys = self._keys()
        refuse_two(headers, CREDENTIALS)
        presented = headers.get("x-api-key") or _bearer(headers)
        if not presented:
            raise Problem(401, "Send your key in the header X-API-Key.", more=CHALLENGE)
        _, _, rest = presented.partition("_")
        identifier, _, secret = rest.partition("_")
        known = keys.get(identifier)
        # A key that is not known takes as long as one that is.
        expected = known["sha256"] if known else "0" * 64
        matches = hmac.compare_digest(hashed(secret), expected)
        if known is None or not matches or known["revoked"] is not None or time.time() >= known["expires"]:
            raise Problem(401, "This key is not known, was revoked, or has expired.", more=CHALLENGE)
        return Client(known["client"], frozenset(known["scopes"]))

    def check(self) -> None:
        self._keys()
        if not self.path.is_file():
            raise Problem(503, "The file of clients' keys is gone.", retry_after=5)

    def close(self) -> None:
        """It keeps nothing open."""

    def _keys(self) -> Mapping[str, dict[str, Any]]:
        if time.monotonic() - self._looked > LOOK_AGAIN:
            self._look()
        if self._known is None:  # who was revoked is not known, so nobody is let in, and health says so
            raise Problem(503, "The keys of clients cannot be read now.", retry_after=5)
        return self._known

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            now = stamp(self.path)
            if now != self._stamp:
                self._stamp = now
                self._known = read_keys(self.path)
        except FileNotFoundError:
            self._known, self._stamp = {}, ()  # whoever took the file away wants nobody in
        except (UsageError, OSError) as error:
            log.error("%s", error)  # noqa: TRY400  (the sentence says it all)
            self._known, self._stamp = None, ()


@dataclass
class JwtGuard:
    """Tokens signed by an identity provider (OpenID Connect): issuer, audience, time and algorithm are all checked."""

    settings: Jwt
    root: Path
    keys: ProviderKeys | None = None
    scopes_of: Callable[[Any], frozenset[str]] | None = None  # part: roles: of the claim with roles

    def __post_init__(self) -> None:
        self._keys = self.keys or ProviderKeys.of(self.settings, self.root)

    def client(self, headers: Mapping[str, str]) -> Client:
        refuse_two(headers, CREDENTIALS)
        token = _bearer(headers)
        if not token:
            raise Problem(401, "Send a token in the header Authorization: Bearer …", more=CHALLENGE)
        if len(token) > LONGEST:
            raise Problem(401, f"This token has more than {LONGEST:,} characters.", more=CHALLENGE)
        self.check()
        try:
            claims = self._claims(token)
        except NO_TOKEN as error:
            cause = f"{error}" if isinstance(error, jwt.PyJWTError) else "it cannot be read"
            raise Problem(401, f"This token is not accepted: {cause[:200]}.", more=CHALLENGE) from None
        subject, scopes = claims["sub"], claims.get(self.settings.scope_claim)
        if not is_reference(subject):
            raise Problem(401, "This token is not accepted: its subject is no name.", more=CHALLENGE)
        # of the part: roles
        if self.scopes_of is not None and self.settings.roles_claim is not None:
            return Client(subject, self.scopes_of(claims.get(self.settings.roles_claim)))
        # end of part
        given = scopes.split() if isinstance(scopes, str) else scopes if isinstance(scopes, list) else []
        return Client(subject, frozenset(scope for scope in given if isinstance(scope, str)))

    def check(self) -> None:
        if not self._keys.known:
            raise Problem(503, "The identity provider's keys cannot be had now.", retry_after=5)

    def close(self) -> None:
        self._keys.close()

    def _claims(self, token: str) -> dict[str, Any]:
        key = self._keys.key(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidTokenError("it is signed with a key that is not known")
        return jwt.decode(
            token,
            key,
            algorithms=list(self.settings.algorithms),
            audience=self.settings.audience,
            issuer=self.settings.issuer,
            options={"require": ["exp", "sub"]},
        )


def refuse_two(headers: Mapping[str, str], names: tuple[str, ...]) -> None:
    """Raises Problem 400 for a header that stands twice: which of two counts would be a guess."""
    if isinstance(headers, Headers):
        sent = [name for name, _ in headers.raw]
        for name in names:
            if sent.count(name.encode()) > 1:
                raise Problem(400, f"The header {name} stands twice.")


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
