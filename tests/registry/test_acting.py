"""Who acts: the account of the process or the subject of a verified token, and never a name that somebody typed."""

import json
import os
import pwd
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from credit_risk.errors import UsageError
from credit_risk.registry import acting
from identities_trial import write_identities

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ISSUER = "https://id.example"
TOKENS = f'tokens: [{{"issuer": "{ISSUER}", "audience": "credit-risk", "jwks": "jwks.json", "claim": "actor"}}]'


@pytest.fixture(autouse=True)
def no_token(monkeypatch):
    for name in (acting.TOKEN, "GITHUB_ACTOR", "ACTIONS_ID_TOKEN_REQUEST_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path):
    """A repository in which this account is Ada Berg's, and a token's actor `kim` is Kim Lee."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k1", "alg": "RS256"}
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [public]}))
    ada, kim = {"name": "Ada Berg", "accounts": [ACCOUNT]}, {"name": "Kim Lee", "subjects": ["kim"]}
    write_identities(tmp_path, ada, kim, more=TOKENS)
    return tmp_path


def token(key=KEY, **changes):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "credit-risk", "iat": now, "exp": now + 60, "actor": "kim"} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, "RS256", {"kid": "k1"})


def test_the_account_of_the_process_says_who_acts_and_no_variable(root, monkeypatch):
    for name in ("USER", "LOGNAME", "SUDO_USER", "GITHUB_ACTOR"):
        monkeypatch.setenv(name, "kim")
    assert acting.signed_by(root, None, "identities") == f"Ada Berg <account:{ACCOUNT}>"
    assert acting.signed_by(root, "berg ada", "identities") == f"Ada Berg <account:{ACCOUNT}>"


def test_nobody_signs_for_another(root):
    with pytest.raises(UsageError, match=r"--by says 'Kim Lee', but account:.* is Ada Berg"):
        acting.signed_by(root, "Kim Lee", "identities")


def test_an_account_that_is_nobodys_is_told_what_to_add(root):
    write_identities(root, {"name": "Kim Lee", "accounts": ["kim"]})
    with pytest.raises(UsageError, match=f"Add '{ACCOUNT}' to the `accounts` of a person"):
        acting.signed_by(root, "Kim Lee", "identities")


def test_a_token_of_a_known_provider_says_who_acts(root, monkeypatch):
    monkeypatch.setenv(acting.TOKEN, token())
    assert acting.signed_by(root, None, "identities") == "Kim Lee <subject:kim>"


STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": STRANGER},
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"exp": 1},
        {"exp": None},
        {"actor": None},
        {"actor": ["kim"]},
        {"actor": "eve"},
    ],
)
def test_a_token_that_proves_nobody_is_refused_and_the_account_does_not_step_in(root, monkeypatch, wrong):
    monkeypatch.setenv(acting.TOKEN, token(**wrong))
    with pytest.raises(UsageError):
        acting.signed_by(root, None, "identities")
    monkeypatch.setenv(acting.TOKEN, "no token")
    with pytest.raises(UsageError, match="is not accepted"):
        acting.signed_by(root, None, "identities")


def test_where_names_are_enough_they_are_as_typed_or_the_workflows_starter(root, monkeypatch):
    assert acting.signed_by(root, "Kim Lee", "names") == "Kim Lee"
    monkeypatch.setenv("GITHUB_ACTOR", "octo-cat2")
    assert acting.signed_by(root, None, "names") == "octo-cat2 of GitHub"


def test_where_names_are_enough_nobody_types_what_would_have_proved_one(root):
    with pytest.raises(UsageError, match="Give the name alone"):
        acting.signed_by(root, "Kim Lee <account:kim>", "names")


@pytest.fixture
def published(root, monkeypatch):
    """The root whose provider publishes its keys at a URL."""
    write_identities(
        root,
        {"name": "Kim Lee", "subjects": ["kim"]},
        more=TOKENS.replace("jwks.json", "https://id.example/keys"),
    )
    monkeypatch.setenv(acting.TOKEN, token())
    return root


def test_keys_at_a_url_are_read_in_bounded_time_as_the_service_reads_them(published, monkeypatch):
    monkeypatch.setattr(acting, "download", {"https://id.example/keys": (published / "jwks.json").read_bytes()}.get)
    assert acting.signed_by(published, None, "identities") == "Kim Lee <subject:kim>"


@pytest.mark.parametrize("answer", [b"<html>", b"[" * 100_000, b"[]", b'{"keys": []}', TimeoutError("too slowly")])
def test_a_provider_without_keys_proves_nobody(published, monkeypatch, answer):
    def download(_):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(acting, "download", download)
    with pytest.raises(UsageError, match="is not accepted"):
        acting.signed_by(published, None, "identities")


def test_a_set_of_keys_that_is_deep_without_end_proves_nobody(root, monkeypatch):
    (root / "jwks.json").write_text("[" * 100_000)
    monkeypatch.setenv(acting.TOKEN, token())
    with pytest.raises(UsageError, match="is not accepted"):
        acting.signed_by(root, None, "identities")
