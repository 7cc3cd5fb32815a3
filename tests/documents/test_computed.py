"""What a bundle computes: audits of each framework, tier, findings, roles by environment, and who did what."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

from credit_risk.config import load
from credit_risk.data.writing import write_text
from credit_risk.documents import computed
from credit_risk.governance.model_risk import standing
from credit_risk.governance.records import Entered
from credit_risk.registry.lifecycle import HistoryEvent

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 30, tzinfo=UTC)
SERVING = "\nserving:\n  ledger: {url: 'sqlite:///ledger.db'}\n  access: {mode: off}\n  gate: reported\n"
MOVES = [
    HistoryEvent(1, AT, "register", 1, "d" * 64, "Ada Berg", "new", {}),
    HistoryEvent(2, AT, "promote", 1, "d" * 64, "Kim Lee", "better", {"gate_record": "e" * 64}),
]


def test_a_bundle_computes_what_persons_and_stores_say(files):
    for path in ("configs/policies", "configs/model-inventory.yaml"):
        take = shutil.copytree if (ROOT / path).is_dir() else shutil.copyfile
        take(ROOT / path, files.root / path, **({"dirs_exist_ok": True} if take is shutil.copytree else {}))
    for name in ("dvc.lock", "dvc.yaml"):
        write_text(files.root / name, "stages: {train: {cmd: credit-risk train}}\n")
    site = files.root / "configs" / "deploy" / "local.yaml"
    write_text(site, site.read_text(encoding="utf-8") + SERVING)
    made = computed.evidence(load(files.config), files, site, MOVES, AT)
    assert {path for path in made if path.startswith("reports/audits")} == {
        "reports/audits/ecoa.json",
        "reports/audits/model_risk.json",
    }
    assert made["reports/audits/ecoa.json"]["verdict"] in ("PASS", "FAIL", "CANNOT SAY")
    assert made["records/inventory.json"]["tier"] == 3  # of exposure 0
    assert made["records/inventory.json"]["change"]["name"] == "redevelopment"
    assert made["records/findings.json"] == {"findings": [], "opinions": [], "overdue_and_severe": []}
    assert [its["source"] for its in made["records/audit-log.json"]["sources"]] == [
        *("registry", "records", "rollouts", "waivers", "access", "ledger"),
    ]
    assert made["registry/history.json"]["roles"] == {"1": "champion"}
    assert [(move["move"], move["by"]) for move in made["registry/history.json"]["moves"]] == [
        ("register", "Ada Berg"),
        ("promote", "Kim Lee"),
    ]
    roles = made["records/roles.json"]["local"]  # part: roles
    assert roles["asks_nobody"] is True  # part: roles
    assert {"role": "validator", "may": ["approve"], "who": []} in roles["roles"]  # part: roles


def test_findings_and_opinions_are_said_as_they_stand_on_that_day():
    opened = {"severity": "severe", "owner": "Kim Lee", "due": "2026-11-29"}
    entries = [
        Entered(AT, "open", "F1", "Ada Berg", "no holdout", opened),
        Entered(AT, "opinion", "s" * 64, "Ada Berg", "recomputed", {"view": "conditions", "conditions": ["F1"]}),
    ]
    said_before = standing.of_findings(entries, date(2026, 11, 29))
    said = standing.of_findings(entries, date(2026, 11, 30))
    assert [(its["id"], its["state"], its["overdue"]) for its in said_before["findings"]] == [("F1", "open", False)]
    assert [(its["id"], its["due"], its["overdue"]) for its in said["findings"]] == [("F1", "2026-11-29", True)]
    assert (said_before["overdue_and_severe"], len(said["overdue_and_severe"])) == ([], 1)
    assert [(its["by"], its["view"], its["conditions"]) for its in said["opinions"]] == [
        ("Ada Berg", "conditions", ["F1"])
    ]
