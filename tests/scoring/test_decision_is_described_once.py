"""A field added to scoring.decision.Decision appears wherever a decision is described or written down.

MLflow's schema, the fifth of these, stands in the tests of the registry
"""

import json
import subprocess
import sys

import pytest

from credit_risk.config import Config
from credit_risk.data.files import Files

pytestmark = pytest.mark.slow

# A process of its own: what derives from the model derives once, when it is imported or first used.
SCRIPT = """
import json, sys
from pathlib import Path
from typing import Annotated

from credit_risk.scoring import decision

class Longer(decision.Decision):
    margin: Annotated[float | None, decision.FieldSource(lambda all_, row: 0.25, lambda all_: 0.25 + 0 * all_.outcome)]

decision.Decision = Longer

import pandas as pd  # part: batch
from credit_risk.batch import score  # part: batch
from credit_risk.data.files import Files
from credit_risk.serving import engine, openapi
from credit_risk.serving.settings import Serving

files, folder = Files(Path(sys.argv[1])), Path(sys.argv[2])
ledger = {"url": f"sqlite:///{folder / 'ledger.db'}"}
settings = Serving.model_validate({"ledger": ledger, "access": {"mode": "off"}, "gate": "reported"})
served = engine.opened(files.root, settings, {"CREDIT_RISK_LEDGER_KEY": "5e" * 32})
sound = {"employment": "4-7y", "income": 40_000.0, "purpose": "car", "loan_amount": 10_000.0, "term_months": 24}
sound |= {"utilisation": 0.3, "months_late": 0, "existing_customer": True}
batch = served.reader.applications(json.dumps({"applications": [sound]}).encode(), 100_000, 10, lambda: None)
replies, _ = served.decide_batch(batch, "a client", lambda: None)
entry = served.ledger.get(replies[0]["decision_id"]).decided
served.close()
# of the part: batch
score.score(served.scorer, files.inputs("test"), folder / "out.parquet")
written = pd.read_parquet(folder / "out.parquet")
# end of part
described = openapi.schemas(served.scorer.config, settings)["Decision"]
print(json.dumps({
    "reply": list(replies[0]),
    "value": [replies[0]["margin"], entry["margin"]],
    "openapi": list(described["properties"]),
    "type": described["properties"]["margin"],
    "required": "margin" in described["required"],
    # of the part: batch
    "batch": list(written),
    "kind": str(written["margin"].dtype),
    "column": written["margin"].unique().tolist(),
    # end of part
    "ledger": list(entry),
}))
"""


def test_a_field_added_to_the_model_is_answered_described_written_and_recorded(trained: tuple[Config, Files], tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(trained[1].root), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    fields = ["decision", "pd", "score", "band", "rule", "reasons", "prompts", "faults", "margin"]
    assert seen["ledger"] == fields
    assert seen["reply"] == ["decision_id", "decided_at", *fields, "repeated", "model", "api_version"]
    assert seen["openapi"][: len(seen["reply"])] == seen["reply"]
    assert seen["type"] == {"type": ["number", "null"]}
    assert seen["required"]
    assert seen["value"] == [0.25, 0.25]
    # of the part: batch
    assert seen["batch"] == ["row", "pd", "score", "band", "margin", "decision", "why"]
    assert (seen["kind"], seen["column"]) == ("float64", [0.25])
    # end of part
