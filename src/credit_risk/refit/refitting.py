"""A refit: the candidate's recipe fitted once more, to all rows to date, after the test.

No row is left to test it on. What the test found is said of its twin, the candidate, and the gate's record says so
check by check; of the refit itself it holds what needs no outcome: how far it is from its twin.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from credit_risk.config import Config
from credit_risk.config.schema import Gate
from credit_risk.data import digest
from credit_risk.data.files import SPLITS, Files
from credit_risk.data.inputs import Matrix
from credit_risk.data.reading import tables
from credit_risk.data.writing import read_json, read_parquet, write_directory, write_json, write_text
from credit_risk.errors import CheckFailed
from credit_risk.measures import monotone, recalibration
from credit_risk.measures.verdict import gate, gate_record
from credit_risk.modelling import training, training_record
from credit_risk.modelling.accounts import Accounts, modelled, read_inputs
from credit_risk.modelling.assembly import assembled, under_policy
from credit_risk.refit.page import page
from credit_risk.scoring import decision
from credit_risk.scoring.features import Features
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import gate as judging
from credit_risk.stages.evaluate import MONOTONE_ROWS

log = logging.getLogger(__name__)

MARK = "refit.json"  # the file by which a folder is known for a refit
OF_TWIN, OF_REFIT = "twin", "refit"  # whom a check of the record judges
LIKE_ITS_TWIN = "beyond it is another model than the one that was tested, and the test says nothing of it"
OWN = (
    Gate(name="refit_level", measure="refit.level", at_least=-0.1, at_most=0.1, exact=True, reason=LIKE_ITS_TWIN),
    Gate(name="refit_slope", measure="refit.slope", at_least=0.9, at_most=1.1, exact=True, reason=LIKE_ITS_TWIN),
    Gate(
        name="refit_decisions",
        measure="refit.decided_otherwise",
        at_most=0.05,
        exact=True,
        reason="approvals by group, reasons and stress were measured on the twin's decisions: nearly all must hold",
    ),
    Gate(
        name="refit_monotone",
        measure="refit.violations",
        at_most=0,
        exact=True,
        reason="the declared directions hold for this very model",
    ),
)


@dataclass(frozen=True)
class Refit:
    """What lies in the folder of a refit. lets_through: whether its gate record lets it decide."""

    folder: Path
    record: Mapping[str, Any]

    @property
    def lets_through(self) -> bool:
        return self.record["verdict"] in gate.LETS_THROUGH


def refit(config: Config, files: Files, output: Path, today: date) -> Refit:
    """Fit the candidate's kind to all rows to date; write scorer, gate record and page below `output`, as a release.

    It is written whatever the gate says of the twin, and then not let through. Raises NotFound before a run.
    """
    twin = Scorer.load(files.scorer)
    twin.refuse_other(config, files.scorer)
    accounts = modelled(config, tables.read_passed(files.table, config))
    scorer = fitted(config, files, accounts, twin)
    made = Files(output)

    def fill(folder: Path) -> None:
        scorer.save(Files(folder).scorer)
        written = Scorer.load(Files(folder).scorer)
        figures = beside(config, written, twin, read_inputs(config, files, "test"))
        judged = record(files, written, figures, today)
        write_json(Files(folder).report("gate"), judged)
        write_json(folder / MARK, {**(written.refit or {}), "scorer": written.digest, "figures": figures})
        write_text(Files(folder).page, page(config, judged, read_json(files.report("metrics"))))

    write_directory(output, fill, mark=MARK)
    return Refit(output, read_json(made.report("gate")))


def fitted(config: Config, files: Files, accounts: Accounts, twin: Scorer) -> Scorer:
    """The twin's kind of model, by the same recipe and under the same policy, fitted to these rows.

    Its number of trees and its calibration come from cross-validation among them, as the twin's did among its own.
    """
    bad, group = accounts.bad, accounts.applicants(config)
    features = Features.of(config).table(accounts.inputs)
    fold = training.folds(config, accounts.identity(config), bad, group)
    models, _ = training.fit(config, features.matrix, bad, accounts.weights, fold=fold)
    its = models[twin.model.kind]
    scorer = under_policy(config, its.model, its.calibration, training.seen_missing(config, features.matrix))
    shown = accounts.weights.representative(config.evaluation.seed)
    whole = assembled(scorer, accounts.inputs[shown], Features.of(config).table(accounts.inputs[shown]))
    return replace(whole, refit=provenance(config, files, accounts, twin))


def provenance(config: Config, files: Files, accounts: Accounts, twin: Scorer) -> dict[str, Any]:
    """What a refit says of itself: whose twin it is, and which rows it was fitted to.

    beyond: rows that stand in no part of the twin's run: within its embargo, or newer than it.
    """
    parts: dict[str, int] = {name: len(read_parquet(files.outcomes(name))) for name in SPLITS}
    known = {"all": len(accounts.bad), "bads": int(accounts.bad.sum())}
    rows: dict[str, int] = known | parts | {"beyond": len(accounts.bad) - sum(parts.values())}
    trained_on = {
        "table": digest.of_file(files.table),
        "parameters": training_record.record(config, files)["parameters"],
    }
    return {"twin": twin.digest, "rows": rows, "trained_on": trained_on}


def beside(config: Config, scorer: Scorer, twin: Scorer, inputs: Matrix) -> dict[str, Any]:
    """How a refit differs from its twin on the twin's test rows; no outcome is in it. inputs: (rows, inputs).

    level, slope: of its log-odds against the twin's. decided_otherwise: the share of rows that one approves and the
    other declines; what either refers a person decides.
    """
    own, others = scorer.pds(inputs), twin.pds(inputs)
    known = ~np.isnan(own) & ~np.isnan(others)
    outcomes = [each.decide_inputs(inputs, reasons=False).outcome for each in (scorer, twin)]
    least, most = np.minimum(*outcomes), np.maximum(*outcomes)
    opposite = (least == decision.APPROVE) & (most == decision.DECLINE)
    seed = config.evaluation.seed
    steps = monotone.check(config, scorer.pds, inputs, rows=MONOTONE_ROWS, seed=seed) if config.model.directions else ()
    return {
        **recalibration.beside(own[known], others[known]),
        "decided_otherwise": float(opposite.mean()),
        "violations": sum(step.violations for step in steps),
        "rows": len(inputs),
    }


def record(files: Files, scorer: Scorer, figures: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The gate's record of a refit: each check of its twin, marked as that, and the refit's own."""
    path = files.report("gate")
    judged = read_json(path)
    checks = [{**its, "judged": OF_TWIN, "sentence": f"Of its twin: {its['sentence']}"} for its in judged["checks"]]
    measures = {"refit": figures, "rows": {"test": figures["rows"]}}
    checks += [{**check.as_dict(), "judged": OF_REFIT} for check in gate.decide(OWN, measures, {})]
    of_twin = (scorer.refit or {})["twin"]
    made = {
        **judged,
        "twin": {"scorer": of_twin, "gate_record": digest.of_file(path)},
        "refit": {**(scorer.refit or {}), "figures": dict(figures)},
        "checks": checks,
        "stale": objections(files, of_twin, today),
        "digests": {**judged["digests"], "scorer": scorer.digest},
    }
    refused = gate_record.refusals(made, scorer.digest, today, twin=of_twin)
    verdict = "FAIL" if refused else judged["verdict"]
    released: dict[str, Any] = {} if refused else {"recommended": "models/scorer", "digest": scorer.digest}
    return made | {"verdict": verdict, "recommended": None, "digest": None} | released


def objections(files: Files, twin: str, today: date) -> list[str]:
    """Why the twin itself would not be let through today; empty if it would."""
    try:
        judged = judging.check(files, today)
    except CheckFailed as refusal:
        return [f"its twin is not let through: {line.strip()}" for line in str(refusal).splitlines()[1:]]
    return [] if judged["digests"]["scorer"] == twin else ["the gate's record is of another scorer than its twin"]
