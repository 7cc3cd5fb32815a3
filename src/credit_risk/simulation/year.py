"""The year, month by month: applications, decisions, outcomes, monitoring, retraining, and what happens to the lender.

Decisions are made by the service's own engine in this process, with the ledger's clock set to the month: no process of
its own could be given another day. People's part (a repair, a promotion) follows a script, and the page says so.
"""

import calendar
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from credit_risk.comparison import compare, train_files
from credit_risk.config import Config, load
from credit_risk.data.files import Files
from credit_risk.data.inputs import Mask
from credit_risk.data.writing import write_csv
from credit_risk.errors import DataError
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.opening import open_ledger
from credit_risk.ledger.verification import verify
from credit_risk.monitoring import settings as monitoring
from credit_risk.monitoring.calendar import months_after
from credit_risk.monitoring.outcomes import adding
from credit_risk.monitoring.outcomes.outcome_store import Outcomes
from credit_risk.retraining import candidate, retrain, sources, wording
from credit_risk.retraining import settings as retraining
from credit_risk.retraining.accounts import KnownDecisions, data_version
from credit_risk.retraining.sources import COMPARED_ON, Lender
from credit_risk.scoring import signing
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving import engine as serving
from credit_risk.serving.settings import load as serving_settings
from credit_risk.simulation import lender, profit, world
from credit_risk.simulation.settings import YearSettings
from credit_risk.simulation.world import MONTHS, YEAR, ApplicationMonth

log = logging.getLogger(__name__)

CLIENT = "the simulated year"
DAY_OF_MONTH = 15
TIMEOUT_S = 5.0
TOGETHER, BODY_BYTES = 500, 65_536  # of a batch, as a service's limits have them
OF_OTHERS = 0.8  # of the bad candidate's outcomes: with all of them the fit itself mostly refuses
RUNBOOK = "docs/retraining.md#when"


@dataclass
class Event:
    """Something that happened to the lender: when, when it was noticed and by what, what was done, what it cost.

    cost: in exposures, by true PDs; None where nothing was lost, or what was lost is not known.
    """

    name: str
    happened: str
    noticed: str = "not noticed"
    by: str = ""
    done: str = ""
    cost: float | None = None
    runbook: str = ""


@dataclass
class Playback:
    """The year so far. months: the applications as they were; fed: as they came; approved: (rows,) a month."""

    settings: YearSettings
    seed: int
    files: Files
    first: Scorer
    months: list[ApplicationMonth] = field(default_factory=list)
    fed: list[pd.DataFrame] = field(default_factory=list)
    approved: list[Mask] = field(default_factory=list)
    decisions: list[pd.DataFrame] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)
    profits: list[dict[str, Any]] = field(default_factory=list)
    retrainings: list[dict[str, Any]] = field(default_factory=list)
    is_repaired: bool = False

    @property
    def config(self) -> Config:
        return load(self.files.config)

    def ledger(self) -> Ledger:
        settings = serving_settings(self.files.config.parent / "deploy" / "local.yaml").ledger
        return open_ledger(self.files.root, settings, os.environ, create=True)

    def outcomes(self) -> Outcomes:
        return Outcomes(f"sqlite:///{self.files.root / 'build/ledger/ledger.db'}", busy_timeout_s=TIMEOUT_S)


