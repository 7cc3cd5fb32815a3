"""An environment's ledger: its section of the settings, its file below the root, its key from a variable or a file."""

import pytest
from ledger_trial import KEY, entry

from credit_risk.errors import ConfigError
from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
from credit_risk.ledger.opening import open_ledger
from credit_risk.ledger.settings import LedgerSettings, load

VARIABLES = {"CREDIT_RISK_LEDGER_KEY": KEY.hex()}
SETTINGS = LedgerSettings(url="sqlite:///kept/ledger.db", key_file="kept/ledger.key", busy_timeout_s=0.5)


def test_a_relative_file_lies_below_the_root_and_what_was_recorded_is_found_again(tmp_path):
    with open_ledger(tmp_path, SETTINGS, VARIABLES, create=True) as ledger:
        ledger.append([entry("Ada")])
        assert ledger.store.busy_timeout_s == 0.5
    assert (tmp_path / "kept" / "ledger.db").is_file()
    with open_ledger(tmp_path, SETTINGS, VARIABLES, create=False) as ledger:
        assert len(list(ledger.decisions_about("Ada"))) == 1


def test_a_development_key_is_made_once_and_only_where_a_ledger_may_be_made(tmp_path):
    with pytest.raises(LedgerRefused, match="there is no master key"):
        open_ledger(tmp_path, SETTINGS, {}, create=False)
    assert list(tmp_path.iterdir()) == []
    open_ledger(tmp_path, SETTINGS, {}, create=True).close()
    key = (tmp_path / "kept" / "ledger.key").read_text()
    open_ledger(tmp_path, SETTINGS, {}, create=True).close()
    assert (tmp_path / "kept" / "ledger.key").read_text() == key
    with pytest.raises(LedgerRefused, match="not the one that this ledger was sealed with"):
        open_ledger(tmp_path, SETTINGS, VARIABLES, create=False)  # the variable goes before the file


def test_no_key_is_made_where_the_variable_has_one(tmp_path):
    open_ledger(tmp_path, SETTINGS, VARIABLES, create=True).close()
    assert not (tmp_path / "kept" / "ledger.key").exists()


def test_a_lost_key_is_not_replaced_by_a_fresh_one(tmp_path, url):
    settings = SETTINGS.model_copy(update={"url": url})
    with open_ledger(tmp_path, settings, {}, create=True) as ledger:
        ledger.append([entry("Ada")])
    path = tmp_path / "kept" / "ledger.key"
    path.rename(tmp_path / "away.key")
    with pytest.raises(LedgerRefused, match=r"the ledger's master key is not there, and the ledger .* is. Put the key"):
        open_ledger(tmp_path, settings, {}, create=True)
    assert not path.exists()
    (tmp_path / "away.key").rename(path)
    with open_ledger(tmp_path, settings, {}, create=True) as ledger:
        assert len(list(ledger.decisions_about("Ada"))) == 1


def test_reading_makes_no_ledger(tmp_path):
    with pytest.raises(LedgerUnavailable, match="no ledger is there"):
        open_ledger(tmp_path, SETTINGS, VARIABLES, create=False)
    assert list(tmp_path.iterdir()) == []


def written(tmp_path, text):
    path = tmp_path / "local.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_section_is_read_alone(tmp_path):
    """The rest of the file is checked by those whose it is: a ledger can be verified where no service could start."""
    path = written(tmp_path, "serving: {ledger: {url: 'sqlite:///a.db'}, acess: {}}\n")
    assert load(path) == LedgerSettings(url="sqlite:///a.db")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("serving: {}", "no section `serving.ledger:`"),
        ("serving: 3", "no section `serving.ledger:`"),
        ("{}", "no section `serving.ledger:`"),
        ("serving: {ledger: {ulr: x}}", "serving.ledger.ulr: unknown key 'ulr'; did you mean 'url'"),
        ("serving: {ledger: {most_waiting: 0}}", "line 1: serving.ledger.most_waiting"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(tmp_path, text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load(written(tmp_path, text))
