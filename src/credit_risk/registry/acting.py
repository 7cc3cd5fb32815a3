"""Who moves a version or deploys it, as the machine or an identity provider says: never somebody's own word."""

import json
import os
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import jwt
from pydantic import Field

from credit_risk.config import environment, identities
from credit_risk.config.names import identity_of, same_person, signature
from credit_risk.config.permission import Action, ensure
from credit_risk.config.section import Section, Text
from credit_risk.data import provenance, signers
from credit_risk.errors import UsageError
from credit_risk.registry.settings import FourEyes, RegistrySettings
from credit_risk.serving.clients.jwks import UNREADABLE, download, keys_of

TOKEN = "CREDIT_RISK_IDENTITY_TOKEN"  # noqa: S105  (the name of a variable)
GITHUB = "https://token.actions.githubusercontent.com"  # the issuer of the tokens of GitHub's workflows
OF_WORKFLOWS = ("repository", "ref", "event_name")  # anybody's workflow gets a token of GitHub's, for any audience
SECONDS = 10  # for its word on who started a run


class TokenIssuer(Section):
    """An identity provider whose tokens say who acts. jwks: its keys, https or a file. claim: holds the subject.

    require: claims that a token must have, each one of these values; of a workflow's, which repository, ref and event.
    """

    issuer: Text
    audience: Text
    jwks: Text
    claim: Text = "sub"
    require: dict[Text, tuple[Text, ...]] = Field(default_factory=dict)
    algorithms: tuple[Literal["RS256", "ES256", "EdDSA"], ...] = ("RS256",)


class Believed(identities.Identities):
    """Whose tokens are believed: what the registry alone reads of the file of identities."""

    tokens: tuple[TokenIssuer, ...] = ()


def believed(root: Path) -> Believed:
    """The identities of a repository with whose tokens are believed. Raises NotFound, ConfigError with every fault."""
    identities.load(root)
    return environment.whole(root / identities.FILE, Believed)


def signed_by(root: Path, stated: str | None, four_eyes: FourEyes) -> str:
    """The signature of whoever runs this command: `Ada Berg <account:ada>`.

    stated: the name that was given with it; it must be that person's. four_eyes: where `names` are enough, the name is
    the signature, by itself that of a workflow's starter or of git's author.
    Raises UsageError for an identity that is nobody's, or another person's name.
    """
    if four_eyes == "names":
        if stated and identity_of(stated) is not None:
            raise UsageError(
                f"--by says {stated!r:.200}: what proves a person is found out, not said. Give the name alone."
            )
        starter = os.environ.get("GITHUB_ACTOR")
        return stated or (f"{starter} of GitHub" if starter else provenance.author(root)) or ""
    known = signers.known(root)
    tokens = believed(root).tokens
    token = os.environ.get(TOKEN) or _token_of_workflow(tokens)
    identity = f"subject:{_subject(tokens, token, root)}" if token else f"account:{signers.account()}"
    person = known.person(identity)
    if person is None:
        kind, _, value = identity.partition(":")
        raise UsageError(
            f"You act as {identity}, and that is nobody in {identities.FILE.as_posix()}. "
            f"Add {value!r} to the `{kind}s` of a person there, and have it reviewed like code."
        )
    if stated and not same_person(stated, person.name):
        raise UsageError(
            f"--by says {stated!r}, but {identity} is {person.name}. Nobody signs for another; leave out --by."
        )
    return signature(person.name, identity)


def permitted(action: Action, site: Path, root: Path, stated: str | None, settings: RegistrySettings) -> str:
    """The signature of whoever runs this command, who may do this in the environment of a file.

    Raises UsageError as `signed_by` does, NotPermitted where the lender's roles say no.
    """
    who = signed_by(root, stated, settings.four_eyes)
    ensure(action, site, root, who)
    return who


def _token_of_workflow(tokens: Sequence[TokenIssuer]) -> str | None:
    """GitHub's word on who started this run, where the job may ask for it (`id-token: write`); None elsewhere."""
    url, bearer = (os.environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}") for name in ("URL", "TOKEN"))
    issuer = next((each for each in tokens if each.issuer == GITHUB), None)
    if not url or not bearer or issuer is None or not url.startswith("https://"):
        return None
    audience = urllib.parse.quote(issuer.audience, safe="")
    request = urllib.request.Request(f"{url}&audience={audience}", headers={"Authorization": f"Bearer {bearer}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return str(json.load(answer)["value"])
    except (*UNREADABLE, KeyError) as error:
        raise UsageError(f"GitHub does not say who started this run: {error}. Start a new run.") from None


def _subject(tokens: Sequence[TokenIssuer], token: str, root: Path) -> str:
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        settings = next((each for each in tokens if each.issuer == issuer), None)
        if settings is None:
            raise jwt.InvalidIssuerError(f"the issuer {issuer!r:.100} is not among the `tokens`")
        claims = jwt.decode(
            token,
            _key(settings, token, root),
            algorithms=list(settings.algorithms),
            audience=settings.audience,
            issuer=settings.issuer,
            options={"require": ["exp", "iat"]},
        )
        if fault := _fault_of(claims, settings):
            raise jwt.InvalidTokenError(fault)
    except (*UNREADABLE, KeyError) as error:
        raise UsageError(f"The token in {TOKEN} is not accepted: {error}. See {identities.FILE.as_posix()}.") from None
    subject = claims.get(settings.claim)
    if not isinstance(subject, str) or not subject:
        raise UsageError(f"The token in {TOKEN} has no claim {settings.claim!r}, so it says of nobody who acts.")
    return subject


def _fault_of(claims: Mapping[str, Any], settings: TokenIssuer) -> str | None:
    """What in a verified token is not as `require` has it. A workflow's must say which one it is.

    Whoever runs a workflow again is in no claim: `actor` stays the one who started it first.
    """
    required = dict(settings.require)
    if settings.issuer == GITHUB or "repository" in claims:
        if lacking := [name for name in OF_WORKFLOWS if name not in required]:
            return f"it is a workflow's, so name the {', '.join(lacking)} that may act under `require`"
        required["run_attempt"] = ("1",)
    for name, values in required.items():
        if claims.get(name) not in values:
            again = "; who runs it again is not known, so start a new run" if name == "run_attempt" else ""
            return f"its {name} is {claims.get(name)!r:.100}, expected {' or '.join(values)}{again}"
    return None


def _key(settings: TokenIssuer, token: str, root: Path) -> Any:
    of_url = settings.jwks.startswith("https://")
    keys = keys_of(download(settings.jwks) if of_url else (root / settings.jwks).read_bytes())
    return keys[jwt.get_unverified_header(token)["kid"]].key
