"""From a request's body to a durable decision: reader, scorer, ledger. Nothing here knows of HTTP."""

import gc
import hashlib
import json
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.inputs import Matrix
from credit_risk.errors import CheckFailed, ScorerError
from credit_risk.ledger.commit.event_loop_commit import EventLoopCommit, group_commit
from credit_risk.ledger.commit.group_commit import GroupCommit
from credit_risk.ledger.entry import DecidedBy, Entry, RecordedDecision, iso_time
from credit_risk.ledger.errors import Conflict, EntryError, LedgerBroken, LedgerRefused, LedgerUnavailable, Overloaded
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.opening import ledger_key, open_ledger
from credit_risk.scoring.release_files import verified_release
from credit_risk.scoring.scorer import Scorer
from credit_risk.serving.admission import Admission, ServedVersion
from credit_risk.serving.problems import Problem
from credit_risk.serving.requests import examples
from credit_risk.serving.requests.request_reading import Application, ApplicationBatch, RequestReader
from credit_risk.serving.settings import Serving

log = logging.getLogger(__name__)

API_VERSION = 1
IDENTIFIER = re.compile("[0-9A-Za-z-]{1,64}")
TOGETHER = 100  # applications of a batch that are decided in one step
ROOM = 4 << 20  # bytes beside the ledger: what the transaction of a large batch may need
# The head's row finds room in its page on a full disk too; a temporary file of ROOM bytes lies beside the tables.
POSTGRESQL_PROBE = """SET LOCAL work_mem = 64; SET LOCAL temp_tablespaces = '';
WITH room AS MATERIALIZED (SELECT repeat('x', 65536) FROM generate_series(1, 64)) SELECT count(*) FROM room;
UPDATE head SET seq = seq"""
WARM = 200  # decisions made before the first request: caches are filled, and nothing is compiled or allocated later


@dataclass(frozen=True)
class RequestContext:
    """What belongs to a request beside its body: the client, the applicant's reference, the key of a retry."""

    client: str
    applicant: str | None
    idempotency_key: str | None
    explain: bool = False

    def digest(self, body: bytes) -> str:
        """SHA-256 of what a retry must repeat: the body and the applicant's reference."""
        return hashlib.sha256((self.applicant or "").encode() + b"\0" + body).hexdigest()


