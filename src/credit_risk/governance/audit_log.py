"""Everything that persons did to models and records, from each signed chain: verified together, asked together.

Moves of the registry, what persons put on record, rollouts, waivers, changes of access, and of the ledger what is no
decision: erasures, purges, holds. Each source keeps a chain of its own (scoring.signed_chain); here they are only read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from credit_risk.config import environment, identities
from credit_risk.data import provenance
from credit_risk.data.files import Files
from credit_risk.data.repository import opened
from credit_risk.errors import CheckFailed, CreditRiskError
from credit_risk.governance import stores
from credit_risk.governance.records import Entered, Records
from credit_risk.ledger import verification
from credit_risk.ledger.database.schema import OTHERS, entries
from credit_risk.ledger.entry import moment
from credit_risk.ledger.ledger import Ledger
from credit_risk.registry import settings as registry_settings
from credit_risk.registry.chain_file import ChainFile
from credit_risk.registry.history import events_if_there
from credit_risk.registry.lifecycle import HistoryEvent
from credit_risk.scoring.signing import SignedBy
from credit_risk.serving.clients import key_file
from credit_risk.serving.settings import Serving
from credit_risk.stages import gate

# Whose changes change who may decide; the second is the roles', where that part is there.
ACCESS = (identities.FILE, Path("configs") / "policies" / "roles.cedar")
ROLLOUTS = Path("build") / "delivery" / "audit.jsonl"


@dataclass(frozen=True)
class LoggedEvent:
    """Something that was done: when (None where the source keeps no time), where it stands, what, by whom, why."""

    at: datetime | None
    source: str
    what: str
    by: str
    why: str

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "at": self.at.isoformat(timespec="seconds") if self.at else None}


@dataclass(frozen=True)
class ReadSource:
    """One source as it was read: its events, or why it does not hold; neither where there is none yet."""

    name: str
    events: tuple[LoggedEvent, ...] = ()
    fault: str | None = None
    there: bool = True


def sources(site: Path, root: Path, variables: Mapping[str, str]) -> list[ReadSource]:
    """Every source of an environment, each verified as it is read. Raises RegistryBroken for altered moves."""
    settings, (config, files) = registry_settings.load(site, root), opened(root)
    return [
        of_registry(events_if_there(settings, root, config.project.name)),
        of_records(root, settings.signed_by),
        of_rollouts(root, settings.signed_by),
        of_waivers(files),
        of_access(root, site),
        of_ledger_at(site, root, variables),
    ]


def of_registry(history: Sequence[HistoryEvent] | None) -> ReadSource:
    """The registry's moves, which were verified as they were read; None where there is no registry yet."""
    events = (LoggedEvent(e.at, "registry", f"{e.move} {e.version}", e.by, e.reason) for e in history or ())
    return ReadSource("registry", tuple(events), there=history is not None)


def of_records(root: Path, signed_by: SignedBy) -> ReadSource:
    """What persons put on record."""
    records = Records(root, signed_by)
    try:
        kept = records.read()
    except CreditRiskError as fault:
        return ReadSource("records", fault=str(fault))
    events = (LoggedEvent(entry.at, "records", _of_entry(entry), entry.by, entry.reason) for entry in kept)
    return ReadSource("records", tuple(events), there=bool(kept))


def of_rollouts(root: Path, signed_by: SignedBy) -> ReadSource:
    """The audit trail of rollouts on this machine, where there is one."""
    chain = ChainFile(root / ROLLOUTS)
    if not chain.path.is_file() and not chain.head_file.is_file():
        return ReadSource("rollouts", there=False)
    try:
        faults = chain.verify(signed_by, root).faults
        events = () if faults else tuple(chain.entries_as(_of_rollout))
    except CreditRiskError as fault:
        return ReadSource("rollouts", fault=str(fault))
    if faults:
        return ReadSource("rollouts", fault="; ".join(faults))
    return ReadSource("rollouts", events)


def of_ledger_at(site: Path, root: Path, variables: Mapping[str, str]) -> ReadSource:
    """The ledger of an environment. One that cannot be opened, as without its key, does not hold: nobody has looked."""
    url = environment.read(site, "serving", Serving).ledger.url
    file = environment.sqlite_file(environment.url_below(root, url))
    if file is not None and not file.is_file():
        return ReadSource("ledger", there=False)
    try:
        with stores.ledger(site, root, variables) as ledger:
            return of_ledger(ledger)
    except CreditRiskError as fault:
        return ReadSource("ledger", fault=str(fault))


def of_ledger(ledger: Ledger) -> ReadSource:
    """What stands in the ledger beside decisions; the whole ledger is verified for it."""
    verified = verification.verify(ledger)
    if not verified.holds:
        return ReadSource("ledger", fault="; ".join(verified.faults))
    with ledger.store.core() as connection:
        rows = connection.execute(select(entries.c.at, entries.c.kind, entries.c.facts).where(OTHERS)).all()
    return ReadSource("ledger", tuple(_of_row(*row) for row in rows))


