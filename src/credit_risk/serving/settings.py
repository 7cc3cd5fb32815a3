"""How the service runs in one environment: the `serving:` section of configs/deploy/NAME.yaml.

Nothing in it decides an application: that stands in the scorer. No secret stands in it either; those come from the
environment (CREDIT_RISK_LEDGER_KEY) or from files that only the service may read.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from credit_risk.config import environment
from credit_risk.config.section import Count, Positive, Section, Text
from credit_risk.ledger.settings import LedgerSettings
from credit_risk.scoring.signing import SignaturePolicy


class Jwt(Section):
    """Which tokens of an identity provider are accepted. jwks: its keys, a file or an https URL.

    refresh_s: between two looks at the keys, so that one that was withdrawn stops counting; retry_s: between two looks
    for a key that is not known; max_age_s: how old the keys may be where they cannot be had anew.
    """

    jwks: Text
    issuer: Text
    audience: Text
    algorithms: Annotated[
        tuple[Literal["RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA"], ...], Field(min_length=1)
    ]
    scope_claim: Text = "scope"
    roles_claim: Text | None = None  # part: roles: instead of it, the claim whose roles give scopes
    refresh_s: Positive = 60.0
    retry_s: Positive = 10.0
    max_age_s: Positive = 600.0

    @model_validator(mode="after")
    def _keys_do_not_age_between_looks(self) -> "Jwt":
        if self.max_age_s <= self.refresh_s:
            raise ValueError("max_age_s must be longer than refresh_s: the keys are looked at only so often")
        return self


class Access(Section):
    """Who may ask. `off` lets everybody in: for one developer's machine, and the service says so at every start."""

    mode: Literal["off", "keys", "jwt"]
    keys_file: Text = "build/serving/keys.json"
    jwt: Jwt | None = None

    @model_validator(mode="after")
    def _jwt_is_described(self) -> "Access":
        if self.mode == "jwt" and self.jwt is None:
            raise ValueError("mode jwt needs a section jwt: which keys, issuer and audience are believed")
        return self


class Limits(Section):
    """Upper limits for one request, one client and one worker."""

    body_bytes: Count = 65_536
    batch_bytes: Count = 8_388_608
    batch_rows: Count = 1_000
    batch_seconds: Positive = 5.0
    batches_at_once: Count = 2
    head_seconds: Positive = 10.0
    request_seconds: Positive = 5.0
    answer_seconds: Positive = 30.0
    shutdown_seconds: Count = 20
    arriving_bytes: Count = 67_108_864
    per_client_per_second: Positive = 5_000.0
    burst: Count = 5_000
    in_flight: Count = 32
    client_share: Annotated[float, Field(gt=0, le=1)] = 0.75
    probe_seconds: Positive = 5.0

    @model_validator(mode="after")
    def _the_largest_batch_fits_a_clients_share(self) -> "Limits":
        if self.batch_bytes > self.arriving_bytes * self.client_share:
            raise ValueError("arriving_bytes, a client's share of them, must have room for one batch (batch_bytes)")
        return self


class Statement(Section):
    """Where the registry's signed statement of which versions may be live is read, a file or an https URL.

    max_age_hours: its greatest age, and when_older what follows: `refuse` to start, or `alarm`. refresh_s: between two
    looks while it serves. seen: a file that keeps the newest date seen, so that an older statement put back is refused,
    after a reboot too.
    """

    source: Text
    max_age_hours: Positive = 168.0
    when_older: Literal["refuse", "alarm"] = "refuse"
    refresh_s: Positive = 300.0
    seen: Text = "build/serving/statements"


class Serving(SignaturePolicy, extra="forbid"):
    """The whole section. gate, signed_by: which scorers may decide (see SignaturePolicy).

    statement: which versions may be live; production needs it. on_lapse: where a running scorer would not be let start
    again (a waiver has expired, the statement no longer covers it): `alarm` and go on, or `stop`. tls: `proxy` says
    that something in front ends TLS and nobody else reaches the port. certificates: PEM files whose end /metrics tells.
    """

    ledger: LedgerSettings = LedgerSettings()
    access: Access
    limits: Limits = Limits()
    workers: Count = 1
    page: bool = True
    statement: Statement | None = None
    on_lapse: Literal["alarm", "stop"] = "alarm"
    tls: Literal["none", "proxy"] = "none"
    certificates: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _a_statement_is_signed(self) -> "Serving":
        if self.statement is not None and self.signed_by is None:
            raise ValueError("statement needs signed_by: whose signature the registry's statement must carry")
        return self


def load(path: Path) -> Serving:
    """Read the section. Raises ConfigError with every problem; NotFound without the file."""
    return environment.read(path, "serving", Serving)
