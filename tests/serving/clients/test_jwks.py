"""The keys of an identity provider: withdrawn ones stop counting, and no request ever waits for the provider."""

import json
import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from credit_risk.errors import UsageError
from credit_risk.serving.clients import jwks
from credit_risk.serving.clients.access import JwtGuard, needs
from credit_risk.serving.clients.jwks import UNREADABLE, ProviderKeys, keys_of
from credit_risk.serving.problems import Problem
from credit_risk.serving.settings import Jwt
from credit_risk.serving.web import problem
from tools import PATIENCE, until

SIGNERS = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("k1", "k2")}
SETTINGS = Jwt(
    jwks="https://id.example/keys", issuer="https://id.example", audience="credit-risk", algorithms=("RS256",)
)


def key_set(*names):
    listed = [
        json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNERS[name].public_key())) | {"kid": name} for name in names
    ]
    return json.dumps({"keys": listed}).encode()


def token(name="k1", **changes):
    claims = {
        "sub": "branch",
        "iss": SETTINGS.issuer,
        "aud": "credit-risk",
        "exp": time.time() + 3_600,
        "scope": "read",
    }
    return {
        "authorization": "Bearer "
        + jwt.encode({"scope": "read"} | claims | changes, SIGNERS[name], "RS256", headers={"kid": name})
    }


class Provider:
    """An identity provider that the test turns, with a clock that it turns too; it counts who asks."""

    def __init__(self, *names):
        self.content, self.asked, self.now = key_set(*names), 0, 1_000.0
        self.keys = ProviderKeys(SETTINGS, self.read, clock=lambda: self.now)
        self.guard = JwtGuard(SETTINGS, None, self.keys)

    def read(self):
        self.asked += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    def pass_time(self, seconds):
        """As the thread in the background does: look whenever it is time to."""
        end = self.now + seconds
        while (pause := self.keys.pause()) <= end - self.now:
            self.now += pause
            self.keys._wake.clear()
            with suppress(UNREADABLE):
                self.keys.look()
        self.now = end

    def status(self, headers):
        with pytest.raises(Problem) as refused:
            self.guard.client(headers)
        return problem(refused.value).status_code  # as it is answered: its words have to be UTF-8


@pytest.fixture
def provider():
    started = Provider("k1")
    started.keys.look()
    return started


def test_a_withdrawn_key_counts_no_longer_than_the_stated_time(provider):
    assert provider.guard.client(token()).name == "branch"
    provider.content = key_set("k2")
    provider.pass_time(SETTINGS.refresh_s)
    assert provider.status(token()) == 401
    assert provider.guard.client(token("k2")).name == "branch"
    provider.content = b'{"keys": []}'
    provider.pass_time(SETTINGS.refresh_s)
    assert provider.status(token("k2")) == 401


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"keys": 7}', b"\xff", OSError("500"), TimeoutError("late")])
def test_while_the_provider_cannot_be_had_keys_count_until_they_are_too_old(provider, content):
    provider.content = content
    provider.pass_time(SETTINGS.max_age_s - 1)
    assert provider.guard.client(token()).name == "branch"
    provider.pass_time(2)
    assert provider.status(token()) == 503
    provider.content = key_set("k1")
    provider.pass_time(SETTINGS.retry_s)
    assert provider.guard.client(token()).name == "branch"


def test_unknown_keys_are_answered_at_once_and_looked_for_once_in_a_while(provider):
    before = provider.asked
    for _ in range(24):
        assert provider.status(token("k2")) == 401
    assert provider.asked == before
    for _ in range(100):  # in as many seconds
        provider.status(token("k2"))
        provider.pass_time(1)
    assert provider.asked - before <= 100 / SETTINGS.retry_s + 1
    provider.content = key_set("k1", "k2")
    provider.status(token("k2"))
    provider.pass_time(SETTINGS.retry_s)
    assert provider.guard.client(token("k2")).name == "branch"


def test_a_provider_that_fails_is_asked_no_more_often_than_that(provider):
    provider.content, before = OSError("500"), provider.asked
    provider.pass_time(100)
    assert provider.asked - before <= 100 / SETTINGS.retry_s + 1


def test_a_provider_that_hangs_keeps_no_request_waiting():
    hangs, let_go = threading.Event(), threading.Event()

    def read():
        hangs.set()
        let_go.wait(PATIENCE)
        return key_set("k1")

    keys = ProviderKeys(SETTINGS, read)
    keys.start()
    guard = JwtGuard(SETTINGS, None, keys)
    try:
        assert hangs.wait(PATIENCE)
        with pytest.raises(Problem) as refused:
            guard.client(token())
        assert refused.value.status == 503
        let_go.set()
        until(lambda: keys.known, "the keys of the provider")
        assert guard.client(token()).name == "branch"
    finally:
        let_go.set()
        guard.close()
    keys._thread.join(PATIENCE)
    assert not keys._thread.is_alive()


@pytest.mark.parametrize("scope", [None, 7, True, 1.5, {"a": 1}, [None, 7], ""])
def test_a_scope_that_is_no_text_gives_no_scope(provider, scope):
    assert provider.guard.client(token(scope=scope)).scopes == frozenset()


@pytest.mark.parametrize("scope", ["\ud800", ["\ud800", "decide"]])
def test_a_scope_with_half_a_character_is_shown_as_something_that_can_be_read(provider, scope):
    with pytest.raises(Problem) as refused:
        needs(provider.guard.client(token(scope=scope)), "read")
    answer = problem(refused.value)
    assert answer.status_code == 403
    assert "?" in json.loads(answer.body)["detail"]


