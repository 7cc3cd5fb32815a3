"""A ledger in which a repository's own scorer has decided applications on days of the past."""

import random
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pandas as pd
from book import clock
from ruamel.yaml import YAML

from credit_risk.data.files import Files
from credit_risk.ledger.entry import Entry
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.opening import open_ledger
from credit_risk.ledger.settings import LedgerSettings
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.engine import digests

SEED = 1
DATABASE = "build/ledger/ledger.db"
LEDGER = LedgerSettings(url=f"sqlite:///{DATABASE}", key_file="build/ledger/key")
MONITORING = {
    "most_without_outcome": 0.1,
    "asset_correlation": 0.04,
    "smallest_window": 1,
    "drift": {"out": 2, "of": 3},
}


def write_yaml(path: Path, tree: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        YAML().dump(tree, stream)


def opened(files: Files) -> Ledger:
    return open_ledger(files.root, LEDGER, {}, create=True)


def decided(ledger: Ledger, files: Files, table: pd.DataFrame) -> pd.DataFrame:
    """Record each application as the champion decides it; the table with ids and decisions.

    Ids are the same each time: a candidate's split follows from them, and of so few rows not every split passes a gate.
    """
    scorer, parts, chance = Scorer.load(files.scorer), [], random.Random(SEED)
    by, inputs = digests(files.scorer, scorer), list(scorer.config.inputs)
    for day, rows in table.groupby("day"):
        decisions = scorer.decide(rows, reasons=False)
        plain = rows[inputs].astype(object).where(rows[inputs].notna(), None).to_dict("records")
        who = rows["applicant_id"].astype(str)
        records = [decisions.record(row) for row in range(len(rows))]
        entries = [
            Entry(inputs=each, decided=record, by=by, applicant=person)
            for each, record, person in zip(plain, records, who, strict=True)
        ]
        with clock(day), patch("credit_risk.ledger.entry.os", SimpleNamespace(urandom=chance.randbytes)):
            ids = [each.decision_id for each in ledger.append(entries)]
        parts.append(rows.assign(decision_id=ids, decision=[record["decision"] for record in records]))
    return pd.concat(parts)
