"""A candidate made by the pipeline's own stages in a folder of its own, judged by the gates, and held to the champion.

The folder is a root like any: config, data, scorer, reports. What the champion's repository has is only read.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from ruamel.yaml import YAML

from credit_risk.comparison import compare
from credit_risk.config import Config, load
from credit_risk.config.schema import Gate
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, remove, write_json
from credit_risk.measures.verdict import gate
from credit_risk.retraining.sources import ACCOUNTS, COMPARED_ON
from credit_risk.stages import (
    assemble,
    dictionary,
    evaluate,
    explain,
    fairness,
    latency,
    prepare,
    report,
    robustness,
    select,
    stability,
    train,
    validate_data,
)
from credit_risk.stages import gate as judging

FITTED: tuple[ModuleType, ...] = (validate_data, prepare, train, select, assemble)
MEASURED: tuple[ModuleType, ...] = (evaluate, stability, fairness, explain, robustness, latency, judging)
SHOWN: tuple[ModuleType, ...] = (dictionary, report)
OWN = (
    Gate(
        name="reproduces",
        measure="retraining.differs",
        at_most=0,
        exact=True,
        reason="fitted twice from the same accounts it must be the same scorer, to the byte",
    ),
    Gate(
        name="gates_of_its_own",
        measure="retraining.blocked",
        at_most=0,
        exact=True,
        reason="a candidate must pass every gate that a first model must",
    ),
    Gate(
        name="beats_scorecard_materially",
        of="lightgbm",
        measure="selection.beyond_materiality",
        at_least=0,
        reason="trees that rank no better than the scorecard, by more than model.materiality, are not worth a change",
    ),
)


@dataclass(frozen=True)
class RetrainedCandidate:
    """A trained and judged candidate. record: of the comparison, its verdict over all that is asked of a candidate."""

    files: Files
    digest: str
    record: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        return self.record["verdict"] in gate.LETS_THROUGH


def make_root(files: Files, root: Path, as_of: date) -> Files:
    """A root with the champion's config, which reads the data version alone, and the same code."""
    shutil.copytree(files.config.parent, root / "configs", dirs_exist_ok=True)
    yaml, made = YAML(), Files(root)
    tree = yaml.load(made.config)
    tree["data"]["sources"] = [{"path": ACCOUNTS.as_posix()}]
    if load(files.config).only("date"):
        tree["outcome"]["observed_until"] = as_of
    yaml.dump(tree, made.config)
    code = files.root / "src"
    if code.is_dir() and not (root / "src").exists():
        (root / "src").symlink_to(code.resolve(), target_is_directory=True)
    made.parts.mkdir(parents=True, exist_ok=True)
    return made


def fit(files: Files) -> str:
    """Run the stages up to the scorer; its digest."""
    run(files, FITTED)
    return digest.of_directory(files.scorer)


def run(files: Files, stages: Sequence[ModuleType]) -> None:
    config = load(files.config)
    for stage in stages:
        stage.run(config, files)


def refit_elsewhere(files: Files, root: Path) -> str:
    """Fit once more from the same accounts in another folder, which is removed again; the digest that came of it."""
    again = Files(root)
    shutil.copytree(files.config.parent, again.config.parent)
    (root / ACCOUNTS).parent.mkdir(parents=True)
    os.link(files.root / ACCOUNTS, root / ACCOUNTS)
    try:
        return fit(again)
    finally:
        shutil.rmtree(root)


def judge(files: Files, champion: Files, today: date, *, again: str) -> RetrainedCandidate:
    """Measure the fitted candidate, judge it by its gates, and compare it with the champion on the newest accounts.

    again: the digest that another fit from the same accounts gave. The record lies in reports/comparison.json too.
    """
    run(files, (*MEASURED, *SHOWN))
    config = load(files.config)
    record = compare.compare(
        for_comparison(config),
        files,
        candidate=files.scorer,
        baseline=champion.scorer,
        test_data=files.root / COMPARED_ON,
        baseline_root=champion.root,
        today=today,
    )
    own = own_checks(files, again)
    checks = [*record["checks"], *own]
    blocked = [its["name"] for its in own if its["verdict"] != "PASS"]
    whole = {**record, "checks": checks, "verdict": "FAIL" if blocked else record["verdict"]}
    write_json(files.report("comparison"), whole)
    return RetrainedCandidate(files, digest.of_directory(files.scorer), whole)


def forget_accounts(root: Path) -> None:
    """Remove the accounts of a candidate's folder once it was judged: no erasure from the ledger would reach them."""
    for name in ("data", "artifacts"):
        remove(root / name)


def for_comparison(config: Config) -> Config:
    """The config with the gates on the comparison alone, which the newest accounts can answer.

    All of them were approved: what a gate asks of all applicants (an AUC, approvals by group) they cannot say. The
    candidate's own test answers that.
    """
    gates = tuple(declared for declared in config.gates if declared.measure.startswith("comparison."))
    return config.model_copy(update={"gates": gates})


def own_checks(files: Files, again: str) -> list[dict[str, Any]]:
    """What retraining asks beside the config's gates: the same bytes twice, all gates, and more than a scorecard."""
    judged = read_json(files.report("gate"))
    scorer = digest.of_directory(files.scorer)
    blocked = [its["name"] for its in judged["checks"] if its["verdict"] != "PASS"]
    passes = judged["verdict"] in gate.LETS_THROUGH and judged["digest"] == scorer
    measures = {
        "retraining": {"differs": int(again != scorer), "blocked": 0 if passes else max(len(blocked), 1)},
        "selection": read_json(files.report("selection")),
        "rows": {"test": read_json(files.report("metrics"))["rows"]["test"]},
    }
    gates, _ = gate.applicable(OWN, judged["kind"])
    checks = [check.as_dict() for check in gate.decide(gates, measures, {})]
    for each in checks:
        if each["name"] == "gates_of_its_own" and not passes:
            each["sentence"] += f" Blocked by: {', '.join([*judged['stale'], *blocked])}."
    return checks
