"""`credit-risk retrain`: whether a training is due, and if it is, a candidate with all that speaks for and against it.

Nothing here touches traffic or the champion: a candidate lies in a folder of its own, and may be registered.
"""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from credit_risk.config import Config
from credit_risk.config.dotted import lookup
from credit_risk.data.files import Files
from credit_risk.data.writing import refuse_in_the_way, remove, write_json
from credit_risk.errors import CreditRiskError
from credit_risk.ledger.ledger import Ledger
from credit_risk.monitoring import monitor
from credit_risk.monitoring.outcomes import deliveries
from credit_risk.monitoring.outcomes.outcome_store import History
from credit_risk.monitoring.records.frozen_store import Record
from credit_risk.monitoring.settings import MonitoringSettings
from credit_risk.monitoring.windows.drift_windows import DriftWindows
from credit_risk.retraining import candidate, due, sources, triggers
from credit_risk.retraining.accounts import PAST, DataVersion, KnownDecisions, data_version
from credit_risk.retraining.candidate import RetrainedCandidate
from credit_risk.retraining.due import DueDecision
from credit_risk.retraining.record import Past, RetrainingRecords, begun, ended
from credit_risk.retraining.settings import RetrainingSettings
from credit_risk.retraining.sources import Lender
from credit_risk.retraining.triggers import Champion, Trigger
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages.gate import object_of

log = logging.getLogger(__name__)

MARK = "retraining.json"  # the file by which a folder is known for that of a candidate


@dataclass(frozen=True)
class Retraining:
    """One lender on one day. clock: now, in UTC. promoted_on: of the champion, by the registry.

    hand: who asks for a training, and why.
    """

    config: Config
    files: Files
    settings: RetrainingSettings
    judged_by: MonitoringSettings
    histories: Mapping[str, History]
    as_of: date
    clock: datetime
    promoted_on: date | None = None
    hand: tuple[str, str] | None = None

    @property
    def lender(self) -> Lender:
        return Lender(self.config, self.files, self.settings.data)


@dataclass(frozen=True)
class Situation:
    """What is known on the day: champion, accounts, triggers, and the evidence that a training would be made from."""

    champion: Champion
    book: KnownDecisions
    version: DataVersion
    triggers: Sequence[Trigger]
    evidence: str


def retrain(run: Retraining, ledger: Ledger, output: Path, *, busy_timeout_s: float, decide_only: bool) -> Record:
    """Decide, and train if it is due; the report that goes to reports/retraining.json.

    output: the folder of the candidate; an older candidate there is replaced.
    Raises LedgerBroken for records or decisions that do not hold, LedgerBusy where another run began just now.
    """
    refuse_in_the_way(output, mark=MARK)
    with RetrainingRecords(ledger, busy_timeout_s=busy_timeout_s) as store:
        entries, end = store.read()
        past = Past(entries)
        now = situation(run, ledger, past, busy_timeout_s)
        decision = decision_of(run, now, past)
        report = report_of(run, now, decision, past)
        if decision.answer != "TRAIN" or decide_only:
            return report
        facts = {"champion": now.champion.digest, "due": list(decision.reasons), "version": now.version.facts()}
        store.add([begun(now.evidence, run.as_of, run.clock, facts)], end)
        came, record = trained(run, now, output)
        store.add([ended(now.evidence, came)], store.read()[1])
    report |= {"candidate": came | {"folder": shown(output, run.files)}, "comparison": record}
    write_json(output / MARK, report)
    return report


def situation(run: Retraining, ledger: Ledger, past: Past, busy_timeout_s: float) -> Situation:
    """Read the ledger, and measure what the triggers go by."""
    scorer = Scorer.load(run.files.scorer)
    if run.histories:  # all of them are learned from, and a report verifies what it reads alone
        deliveries.verify(ledger, busy_timeout_s=busy_timeout_s)
    drift = DriftWindows.of(scorer)
    measured = monitor.of_ledger(
        ledger, run.config, run.judged_by, as_of=run.as_of, drift=drift, busy_timeout_s=busy_timeout_s
    )
    book = KnownDecisions.read(ledger, run.histories, run.config.outcome.performance_window_months, run.as_of)
    first, measured_test = book.first_decision(scorer.digest), is_measured(run.files, scorer.digest)
    champion = Champion(scorer.digest, first, run.promoted_on, measured_test)
    version = data_version(book, run.settings.data, run.as_of)
    by = run.settings.triggers
    findings = [
        triggers.schedule(by, champion, past.last_training, run.as_of),
        triggers.drift(measured),
        triggers.performance(by, book.table, measured),
        triggers.estimated(by, measured),
        triggers.approval(by, champion, run.as_of),
        *([triggers.by_hand(*run.hand)] if run.hand else []),
    ]
    return Situation(champion, book, version, findings, evidence(run.config, champion.digest, version))


