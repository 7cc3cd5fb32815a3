"""`credit-risk ledger purge`, `hold`, `release`, `legal-holds`: forgetting on time, and what is not forgotten."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option, Typer, echo

from credit_risk.command_line import Json, add, counted, environment_file, say, verbs_of
from credit_risk.errors import CheckFailed
from credit_risk.ledger.named import UNNAMED, NamedLedger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credit_risk.ledger.holds import Hold
    from credit_risk.ledger.ledger import Ledger
    from credit_risk.retention.certificate import ErasedKey
    from credit_risk.retention.purge import Purged
    from credit_risk.scoring.signing import SignedBy

PURGE_MORE = """
This cannot be undone. Copies of the ledger hold the keys: purge them too (--url), or let them expire. --search names
files and folders in which nothing of what went may stand any more: no destroyed key, no id of such a decision, and no
reference of a person of whom the ledger keeps nothing. They are searched as `ledger forget` does.

exit codes: 0 gone, and read to be gone; 1 something can still be read or stands in a file that was searched;
2 it could not be done, and the message says why

examples:
  credit-risk ledger purge --policy ecoa --dry-run
  credit-risk ledger purge --policy ecoa --before 2024-10-01 --search . --search copies/ledger.backup
"""
FORGET_MORE = """
The certificate names no person: decisions, keys, the chain's head, how many files were searched, and those in which the
person or a destroyed key still stands. Searched are the ledger's folder and what --search names: tables cell by cell,
all else byte by byte, and what is packed (gzip, zip, tar …) as if it were not. It is signed as `serving.signed_by` of
the environment asks. Killed on the way, the same command goes on; once files are mended, --after FILE searches again.

exit codes: 0 gone, and nothing that was searched names the person; 1 something does, and the certificate says what;
2 it could not be done, and the message says why

example:
  credit-risk ledger forget --applicant A-1009 --search . --search copies/ledger.backup --certificate erasure-17.json
"""
AGAIN_MORE = """
A certificate names no person, but the keys that went, each by number and the moment it was made; a key of the same
number that was made at another moment belongs to somebody else and stays.

example:
  credit-risk ledger erase-again certificates
"""
HOLD_MORE = """
All that the decision's key sealed is kept: the person's decisions of that month. Who and why stand in clear in the
chain, and stay there. Who is whoever runs this, as identities prove it; whoever ordered it belongs into the reason.

example:
  credit-risk ledger hold 01a21098-f168-7765-8a58-0b9fc0816889 --reason "case 17/2026, counsel"
"""
NOT_SEARCHED = "PostgreSQL's own log and its archive hold old rows until they are recycled."
NO_DECISION = "The ledger holds no such decision."

DecisionId = Annotated[str, Argument(help="The decision's id.")]
Reason = Annotated[str, Option(help="Why.")]


def add_commands(app: Typer) -> None:
    """Add the ledger's verbs of forgetting."""
    ledger = verbs_of(app, "ledger")
    add(ledger, "purge", _purge, more=PURGE_MORE)
    add(ledger, "forget", _forget, more=FORGET_MORE)
    add(ledger, "erase-again", _erase_again, more=AGAIN_MORE)
    add(ledger, "hold", _hold, more=HOLD_MORE)
    add(ledger, "release", _release)
    add(ledger, "legal-holds", _legal_holds)


