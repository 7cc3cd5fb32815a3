"""Who may ask: keys that are hashed, expire and are revoked; tokens that must be signed for us; nobody else."""

import json
import sqlite3
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from credit_risk.errors import NotFound, UsageError
from credit_risk.serving.clients import access
from credit_risk.serving.clients.access import ApiKeyGuard, Client, JwtGuard, needs
from credit_risk.serving.clients.key_file import add_key, revoke_key
from credit_risk.serving.problems import Problem
from credit_risk.serving.settings import Access, Jwt


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys" / "keys.json"


def status(guard, headers):
    with pytest.raises(Problem) as found:
        guard.client(headers)
    return found.value.status


def test_a_key_lets_its_client_in_by_either_header(file):
    key = add_key(file, "branch", ["read", "decide"], 1)
    guard = ApiKeyGuard(file)
    assert guard.client({"x-api-key": key}) == Client("branch", frozenset({"decide", "read"}))
    assert guard.client({"authorization": f"Bearer {key}"}).name == "branch"


def test_the_file_holds_no_key_and_only_its_owner_may_read_it(file):
    key = add_key(file, "branch", ["decide"], 1)
    assert key.rpartition("_")[2] not in file.read_text()
    assert key not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_two_keys_of_one_client_are_valid_at_once_until_one_is_revoked(file):
    old, new = add_key(file, "branch", ["decide"], 1), add_key(file, "branch", ["decide"], 1)
    guard = ApiKeyGuard(file)
    assert guard.client({"x-api-key": old}).name == guard.client({"x-api-key": new}).name == "branch"
    revoke_key(file, old.split("_")[1])
    guard._looked = 0  # as after the seconds that it waits
    assert status(guard, {"x-api-key": old}) == 401
    assert guard.client({"x-api-key": new}).name == "branch"


def test_nothing_wrong_unknown_expired_and_a_file_taken_away_let_nobody_in(file):
    key, expired = add_key(file, "branch", ["decide"], 1), add_key(file, "branch", ["decide"], 0)
    guard = ApiKeyGuard(file)
    assert status(guard, {}) == 401
    assert status(guard, {"x-api-key": key[:-1]}) == 401
    assert status(guard, {"x-api-key": "ck_000000000000_secret"}) == 401
    assert status(guard, {"x-api-key": "ck_000000000000_"}) == 401
    assert status(guard, {"x-api-key": expired}) == 401
    file.unlink()
    guard._looked = 0
    assert status(guard, {"x-api-key": key}) == 401


def test_a_scope_that_is_missing_is_403():
    client = Client("branch", frozenset({"decide"}))
    needs(client, "decide")
    with pytest.raises(Problem, match="read") as found:
        needs(client, "read")
    assert found.value.status == 403


def test_revoking_what_is_not_there_and_a_file_that_is_none_are_said(file, tmp_path):
    add_key(file, "branch", ["decide"], 1)
    with pytest.raises(UsageError, match="there is no key 'x'"):
        revoke_key(file, "x")
    file.write_text("[]")
    with pytest.raises(UsageError, match="is no file of keys"):
        ApiKeyGuard(file)
    with pytest.raises(NotFound, match="credit-risk keys add"):
        ApiKeyGuard(tmp_path / "none.json")


SIGNER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SETTINGS = Jwt(jwks="jwks.json", issuer="https://id.example", audience="credit-risk", algorithms=("RS256",))


@pytest.fixture
def tokens(tmp_path):
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNER.public_key())) | {"kid": "k1", "alg": "RS256"}
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [public]}))
    return JwtGuard(SETTINGS, tmp_path)


def token(signer=SIGNER, algorithm="RS256", kid="k1", **changes):
    claims = {"sub": "branch", "iss": "https://id.example", "aud": "credit-risk", "exp": time.time() + 60}
    claims |= {"scope": "decide read"} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return {"authorization": "Bearer " + jwt.encode(claims, signer, algorithm=algorithm, headers={"kid": kid})}


def test_a_token_signed_for_us_lets_its_subject_in(tokens):
    assert tokens.client(token()) == Client("branch", frozenset({"decide", "read"}))
    assert tokens.client(token(scope=["decide"])).scopes == {"decide"}


def test_a_token_that_came_through_an_api_server_is_held_to_the_same(tokens):
    moved = {"x-authorization": token()["authorization"]}
    assert tokens.client(moved).name == "branch"
    assert tokens.client(moved | {"authorization": ""}).name == "branch"
    assert status(tokens, moved | token(signer=OTHER)) == 401  # the usual header counts where there is one
    assert status(tokens, {"x-authorization": token(signer=OTHER)["authorization"]}) == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"signer": OTHER},
        {"kid": "k2"},
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"exp": time.time() - 60},
        {"exp": None},
        {"sub": None},
        {"signer": "x" * 32, "algorithm": "HS256"},
        {"signer": None, "algorithm": "none"},
    ],
)
def test_a_token_that_is_not_for_us_lets_nobody_in(tokens, changed):
    assert status(tokens, token(**changed)) == 401


