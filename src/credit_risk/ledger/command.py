"""`credit-risk ledger`: look a ledger through, show, replay, copy and erase."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Context, Option, Typer

from credit_risk import command_line
from credit_risk.command_line import LEDGER, Json, WriteDown, add, before_the_verb, say, verbs, with_shared_options
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.ledger.named import UNNAMED, NamedLedger

if TYPE_CHECKING:
    from credit_risk.ledger.verification import LedgerReader, Verification
    from credit_risk.scoring.signed_chain import Head

HELP = "Verify, show, replay or back up the decisions that were answered, and erase a person."
NEW_KEY_VARIABLE = "CREDIT_RISK_LEDGER_NEW_KEY"
MORE = """
Which ledger: --url, else the variable CREDIT_RISK_LEDGER_URL, else serving.ledger.url of --environment.
Which master key: the variable CREDIT_RISK_LEDGER_KEY (64 hex digits), else --key-file.
`verify` and `head` only read; with --public-key they need no master key.
Exit codes: 0 all is well; 1 the ledger does not hold, or a decision is not there or came out otherwise;
2 it could not be done, and the message says what mends it.

examples:
  credit-risk ledger verify --heads heads.txt
  credit-risk ledger show 01a21098-f168-7765-8a58-0b9fc0816889
"""
VERIFY_MORE = "A cut-off end shows against a head from before: give --head or --heads (docs/ledger.md)."
RESTORE_MORE = "Persons who were erased after the backup was made come back with it: erase them again."
PUBLIC_KEY_MORE = "Give it to auditors once, by a way of your own: `credit-risk ledger verify --public-key KEY`."
NOBODY = "The ledger holds nothing of this person: never recorded under this reference, or erased already."
ERASE_MORE = "This cannot be undone. Backups keep the key: erase there too, or let them expire."

Heads = Annotated[list[str] | None, Option("--head", help="A head from before, SEQ:HASH; may be repeated.")]
HeadsFile = Annotated[
    Path | None, Option("--heads", help="A file of heads, as `credit-risk ledger head --write-down` keeps it.")
]
PublicKey = Annotated[
    str | None,
    Option("--public-key", help="Check with this key alone: 64 hex digits, or a file of them. Needs no master key."),
]


def add_commands(app: Typer) -> None:
    """Add `credit-risk ledger` with its verbs."""
    ledger = verbs(app, "ledger", help=HELP, group=LEDGER, more=MORE)
    ledger.callback()(with_shared_options(_ledger))
    add(ledger, "verify", _verify, more=VERIFY_MORE)
    add(ledger, "head", _head)
    add(ledger, "public-key", _public_key, more=PUBLIC_KEY_MORE)
    add(ledger, "migrate", _migrate)
    add(ledger, "show", _show)
    add(ledger, "replay", _replay)
    add(ledger, "backup", _backup)
    add(ledger, "restore", _restore, more=RESTORE_MORE)
    add(ledger, "erase", _erase, more=ERASE_MORE)
    add(ledger, "rekey", _rekey)


def _ledger(context: Context, named: NamedLedger = UNNAMED) -> None:  # noqa: ARG001
    before_the_verb(context)


def _verify(
    named: NamedLedger = UNNAMED,
    head: Heads = None,
    heads: HeadsFile = None,
    public_key: PublicKey = None,
    json: Json = False,
) -> None:
    """Check every row and find what was changed, put in or taken out; it only reads."""
    from credit_risk.data.writing import json_text
    from credit_risk.ledger import verification

    remembered = _remembered(head, heads)
    with _reader(named, public_key) as ledger:
        verified = verification.verify(ledger, remembered)
    if json:
        facts = {"holds": verified.holds, "entries": verified.entries, "erased": verified.erased}
        more = {"head": str(verified.head), "remembered": len(remembered), "unchecked": verified.unchecked}
        say(json_text({**facts, "faults": verified.faults, **more}))
    verified.raise_unless_it_holds()
    if not json:
        say(_sentences(verified, len(remembered)))


def _head(
    named: NamedLedger = UNNAMED, write_down: WriteDown = None, public_key: PublicKey = None, json: Json = False
) -> None:
    """Print where the chain ends, to be kept elsewhere; it only reads."""
    from credit_risk.data.writing import json_text
    from credit_risk.scoring import signed_chain

    with _reader(named, public_key) as ledger:
        head = ledger.head()
    if write_down:
        signed_chain.write_down(head, write_down)
    say(json_text({"seq": head.seq, "hash": head.hash.hex()}) if json else str(head))


def _public_key(named: NamedLedger = UNNAMED) -> None:
    """Print the key with which anybody can check heads and sign none."""
    with _reader(named, None) as ledger:
        say(ledger.verification_key.hex())


def _migrate(named: NamedLedger = UNNAMED) -> None:
    """Bring an older ledger to this version's schema; back it up first."""
    from credit_risk.ledger.database.schema import VERSION

    with named.opened() as ledger:
        say(f"{ledger.store.address} has schema {VERSION}; its chain ends at {ledger.head()}")


