"""Who acts: the account of the process or the subject of a verified token, and never a name that somebody typed."""

import json
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from credit_risk.config import environment, identities
from credit_risk.errors import UsageError
from credit_risk.registry import acting
from identities_trial import commit, write_identities

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
    name_them(tmp_path, ada, kim)
    return tmp_path


def name_them(root, *persons, more=TOKENS):
    """Who is who, committed."""
    write_identities(root, *persons, more=more)
    commit(root)


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
    name_them(root, {"name": "Kim Lee", "accounts": ["kim"]}, more="")
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


WORKFLOW = {
    "repository": "acme/credit",
    "ref": "refs/heads/main",
    "event_name": "workflow_dispatch",
    "run_attempt": "1",
}
REQUIRE = {"repository": ["acme/credit"], "ref": ["refs/heads/main"], "event_name": ["workflow_dispatch"]}


def believe_workflows(root, require):
    """The root whose provider says what a workflow's token must say."""
    more = TOKENS.replace("}]", f', "require": {json.dumps(require)}}}]')
    name_them(root, {"name": "Kim Lee", "subjects": ["kim"]}, more=more)


def test_a_workflow_that_is_one_of_ours_and_was_started_for_the_first_time_says_who_acts(root, monkeypatch):
    believe_workflows(root, REQUIRE)
    monkeypatch.setenv(acting.TOKEN, token(**WORKFLOW))
    assert acting.signed_by(root, None, "identities") == "Kim Lee <subject:kim>"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"repository": "eve/x"}, r"its repository is 'eve/x', expected acme/credit"),
        ({"repository": None}, r"its repository is None"),
        ({"repository": ["acme/credit"]}, r"its repository is \['acme/credit'\]"),
        ({"ref": "refs/heads/eve"}, r"its ref is 'refs/heads/eve', expected refs/heads/main"),
        ({"event_name": "push"}, r"its event_name is 'push', expected workflow_dispatch"),
        ({"run_attempt": "2"}, r"its run_attempt is '2', expected 1.*start a new run"),
        ({"run_attempt": None}, r"its run_attempt is None, expected 1"),
    ],
)
def test_a_workflow_of_elsewhere_or_that_somebody_ran_again_proves_nobody(root, monkeypatch, wrong, sentence):
    believe_workflows(root, REQUIRE)
    monkeypatch.setenv(acting.TOKEN, token(**WORKFLOW | wrong))
    with pytest.raises(UsageError, match=sentence):
        acting.signed_by(root, None, "identities")


@pytest.mark.parametrize("left_out", REQUIRE)
def test_a_workflow_proves_nobody_while_it_is_not_said_which_one_may(root, monkeypatch, left_out):
    believe_workflows(root, {name: values for name, values in REQUIRE.items() if name != left_out})
    monkeypatch.setenv(acting.TOKEN, token(**WORKFLOW))
    with pytest.raises(UsageError, match=f"name the {left_out} that may act under `require`"):
        acting.signed_by(root, None, "identities")


def test_the_form_of_the_committed_file_names_which_workflows_may_act(tmp_path):
    committed = (Path(__file__).parents[2] / identities.FILE).read_text(encoding="utf-8")
    _, _, tokens = committed.partition("tokens: []\n")
    form = tokens.replace("\n# ", "\n").replace("# - issuer", "- issuer").partition("end of part")[0]
    (tmp_path / "identities.yaml").write_text(f"version: 1\ntokens:\n{form}")
    (github,) = environment.whole(tmp_path / "identities.yaml", acting.Believed).tokens
    assert (github.issuer, github.claim) == (acting.GITHUB, "actor")
    assert set(github.require) == set(acting.OF_WORKFLOWS)


def test_githubs_issuer_is_a_workflows_whatever_its_token_leaves_out(root, monkeypatch):
    name_them(root, {"name": "Kim Lee", "subjects": ["kim"]}, more=TOKENS.replace(ISSUER, acting.GITHUB))
    monkeypatch.setenv(acting.TOKEN, token(iss=acting.GITHUB))
    with pytest.raises(UsageError, match="name the repository, ref, event_name that may act"):
        acting.signed_by(root, None, "identities")


def test_where_names_are_enough_they_are_as_typed_or_the_workflows_starter(root, monkeypatch):
    assert acting.signed_by(root, "Kim Lee", "names") == "Kim Lee"
    monkeypatch.setenv("GITHUB_ACTOR", "octo-cat2")
    assert acting.signed_by(root, None, "names") == "octo-cat2 of GitHub"


def test_where_names_are_enough_nobody_types_what_would_have_proved_one(root):
    with pytest.raises(UsageError, match="Give the name alone"):
        acting.signed_by(root, "Kim Lee <account:kim>", "names")


EVE = {"name": "Ada Berg", "accounts": [ACCOUNT], "subjects": ["eve"]}


def edited(root, *git):
    """The file as somebody edits it, and does not commit it; git: what they tell git about it."""
    write_identities(root, EVE, more=TOKENS)
    if git:
        subprocess.run(["git", "-C", str(root), *git, str(identities.FILE)], check=True)


@pytest.mark.parametrize(
    "change",
    [
        edited,
        lambda root: edited(root, "add"),
        lambda root: edited(root, "update-index", "--assume-unchanged"),
        lambda root: shutil.rmtree(root / ".git"),
        lambda root: (root / ".git" / "HEAD").unlink(),
        lambda root: subprocess.run(["git", "-C", str(root), "update-ref", "-d", "HEAD"], check=True),
    ],
    ids=["edited", "staged", "hidden from git's status", "no repository", "a broken one", "no commit"],
)
def test_who_is_who_counts_as_it_is_committed_alone(root, change):
    acting.signed_by(root, None, "identities")
    change(root)
    with pytest.raises(UsageError, match=r"identities\.yaml is not as git has it committed"):
        acting.signed_by(root, None, "identities")


def test_who_is_who_in_a_file_that_git_ignores_counts_for_nobody(root):
    subprocess.run(["git", "-C", str(root), "rm", "-q", "--cached", str(identities.FILE)], check=True)
    (root / ".gitignore").write_text("configs\n")
    commit_command = ["-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-q", "-m", "less"]
    subprocess.run(["git", "-C", str(root), *commit_command], check=True)
    with pytest.raises(UsageError, match="is not as git has it committed"):
        acting.signed_by(root, None, "identities")


def test_without_git_nobody_is_known(root, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="is not as git has it committed"):
        acting.signed_by(root, None, "identities")


@pytest.fixture
def published(root, monkeypatch):
    """The root whose provider publishes its keys at a URL."""
    name_them(
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