@dataclass(frozen=True)
class DecisionEngine:
    """Decides with one scorer and records each decision in the ledger before it is returned."""

    scorer: Scorer
    by: DecidedBy
    gate: str
    ledger: Ledger
    commit: EventLoopCommit | GroupCommit
    admission: Admission
    master_key: Callable[[], bytes]

    @cached_property
    def reader(self) -> RequestReader:
        return RequestReader(self.scorer.config)

    @cached_property
    def model(self) -> dict[str, Any]:
        """The model as each reply names it."""
        return {"scorer": self.by.scorer, "project": self.scorer.config.project.name, "kind": self.scorer.model.kind}

    async def decide(self, body: bytes, context: RequestContext) -> tuple[dict[str, Any], RecordedDecision, list[str]]:
        """Decide one application. The reply, what was recorded before it is returned, and the inputs that were missing.

        Raises Problem for an application that is refused, or a decision that cannot be recorded.
        """
        arrived = time.perf_counter()
        application, row = self.reader.application(body)
        decided = self.scorer.decide_inputs(row).record()
        entry = self._entry(application, decided, context, body, (time.perf_counter() - arrived) * 1e3)
        try:
            recorded = await self.commit.record(entry)
            scorer = self._first_scorer(recorded) if recorded.repeated else self.by.scorer
        except LedgerBroken as error:
            raise _altered(error) from None
        except (Conflict, EntryError, LedgerUnavailable, Overloaded) as error:
            raise problem_of(error) from None
        reply = self.reply(recorded) | {"model": self.model | {"scorer": scorer}}
        if context.explain and scorer == self.by.scorer:  # the first decision may have been another scorer's
            reply |= self._explained(row, recorded.decided)
        return reply, recorded, self.missing_inputs(row)[0]

    def decide_batch(
        self, batch: ApplicationBatch, client: str, step: Callable[[], None]
    ) -> tuple[list[dict[str, Any]], list[tuple[RecordedDecision, list[str]]]]:
        """Decide a batch in one transaction. The replies, and what was recorded with the inputs that were missing.

        Where a single application cannot be recorded (its person's key was altered) its reply is that problem.
        step: called before each part of the work; it may raise to end it, up to the transaction.
        Raises Problem for a batch that cannot be recorded.
        """
        entries: list[Entry] = []
        for start in range(0, len(batch.applications), TOGETHER):
            step()
            entries += self._decided_entries(batch, slice(start, start + TOGETHER), client)
        step()
        try:
            outcomes = self.ledger.append(entries)
        except (EntryError, LedgerUnavailable) as error:
            raise problem_of(error) from None
        replies = [
            self.reply(outcome) if isinstance(outcome, RecordedDecision) else {"problem": problem_of(outcome).as_dict()}
            for outcome in outcomes
        ]
        missing = self.missing_inputs(batch.inputs)
        return replies, [
            (outcome, names)
            for outcome, names in zip(outcomes, missing, strict=True)
            if isinstance(outcome, RecordedDecision)
        ]

    def _decided_entries(self, batch: ApplicationBatch, part: slice, client: str) -> list[Entry]:
        """The entries of some applications of a batch, decided together."""
        arrived = time.perf_counter()
        decisions = self.scorer.decide_inputs(batch.inputs[part])
        applications = batch.applications[part]
        took = (time.perf_counter() - arrived) * 1e3 / len(applications)
        return [
            self._entry(application, decisions.record(index), RequestContext(client, reference, None), b"", took)
            for index, (application, reference) in enumerate(zip(applications, batch.applicants[part], strict=True))
        ]

    def missing_inputs(self, rows: Matrix) -> list[list[str]]:
        """The names of the inputs that each application did not have. rows: (applications, inputs)."""
        names, missing = self.reader.inputs.names, self.reader.inputs.missing(rows)
        return [[names[index] for index in np.flatnonzero(row)] if row.any() else [] for row in missing]

    def recorded_decision(self, decision_id: str, client: str | None) -> dict[str, Any]:
        """A decision of the past, from the ledger. Raises Problem 404, 503.

        client: who made it, or it is as unknown as any other id; None for whoever reads all.
        """
        try:
            # A database refuses some characters; what is no id is nobody's, and no fault of the database.
            record = self.ledger.get(decision_id, client) if IDENTIFIER.fullmatch(decision_id) else None
        except LedgerUnavailable as error:
            raise problem_of(error) from None
        except LedgerBroken as error:
            raise _altered(error) from None
        if record is None:
            raise Problem(404, "There is no decision of this id.")
        return record.as_dict()

    def reply(self, recorded: RecordedDecision) -> dict[str, Any]:
        """The answer of the API to a recorded decision."""
        return {
            "decision_id": recorded.decision_id,
            "decided_at": iso_time(recorded.at),
            **recorded.decided,
            "repeated": recorded.repeated,
            "model": self.model,
            "api_version": API_VERSION,
        }

    def _first_scorer(self, recorded: RecordedDecision) -> str:
        """The scorer that made the decision of an earlier request; it may not be the one that serves now."""
        record = self.ledger.get(recorded.decision_id)
        return record.by.scorer if record else self.by.scorer

    def _entry(
        self, application: Application, decided: Mapping[str, Any], context: RequestContext, body: bytes, took: float
    ) -> Entry:
        return Entry(
            inputs=application,
            decided=decided,
            by=self.by,
            client=context.client,
            body_digest=context.digest(body) if context.idempotency_key else "",
            applicant=context.applicant,
            request_id=context.idempotency_key,
            latency_ms=took,
        )

    def _explained(self, row: Matrix, decided: Mapping[str, Any]) -> dict[str, Any]:
        """What each reason family adds to the population's log-odds; empty where nothing was scored."""
        if decided["pd"] is None:
            return {"base_log_odds": None, "contributions": []}
        base, added = self.scorer.contributions(row)
        settings = self.scorer.config.reasons
        contributions = [
            {
                "family": family.id,
                "text": next(iter(settings.wordings(family).values()))[0],
                "log_odds": float(log_odds),
            }
            for family, log_odds in zip(settings.families, added[0], strict=True)
        ]
        return {"base_log_odds": base, "contributions": contributions}

    def probe(self) -> None:
        """Raises LedgerUnavailable if nothing can be recorded, now or after a start: it writes, durably, no row."""
        # SQLite writes no page that stays as it was, so a number of its header that nobody reads takes the time.
        number, store = time.time_ns() // 1_000_000 & 0x7FFFFFFF, self.ledger.store
        with store.writing() as cursor:
            cursor.execute(f"PRAGMA application_id = {number}" if store.sqlite else POSTGRESQL_PROBE)
        try:
            if store.path is not None:  # on a disk that is all but full, that number still finds room
                with tempfile.TemporaryFile(dir=store.path.parent) as file:
                    file.write(bytes(ROOM))
            self.master_key()
        except (LedgerRefused, OSError) as error:
            raise LedgerUnavailable(str(error)) from None

    def close(self) -> None:
        """Write the decisions that wait, then close the ledger."""
        self.commit.close()
        self.ledger.close()


