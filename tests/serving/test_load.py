"""The load test in short: counts alone, as the machine may be busy. Every answered decision stands in the ledger."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import server

from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.verification import verify
from tools import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.weekly]

ROOT = Path(__file__).parents[2]
KEY = "5e" * 32


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    return server.place(tmp_path_factory.mktemp("loaded"), root)


def locust(url: str, folder: Path, **limits: float) -> tuple[int, str, dict[str, dict]]:
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest" / "locustfile.py"), "--headless"]
    command += ["--users", "4", "--spawn-rate", "4", "--run-time", "4s", "--host", url]
    command += ["--json-file", str(folder / "report")]
    environment = {**os.environ, "SCORER": str(folder / "models" / "scorer")}
    environment |= {name: str(limit) for name, limit in limits.items()}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return done.returncode, done.stdout, {one["name"]: one for one in found}


def test_under_load_every_answer_is_right_and_every_decision_is_recorded_once(folder):
    with server.serving(folder, environment={"CREDIT_RISK_LEDGER_KEY": KEY}) as served:
        code, said, found = locust(served.url, folder, ERRORS=0)
        assert (code, sum(one["num_failures"] for one in found.values())) == (0, 0), said
        slow, said, again = locust(served.url, folder, P99_MS=0.001, PER_SECOND=1e9)
        assert slow == 1
        assert "missed: p99 of" in said
        assert "requests a second, at least 1e+09" in said
    decisions = sum(
        one["num_requests"]
        for report in (found, again)
        for name, one in report.items()
        if name in ("decide", "decide, then again")
    )
    assert decisions > 0
    with Ledger.open(f"sqlite:///{folder / 'build/ledger/ledger.db'}", key=bytes.fromhex(KEY)) as ledger:
        assert verify(ledger).holds
        # A request that the end of a run cut off may have been recorded, and not counted by the client: one each user.
        assert decisions <= ledger.head().seq <= decisions + 8
