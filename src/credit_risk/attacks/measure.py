"""Both scores, measured and written: reports/parts/attacks.json, its tables, and reports/attacks.html."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.attacks import adversarial, membership, page
from credit_risk.attacks.membership import Applicants
from credit_risk.attacks.plausible_changes import PlausibleChanges
from credit_risk.attacks.search import thresholds_of
from credit_risk.attacks.toolbox import Surrogate
from credit_risk.config import Config
from credit_risk.config.schema import Attacks, Gate
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Inputs, Mask
from credit_risk.data.writing import read_json, write_figures, write_text
from credit_risk.errors import CheckFailed, DataError
from credit_risk.measures.figure import flat
from credit_risk.measures.verdict import gate
from credit_risk.modelling import evidence
from credit_risk.modelling.scored_split import RowsUnderTest
from credit_risk.scoring.decision import DECLINE

Numbers = dict[str, Any]

SURROGATE_ROWS = 20_000
FEWEST = 100  # training and selection rows each


def check(files: Files, gates: Sequence[Gate]) -> None:
    """Raises CheckFailed with a sentence for each score of reports/parts/attacks.json that does not clear its floor."""
    report = read_json(files.part("attacks"))
    checks = gate.decide(gates, report, report["unknown"])
    if blocking := [f"{check.verdict}: {check.sentence}" for check in checks if check.verdict != "PASS"]:
        raise CheckFailed("\n  ".join(["The attacks do not let this scorer through.", *blocking]))


def run(config: Config, files: Files) -> None:
    """Write reports/parts/attacks.json, its tables, and reports/attacks.html; both scores beside what they rest on."""
    if config.attacks is None:
        raise DataError(
            "configs/credit.yaml has no section attacks, which says what could be changed and at what cost."
        )
    tested, unknown = RowsUnderTest.read(config, files), dict[str, str]()
    folder = files.parts / "attacks"
    numbers = {
        "scorer": tested.scorer.digest,
        "robustness": _robustness(config, config.attacks, files, tested, folder=folder, unknown=unknown),
        "privacy": _privacy(config, files, tested, folder, unknown),
        "unknown": unknown,
    }
    evidence.write(files, "attacks", numbers, part=config)
    write_text(files.reports / "attacks.html", page.page(config, files, read_json(files.part("attacks"))))


def _robustness(
    config: Config, settings: Attacks, files: Files, tested: RowsUnderTest, *, folder: Path, unknown: dict[str, str]
) -> Numbers:
    confidence, seed = config.evaluation.confidence, config.evaluation.seed
    declined = np.flatnonzero((tested.before.outcome == DECLINE) & ~np.isnan(tested.before.pd))
    why = "attacks.plausible names no column" if not settings.plausible else "no test row was declined by the model"
    if not settings.plausible or not len(declined):
        unknown["robustness.score"] = why
        return {"score": None, "declined": len(declined), "attacked": 0}
    if len(declined) > settings.rows:
        declined = np.sort(np.random.default_rng(seed).choice(declined, settings.rows, replace=False))
    inputs = Inputs.of(config)
    train = inputs.table(pd.read_parquet(files.inputs("train")))
    changes = PlausibleChanges.of(inputs, settings, train)
    decide, some = tested.scorer.decide_inputs, train[:SURROGATE_ROWS]
    turned_down = np.asarray(decide(some).outcome == DECLINE)
    attacked = adversarial.attack(
        changes,
        decide,
        tested.inputs[declined],
        tested.applicant[declined],
        thresholds=thresholds_of(tested.scorer.model, config.features),
        surrogate=Surrogate(changes, some, turned_down) if turned_down.any() and not turned_down.all() else None,
        seed=seed,
    )
    by_attack = {
        name: flat({"survived": attacked.survived(flips, confidence)}) for name, flips in attacked.by_attack.items()
    }
    write_figures(folder / "flips.csv", attacked.table(confidence))
    write_figures(folder / "survival.csv", attacked.curve(confidence))
    write_figures(folder / "levers.csv", attacked.levers())
    return {
        **flat({"score": attacked.survived(attacked.cheapest, confidence)}),
        "by_attack": by_attack,
        "declined": int((tested.before.outcome == DECLINE).sum()),
        "attacked": len(declined),
        "budget": settings.budget,
    }


def _privacy(config: Config, files: Files, tested: RowsUnderTest, folder: Path, unknown: dict[str, str]) -> Numbers:
    applicants = Applicants.of(_scored(files, tested, "train"), _scored(files, tested, "selection"))
    counts = {"members": int(applicants.member.sum()), "others": int((~applicants.member).sum())}
    if min(counts.values()) < FEWEST:
        unknown["privacy.score"] = f"fewer than {FEWEST} scored training or selection rows: too few to learn an attack"
        return {"score": None, **counts}
    aucs = membership.attacks(applicants, seed=config.evaluation.seed, confidence=config.evaluation.confidence)
    write_figures(folder / "membership.csv", membership.table(aucs))
    strongest = membership.strongest(aucs)
    return {
        **flat({"score": membership.privacy(aucs[strongest]), "auc": aucs[strongest]}),
        "strongest": strongest,
        **counts,
    }


def _scored(files: Files, tested: RowsUnderTest, split: SplitName) -> tuple[Any, Mask, Any]:
    """PDs, outcomes and applicants of a split's rows."""
    decisions = tested.scorer.decide(pd.read_parquet(files.inputs(split)))
    outcomes = pd.read_parquet(files.outcomes(split), columns=["bad", "group"])
    return decisions.pd, outcomes["bad"].to_numpy(dtype=bool), outcomes["group"].to_numpy()
