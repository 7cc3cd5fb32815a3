"""The registry as one thing: versions in MLflow, moves in the history, and the two held against each other."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import write_directory, write_text
from credit_risk.registry.errors import RegistryBroken, RegistryUnavailable
from credit_risk.registry.history import History
from credit_risk.registry.lifecycle import HistoryEvent, Move, Standing, refuse, registered, standing
from credit_risk.registry.mlflow.tracking import Run, Tracking, Version, artefact_digest
from credit_risk.registry.settings import RegistrySettings
from credit_risk.scoring import signing
from credit_risk.scoring.release_files import copy, release_files
from credit_risk.scoring.signed_chain import Head

log = logging.getLogger(__name__)

MARK = Path("models") / "scorer" / "scorer.json"


@dataclass(frozen=True)
class Registry:
    """All versions of one project's scorer."""

    tracking: Tracking
    history: History
    signed_by: signing.SignedBy
    root: Path

    @classmethod
    @contextmanager
    def opened(cls, name: str, settings: RegistrySettings, root: Path) -> Iterator["Registry"]:
        """The registry of a project, made if it is not there. Raises RegistryUnavailable, RegistryBroken."""
        history = History(settings, root, name)
        try:
            tracking = Tracking(settings.tracking, name, settings.artifacts)
            yield cls(tracking, history, settings.signed_by, root)
        finally:
            history.close()

    def events(self) -> list[HistoryEvent]:
        """Every move. Raises RegistryBroken where the history was altered, or cut off since MLflow noted its end."""
        noted = self.tracking.head()
        return self.history.read([Head.parse(noted)] if noted else [])

    def known(self, scorer: str, gate: str) -> HistoryEvent | None:
        """How a scorer with this very gate record came into the registry; None if it has not."""
        return next((event for event in self.events() if _is_of(event, scorer, gate)), None)

    def register(self, run: Run, model: Path, *, by: str, reason: str, facts: Mapping[str, Any]) -> HistoryEvent:
        """Make a version of a packed scorer, or take the one that a killed registration left; the history says so."""
        events = self.events()
        scorer, gate = run.tags["scorer"], run.tags["gate_record"]
        refuse(standing(events), "register", 0, by, reason)
        left = self._left_behind(scorer, gate)
        artefact = left.tags["artefact"] if left else artefact_digest(model)
        version = left.number if left else self.tracking.add(run, model, artefact)
        facts = dict(facts) | {"gate_record": gate, "artefact": artefact}
        event = self.history.append("register", version, scorer, by=by, reason=reason, facts=facts, after=len(events))
        self._follow()
        return event

    def move(
        self, move: Move, version: int, events: list[HistoryEvent], *, by: str, reason: str, facts: Mapping[str, Any]
    ) -> HistoryEvent:
        """Make a move on the history as it was read; the files of the version must be what was registered.

        Raises MoveRefused, RegistryBroken, SignatureRefused, and RegistryMoved if somebody was faster.
        """
        refuse(standing(events), move, version, by, reason)
        if move != "retire":
            self.verify(version, events)
        scorer = registered(events, version).scorer
        event = self.history.append(move, version, scorer, by=by, reason=reason, facts=facts, after=len(events))
        self._follow()
        return event

    def verify(self, version: int, events: list[HistoryEvent]) -> None:
        """Raise unless the version's files are, to the byte, what was registered and signed."""
        with self.tracking.reading(version) as packed:
            self._raise_unless_sound(version, events, packed)

    def fetch(self, version: int, events: list[HistoryEvent], to: Path) -> None:
        """Write a version as a root that can be served: models/scorer, reports/gate.json, signatures, statement."""

        def fill(folder: Path) -> None:
            with tempfile.TemporaryDirectory() as scratch:
                packed = self.tracking.files_of(version, Path(scratch))
                self._raise_unless_sound(version, events, packed)
                for path in release_files(Files(folder)):  # side by side in the registry
                    copy(packed / "artifacts" / path.name, path)
            if signed := self.history.signed():
                write_text(Files(folder).live_statement, str(signed))

        write_directory(to, fill, mark=str(MARK))

    def gate_record(self, version: int, events: list[HistoryEvent]) -> dict[str, Any]:
        """The gate's record that was registered with a version. Raises RegistryBroken if it is another one now."""
        with self.tracking.reading(version) as packed:
            path = packed / "artifacts" / "gate.json"
            kept = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(kept).hexdigest() != registered(events, version).facts["gate_record"]:
            raise RegistryBroken(f"version {version} is altered since it was registered: gate.json.")
        record: dict[str, Any] = json.loads(kept)
        return record

    def _raise_unless_sound(self, version: int, events: list[HistoryEvent], packed: Path) -> None:
        registration = registered(events, version)
        artefacts = packed / "artifacts"
        expected = {
            "scorer": (registration.scorer, digest.of_directory(artefacts / "scorer")),
            "gate.json": (registration.facts["gate_record"], _of_file(artefacts / "gate.json")),
            "the rest of its files": (registration.facts["artefact"], artefact_digest(packed)),
        }
        wrong = [name for name, (recorded, measured) in expected.items() if recorded != measured]
        named = [sentence for name in ("scorer", "gate") if (sentence := self._unsigned(artefacts, name))]
        if wrong or named:
            what = f"altered since it was registered: {', '.join(wrong)}" if wrong else "not signed as it must be"
            raise RegistryBroken("\n  ".join([f"version {version} is {what}.", *named]))

    def _unsigned(self, artefacts: Path, name: str) -> str | None:
        what = artefacts / ("scorer" if name == "scorer" else "gate.json")
        return signing.refusal(what, artefacts / f"{name}.sig", self.signed_by, self.root)

    def _left_behind(self, scorer: str, gate: str) -> Version | None:
        """The version of a registration that was killed before the history said so, if its files are whole."""
        for version in self.tracking.versions():
            if (version.tags.get("scorer"), version.tags.get("gate_record")) == (scorer, gate):
                with self.tracking.reading(version.number) as packed:
                    if artefact_digest(packed) == version.tags.get("artefact"):
                        return version
        return None

    def _follow(self) -> None:
        """Set MLflow's aliases to what the history says; the move stands even if MLflow cannot be reached now."""
        try:
            head = ""
            while head != (head := str(self.history.head())):  # until nobody has moved anything meanwhile
                self.tracking.set_aliases(standing(self.history.read()).aliases, head)
        except RegistryUnavailable as error:
            log.warning("The move stands. MLflow's aliases follow with `credit-risk registry sync`: %s", error)

    def sync(self) -> Standing:
        """Make MLflow's aliases follow the history."""
        now = standing(self.events())
        self.tracking.set_aliases(now.aliases, str(self.history.head()))
        return now


def _is_of(event: HistoryEvent, scorer: str, gate: str) -> bool:
    return event.move == "register" and event.scorer == scorer and event.facts["gate_record"] == gate


def _of_file(path: Path) -> str | None:
    return digest.of_file(path) if path.is_file() else None
