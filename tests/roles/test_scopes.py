"""A token's roles become scopes of the service by the policy, in the environment that it serves."""

import json
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from credit_risk.cli import main
from credit_risk.config.permission import scopes_by_roles
from credit_risk.errors import NotFound
from credit_risk.roles.policy import FILE, RolesRefused
from credit_risk.serving import open_doors
from credit_risk.serving.clients.access import Client, JwtGuard
from credit_risk.serving.settings import Jwt

ROOT = Path(__file__).parents[2]
SIGNER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
POLICY = """permit (principal in Role::"client", action == Action::"decide", resource);
permit (principal in Role::"auditor", action in [Action::"read", Action::"export"], resource);
permit (principal in Role::"operator", action == Action::"deploy", resource == Environment::"staging");
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(POLICY, encoding="utf-8")
    for name in ("staging", "production"):
        (tmp_path / f"{name}.yaml").write_text(f"environment: {name}\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("claim", "staging", "production"),
    [
        (["client"], {"decide", "read"}, {"decide", "read"}),
        ("client", {"decide", "read"}, {"decide", "read"}),
        (["auditor"], {"read", "read:all"}, {"read", "read:all"}),
        (["operator"], {"admin"}, set()),
        ("auditor operator", {"read", "read:all", "admin"}, {"read", "read:all"}),
        (["stranger"], set(), set()),
        (["decide", "admin", "read:all"], set(), set()),
        ([], set(), set()),
        (None, set(), set()),
        (True, set(), set()),
        ({"client": True}, set(), set()),
        ([["client"], {"a": 1}, 7], set(), set()),
    ],
)
def test_scopes_are_those_of_what_the_roles_may_do_there(root, claim, staging, production):
    assert scopes_by_roles(root / "staging.yaml", root)(claim) == staging
    assert scopes_by_roles(root / "production.yaml", root)(claim) == production


def test_a_policy_that_is_not_there_or_is_none_starts_no_service(root):
    (root / FILE).write_text("permit everything", encoding="utf-8")
    with pytest.raises(RolesRefused):
        scopes_by_roles(root / "staging.yaml", root)
    (root / FILE).unlink()
    with pytest.raises(NotFound):
        scopes_by_roles(root / "staging.yaml", root)


def test_the_policy_is_asked_once_for_each_set_of_roles_however_many_are_invented(root, monkeypatch):
    scopes = scopes_by_roles(root / "staging.yaml", root)
    scopes(["client"])
    monkeypatch.setattr("credit_risk.roles.policy.RolePolicy.allows", None)
    assert scopes(["client", "invented-1"]) == scopes(["client", "invented-2"]) == {"decide", "read"}


def test_a_token_is_let_in_by_its_roles_and_what_it_says_of_scopes_counts_no_more(root):
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNER.public_key())) | {"kid": "k1", "alg": "RS256"}
    (root / "jwks.json").write_text(json.dumps({"keys": [public]}))
    of_us = {"issuer": "https://id.example", "audience": "credit-risk"}
    settings = Jwt(jwks="jwks.json", algorithms=("RS256",), roles_claim="roles", **of_us)
    guard = JwtGuard(settings, root, scopes_of=scopes_by_roles(root / "staging.yaml", root))
    claims = {"sub": "branch", "iss": of_us["issuer"], "aud": of_us["audience"], "exp": time.time() + 60}

    def client(**more):
        signed = jwt.encode(claims | more, SIGNER, algorithm="RS256", headers={"kid": "k1"})
        return guard.client({"authorization": f"Bearer {signed}"})

    assert client(roles=["client"], scope="admin read:all") == Client("branch", frozenset({"decide", "read"}))
    assert client(scope="admin").scopes == set()
    guard.close()


SERVED = """serving:
  gate: reported
  ledger: {url: 'sqlite:///ledger.db'}
  access:
    mode: jwt
    jwt: {jwks: jwks.json, issuer: https://id.example, audience: credit-risk, algorithms: [RS256], roles_claim: roles}
"""


@pytest.fixture
def served(root, monkeypatch):
    """The file of an environment whose tokens name roles; doors and scorer are left out."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNER.public_key())) | {"kid": "k1", "alg": "RS256"}
    (root / "jwks.json").write_text(json.dumps({"keys": [public]}))
    (root / "staging.yaml").write_text(SERVED, encoding="utf-8")
    monkeypatch.setattr(open_doors, "refuse_open_doors", lambda *_: None)
    return root / "staging.yaml"


IN_A_PROCESS_OF_ITS_OWN = """
import sys
from pathlib import Path
from credit_risk.serving import bento, engine, open_doors, web
open_doors.refuse_open_doors = engine.start = lambda *_: None
web.Service.of = lambda _settings, _engine, guard: guard
root, *paths = map(Path, sys.argv[1:])
for path in paths:
    guard = bento.service_of(root, path)
    print(guard.scopes_of and sorted(guard.scopes_of(["operator"])))
    guard.close()
"""


@pytest.mark.slow
def test_the_service_takes_its_scopes_from_the_roles_where_its_settings_name_their_claim(root, served):
    without = root / "trial.yaml"
    without.write_text(SERVED.replace(", roles_claim: roles", ""), encoding="utf-8")
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(root), str(served), str(without)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["['admin']", "None"]


def test_without_the_policy_nothing_is_served_and_the_command_says_so_before_it_starts(root, served, capsys):
    (root / FILE).unlink()
    assert main(["serve", "--root", str(root), "--environment", str(served)]) == 2
    assert "roles.cedar" in capsys.readouterr().err
