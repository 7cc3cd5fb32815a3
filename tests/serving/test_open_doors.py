"""What a developer's machine may do is refused everywhere else, by `serve` itself, with the way out."""

import subprocess
import sys

import pytest
from loadtest.servers import settings_for
from ruamel.yaml import YAML

from credit_risk.cli import main
from credit_risk.errors import ConfigError
from credit_risk.scoring import signing
from credit_risk.serving import settings
from credit_risk.serving.open_doors import refuse_open_doors

SOUND = {
    "access": {"mode": "keys"},
    "gate": "required",
    "signed_by": {"public_key": "configs/deploy/signing.pub"},
    "statement": {"source": "models/live.json"},
    "tls": "proxy",
}
DOORS = [
    ({"access": {"mode": "off"}}, "serving.access.mode: everybody could decide in production"),
    ({"gate": "reported"}, "serving.gate: a scorer that the gate stopped could decide in production"),
    ({"ledger": {"key_file": "a.key"}}, "serving.ledger.key_file: a development key is not for production"),
    # of the part: registry
    ({"statement": None}, r"serving.statement: a retired scorer could decide in production: expected `statement"),
    # end of part
    (
        {"statement": {"source": "models/live.json", "seen": "/tmp/seen"}},
        "serving.statement.seen: a reboot of production forgets which statements were seen",
    ),
    ({"tls": "none"}, r"serving.tls: 0\.0\.0\.0 is reached from elsewhere.*expected `tls: proxy`"),
    ({"signed_by": {"public_key": "build/signing/signing.pub"}}, "serving.signed_by.public_key: anybody on a dev"),
]


def written(root, name, **changes):
    path = root / "configs" / "deploy" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    serving = {key: value for key, value in (SOUND | changes).items() if value is not None}
    with path.open("w") as file:
        YAML().dump({"serving": serving}, file)
    return path


def refused(path, root, host="0.0.0.0"):
    refuse_open_doors(path, settings.load(path), root, host)


def test_a_sound_environment_is_let_through(tmp_path):
    refused(written(tmp_path, "production"), tmp_path)
    refused(written(tmp_path, "production", tls="none"), tmp_path, "127.0.0.1")


@pytest.mark.parametrize(("changes", "sentence"), DOORS)
def test_each_open_door_is_refused_with_its_line_and_way_out(tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=rf"production.yaml line \d+: {sentence}"):
        refused(written(tmp_path, "production", **changes), tmp_path)


@pytest.mark.parametrize("name", ["local", "trial"])
def test_a_developer_may_do_all_of_it_on_this_machine(tmp_path, name):
    for changes, _ in DOORS:
        refused(written(tmp_path, name, **changes), tmp_path, "127.0.0.1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "lender.example"])
def test_a_developer_lets_nobody_in_from_elsewhere_without_a_key(tmp_path, host):
    path = written(tmp_path, "local", access={"mode": "off"}, tls="none")
    with pytest.raises(
        ConfigError, match=rf"access.mode: {host} is reached from elsewhere, and everybody could decide"
    ):
        refused(path, tmp_path, host)
    refused(written(tmp_path, "local", tls="none"), tmp_path, host)


@pytest.mark.parametrize(
    "seen", ["/tmp/seen", "/var/../tmp/seen", "//tmp//a/seen", "/dev/shm/seen", "/run/seen", "/var/tmp/a"]
)
def test_a_file_of_seen_statements_that_a_reboot_empties_is_refused(tmp_path, seen):
    path = written(tmp_path, "production", statement={"source": "models/live.json", "seen": seen})
    with pytest.raises(
        ConfigError, match=r"statement.seen: a reboot .* expected a file on a disk or volume that stays"
    ):
        refused(path, tmp_path)


def test_what_was_seen_is_kept_where_nothing_else_is_said(tmp_path):
    """Below the root, as the file of keys is."""
    statement = settings.load(written(tmp_path, "production")).statement
    assert statement.seen == "build/serving/statements"


def test_load_tests_say_that_their_settings_are_a_developers(tmp_path):
    refused(settings_for(tmp_path), tmp_path, "127.0.0.1")


def test_a_file_of_any_other_name_says_that_it_is_a_developers_or_is_bound(tmp_path):
    path = written(tmp_path, "mine", access={"mode": "off"})
    with pytest.raises(ConfigError, match="everybody could decide in mine"):
        refused(path, tmp_path)
    path.write_text("environment: local\n" + path.read_text())
    refused(path, tmp_path, "127.0.0.1")


def test_a_development_key_is_known_wherever_it_is_copied(tmp_path, monkeypatch):
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    key = signing.private_key(tmp_path, {})
    path = written(tmp_path, "production")
    copied = tmp_path / "configs" / "deploy" / "signing.pub"
    copied.write_bytes(key.with_suffix(".pub").read_bytes())
    with pytest.raises(ConfigError, match="anybody on a developer's machine could sign in production"):
        refused(path, tmp_path)
    copied.write_bytes(
        copied.read_bytes().removeprefix(signing.MARK.encode()) + b"\n"
    )  # as `openssl ec -pubout` writes it
    with pytest.raises(ConfigError, match="anybody on a developer's machine could sign in production"):
        refused(path, tmp_path)
    signing.make_keys(tmp_path / "own.key")
    copied.write_bytes((tmp_path / "own.pub").read_bytes())
    refused(path, tmp_path)


@pytest.mark.parametrize(("changes", "sentence"), DOORS)
def test_serve_takes_no_production_with_an_open_door(tmp_path, capsys, changes, sentence):
    written(tmp_path, "production", **changes)
    code = main(["serve", "--root", str(tmp_path), "--environment", "production", "--host", "0.0.0.0"])
    assert (code, sentence.split(":")[0] in capsys.readouterr().err) == (2, True)


@pytest.mark.slow
def test_a_worker_refuses_it_too_whoever_started_bentoml(tmp_path):
    path = written(tmp_path, "production", tls="none")
    started = (
        "import sys; from pathlib import Path; from credit_risk.serving.bento import service_of; "
        "service_of(*map(Path, sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", started, str(tmp_path), str(path)], check=False, capture_output=True, text=True
    )
    assert "ConfigError" in done.stderr
    assert "serving.tls: 0.0.0.0 is reached from elsewhere" in done.stderr
