"""What runs out while the service serves: room on the ledger's disk, keys and certificates. Each scrape looks."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from credit_risk.config.environment import sqlite_file
from credit_risk.errors import CreditRiskError
from credit_risk.serving.clients.key_file import read_keys
from credit_risk.serving.settings import Serving


@dataclass(frozen=True)
class Supplies(Collector):
    """The supplies of a service as metrics. root: below which the paths of its settings lie."""

    settings: Serving
    root: Path

    def collect(self) -> Iterator[GaugeMetricFamily]:
        free = GaugeMetricFamily("credit_risk_disk_free_ratio", "Free share of the disk with the ledger's file")
        with suppress(OSError):  # a folder that is gone shows at /health, where the ledger is written
            if file := sqlite_file(self.settings.ledger.url):
                disk = shutil.disk_usage((self.root / file).parent)
                free.add_metric([], disk.free / disk.total)
        expires = GaugeMetricFamily("credit_risk_expires_timestamp_seconds", "When it expires", labels=["what"])
        for what, moment in self._expiries():
            expires.add_metric([what], moment)
        return iter((free, expires))

    def _expiries(self) -> Iterator[tuple[str, float]]:
        """The first certificate to end in each file, and the first client to be left without a key."""
        try:
            for path in self.settings.certificates:
                chain = x509.load_pem_x509_certificates((self.root / path).read_bytes())
                yield f"certificate {path}", min(each.not_valid_after_utc for each in chain).timestamp()
            if self.settings.access.mode == "keys":
                keys = read_keys(self.root / self.settings.access.keys_file).values()
                by_end = sorted(keys, key=lambda key: float(key["expires"]))  # of a client the last one stays
                last = {key["client"]: key["expires"] for key in by_end if key["revoked"] is None}
                yield "the last key of a client", min(last.values(), default=0)
        except (CreditRiskError, OSError, ValueError) as error:
            yield f"unreadable: {error}", 0