def _purge(
    policy: Annotated[str, Option(help="Whose retention_months apply: a name in configs/policies.")],
    before: Annotated[
        datetime | None, Option(formats=["%Y-%m-%d"], help="Decided before this day (default: all whose term ended).")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Count what would go, and destroy nothing.")] = False,
    search: Annotated[list[Path] | None, Option(help="Files and folders to search for what went.")] = None,
    named: NamedLedger = UNNAMED,
    json: Json = False,
) -> None:
    """Destroy the keys of decisions whose term has ended, and prove by a read that their content is gone."""
    from credit_risk.data.writing import json_text
    from credit_risk.retention import purge, term

    _refuse_missing(search or [])
    months = term.months_of(named.root, policy)
    with named.opened("purge") as ledger:
        day = term.allowed(before.date() if before else None, term.today(ledger, datetime.now(UTC)), months)
        elsewhere = _holds_of_own(ledger, named)
        if dry_run:
            kept = purge.kept_by_holds(ledger, day, elsewhere)
            left = {key.number for key in purge.due(ledger, day)} - {hold.key for hold in kept}
            report = {"before": day.isoformat(), "keys": len(left), "held": [_as_dict(hold) for hold in kept]}
            say(
                json_text(report)
                if json
                else f"{counted(len(left), 'key')} would go before {day}; "
                f"{counted(len(kept), 'decision is', 'decisions are')} held."
            )
            return
        why = {"policy": policy, "term_months": str(months)}
        purged = purge.purge(ledger, day, why, by=named.doer(), remember=bool(search), elsewhere=elsewhere)
        with purge.opened_anew(ledger) as reader:
            read = purge.prove_gone(reader, purged, day)
        searched, remains = _search(ledger, purged, search or [])
    report = {"before": day.isoformat(), "keys": len(purged.wrapped), "decisions": purged.decisions, "read": read}
    report |= {"held": [_as_dict(hold) for hold in purged.holds], "searched": [str(path) for path in searched]}
    say(json_text(report | remains) if json else _sentences(report, whole=not any(remains.values())))
    _raise_for_what_is_left(remains)


def _forget(
    applicant: Annotated[str, Option(help="The lender's reference of the person.")],
    certificate: Annotated[Path, Option(help="The file to write.")],
    search: Annotated[list[Path] | None, Option(help="Files and folders that must not name the person.")] = None,
    after: Annotated[
        Path | None, Option(help="The certificate that was not whole: search again, now that files were mended.")
    ] = None,
    copies_kept_days: Annotated[
        int | None, Option(min=0, help="How long copies of the ledger are kept: says when the last key will have gone.")
    ] = None,
    named: NamedLedger = UNNAMED,
) -> None:
    """Erase a person, prove that nothing can be read, search files for what is left, and sign a certificate of it."""
    from credit_risk.data.writing import write_text
    from credit_risk.errors import UsageError
    from credit_risk.ledger.errors import LedgerRefused
    from credit_risk.retention import certificate as certificates
    from credit_risk.retention import traces
    from credit_risk.scoring.signed_chain import SignedFacts

    _refuse_missing(search or [])
    if traces.named_by(certificate.absolute(), traces.Names.of([applicant])):
        raise UsageError("The certificate's path names the person, and the certificate must not: name another file.")
    signer = _signer(named)
    earlier: tuple[certificates.ErasedKey, ...] = ()
    if certificate.exists():
        earlier = _keys_in(certificate, signer, named.root, begun=True)
    elif after is not None:
        earlier = _keys_in(after, signer, named.root)
    _refuse_unwritable(certificate)
    with named.opened("erase") as ledger:
        keys = certificates.keys_of(ledger, applicant, earlier)
        begun = SignedFacts.sign(certificates.begun(datetime.now(UTC), keys), signer, named.root)
        write_text(certificate, str(begun))  # before anything is destroyed: without the key that signs nobody is erased
        try:
            erasure = certificates.erase(ledger, applicant, keys, search or [], by=named.doer())
        except LedgerRefused:  # a legal hold: nothing was destroyed
            certificate.unlink()
            raise
    kept = None if copies_kept_days is None else timedelta(days=copies_kept_days)
    facts = erasure.facts(datetime.now(UTC), applicant, kept)
    write_text(certificate, str(SignedFacts.sign(facts, signer, named.root)))
    say(
        f"{counted(erasure.decisions, 'decision')} of this person can no longer be read; {certificate} says so, signed."
    )
    erasure.raise_unless_whole()


def _erase_again(
    certificates: Annotated[list[Path], Argument(help="Certificates of `ledger forget`, or folders of them.")],
    named: NamedLedger = UNNAMED,
) -> None:
    """Destroy the keys of erased persons that came back with a restored copy, as the signed certificates name them."""
    from credit_risk.errors import NotFound
    from credit_risk.retention import certificate

    signer = _signer(named)
    paths = [file for path in certificates for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    if not paths or not all(path.is_file() for path in paths):
        raise NotFound(
            next((path for path in paths if not path.is_file()), certificates[0]),
            "Name certificates that `credit-risk ledger forget` wrote, or their folder.",
        )
    keys = [key for path in paths for key in _keys_in(path, signer, named.root)]
    with named.opened("erase") as ledger:
        destroyed = certificate.again(ledger, keys, by=named.doer())
        ledger.store.scrub()
    named_there = f"{counted(len(paths), 'certificate names', 'certificates name')} {counted(len(keys), 'key')}"
    again, unread = "is" if len(destroyed) == 1 else "are", counted(sum(destroyed.values()), "decision")
    came_back = f"{counted(len(destroyed), 'key')} had come back and {again} destroyed again, with {unread}"
    say(f"{named_there}: {came_back if destroyed else 'none had come back'}.")


def _signer(named: "NamedLedger") -> "SignedBy":
    """Whose signature counts in the environment. Raises UsageError where nobody's does."""
    from credit_risk.config import environment
    from credit_risk.errors import UsageError
    from credit_risk.serving.settings import Serving

    site = environment_file(named.root, named.environment)
    signer = environment.read(site, "serving", Serving).signed_by
    if signer is None:
        raise UsageError(f"{site} names nobody whose signature counts: set serving.signed_by (docs/signatures.md).")
    return signer


def _keys_in(path: Path, signer: "SignedBy", root: Path, *, begun: bool = False) -> "tuple[ErasedKey, ...]":
    """The keys that a signed certificate names. begun: only of an erasure that was killed before its end.

    Raises UsageError for what is no certificate, or is finished where it must not be; SignatureRefused.
    """
    from credit_risk.errors import UsageError
    from credit_risk.retention.certificate import BEGUN, keys_in
    from credit_risk.scoring.signed_chain import SignedFacts

    try:
        facts = SignedFacts.parse(path.read_text(encoding="utf-8")).verified(signer, root)
        keys = keys_in(facts)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is there and is no certificate of `credit-risk ledger forget`: {error}") from None
    if begun and facts["what"] != BEGUN:
        raise UsageError(f"{path} is there already; a certificate is written once.")
    return keys


def _refuse_unwritable(certificate: Path) -> None:
    """Raise UsageError where no certificate could be written: nobody is erased without one."""
    from credit_risk.errors import UsageError

    try:
        certificate.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=certificate.parent):
            pass
    except OSError as error:
        raise UsageError(f"{certificate} cannot be written ({error.strerror}), so nobody was erased.") from None


def _refuse_missing(search: list[Path]) -> None:
    """Raise NotFound for what is to be searched and is not there: before anything is destroyed."""
    from credit_risk.errors import NotFound

    if missing := [path for path in search if not path.exists()]:
        raise NotFound(missing[0], "--search names files and folders that are searched for what must be gone.")


def _holds_of_own(ledger: "Ledger", named: NamedLedger) -> "list[Hold]":
    """The holds of the environment's own ledger, where the one that is named by its URL is a copy of it."""
    from credit_risk.ledger.errors import LedgerRefused, LedgerUnavailable
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.ledger.settings import load

    site = environment_file(named.root, named.environment)
    if not named.address or not site.is_file():
        return []
    try:
        with open_ledger(named.root, load(site), os.environ, create=False) as own:
            return list(own.holds().values()) if own.ledger_id == ledger.ledger_id else []
    except (LedgerUnavailable, LedgerRefused) as fault:
        echo(f"Holds that were placed since this copy was made are not known here: {fault}", err=True)
        return []


def _search(ledger: "Ledger", purged: "Purged", search: list[Path]) -> tuple[list[Path], dict[str, list[str]]]:
    """What was searched, and the files in which something of what went still stands, or in which nobody could look."""
    from credit_risk.retention import certificate, traces
    from credit_risk.retention.traces import Names

    path = ledger.store.path
    own = [] if path is None else [path, *(file for file in [path.with_name(f"{path.name}-wal")] if file.exists())]
    names, of_decisions = Names.of(purged.persons), Names.of(purged.persons | purged.ids)
    gone = set(purged.wrapped.values())
    seen = {
        file: certificate.traces_in(file, gone, (), names, of_decisions)
        for file in dict.fromkeys(path.absolute() for path in traces.files_below([*own, *search]))
    }
    kinds = {"keys_stand_in": "key", "named_in": "name", "not_read": "unread"}
    return [*own, *search], {
        title: [str(file) for file, of_file in seen.items() if kind in of_file] for title, kind in kinds.items()
    }


def _raise_for_what_is_left(left: "Mapping[str, list[str]]") -> None:
    """Raise CheckFailed with every file in which something of what went still stands or may stand."""
    wrong = [
        f"a destroyed key still stands in {file}: purge it too, or let it expire" for file in left["keys_stand_in"]
    ]
    wrong += [f"a decision that went, or its person, is named in {file}" for file in left["named_in"]]
    wrong += [f"{file} could not be read" for file in left["not_read"]]
    if wrong:
        raise CheckFailed("\n  ".join(["The keys are destroyed, and not everything is gone:", *wrong]))


def _hold(
    decision: DecisionId,
    reason: Reason,
    named: NamedLedger = UNNAMED,
) -> None:
    """Keep a decision whatever its term: neither a purge nor an erasure touches it until it is released."""
    from credit_risk.ledger.chain import HOLD

    with named.opened("purge") as ledger:
        by = named.doer()
        if not ledger.note(HOLD, decision, by=by, reason=reason):
            raise CheckFailed(NO_DECISION)
    say(f"Decision {decision} is held, by {by}.")


def _release(
    decision: DecisionId,
    reason: Reason,
    named: NamedLedger = UNNAMED,
) -> None:
    """End a hold: the decision goes with the next purge once its term has ended."""
    from credit_risk.ledger.chain import RELEASE

    with named.opened("purge") as ledger:
        if decision not in ledger.holds():
            raise CheckFailed("No hold stands on this decision.")
        by = named.doer()
        ledger.note(RELEASE, decision, by=by, reason=reason)
    say(f"Decision {decision} is released, by {by}.")


def _legal_holds(
    named: NamedLedger = UNNAMED,
    json: Json = False,
) -> None:
    """List the holds that stand: which decision, by whom, why, since when."""
    from credit_risk.data.writing import json_text

    with named.opened() as ledger:
        holds = [_as_dict(hold) for hold in ledger.holds().values()]
    lines = [f"{hold['decision_id']} since {hold['since']}, by {hold['by']}: {hold['reason']}" for hold in holds]
    say(json_text(holds) if json else "\n".join(lines) or "No hold stands.")


def _sentences(report: "Mapping[str, Any]", *, whole: bool) -> str:
    keys, read = counted(report["keys"], "key is", "keys are"), counted(report["read"], "decision")
    gone = f"{keys} destroyed; {read} before {report['before']} cannot be read."
    begins = "Nothing of it stands in" if whole else "Searched were"
    searched = f"{begins} {', '.join(report['searched'])}." if report["searched"] else NOT_SEARCHED
    kept = [f"Held, and kept: {hold['decision_id']}, by {hold['by']}: {hold['reason']}." for hold in report["held"]]
    return "\n".join([gone, searched, *kept])


def _as_dict(hold: "Hold") -> dict[str, str]:
    since = f"{hold.at:%Y-%m-%d}"
    return {"decision_id": hold.decision_id, "by": hold.by, "reason": hold.reason, "since": since}
