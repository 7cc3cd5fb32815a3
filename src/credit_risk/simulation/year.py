"""The year, month by month: applications, decisions, outcomes, monitoring, retraining, and what happens to the lender.

On the days of events the real service runs (simulation.event_days); in between its engine decides in this process, its
in-process twin, with the ledger's clock set to the month. People's part (a repair, a promotion) follows a script.
"""

import calendar
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_csv
from credit_risk.ledger.verification import verify
from credit_risk.monitoring import settings as monitoring
from credit_risk.monitoring.calendar import months_after
from credit_risk.monitoring.outcomes import adding
from credit_risk.retraining import approvals, retrain, wording
from credit_risk.retraining import settings as retraining
from credit_risk.retraining.retrain import processor_seconds
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving import engine as serving
from credit_risk.serving.settings import load as serving_settings
from credit_risk.simulation import bad_candidate, event_days, lender, profit, world
from credit_risk.simulation.events import Event
from credit_risk.simulation.pager import Pager
from credit_risk.simulation.playback import TIMEOUT_S, Playback
from credit_risk.simulation.processes import Processes, free_ports, library
from credit_risk.simulation.settings import YearSettings
from credit_risk.simulation.world import MONTHS, YEAR, ApplicationMonth

log = logging.getLogger(__name__)

CLIENT = "the simulated year"
DAY_OF_MONTH = 15
TOGETHER, BODY_BYTES = 500, 65_536  # of a batch, as a service's limits have them
OF_OTHERS = 0.8  # of the bad candidate's outcomes: with all of them the fit itself mostly refuses
RUNBOOK = "docs/retraining.md#when"


