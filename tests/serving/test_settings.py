"""The settings of an environment: what is wrong is said with its place, and the shipped file is sound."""

from pathlib import Path

import pytest

from credit_risk.config.environment import DEFAULT
from credit_risk.errors import ConfigError, NotFound
from credit_risk.serving import settings

SHIPPED = Path(__file__).parents[2] / DEFAULT


def written(tmp_path, text):
    path = tmp_path / "local.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_is_for_a_developers_machine():
    found = settings.load(SHIPPED)
    assert found.access.mode == "off"
    assert found.gate == "required"


def test_off_is_a_word_and_not_false(tmp_path):
    assert settings.load(written(tmp_path, "serving: {access: {mode: off}, gate: reported}")).access.mode == "off"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("serving: {}", "local.yaml line 1: serving.access: this key is missing"),
        ("serving: {access: {mode: open}}", "serving.access.mode"),
        ("serving: {access: {mode: jwt}}", "mode jwt needs a section jwt"),
        ("serving: {access: {mode: off}, limit: {}}", "serving.limit: unknown key 'limit'; did you mean 'limits'"),
        ("serving: {access: {mode: off}}", "gate: required needs signed_by"),
        ("serving: {access: {mode: off}, signed_by: {identity: a}}", "serving.signed_by: .*identity and issuer"),
        ("serving: {access: {mode: off}, workers: 0}", "serving.workers"),
        ("serving: {access: {mode: jwt, jwt: {jwks: a, issuer: b, audience: c, algorithms: [HS256]}}}", "algorithms"),
        ("compute: {}", "no section `serving:`"),
        ("serving: [", "line 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        settings.load(written(tmp_path, text))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(NotFound, match="--environment"):
        settings.load(tmp_path / "none.yaml")