def _show(
    decision: Annotated[str | None, Argument(help="The decision's id.")] = None,
    applicant: Annotated[str | None, Option(help="The lender's reference of the person.")] = None,
    named: NamedLedger = UNNAMED,
    json: Json = False,
) -> None:
    """Print one decision, or all about one person, as JSON; with --json, those of a person as one array."""
    from credit_risk.data.writing import json_text

    if (decision is None) == (applicant is None):
        raise UsageError("name one: a decision's id, or --applicant.")
    with named.opened("read") as ledger:
        record = ledger.get(decision) if decision is not None else None
        records = list(ledger.decisions_about(applicant)) if applicant is not None else [record] if record else []
    if not records:
        raise CheckFailed("The ledger holds no such decision." if applicant is None else NOBODY)
    if json and applicant is not None:
        say(json_text([record.as_dict() for record in records]))
    else:
        say("\n".join(json_text(record.as_dict()) for record in records))


def _replay(
    named: NamedLedger = UNNAMED,
    scorer: Annotated[
        list[Path] | None, Option(help="A scorer directory; may be repeated (default: models/scorer).")
    ] = None,
) -> None:
    """Decide stored applications again and demand the same, to the last digit."""
    from credit_risk.data.files import Files
    from credit_risk.ledger import replay
    from credit_risk.scoring.scorer import Scorer

    scorers = [Scorer.load(path) for path in scorer or [Files(named.root).scorer]]
    with named.opened() as ledger:
        replayed = replay.replay(ledger, {loaded.digest: replay.decider(loaded) for loaded in scorers})
    replayed.raise_unless_the_same()
    same = command_line.counted(replayed.same, "decision")
    say(f"{same} came out the same, to the last digit; left out: {replayed.left_out()}.")


def _backup(
    file: Annotated[Path, Argument(help="The file to write; an older backup there is replaced.")],
    named: NamedLedger = UNNAMED,
) -> None:
    """Copy the ledger while it is written, and verify the copy."""
    from credit_risk.ledger import copies, opening

    with named.opened("export") as ledger:
        key = opening.ledger_key(named.root, named.settings(), os.environ)
        verified = copies.backup(ledger, file, key=key)
    say(f"{file}: {_sentences(verified, 1)}")


def _restore(
    file: Annotated[Path, Argument(help="The backup.")],
    named: NamedLedger = UNNAMED,
    head: Heads = None,
    heads: HeadsFile = None,
) -> None:
    """Verify a backup and put it where no ledger is."""
    from credit_risk.config.environment import sqlite_file, url_below
    from credit_risk.ledger import copies, opening

    settings = named.settings()
    path = sqlite_file(url_below(named.root, settings.url))
    if path is None:
        raise UsageError(copies.OF_THE_SERVER)
    remembered = _remembered(head, heads)
    key = opening.ledger_key(named.root, settings, os.environ)
    verified = copies.restore(file, path, key=key, remembered=remembered)
    say(f"{path}: {_sentences(verified, len(remembered))}")
    say("Erase again whoever was erased since this backup was made.")


def _erase(
    applicant: Annotated[str | None, Option(help="The lender's reference of the person.")] = None,
    decision: Annotated[str | None, Option(help="The id of a decision that came without such a reference.")] = None,
    named: NamedLedger = UNNAMED,
) -> None:
    """Destroy one person's key: what was decided stays, nothing personal."""
    if (applicant is None) == (decision is None):
        raise UsageError("name one: --applicant, or --decision.")
    with named.opened("erase") as ledger:
        by = named.doer()
        count = ledger.erase_decision(decision, by=by) if decision is not None else ledger.erase(applicant or "", by=by)
    if not count:
        raise CheckFailed(f"{NOBODY} Copies that an interrupted erasure left of a key are gone now.")
    gone = command_line.counted(count, "decision")
    say(f"{gone} of this person can no longer be read; what was decided, and by which model, stays.")


def _rekey(named: NamedLedger = UNNAMED) -> None:
    """Seal the ledger under the new master key in CREDIT_RISK_LEDGER_NEW_KEY."""
    from credit_risk.ledger import sealing

    new = sealing.master_key(os.environ, variable=NEW_KEY_VARIABLE)
    with named.opened() as ledger:
        ledger.rekey(new)
    say("The ledger opens with the new master key alone. Backups made before open with the old one.")


def _reader(named: NamedLedger, public_key: str | None) -> "LedgerReader":
    """The ledger, opened for reading alone: with the master key, or with the public key in its stead."""
    from credit_risk.config.environment import url_below
    from credit_risk.ledger.opening import ledger_key, public_key_of
    from credit_risk.ledger.verification import LedgerReader

    settings = named.settings()
    key = ledger_key(named.root, settings, os.environ) if public_key is None else None
    public = public_key_of(public_key) if public_key is not None else None
    url, timeout = url_below(named.root, settings.url), settings.busy_timeout_s
    return LedgerReader.open(url, key=key, verification_key=public, busy_timeout_s=timeout)


def _remembered(head: list[str] | None, heads: Path | None) -> list["Head"]:
    from credit_risk.scoring.signed_chain import Head, written_down

    try:
        given = [Head.parse(text) for text in head or []]
    except ValueError as error:
        raise UsageError(f"--head: {error}.") from None
    return given + (written_down(heads) if heads else [])


def _sentences(verified: "Verification", remembered: int) -> str:
    heads = f", and so {'does' if remembered == 1 else 'do'} {command_line.counted(remembered, 'head')} from before"
    against = heads if remembered else "; no head from before was given"
    hold = command_line.counted(verified.entries, "entry holds", "entries hold")
    entries = f"{hold}, {verified.erased} of them of erased persons{against}."
    unchecked = f"\n{verified.unchecked[0].upper()}{verified.unchecked[1:]}." if verified.unchecked else ""
    return f"{entries}{unchecked}\nThe chain ends at {verified.head}"