def play(repository: Path, settings: YearSettings, seed: int, root: Path, pager: Pager | None) -> dict[str, Any]:
    """Play the year back below a new root; the report that the page shows.

    pager: whom the service's alarms call; None to play without the service. Raises CheckFailed where the gates refuse
    the first champion, UsageError where a program that the service needs is not installed.
    """
    begun, begun_cpu = time.monotonic(), processor_seconds()
    processes = Processes(root, library(), free_ports(), pager) if pager else None
    files = lender.make(repository, settings, seed, root, processes)
    playback = Playback(settings, seed, files, Scorer.load(files.scorer), processes)
    for month in range(1, MONTHS + 1):
        log.info("%s %s", calendar.month_name[month], YEAR)
        decide(playback, month)
        as_of = date(YEAR + month // MONTHS, month % MONTHS + 1, 1)
        deliver(playback, as_of)
        earn(playback)
        look(playback, as_of)
        if month == settings.bad_candidate.month:
            bad_candidate.bring(playback, as_of)
    playback.events["drift"].cost = profit.given_up(playback.profits, settings.drift.month)
    return {
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
        "events": [asdict(event) for event in playback.events.values()],
        "profits": playback.profits,
        "retrainings": playback.retrainings,
        "decisions": int(sum(len(each) for each in playback.fed)),
        "promoted": playback.promoted,
        "service_days": playback.service_days,
        "alarms": pager.alarms if pager else [],
        "cpu_seconds": round(processor_seconds() - begun_cpu, 1),
        "seconds": round(time.monotonic() - begun, 1),
    }


@contextmanager
def on_day(day: date) -> Iterator[None]:
    """The clock of this process at noon (UTC) of a day."""
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    with patch("credit_risk.ledger.entry.time.time_ns", lambda: noon * 1_000_000_000):
        yield


def decide(playback: Playback, month: int) -> None:
    """A month's applications, as the feed delivers them, decided and recorded: by the service or by its twin."""
    settings = playback.settings
    truth = world.month_of(settings, playback.seed, month)
    is_faulty = month >= settings.fault.month and not playback.is_repaired
    fed = world.as_fed(settings, truth.applications, is_faulty=is_faulty)
    if playback.processes and is_event_day(playback, month):
        replies = served(playback, playback.processes, truth, fed)
    else:
        replies = of_twin(playback, month, fed)
    decided = pd.DataFrame(replies)[["decision_id", "decision"]]
    playback.months.append(truth)
    playback.fed.append(fed)
    playback.decisions.append(decided)
    playback.approved.append((decided["decision"] == "approve").to_numpy())
    if is_faulty:
        event = playback.events.setdefault(
            "fault", Event("Feed fault: monthly incomes, a purpose gone", f"{YEAR}-{month:02}")
        )
        event.cost = (event.cost or 0.0) + cost_of_fault(Scorer.load(playback.files.scorer), truth, fed)
    if month == settings.drift.month:
        name = "Slow drift: use of credit rises, and risk beyond what features tell"
        playback.events["drift"] = Event(name, f"{YEAR}-{month:02}")
    if month == settings.erasure.month and playback.processes is None:
        erase(playback, date(YEAR, month, DAY_OF_MONTH))


def is_event_day(playback: Playback, month: int) -> bool:
    """Whether the real service decides this month: something happens to it, or a candidate waits for traffic."""
    given = playback.settings
    events = {each.month for each in (given.fault, given.replica, given.bad_candidate, given.erasure)}
    return month in events or playback.waiting is not None


def of_twin(playback: Playback, month: int, fed: pd.DataFrame) -> list[dict[str, Any]]:
    """What the service's engine answers in this process on the day."""
    settings = serving_settings(playback.files.config.parent / "deploy" / "local.yaml")
    engine = serving.opened(playback.files.root, settings)
    try:
        with on_day(date(YEAR, month, DAY_OF_MONTH)):
            return answers(engine, fed)
    finally:
        engine.close()


def served(
    playback: Playback, processes: Processes, truth: ApplicationMonth, fed: pd.DataFrame
) -> list[dict[str, Any]]:
    """What the real service answers on its day, and what happens to it."""
    month, settings, day = truth.month, playback.settings, date(YEAR, truth.month, DAY_OF_MONTH)
    log.info("The service runs on %s", day)
    applications = event_days.Applications(fed, list(playback.config.inputs), [])
    with processes.service(day) as service:
        if playback.waiting:
            made, version = playback.waiting
            moved, sentence = event_days.roll_out(service, version, applications)
            playback.waiting = None
            playback.events[f"rollout {version}"] = rolled_out(day, moved, sentence)
            if moved:
                promote(playback, made, day)
        if month == settings.replica.month:
            playback.events["replica"] = event_days.lose_a_replica(service, applications, day)
        applications.ask(service, applications.left)
        if month == settings.erasure.month:
            applicant, decision_id = to_forget(playback)
            playback.events["erasure"] = event_days.erase(service, applicant, decision_id, day)
    playback.service_days.append({"day": str(day), "requests": service.requests, "failed": service.failed})
    return applications.answers


def rolled_out(day: date, moved: bool, sentence: str) -> Event:
    return Event(
        "A candidate that passed comes into traffic",
        *(day.isoformat(), day.isoformat(), "the rollout's own analysis"),
        sentence,
        runbook=f"docs/operations.md#{'what-a-rollout-does' if moved else 'a-candidate-was-rolled-back'}",
    )


def answers(engine: serving.DecisionEngine, fed: pd.DataFrame) -> list[dict[str, Any]]:
    """What the service's batch answers: the same reading, checks, decisions and ledger as behind its API."""
    inputs = list(engine.scorer.config.inputs)
    replies: list[dict[str, Any]] = []
    for start in range(0, len(fed), TOGETHER):
        part = fed.iloc[start : start + TOGETHER]
        body = {
            "applications": json.loads(part[inputs].to_json(orient="records")),
            "applicants": part["applicant_id"].astype(str).tolist(),
        }
        batch = engine.reader.applications(json.dumps(body).encode(), BODY_BYTES, TOGETHER, lambda: None)
        replies += engine.decide_batch(batch, CLIENT, lambda: None)[0]
    return replies


def cost_of_fault(scorer: Scorer, truth: ApplicationMonth, fed: pd.DataFrame) -> float:
    """What the scorer's approvals would earn on the applications as they were, less what they earn as they came."""
    if fed is truth.applications:
        return 0.0
    return profit.of_scorer(scorer, truth.applications, truth.pd) - profit.of_scorer(scorer, fed, truth.pd)


def deliver(playback: Playback, as_of: date) -> None:
    """Outcomes of the accounts that have matured by a day, looked up when they did; and the applicants' own words."""
    window = playback.settings.performance_window_months
    rows = []
    for truth, decided, approved in zip(playback.months, playback.decisions, playback.approved, strict=True):
        due = months_after(date(YEAR, truth.month, DAY_OF_MONTH), window)
        if due > as_of:
            continue
        for decision_id, bad in zip(decided["decision_id"][approved], truth.bad[approved], strict=True):
            outcome = "bad" if bad else "good"
            rows.append({"decision_id": decision_id, "outcome": outcome, "month": window, "observed_on": due})
    applicants = pd.concat([each.applications for each in playback.months])
    guarded = applicants[["applicant_id", "sex", "age"]].rename(columns={"applicant_id": "applicant"})
    write_csv(playback.files.root / lender.PROTECTED, guarded)
    if not rows:
        return
    path = playback.files.root / "build" / "outcomes.csv"
    write_csv(path, pd.DataFrame(rows))
    with playback.ledger() as ledger, playback.outcomes() as store:
        adding.add(ledger, store, path, playback.config, today=as_of)


def earn(playback: Playback) -> None:
    """What the month earned, and what other policies would have, on the same applications as they came."""
    truth, fed, config = playback.months[-1], playback.fed[-1], playback.config
    policy = config.policy
    before = playback.months[:-1]
    table = pd.read_csv(playback.files.root / lender.DATA, parse_dates=["applied_on"])
    for month, came, approved in zip(before, playback.fed, playback.approved, strict=False):
        table = pd.concat([table, profit.outcomes_of(came, month.bad, approved)], ignore_index=True)
    until = date(YEAR, truth.month, 1)
    scratch = playback.files.root / "build" / "monthly.parquet"
    monthly = profit.refitted(config, table, playback.first.model.kind, until, scratch)
    playback.profits.append(
        {
            "month": f"{YEAR}-{truth.month:02}",
            "applications": len(fed),
            "approved": int(playback.approved[-1].sum()),
            profit.ACTUAL: profit.expected(policy, playback.approved[-1], truth.pd),
            profit.NEVER: profit.of_scorer(playback.first, fed, truth.pd),
            profit.MONTHLY: profit.of_scorer(monthly, fed, truth.pd),
            profit.ORACLE: profit.of_oracle(policy, truth.pd),
        }
    )


def look(playback: Playback, as_of: date) -> None:
    """Monitoring and retraining on the first of the next month; a candidate that passed is promoted by a person."""
    files, output = playback.files, playback.files.root / "build" / "retraining"
    with playback.ledger() as ledger, playback.outcomes() as store:
        run = retrain.Retraining(
            playback.config,
            files,
            retraining.load(files.config.parent / "retraining.yaml"),
            monitoring.load(files.config.parent / "monitoring.yaml"),
            store.histories(),
            as_of,
            datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC),
            promoted_on=promoted_on(playback),
        )
        report = retrain.retrain(run, ledger, output, busy_timeout_s=TIMEOUT_S, decide_only=False)
    notice(playback, report, as_of)
    is_new = report["answer"] == "TRAIN"
    playback.retrainings.append(
        {
            "as_of": report["as_of"],
            "answer": report["answer"],
            "reasons": report["reasons"],
            "verdict": report["candidate"]["verdict"] if is_new else "",
            "objections": wording.objections(report) if is_new and not wording.passed(report) else [],
        }
    )
    if is_new and wording.passed(report):
        take_over(playback, output, as_of)


