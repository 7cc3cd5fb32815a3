"""The keys of an identity provider: looked at in the background, so that no request ever waits for them."""

import json
import logging
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

import jwt

from credit_risk.errors import NotFound, UsageError
from credit_risk.serving.settings import Jwt

log = logging.getLogger(__name__)

WITHIN = 5.0  # seconds for a connection with a provider, and for each next piece of its answer
WHOLE = 10.0  # seconds for all of it: the connection, the answer's header and its body
MOST = 1_000_000  # bytes of an answer
UNREADABLE = (OSError, HTTPException, ValueError, TypeError, RecursionError, jwt.PyJWTError)


class ProviderKeys:
    """The signing keys that an identity provider publishes now, by their ids.

    A key that is gone from the provider's set is believed no longer than `refresh_s`, or `max_age_s` while the set
    cannot be had: then no key is believed at all. An id that is not known makes no request wait: it is answered from
    what is there, and the set is looked at again at once, but at most once in `retry_s`.
    """

    def __init__(self, settings: Jwt, read: Callable[[], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._read = read
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._looked_at = -float("inf")
        self._wake = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None

    @classmethod
    def of(cls, settings: Jwt, root: Path) -> "ProviderKeys":
        """The keys at the settings' file or https URL. Raises NotFound or UsageError for what cannot be any."""
        address = settings.jwks
        if address.startswith("https://"):
            keys = cls(settings, lambda: download(address))
        elif "://" in address:
            raise UsageError(f"jwks: {address} is neither a file nor an https URL.")
        else:
            path = root / address
            if not path.is_file():
                raise NotFound(path, "Name the identity provider's key set under serving.access.jwt.jwks.")
            keys = cls(settings, path.read_bytes)
            try:
                keys.look()
            except UNREADABLE as error:
                raise UsageError(f"{path} is no set of keys (JWKS): {error}.") from None
        keys.start()
        return keys

    @property
    def known(self) -> bool:
        """Whether there are keys that are young enough to be believed."""
        return self._read_at is not None and self._clock() - self._read_at < self._settings.max_age_s

    def key(self, identifier: object) -> jwt.PyJWK | None:
        """The key of this id, or None; nothing is waited for."""
        key = self._keys.get(identifier) if isinstance(identifier, str) else None
        if key is None:
            self._wake.set()
        return key

    def look(self) -> None:
        """Read the keys anew; those that are not in the set any more are forgotten. Raises one of UNREADABLE."""
        begun = self._clock()
        self._looked_at = begun
        self._keys, self._read_at = keys_of(self._read()), begun

    def pause(self) -> float:
        """Seconds until the next look: few where an id was not known, or where the last look failed."""
        soon = self._wake.is_set() or self._read_at is None or self._read_at < self._looked_at
        wait = min(self._settings.retry_s, self._settings.refresh_s) if soon else self._settings.refresh_s
        return max(0.0, self._looked_at + wait - self._clock())

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="jwks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self._wake.set()

    def _run(self) -> None:
        while not self._ended:
            if self.pause() > 0:
                # An id that is not known wakes it only to reckon anew how long it still has to wait.
                if self._wake.is_set():
                    time.sleep(min(self.pause(), 0.2))
                else:
                    self._wake.wait(self.pause())
                continue
            self._wake.clear()
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  (a thread that ends unseen would look at no key again)
                log.error("the identity provider's keys cannot be read: %s", error)  # noqa: TRY400


def keys_of(content: bytes) -> dict[str, jwt.PyJWK]:
    """The keys of a set that can check signatures, by id; those of another use or kind are left out.

    Raises ValueError for what is no set of keys.
    """
    listed = json.loads(content)
    if not isinstance(listed, dict) or not isinstance(listed.get("keys"), list):
        raise ValueError("it is no JSON object with a list `keys`")  # noqa: TRY004 - what arrived is a wrong value
    keys = {}
    for entry in listed["keys"]:
        key = _key(entry)
        if key is not None and key.key_id:
            keys[key.key_id] = key
    return keys


def _key(entry: Any) -> jwt.PyJWK | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or not isinstance(entry.get("kid"), str):
        return None
    try:
        return jwt.PyJWK(entry)
    except Exception:  # noqa: BLE001  (whatever a kind of key raises, as for `none`: it can check no signature)
        return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """None: the keys are believed because of where they lie, so nobody may send us elsewhere."""
        return


def download(url: str) -> bytes:
    """What lies at an https URL, in `WHOLE` seconds even if it is dripped. Raises OSError or HTTPException."""
    deadline = time.monotonic() + WHOLE

    class Timed(ssl.SSLSocket):
        def recv_into(self, *args: Any, **settings: Any) -> int:
            if (left := deadline - time.monotonic()) <= 0:
                raise TimeoutError(f"{url} is too slow")
            self.settimeout(min(left, WITHIN))
            return super().recv_into(*args, **settings)

    context = ssl.create_default_context()
    context.sslsocket_class = Timed
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))
    with opener.open(url, timeout=WITHIN) as answer:
        content: bytes = answer.read(MOST + 1)
    if len(content) > MOST:
        raise OSError(f"{url} sends more than {MOST:,} bytes")
    return content