def test_a_key_set_that_is_neither_a_file_nor_https_is_refused(tmp_path):
    with pytest.raises(UsageError, match="neither a file nor an https URL"):
        JwtGuard(SETTINGS.model_copy(update={"jwks": "http://id.example/keys"}), tmp_path)
    with pytest.raises(NotFound):
        JwtGuard(SETTINGS, tmp_path / "nowhere")


def test_access_that_is_off_is_said_loudly_and_only_then():
    assert "ACCESS IS OFF" in access.open_access_warning(Access(mode="off"))
    assert access.open_access_warning(Access(mode="keys")) is None


def test_a_route_asks_for_its_scope(serve, tmp_path, application):
    key = add_key(tmp_path / "keys.json", "branch", ["decide"], 1)
    client = serve(access={"mode": "keys", "keys_file": "keys.json"})
    sent = {"X-API-Key": key}
    assert client.post("/decide", json=application).status_code == 401
    decided = client.post("/decide", json=application, headers=sent)
    assert decided.status_code == 200
    assert client.get(f"/decisions/{decided.json()['decision_id']}", headers=sent).status_code == 403
    assert client.get("/model", headers=sent).status_code == 403


UNKNOWN = "01a210f5-6ac3-7e1f-a848-7d49ed97a831"


def test_a_client_reads_its_own_decisions_and_anothers_as_little_as_an_unknown_id(serve, tmp_path, application):
    file = tmp_path / "keys.json"
    own, another, auditor = (
        {"X-API-Key": add_key(file, name, scopes, 1)}
        for name, scopes in [
            ("branch", ["decide", "read"]),
            ("other", ["decide", "read"]),
            ("audit", ["read:all"]),
        ]
    )
    renewed = {"X-API-Key": add_key(file, "branch", ["read"], 1)}
    client = serve(access={"mode": "keys", "keys_file": "keys.json"})
    single = client.post("/decide", json=application, headers=own | {"Idempotency-Key": "k1"}).json()["decision_id"]
    batch = client.post("/decide/batch", json={"applications": [application]}, headers=own).json()
    for identifier in (single, batch["decisions"][0]["decision_id"]):
        for reader in (own, renewed, auditor):
            assert client.get(f"/decisions/{identifier}", headers=reader).json()["client"] == "branch"
        refused, unknown = (client.get(f"/decisions/{name}", headers=another) for name in (identifier, UNKNOWN))
        assert (refused.status_code, refused.content) == (404, unknown.content)
        assert dict(refused.headers) == dict(unknown.headers)
    # The same idempotency key of another client is another key: it neither replays nor conflicts.
    replayed = client.post("/decide", json=application, headers=another | {"Idempotency-Key": "k1"})
    assert replayed.json()["decision_id"] != single
    changed = client.post("/decide", json=application | {"income": 1.0}, headers=another | {"Idempotency-Key": "k1"})
    assert replayed.json()["decision_id"] in changed.text
    assert single not in changed.text


def test_a_subject_reads_its_own_decisions(serve, application, tokens):
    client = serve(access={"mode": "jwt", "jwt": SETTINGS.model_dump()})
    own, another, everybodys = (
        token(sub=sub, scope=scope) for sub, scope in [("a", "decide read"), ("b", "read"), ("c", "read:all")]
    )
    identifier = client.post("/decide", json=application, headers=own).json()["decision_id"]
    assert [
        client.get(f"/decisions/{identifier}", headers=sent).status_code for sent in (own, another, everybodys)
    ] == [200, 404, 200]


def test_a_decision_whose_client_cannot_be_read_is_nobodys_but_that_of_read_all(serve, tmp_path, application):
    file = tmp_path / "keys.json"
    own, auditor = (
        {"X-API-Key": add_key(file, name, scopes, 1)}
        for name, scopes in [("branch", ["decide", "read"]), ("audit", ["read:all"])]
    )
    client = serve(access={"mode": "keys", "keys_file": "keys.json"})
    identifier = client.post("/decide", json=application, headers=own).json()["decision_id"]
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("DROP TRIGGER entries_no_update")
        database.execute("UPDATE entries SET facts = 'spoilt'")
    assert client.get(f"/decisions/{identifier}", headers=own).status_code == 404
    assert client.get(f"/decisions/{identifier}", headers=auditor).status_code == 503