def take_over(playback: Playback, output: Path, as_of: date) -> None:
    """Sign a candidate that passed; it waits in the registry for its rollout, or replaces the champion of the twin."""
    made = Files(output.with_name(f"candidate-{as_of}"))
    output.rename(made.root)
    signing.sign_release(made, signing.private_key(playback.files.root))
    if playback.processes is None:
        promote(playback, made, as_of)
        return
    why = f"retrained on what was known on {as_of}"
    playback.waiting = made, event_days.register(playback.processes, as_of, made.root, why)


def promote(playback: Playback, made: Files, day: date) -> None:
    lender.promote(playback.files, made)
    playback.promoted.append(str(day))


def notice(playback: Playback, report: dict[str, Any], as_of: date) -> None:
    """Which event a trigger that fired speaks of; the feed is repaired in the month after its fault was seen."""
    due = {each["name"]: each["sentence"] for each in report["triggers"] if each["finding"] == "DUE"}
    seen, drifted = as_of.isoformat(), due.get("drift", "").partition(":")[0].split(", ")
    fault, drift = playback.events.get("fault"), playback.events.get("drift")
    if drift:
        _notice_drift(drift, due, drifted, seen, has_fault=fault is not None)
        if report["answer"] == "TRAIN":
            goes = "registered for a rollout" if playback.processes else "promoted (script)"
            came = goes if wording.passed(report) else "did not pass"
            drift.done = f"{drift.done + '; ' if drift.done else ''}{seen}: a candidate was trained, and {came}"
    if fault and not playback.is_repaired and {"income", "purpose"} & {*drifted}:
        fault.noticed, fault.by, fault.runbook = seen, f"drift of {', '.join(drifted)}", RUNBOOK
        fault.done, playback.is_repaired = "the feed was repaired for the next month (script)", True


