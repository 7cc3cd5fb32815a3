"""A candidate fitted on outcomes of other accounts, and what stands between it and the champion."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.comparison import compare, train_files
from credit_risk.data.writing import write_csv
from credit_risk.errors import DataError
from credit_risk.retraining import candidate, sources
from credit_risk.retraining import settings as retraining
from credit_risk.retraining.accounts import KnownDecisions, data_version
from credit_risk.retraining.sources import COMPARED_ON, Lender
from credit_risk.simulation import event_days, lender
from credit_risk.simulation.events import Event
from credit_risk.simulation.playback import Playback

OF_OTHERS = 0.8  # of the bad candidate's outcomes: with all of them the fit itself mostly refuses


def bring(playback: Playback, as_of: date) -> None:
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
        event.noticed, event.by, event.runbook = as_of.isoformat(), by, "docs/gates.md"
        event.done, event.cost = f"refused: {verdict}", 0.0
    scorer = playback.files.root / "build" / "bad" / "scorer"
    if playback.processes and scorer.is_dir():
        scratch = playback.files.root / "build" / "brought"
        event.done += f"; {event_days.refused_by_registry(playback.processes, as_of, scorer, scratch)}"


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