def start(root: Path, settings: Serving, environment: Mapping[str, str] = os.environ) -> DecisionEngine:
    """Open the engine and warm it up, so that its first answer is as fast as any. Raises as `opened`."""
    engine = opened(root, settings, environment)
    warm(engine)
    return engine


def opened(root: Path, settings: Serving, environment: Mapping[str, str] = os.environ) -> DecisionEngine:
    """Verify the scorer and open the ledger; every reason not to serve is raised here.

    Raises ScorerError, SignatureRefused or CheckFailed for a scorer that may not serve, and what Ledger.open raises.
    """
    path = Files(root).scorer
    with ExitStack() as reading:
        files = Files(root)
        if settings.signed_by is not None:  # before anything of it is read, and then nothing else is
            files = reading.enter_context(verified_release(files, settings.signed_by))
        scorer = Scorer.load(files.scorer)
        served, by = ServedVersion.of(files, scorer), digests(files.scorer, scorer)
    if scorer.background is None:
        raise ScorerError(f"{path} cannot give reasons for a decline. Assemble it with `dvc repro assemble`.")
    if settings.gate == "required" and scorer.config.undecided:
        raise CheckFailed(
            f"{path} may serve in a trial alone: nobody has decided {', '.join(scorer.config.undecided)}."
        )
    admission = Admission(served, settings, root)
    admission.require()
    ledger = open_ledger(root, settings.ledger, environment, create=True)
    ledger.store.answer_timeout_s = settings.ledger.busy_timeout_s + settings.ledger.answer_timeout_s
    commit = group_commit(ledger, most_waiting=settings.ledger.most_waiting)
    verdict = served.verdict(datetime.now(UTC).date())
    key = partial(ledger_key, root, settings.ledger, environment)
    return DecisionEngine(scorer, by, verdict, ledger, commit, admission, key)


def digests(path: Path, scorer: Scorer) -> DecidedBy:
    """The digests that each decision of this process records: scorer, model, config and code."""
    package = Path(__file__).resolve().parents[1]
    return DecidedBy(
        scorer=scorer.digest,
        model=digest.of_file(path / scorer.model.file_name),
        config=digest.of_file(path / "config.json"),
        code=digest.of_code(package, digest.DECIDES),
    )


def warm(engine: DecisionEngine) -> None:
    """Decide and explain made-up applications, recording none, then take all objects out of garbage collection.

    Full collections walk every object there is, and were the slowest hundredth of all answers.
    """
    scorer = engine.scorer
    made = examples.applications(scorer.config, seed=0, reference=scorer.reference)
    for _ in range(WARM):
        application, row = engine.reader.application(json.dumps(next(made)).encode())
        engine._explained(row, scorer.decide(application).record())
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.0005)  # the ledger's thread waits this long for a busy loop, not ten times as long


def _altered(error: LedgerBroken) -> Problem:
    """The API's answer instead of a decision that somebody altered in the database."""
    log.critical("%s", error)
    return Problem(503, "This decision is not as it was recorded, so it is not shown.")


def problem_of(error: Conflict | EntryError | LedgerUnavailable | Overloaded) -> Problem:
    """The API's answer instead of a decision that could not be recorded."""
    if isinstance(error, Conflict | EntryError):
        return Problem(409 if isinstance(error, Conflict) else 422, str(error))
    log.error("not recorded: %s", error)
    return Problem(503, "Decisions cannot be recorded now, so none is made.", retry_after=1)
