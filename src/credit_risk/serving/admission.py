"""Whether a scorer may serve, before it starts and as long as it does: the gate's record is judged again with today's
date, and the registry's signed statement says which versions may be live.

No request waits for any of it: a thread looks now and then, and what it finds stands in the log, at /health and in
/metrics; by policy it ends the service.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import append_line, read_json
from credit_risk.errors import CheckFailed, CreditRiskError
from credit_risk.measures.verdict import gate, gate_record
from credit_risk.scoring.live_statement import LiveStatement
from credit_risk.scoring.scorer import Scorer
from credit_risk.scoring.signed_chain import SignedFacts
from credit_risk.serving.clients.jwks import UNREADABLE, download
from credit_risk.serving.settings import Serving, Statement

log = logging.getLogger(__name__)

MASTER = "CREDIT_RISK_MASTER"  # the variable with the id of the process that minds the workers
AHEAD = timedelta(minutes=5)  # by which clocks may differ
ANEW = "it has to be dated anew"
ANEW += ": `credit-risk registry statement`"  # part: registry
LOOK_S = 300.0  # between two looks where no statement says another time
WAY_OUT = (
    "Run `make run` for a scorer that the gate lets pass, "
    "or fetch the one that may be live (`credit-risk registry fetch champion --output DIR`), "  # part: mlflow
    "or set serving.gate to `reported` where nothing is decided for real."
)


@dataclass(frozen=True)
class ServedVersion:
    """What serves, by digest. record: what the gate's record holds, None without one; gate_record: its SHA-256.

    twin: of a refit, the scorer that was tested in its place.
    """

    project: str
    scorer: str
    gate_record: str | None
    record: Any
    twin: str | None = None

    @classmethod
    def of(cls, files: Files, scorer: Scorer) -> "ServedVersion":
        """The version that lies in a release, whose scorer was loaded from it."""
        path = files.report("gate")
        try:
            record, sha256 = (read_json(path), digest.of_file(path)) if path.is_file() else (None, None)
        except (ValueError, RecursionError):
            record, sha256 = {}, ""
        return cls(scorer.config.project.name, scorer.digest, sha256, record, (scorer.refit or {}).get("twin"))

    def refusals(self, today: date) -> list[str]:
        """Why the gate would not let it through on a day; empty if it would."""
        if self.record is None:
            return ["the gate says nothing of it: there is no record"]
        return gate_record.refusals(self.record, self.scorer, today, twin=self.twin)

    def verdict(self, today: date) -> str:
        """What the gate says of exactly this scorer on a day, or why it says nothing."""
        if self.record is None:
            return "nothing (there is no record)"
        try:
            recorded, of = str(self.record["verdict"]), self.record["digests"]["scorer"]
        except (LookupError, TypeError):
            return "nothing (its record cannot be read)"
        if of != self.scorer:
            return "nothing (its record is of another scorer)"
        verdict = "FAIL" if recorded in gate.LETS_THROUGH and self.refusals(today) else recorded
        return f"{verdict} (a refit; measured on its twin {self.twin[:12]})" if self.twin else verdict


@dataclass
class Admission:
    """Judges a served version, now and again. root: of the service, below which the statement and the key may lie."""

    served: ServedVersion
    settings: Serving
    root: Path
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _statement: LiveStatement | None = None  # the last that was verified

    def require(self) -> None:
        """Raise CheckFailed with every reason why this version may not start to serve; log what only alarms."""
        refusals, alarms = self.look()
        for alarm in alarms:
            log.warning("%s", alarm)
        if refusals:
            raise CheckFailed("\n  ".join([f"{Files(self.root).scorer} may not serve:", *refusals]) + f"\n{WAY_OUT}")

    def look(self) -> tuple[list[str], list[str]]:
        """What stands against serving now, and what is only to be alarmed of, each as a sentence."""
        if self.settings.gate != "required":
            return [], []
        now = self.clock()
        refusals = self.served.refusals(now.date())
        alarms: list[str] = []
        if self.settings.statement:
            against, alarms = self._against_statement(self.settings.statement, now)
            refusals += against
        return refusals, alarms

    def _against_statement(self, settings: Statement, now: datetime) -> tuple[list[str], list[str]]:
        refusals: list[str] = []
        alarms: list[str] = []
        try:
            self._statement = self._read(settings, now)
        except (CreditRiskError, *UNREADABLE) as error:
            unreachable = isinstance(error, OSError) and not isinstance(error, CreditRiskError)
            what = f"the statement of what may be live at {settings.source} does not count: {error}"
            (alarms if unreachable and self._statement else refusals).append(what)
        if (statement := self._statement) is None:
            return refusals, alarms
        dated = f"the statement of {statement.at:%Y-%m-%d %H:%M} UTC"
        age = (now - statement.at).total_seconds() / 3600
        if age > settings.max_age_hours:
            old = f"{dated} is {age:.0f} hours old, and {settings.max_age_hours:g} are allowed: {ANEW}"
            (refusals if settings.when_older == "refuse" else alarms).append(old)
        live = [(version.scorer, version.gate_record) for version in statement.live]
        if (self.served.scorer, self.served.gate_record) not in live:
            named = ", ".join(f"{version.version} ({version.role})" for version in statement.live) or "none"
            refusals.append(
                f"{dated} does not let scorer {self.served.scorer[:12]} with this gate record be live; the versions it "
                f"names: {named}. One that was replaced comes back by a rollback in the registry"
            )
        return refusals, [*alarms, *(f"{dated}: unverified before {note['before']}" for note in statement.unverified)]

    def _read(self, settings: Statement, now: datetime) -> LiveStatement:
        """The statement, verified, of this project, and not older than one that was seen before."""
        if self.settings.signed_by is None:
            raise ValueError("serving.signed_by does not say whose signature it must carry")
        url = settings.source.startswith("https://")
        content = download(settings.source) if url else (self.root / settings.source).read_bytes()
        facts = SignedFacts.parse(content.decode()).verified(self.settings.signed_by, self.root)
        statement = LiveStatement.of_facts(facts)
        if statement.project != self.served.project:
            raise ValueError(f"it is of project {statement.project!r}, and {self.served.project!r} serves")
        if statement.at > now + AHEAD:
            raise ValueError(f"it is dated {statement.at.isoformat()}, and now is {now.isoformat()}")
        path = self.root / settings.seen
        seen = [*([self._statement.at] if self._statement else []), *_seen(path)]
        if (newest := max(seen, default=statement.at)) > statement.at:
            raise ValueError(f"it is of {statement.at.isoformat()}, and one of {newest.isoformat()} was seen before")
        if statement.at not in seen:
            _remember(path, statement.at)
        return statement


def _seen(path: Path) -> list[datetime]:
    """When the statements were dated that were seen before."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [datetime.fromisoformat(line) for line in lines]