def play(repository: Path, settings: YearSettings, seed: int, root: Path) -> dict[str, Any]:
    """Play the year back below a new root; the report that the page shows.

    Raises CheckFailed where the gates refuse the first champion.
    """
    begun = time.process_time()
    files = lender.make(repository, settings, seed, root)
    playback = Playback(settings, seed, files, Scorer.load(files.scorer))
    for month in range(1, MONTHS + 1):
        log.info("%s %s", calendar.month_name[month], YEAR)
        decide(playback, month)
        as_of = date(YEAR + month // MONTHS, month % MONTHS + 1, 1)
        deliver(playback, as_of)
        earn(playback)
        look(playback, as_of)
        if month == settings.bad_candidate.month:
            try_bad_candidate(playback, as_of)
        if month == settings.erasure.month:
            erase(playback, as_of)
    return {
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
        "events": [asdict(event) for event in playback.events.values()],
        "profits": playback.profits,
        "retrainings": playback.retrainings,
        "decisions": int(sum(len(each) for each in playback.fed)),
        "cpu_seconds": round(time.process_time() - begun, 1),
    }


@contextmanager
def on_day(day: date) -> Iterator[None]:
    """The clock of this process at noon (UTC) of a day."""
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    with patch("credit_risk.ledger.entry.time.time_ns", lambda: noon * 1_000_000_000):
        yield


def decide(playback: Playback, month: int) -> None:
    """A month's applications, as the feed delivers them, decided by the service's engine and recorded."""
    settings = playback.settings
    truth = world.month_of(settings, playback.seed, month)
    is_faulty = month >= settings.fault.month and not playback.is_repaired
    fed = world.as_fed(settings, truth.applications, is_faulty=is_faulty)
    engine = serving.opened(
        playback.files.root, serving_settings(playback.files.config.parent / "deploy" / "local.yaml")
    )
    try:
        with on_day(date(YEAR, month, DAY_OF_MONTH)):
            replies = answers(engine, fed)
        lost = cost_of_fault(engine.scorer, truth, fed)
    finally:
        engine.close()
    decided = pd.DataFrame(replies)[["decision_id", "decision"]]
    playback.months.append(truth)
    playback.fed.append(fed)
    playback.decisions.append(decided)
    playback.approved.append((decided["decision"] == "approve").to_numpy())
    if is_faulty:
        event = playback.events.setdefault(
            "fault", Event("Feed fault: monthly incomes, a purpose gone", f"{YEAR}-{month:02}")
        )
        event.cost = (event.cost or 0.0) + lost
    if month == settings.drift.month:
        name = "Slow drift: use of credit rises, and risk beyond what features tell"
        playback.events["drift"] = Event(name, f"{YEAR}-{month:02}")


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
        made = Files(output)
        signing.sign_release(made, signing.private_key(files.root))
        lender.promote(files, made)


def notice(playback: Playback, report: dict[str, Any], as_of: date) -> None:
    """Which event a trigger that fired speaks of; the feed is repaired in the month after its fault was seen."""
    due = {each["name"]: each["sentence"] for each in report["triggers"] if each["finding"] == "DUE"}
    seen, drifted = as_of.isoformat(), due.get("drift", "").partition(":")[0].split(", ")
    fault, drift = playback.events.get("fault"), playback.events.get("drift")
    if fault and not playback.is_repaired and {"income", "purpose"} & {*drifted}:
        fault.noticed, fault.by, fault.runbook = seen, f"drift of {', '.join(drifted)}", RUNBOOK
        fault.done, playback.is_repaired = "the feed was repaired for the next month (script)", True
    others = [name for name in drifted if name and name not in ("income", "purpose")]
    by = [f"drift of {', '.join(others)}"] if others and not (fault and others == ["score"]) else []
    by += [name for name in ("performance", "estimated") if name in due]
    if drift and drift.noticed == "not noticed" and by:
        drift.noticed, drift.by, drift.runbook = seen, "; ".join(by), RUNBOOK
    if drift and report["answer"] == "TRAIN":
        came = "promoted (script)" if wording.passed(report) else "did not pass"
        drift.done = f"{drift.done + '; ' if drift.done else ''}{seen}: a candidate was trained, and {came}"


def try_bad_candidate(playback: Playback, as_of: date) -> None:
    """A candidate fitted on outcomes of other accounts, most of them, tries to take the champion's place."""
    event = Event("A bad candidate: most outcomes that it was fitted on are of other accounts", as_of.isoformat())
    playback.events["bad_candidate"] = event
    try:
        record = bad_comparison(playback, as_of)
    except DataError as refusal:
        by, verdict = "the fit itself", str(refusal)
    else:
        blocked = [check["name"] for check in record["checks"] if check["verdict"] != "PASS"]
        by, verdict = f"the comparison's gates: {', '.join(blocked)}" if blocked else "", record["verdict"]
    if by:
        event.noticed, event.by, event.done, event.runbook = (
            as_of.isoformat(),
            by,
            f"refused: {verdict}",
            "docs/gates.md",
        )


def bad_comparison(playback: Playback, as_of: date) -> dict[str, Any]:
    """The bad candidate against the champion, on the newest matured accounts. Raises DataError where no fit comes."""
    files, config, build = playback.files, playback.config, playback.files.root / "build"
    settings = retraining.load(files.config.parent / "retraining.yaml")
    table, random = pd.read_csv(files.root / lender.DATA), np.random.default_rng(playback.seed)
    status, wrong = table["status"].to_numpy(dtype=object), np.flatnonzero(random.random(len(table)) < OF_OTHERS)
    status[wrong] = status[random.permutation(wrong)]
    write_csv(build / "wrong.csv", table.assign(status=status))
    with playback.ledger() as ledger, playback.outcomes() as store:
        known = KnownDecisions.read(ledger, store.histories(), config.outcome.performance_window_months, as_of)
    version = data_version(known, settings.data, as_of)
    sources.write(Lender(config, files, settings.data), version, known.applications, build / "bad")
    newest, scorer = build / "bad" / COMPARED_ON, build / "bad" / "scorer"
    now = config.model_copy(update={"outcome": config.outcome.model_copy(update={"observed_until": as_of})})
    train_files.run(now, build / "wrong.csv", newest, scorer)
    return compare.compare(
        candidate.for_comparison(now), files, candidate=scorer, baseline=files.scorer, test_data=newest
    )


def erase(playback: Playback, as_of: date) -> None:
    """A person whose application was approved asks to be forgotten: key destroyed, chain still whole."""
    approved = np.flatnonzero(playback.approved[0])
    row = int(approved[playback.seed % len(approved)])
    applicant = str(playback.months[0].applications["applicant_id"].iloc[row])
    with playback.ledger() as ledger:
        erased = ledger.erase(applicant)
        decision = ledger.get(playback.decisions[0]["decision_id"].iloc[row])
        holds = verify(ledger).holds
    is_gone = decision is not None and decision.erased and decision.inputs is None
    playback.events["erasure"] = Event(
        "A person asks to be forgotten",
        as_of.isoformat(),
        as_of.isoformat(),
        "the request",
        f"{erased} decisions hold facts alone, the inputs {'cannot be read' if is_gone else 'CAN STILL BE READ'}; "
        f"the chain {'holds' if holds else 'DOES NOT HOLD'}",
        runbook="docs/ledger.md",
    )