@pytest.mark.parametrize(
    "changes",
    [{"sub": ""}, {"sub": "a\n"}, {"sub": "\ud800"}, {"sub": "x" * 201}, {"sub": 7}, {"sub": None}, {"exp": "soon"},
     {"exp": [1]}, {"exp": float("inf")}, {"nbf": "x"}, {"aud": 7}],
)  # fmt: skip
def test_claims_that_are_not_what_they_should_be_are_the_tokens_fault(provider, changes):
    assert provider.status(token(**changes)) == 401


@pytest.mark.parametrize(
    "head",
    ["[" * 12_000, '{"kid": 7}', '{"kid": null}', "7", "\xff", '{"alg": [], "kid": "k1"}', '{"kid": "k1"}', "",
     r'{"alg": "RS256", "kid": "k1", "crit": ["\ud800"]}', r'{"alg": "\ud800", "kid": "\ud800"}'],
)  # fmt: skip
def test_whatever_stands_in_a_tokens_head_is_the_tokens_fault(provider, head):
    first = jwt.utils.base64url_encode(head.encode("latin-1")).decode()
    for sent in (f"{first}.e30.AAAA", first, "." * 5_000, "a" * 60_000, "ü.ü.ü"):
        assert provider.status({"authorization": f"Bearer {sent}"}) == 401


def test_of_a_set_only_keys_that_can_check_signatures_count():
    listed = json.loads(key_set("k1"))["keys"]
    others = [listed[0] | {"use": "enc", "kid": "a"}, {"kty": "no"}, 7, {"kid": "b", "kty": "RSA"}, {"kty": "RSA"}]
    none = [listed[0] | {"alg": "none", "kid": "c"}, {"kty": 7, "alg": "none", "kid": "d"}]
    assert list(keys_of(json.dumps({"keys": [*others, *none, *listed]}).encode())) == ["k1"]


@pytest.mark.parametrize("kind", [RuntimeError, NotImplementedError, AttributeError, OverflowError, MemoryError])
def test_whatever_a_look_fails_with_the_next_one_reads_the_keys(kind):
    failures = [kind("never thought of")]

    def read():
        if failures:
            raise failures.pop()
        return key_set("k1")

    keys = ProviderKeys(SETTINGS.model_copy(update={"retry_s": 0.1}), read)
    keys.start()
    try:
        until(lambda: keys.known or not keys._thread.is_alive(), "the keys of the provider, or the end of who looks")
        assert (keys.known, failures) == (True, [])
    finally:
        keys.close()


def test_a_file_that_is_no_set_of_keys_is_said_at_the_start(tmp_path):
    (tmp_path / "keys.json").write_text("<html>")
    with pytest.raises(UsageError, match="is no set of keys"):
        JwtGuard(SETTINGS.model_copy(update={"jwks": "keys.json"}), tmp_path)


def test_what_is_downloaded_is_bounded_in_size_and_goes_where_the_settings_say():
    assert jwks._NoRedirect().redirect_request() is None
    with pytest.raises(OSError, match="refused"):
        jwks.download("https://127.0.0.1:9/keys")


class Drip:
    """A provider over TLS that says `first` at once and then one byte of `rest` at a time, for as long as it is let."""

    def __init__(self, context, first, rest, handshake=True):
        self.context, self.first, self.rest, self.handshake = context, first, rest, handshake
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.server.getsockname()[1]}/keys"
        self.ended, self.left = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        accepted, _ = self.server.accept()
        with accepted, suppress(OSError):
            if not self.handshake:
                self.ended.wait(PATIENCE)
                return
            with self.context.wrap_socket(accepted, server_side=True) as connection:
                connection.recv(65_536)
                connection.sendall(self.first)
                while self.rest and not self.ended.wait(0.02):
                    connection.sendall(self.rest)
                if not self.rest:
                    connection.settimeout(PATIENCE)
                    connection.recv(1)  # until the other end closes
        self.left.set()

    def close(self):
        self.ended.set()
        self.thread.join(PATIENCE)
        self.server.close()


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """The context of a server on loopback whose certificate this process believes."""
    key, name = SIGNERS["k1"], x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "id.example")])
    day = timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - day)
        .not_valid_after(datetime.now(UTC) + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "id.pem").write_bytes(
        key.private_bytes(pem, form, serialization.NoEncryption()) + certificate.public_bytes(pem)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "id.pem"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "id.pem")
    return context


@pytest.fixture
def drip(certified):
    started = []

    def start(*args, **settings):
        started.append(Drip(certified, *args, **settings))
        return started[-1]

    yield start
    for server in started:
        server.close()


def test_what_a_provider_answers_in_time_is_read_whole(drip):
    assert jwks.download(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkeys", b"").url) == b"keys"


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (b"", b"H"),  # in the answer's first line
        (b"HTTP/1.1 200 OK\r\nX-", b"a"),  # in a header
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),  # in headers that never end
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b"k"),  # in the body
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nk\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),  # in a chunk's own head
        (b"", b""),  # nothing
    ],
)
def test_a_provider_that_drips_or_says_nothing_is_left_once_the_whole_time_is_over(drip, monkeypatch, first, rest):
    monkeypatch.setattr(jwks, "WHOLE", 0.5)
    monkeypatch.setattr(jwks, "WITHIN", PATIENCE)  # each piece is there long before
    server = drip(first, rest)
    raised = []

    def read():
        try:
            jwks.download(server.url)
        except OSError as error:
            raised.append(error)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(20)
    assert not reading.is_alive()
    assert len(raised) == 1
    assert server.left.wait(PATIENCE)  # and the connection with it is given up


def test_a_provider_that_never_ends_the_handshake_is_left_too(drip, monkeypatch):
    monkeypatch.setattr(jwks, "WITHIN", 0.5)
    with pytest.raises(OSError, match="timed out"):
        jwks.download(drip(b"", b"", handshake=False).url)