def of_waivers(files: Files) -> ReadSource:
    """The waivers that lie here, each signed by its person; the file keeps no day on which it was given."""
    try:
        waivers = gate.read_waivers(files.root, files.waivers)
    except CreditRiskError as fault:
        return ReadSource("waivers", fault=str(fault))
    events = (
        LoggedEvent(None, "waivers", f"waive {each.check} until {each.expires}", each.person, each.reason)
        for each in waivers
    )
    return ReadSource("waivers", tuple(events), there=bool(waivers))


def of_access(root: Path, site: Path) -> ReadSource:
    """Who got or lost a right: commits of identities and roles, by whom git says; API keys made, changed and revoked.

    A file of identities or roles that is not as it is committed does not hold, nor does a record of keys that is none.
    """
    kept = [root / path for path in ACCESS if (root / path).is_file()]
    if changed := provenance.not_committed(root, kept):
        return ReadSource("access", fault=f"{', '.join(changed)} is not as git has it committed")
    path = root / environment.read(site, "serving", Serving).access.keys_file
    try:
        of_keys = list(_of_keys(path))
    except (OSError, LookupError, TypeError, ValueError):
        return ReadSource(
            "access", fault=f"{key_file.record_of(path)} is no record of keys, or no file of keys lies by it"
        )
    events = (*_of_commits(root), *of_keys)
    return ReadSource("access", events, there=bool(events))


def raise_unless_all_hold(read: Iterable[ReadSource]) -> None:
    """Raise CheckFailed with every source that was altered or that nobody vouches for."""
    if faults := [f"{source.name}: {source.fault}" for source in read if source.fault]:
        raise CheckFailed("\n  ".join(["The audit log does not hold.", *faults]))


def query(
    read: Iterable[ReadSource], *, who: str = "", what: str = "", since: datetime | None = None
) -> list[LoggedEvent]:
    """The events by the oldest, those without a time last. who, what: parts of the names, capitals aside."""
    chosen = [
        event
        for source in read
        for event in source.events
        if who.casefold() in event.by.casefold()
        and what.casefold() in f"{event.source} {event.what}".casefold()
        and (since is None or (event.at is not None and event.at >= since))
    ]
    return sorted(chosen, key=lambda event: (event.at is None, event.at.timestamp() if event.at else 0.0))


def _of_rollout(*, at: str, what: str, by: str, why: str, **_: object) -> LoggedEvent:
    if not all(isinstance(value, str) for value in (what, by, why)):
        raise TypeError("what, by or why is no text")
    return LoggedEvent(datetime.fromisoformat(at).astimezone(UTC), "rollouts", what, by, why)


def _of_commits(root: Path) -> Iterator[LoggedEvent]:
    """Every commit of the files that say who may decide. By its author, as git names them; git verifies signatures."""
    for path in ACCESS:
        log = provenance.git(root, "log", "--format=%aI%x1f%h%x1f%an%x1f%s", "--", path.as_posix())
        for line in (log or "").splitlines():
            at, commit, author, subject = line.split("\x1f", maxsplit=3)
            yield LoggedEvent(
                datetime.fromisoformat(at).astimezone(UTC), "access", f"commit {commit} of {path.name}", author, subject
            )


def _of_keys(path: Path) -> Iterator[LoggedEvent]:
    """What was done to API keys, by whose account; records from before that was kept name nobody."""
    record = key_file.record_of(path)
    if not record.is_file():
        return
    key_file.read_keys(path)
    for line in record.read_text(encoding="utf-8").splitlines():
        its = orjson.loads(line)
        what = " ".join([its["did"], "key", its["id"], *(["of", its["client"]] if "client" in its else [])])
        scopes = ", ".join(its.get("scopes", ()))
        yield LoggedEvent(
            datetime.fromtimestamp(its["at"], UTC), "access", what, its.get("by", ""), scopes and f"scopes {scopes}"
        )


def _of_entry(entry: Entered) -> str:
    """What was done about what: `open finding F1`, `opinion of scorer 9f0d…`, `attest ecoa-forms`."""
    if entry.kind in ("open", "answer", "verify", "close"):
        return f"{entry.kind} finding {entry.about}"
    return f"opinion of scorer {entry.about}" if entry.kind == "opinion" else f"{entry.kind} {entry.about}"


def _of_row(at: int, kind: str, facts: str) -> LoggedEvent:
    its = orjson.loads(facts)
    why = its.get("reason") or ", ".join(f"{name} {value}" for name, value in its.items() if name != "by")
    what = " ".join([kind, *(["of", its["of"]] if "of" in its else []), *(["to", its["to"]] if "to" in its else [])])
    return LoggedEvent(moment(at), "ledger", what, str(its.get("by", "")), why)
