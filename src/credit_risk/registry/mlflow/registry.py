"""The registry as one thing: versions in MLflow, moves in the history, and the two held against each other."""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit_risk.data import digest
from credit_risk.data.writing import read_json, write_directory
from credit_risk.registry.errors import RegistryBroken, RegistryUnavailable
from credit_risk.registry.history import History
from credit_risk.registry.lifecycle import Event, Move, Standing, refuse, standing
from credit_risk.registry.mlflow.tracking import Run, Tracking, Version, artefact_digest
from credit_risk.registry.settings import RegistrySettings
from credit_risk.scoring import signing

log = logging.getLogger(__name__)

MARK = Path("models") / "scorer" / "scorer.json"
PLACES = {"scorer": "models/scorer", "scorer.sig": "models/scorer.sig", "gate.sig": "models/gate.sig"}
PLACES |= {"gate.json": "reports/gate.json"}  # where a release has what lies side by side in the registry


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
        history = History(settings.history)
        try:
            tracking = Tracking(settings.tracking, name, settings.artifacts)
            yield cls(tracking, history, settings.signed_by, root)
        finally:
            history.close()

    def events(self) -> list[Event]:
        """Every move. Raises RegistryBroken where the history was altered, or cut off since MLflow noted its end."""
        found = self.history.read()
        noted = self.tracking.head()
        if noted:
            seq, _, hash_ = noted.partition(":")
            if int(seq) > len(found) or (int(seq) and self.history.hash_of(int(seq)) != hash_):
                raise RegistryBroken(
                    f"MLflow has seen {seq} moves, and the history's {len(found)} are not those: "
                    "it was cut off or replaced."
                )
        return found

    def known(self, scorer: str, gate: str) -> Event | None:
        """How a scorer with this very gate record came into the registry; None if it has not."""
        return next((one for one in self.events() if _is_of(one, scorer, gate)), None)

    def register(self, run: Run, model: Path, *, by: str, reason: str, facts: Mapping[str, Any]) -> Event:
        """Make a version of a packed scorer, or take the one that a killed registration left; the history says so."""
        events = self.events()
        scorer, gate = run.tags["scorer"], run.tags["gate_record"]
        refuse(standing(events), "register", 0, by, reason)
        left = self._left_behind(scorer, gate)
        artefact = left.tags["artefact"] if left else artefact_digest(model)
        version = left.number if left else self.tracking.add(run, model, artefact)
        told = dict(facts) | {"gate_record": gate, "artefact": artefact}
        event = self.history.append("register", version, scorer, by=by, reason=reason, facts=told, after=len(events))
        self._follow()
        return event

    def move(
        self, move: Move, version: int, events: list[Event], *, by: str, reason: str, facts: Mapping[str, Any]
    ) -> Event:
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

    def verify(self, version: int, events: list[Event]) -> None:
        """Raise unless the version's files are, to the byte, what was registered and signed."""
        with tempfile.TemporaryDirectory() as scratch:
            self._sound(version, events, Path(scratch))

    def fetch(self, version: int, events: list[Event], to: Path) -> None:
        """Write a version as a root that can be served: models/scorer, reports/gate.json and both signatures."""

        def fill(folder: Path) -> None:
            with tempfile.TemporaryDirectory() as scratch:
                found = self._sound(version, events, Path(scratch))
                for name, place in PLACES.items():
                    (folder / place).parent.mkdir(exist_ok=True)
                    source = found / "artifacts" / name
                    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / place)

        write_directory(to, fill, mark=str(MARK))

    def gate_record(self, version: int, events: list[Event]) -> dict[str, Any]:
        """The gate's record that was registered with a version. Raises RegistryBroken if it is another one now."""
        with tempfile.TemporaryDirectory() as scratch:
            path = self.tracking.files_of(version, Path(scratch)) / "artifacts" / "gate.json"
            if _of_file(path) != registered(events, version).facts["gate_record"]:
                raise RegistryBroken(f"version {version} is altered since it was registered: gate.json.")
            record: dict[str, Any] = read_json(path)
        return record

    def _sound(self, version: int, events: list[Event], scratch: Path) -> Path:
        said = registered(events, version)
        found = self.tracking.files_of(version, scratch)
        artefacts = found / "artifacts"
        expected = {
            "scorer": (said.scorer, digest.of_directory(artefacts / "scorer")),
            "gate.json": (said.facts["gate_record"], _of_file(artefacts / "gate.json")),
            "the rest of its files": (said.facts["artefact"], artefact_digest(found)),
        }
        wrong = [name for name, (recorded, measured) in expected.items() if recorded != measured]
        named = [sentence for name in ("scorer", "gate") if (sentence := self._unsigned(artefacts, name))]
        if wrong or named:
            what = f"altered since it was registered: {', '.join(wrong)}" if wrong else "not signed as it must be"
            raise RegistryBroken("\n  ".join([f"version {version} is {what}.", *named]))
        return found

    def _unsigned(self, artefacts: Path, name: str) -> str | None:
        what = artefacts / ("scorer" if name == "scorer" else "gate.json")
        return signing.refusal(what, artefacts / f"{name}.sig", self.signed_by, self.root)

    def _left_behind(self, scorer: str, gate: str) -> Version | None:
        """The version of a registration that was killed before the history said so, if its files are whole."""
        for one in self.tracking.versions():
            if (one.tags.get("scorer"), one.tags.get("gate_record")) == (scorer, gate):
                with tempfile.TemporaryDirectory() as scratch:
                    found = self.tracking.files_of(one.number, Path(scratch))
                    if artefact_digest(found) == one.tags.get("artefact"):
                        return one
        return None

    def _follow(self) -> None:
        """Set MLflow's aliases to what the history says; the move stands even if MLflow cannot be told now."""
        try:
            head = ""
            while head != (head := self.history.head()):  # until nobody has moved anything meanwhile
                self.tracking.set_aliases(standing(self.history.read()).aliases, head)
        except RegistryUnavailable as error:
            log.warning("The move stands. MLflow's aliases follow with `credit-risk registry sync`: %s", error)

    def sync(self) -> Standing:
        """Make MLflow's aliases follow the history."""
        now = standing(self.events())
        self.tracking.set_aliases(now.aliases, self.history.head())
        return now


def versions(events: list[Event]) -> list[int]:
    """Every version that was ever registered."""
    return [event.version for event in events if event.move == "register"]


def registered(events: list[Event], version: int) -> Event:
    """How a version came into the registry. Raises RegistryBroken for a number that never did."""
    for event in events:
        if event.move == "register" and event.version == version:
            return event
    raise RegistryBroken(f"version {version} is in no registration of the history.")


def _is_of(event: Event, scorer: str, gate: str) -> bool:
    return event.move == "register" and event.scorer == scorer and event.facts["gate_record"] == gate


def _of_file(path: Path) -> str | None:
    return digest.of_file(path) if path.is_file() else None