def _remember(path: Path, at: datetime) -> None:
    """Raises CheckFailed where the date cannot be kept: the statement was reached, so the one before does not do."""
    try:
        append_line(path, at.isoformat())
    except OSError as error:
        raise CheckFailed(f"that it was seen cannot be written to {path}: {error.strerror}") from None


def end_server() -> None:
    """End the service as SIGTERM does: what it has is answered and recorded."""
    os.kill(int(os.environ.get(MASTER, os.getpid())), signal.SIGTERM)


@dataclass
class AdmissionWatch:
    """Looks again while the service runs. lapses: why it would not be let start now, for /health and /metrics."""

    admission: Admission
    stop: Callable[[], None] = end_server
    lapses: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        threading.Thread(target=self._go_on, name="admission", daemon=True).start()

    def look(self) -> None:
        """Judge once more: say what is new in the log, and stop where that is the policy."""
        try:
            refusals, alarms = self.admission.look()
        except Exception as error:  # noqa: BLE001  (a watch that ends unseen would let anything serve)
            refusals, alarms = [f"whether this version may serve could not be judged: {error!r}"], []
        for sentence in (*refusals, *alarms):
            if sentence not in self.lapses:
                log.critical("while it serves: %s", sentence)
        self.lapses = (*refusals, *alarms)
        if refusals and self.admission.settings.on_lapse == "stop":
            log.critical("the service stops, as serving.on_lapse says")
            self.stop()

    def _go_on(self) -> None:
        statement = self.admission.settings.statement
        while not self._ended.wait(statement.refresh_s if statement else LOOK_S):
            self.look()

    def close(self) -> None:
        self._ended.set()