def decision_of(run: Retraining, now: Situation, past: Past) -> DueDecision:
    """What is to be done on this day, with all reasons."""
    refusals = [
        *due.of_plan(run.settings.plan, now.triggers, run.as_of),
        *due.of_champion(now.champion),
        *due.of_data(now.version, run.settings.data, past, now.champion.digest),
        *due.of_deliveries(now.book.table, run.judged_by.most_without_outcome),
        *sources.objections(run.lender),
    ]
    waits = [
        *due.of_limits(run.settings.limits, past, now.evidence, run.as_of),
        *due.of_running(run.settings.limits, past, now.evidence, run.clock),
    ]
    return due.decide(now.triggers, waits, refusals, now.evidence in past.ended)


def report_of(run: Retraining, now: Situation, decision: DueDecision, past: Past) -> Record:
    """The report of a decision; what came of an earlier training from the same evidence stands in it."""
    return {
        "as_of": run.as_of.isoformat(),
        "answer": decision.answer,
        "reasons": list(decision.reasons),
        "triggers": [each.as_dict() for each in now.triggers],
        "champion": now.champion.digest,
        "evidence": now.evidence,
        "version": now.version.facts(),
        "trainings_in_a_year": len(past.of_year(run.as_of)),
        "cpu_hours_in_a_year": round(past.cpu_hours(run.as_of), 3),
        "candidate": past.ended.get(now.evidence),
    }


def trained(run: Retraining, now: Situation, output: Path) -> tuple[Record, Mapping[str, Any]]:
    """What came of a training, for the signed record, and the record of the comparison.

    A stage that refuses these accounts would refuse them each time: that is a candidate that did not pass.
    """
    before = processor_seconds()
    came = {"candidate": None, "verdict": "FAIL", "trained_until": str(now.version.part(PAST)["decided_on"].max())}
    try:
        made = candidate_of(run, now, output)
    except CreditRiskError as error:
        record: Mapping[str, Any] = {"verdict": "FAIL", "title": "No candidate", "checks": [], "notes": [str(error)]}
    else:
        record = made.record
        came |= {"candidate": made.digest, "verdict": record["verdict"]}
    return came | {"cpu_seconds": round(processor_seconds() - before, 1)}, record


def candidate_of(run: Retraining, now: Situation, output: Path) -> RetrainedCandidate:
    """The candidate of a data version: fitted, fitted again, measured, and compared with the champion."""
    remove(output)
    made = candidate.make_root(run.files, output, run.as_of)
    write_json(output / MARK, {"evidence": now.evidence})
    sources.write(run.lender, now.version, now.book.applications, output)
    log.info("Fitting a candidate on accounts decided until %s", now.version.part(PAST)["decided_on"].max())
    candidate.fit(made)
    again = candidate.refit_elsewhere(made, output / "again")
    log.info("Measuring it, and comparing it with the champion")
    return candidate.judge(made, run.files, run.clock.date(), again=again)


def evidence(config: Config, champion: str, version: DataVersion) -> str:
    """The digest of what a training is made from: accounts, champion and recipe; equal ones give equal candidates."""
    recipe = hashlib.sha256(json.dumps(config.as_dict(), sort_keys=True).encode()).hexdigest()
    return hashlib.sha256(f"{version.digest} {champion} {recipe}".encode()).hexdigest()


def is_measured(files: Files, scorer: str) -> bool:
    """Whether the figures of the champion's test are there, and of this scorer."""
    figures = object_of(files.report("metrics")) or {}
    return lookup(figures, "test.auc") is not None and figures.get("scorer") == scorer


def processor_seconds() -> float:
    """What this process and the programs that it ran have used."""
    return sum(os.times()[:4])


def shown(output: Path, files: Files) -> str:
    """The folder as a report names it: never by a path of this machine."""
    root, whole = files.root.resolve(), output.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else whole.name
