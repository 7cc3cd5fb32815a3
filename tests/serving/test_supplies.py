"""Room on disk, keys and certificates as /metrics tells them: exact moments, and 0 for what cannot be read."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import generate_latest

from credit_risk.serving.clients import key_file
from credit_risk.serving.supplies import Supplies
from serving.conftest import settings_of

SOONER, LATER = datetime(2031, 3, 1, tzinfo=UTC), datetime(2033, 3, 1, tzinfo=UTC)
EXPIRES = "credit_risk_expires_timestamp_seconds"


def certificate(until: datetime) -> str:
    """A certificate that signs itself, as PEM."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, until - timedelta(days=90), until)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def scraped(folder, **sections):
    """The samples of a service with these settings: name and labels to value."""
    text = generate_latest(Supplies(settings_of(folder, **sections), folder)).decode()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    }


def test_the_disk_is_the_one_with_the_ledgers_file(tmp_path, monkeypatch):
    asked = []

    def usage(folder):
        asked.append(folder)
        return shutil._ntuple_diskusage(total=1_000, used=750, free=250)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert scraped(tmp_path) == {"credit_risk_disk_free_ratio": 0.25}
    assert asked == [tmp_path]


def test_a_database_server_has_no_disk_here(tmp_path):
    assert scraped(tmp_path, ledger={"url": "postgresql+psycopg://credit_risk@localhost/ledger"}) == {}


def test_of_a_chain_the_first_certificate_to_end_counts(tmp_path):
    (tmp_path / "chain.pem").write_text(certificate(LATER) + certificate(SOONER))
    samples = scraped(tmp_path, certificates=["chain.pem"])
    assert samples[f'{EXPIRES}{{what="certificate chain.pem"}}'] == SOONER.timestamp()


def test_a_client_is_without_a_key_when_its_last_one_ends_and_a_revoked_one_is_none(tmp_path):
    path = tmp_path / "keys.json"
    for client, days in (("a", 10), ("a", 90), ("b", 60), ("c", 20)):
        key_file.add_key(path, client, ["decide"], days)
    keys = json.loads(path.read_text("utf-8"))
    key_file.revoke_key(path, next(identifier for identifier, key in keys.items() if key["client"] == "c"))
    of_b = next(key for key in keys.values() if key["client"] == "b")
    samples = scraped(tmp_path, access={"mode": "keys", "keys_file": "keys.json"})
    assert samples[f'{EXPIRES}{{what="the last key of a client"}}'] == of_b["expires"]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_what_cannot_be_read_has_expired(tmp_path, content):
    if content:
        (tmp_path / "chain.pem").write_text(content)
    samples = scraped(tmp_path, certificates=["chain.pem"])
    ((what, moment),) = [(name, value) for name, value in samples.items() if name.startswith(EXPIRES)]
    assert (what.split(":")[0], moment) == (f'{EXPIRES}{{what="unreadable', 0)


def test_a_running_service_tells_them(serve):
    assert 0 < float(serve().get("/metrics").text.split("\ncredit_risk_disk_free_ratio ")[1].split()[0]) <= 1
