"""The service on the simulated lender's scorer, without a network: what most tests of serving ask."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from credit_risk.serving import engine, web
from credit_risk.serving.clients import access
from credit_risk.serving.settings import Serving

KEY = "5e" * 32


@pytest.fixture(scope="session")
def root(trained, tmp_path_factory) -> Path:
    """A root with the trained scorer, to be served and never changed."""
    _, files = trained
    place = tmp_path_factory.mktemp("served")
    shutil.copytree(files.scorer, place / "models" / "scorer")
    return place


def settings_of(folder: Path, **sections: Any) -> Serving:
    ledger = {"url": f"sqlite:///{folder / 'ledger.db'}"}
    return Serving.model_validate({"ledger": ledger, "access": {"mode": "off"}, "gate": "reported"} | sections)


@pytest.fixture
def serve(root, tmp_path):
    """A function that starts a service with some settings changed and gives a client of it."""
    started = []

    def start(**sections: Any) -> TestClient:
        settings = settings_of(tmp_path, **sections)
        guard = access.guard(settings.access, tmp_path)
        environment = {"CREDIT_RISK_LEDGER_KEY": KEY}

        def made() -> web.Service:
            return web.Service.of(settings, engine.opened(root, settings, environment), guard)  # not warmed up

        client = TestClient(web.application(made), raise_server_exceptions=True)
        client.__enter__()
        started.append(client)
        return client

    yield start
    for client in started:
        client.__exit__()


@pytest.fixture
def client(serve) -> Iterator[TestClient]:
    return serve()


@pytest.fixture
def application() -> dict[str, Any]:
    """An application that the contract accepts; tests change what they are about."""
    return {
        "employment": ">=7y",
        "income": 6_000.0,
        "purpose": "car",
        "loan_amount": 2_000.0,
        "term_months": 12,
        "utilisation": 0.05,
        "months_late": 0,
        "existing_customer": True,
    }


@pytest.fixture
def risky(application) -> dict[str, Any]:
    """An application that the model itself declines."""
    return application | {
        "utilisation": 0.98,
        "months_late": 4,
        "income": 900.0,
        "employment": "<1y",
        "term_months": 84,
    }
