"""With the registry's MLflow side taken out: the history is read, and whatever needs a version says a sentence."""

import pytest

from credit_risk.cli import main
from credit_risk.registry import versions
from credit_risk.registry.history import History
from credit_risk.registry.settings import load


@pytest.fixture
def gone(monkeypatch):
    monkeypatch.setattr(versions, "find_spec", lambda name: None)


def test_the_history_is_read_without_versions(gone, files, capsys):
    settings = load(files.root / "configs" / "deploy" / "local.yaml", files.root)
    history = History(settings, files.root, "simulated-lender")
    history.append("register", 1, "5c", by="Kim Lee", reason="a first version", facts={}, after=0)
    history.close()
    events = versions.read_history("simulated-lender", settings, files.root)
    assert [(event.move, event.version) for event in events] == [("register", 1)]
    assert main(["registry", "history", "--root", str(files.root)]) == 0
    assert "version 1 is candidate" in capsys.readouterr().out


def test_a_version_that_nothing_keeps_is_said(gone, files):
    assert not versions.are_kept()
    settings = load(files.root / "configs" / "deploy" / "local.yaml", files.root)
    with pytest.raises(versions.NoVersions, match="MLflow side was taken out"):
        versions.open_versions("simulated-lender", settings, files.root)
