"""Who asks for smoke decisions, and that nothing begins without the key that they need."""

import pytest

from credit_risk.errors import UsageError
from credit_risk.rollout import smoke


@pytest.fixture
def guarded(environment):
    """A function: the environment with this mode of access."""

    def build(mode):
        access = environment.serving.access.model_copy(update={"mode": mode})
        return environment.model_copy(update={"serving": environment.serving.model_copy(update={"access": access})})

    return build


@pytest.mark.parametrize(("mode", "what"), [("keys", "key"), ("jwt", "token")])
def test_where_the_service_asks_who_it_is_a_key_is_needed(guarded, monkeypatch, mode, what):
    monkeypatch.delenv(smoke.SMOKE_KEY, raising=False)
    with pytest.raises(
        UsageError, match=f"with a {what} of scope decide: set CREDIT_RISK_SMOKE_KEY. Nothing was moved"
    ):
        smoke.headers(guarded(mode), "r-1")
    monkeypatch.setenv(smoke.SMOKE_KEY, "told")
    expected = {"keys": {"X-API-Key": "told"}, "jwt": {"Authorization": "Bearer told"}}[mode]
    plain = {"Content-Type": "application/json", "X-Applicant-Id": "smoke-r-1"}
    assert smoke.headers(guarded(mode), "r-1") == plain | expected


def test_where_it_asks_nobody_none_is(environment, monkeypatch):
    monkeypatch.delenv(smoke.SMOKE_KEY, raising=False)
    assert environment.serving.access.mode == "off"
    assert smoke.key(environment) == ""
    assert set(smoke.headers(environment, "r-1")) == {"Content-Type", "X-Applicant-Id"}