def _notice_drift(drift: Event, due: Mapping[str, str], drifted: Sequence[str], seen: str, *, has_fault: bool) -> None:
    """The first trigger that speaks of it: columns that no fault touches, or how the book pays."""
    others = [name for name in drifted if name and name not in ("income", "purpose")]
    by = [f"drift of {', '.join(others)}"] if others and not (has_fault and others == ["score"]) else []
    by += [name for name in ("performance", "estimated") if name in due]
    if drift.noticed == "not noticed" and by:
        drift.noticed, drift.by, drift.runbook = seen, "; ".join(by), RUNBOOK


def to_forget(playback: Playback) -> tuple[str, str]:
    """Somebody whose application of January was approved, and the decision about them."""
    approved = np.flatnonzero(playback.approved[0])
    row = int(approved[playback.seed % len(approved)])
    applicant = str(playback.months[0].applications["applicant_id"].iloc[row])
    return applicant, str(playback.decisions[0]["decision_id"].iloc[row])


def erase(playback: Playback, day: date) -> None:
    """A person asks to be forgotten while no service runs: key destroyed, chain still whole."""
    applicant, decision_id = to_forget(playback)
    with playback.ledger() as ledger:
        erased = ledger.erase(applicant, by="Ada Berg")
        decision = ledger.get(decision_id)
        holds = verify(ledger).holds
    is_gone = decision is not None and decision.erased and decision.inputs is None
    playback.events["erasure"] = Event(
        "A person asks to be forgotten",
        *(day.isoformat(), day.isoformat(), "the request"),
        f"{erased} decisions hold facts alone, the inputs {'cannot be read' if is_gone else 'CAN STILL BE READ'}; "
        f"the chain {'holds' if holds else 'DOES NOT HOLD'}",
        runbook="docs/ledger.md#erasing-a-person",
    )


def promoted_on(playback: Playback) -> date | None:
    """When the champion was promoted, by the registry where there is one."""
    if playback.processes is None:
        return None
    files = playback.files
    environment = files.config.parent / "deploy" / "local.yaml"
    scorer = digest.of_directory(files.scorer) or ""
    return approvals.promoted_on(environment, files.root, playback.config.project.name, scorer)
