"""The sub-command `credit-risk ledger`: looking a ledger through, showing, replaying, copying and erasing."""

import argparse
import json
import os
import secrets
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from credit_risk.command_line import Commands, Run, command
from credit_risk.data.files import Files
from credit_risk.errors import CheckFailed, ConfigError, NotFound, UsageError

WHAT = "the decisions that were answered: verify, show, replay, back up, erase a person"
URL_VARIABLE = "CREDIT_RISK_LEDGER_URL"
NEW_KEY_VARIABLE = "CREDIT_RISK_LEDGER_NEW_KEY"
EPILOG = """
Which ledger: --url, else the variable CREDIT_RISK_LEDGER_URL, else serving.ledger.url of --config.
Which master key: the variable CREDIT_RISK_LEDGER_KEY (64 hex digits), else --key-file.
Exit codes: 0 all is well; 1 the ledger does not hold, or a decision is not there or came out otherwise;
2 it could not be done, and the message says what mends it.

examples:
  credit-risk ledger verify --heads heads.txt
  credit-risk ledger show 01a21098-f168-7765-8a58-0b9fc0816889
"""


def register(commands: Commands) -> None:
    """Add the sub-command to the one command line."""
    ledger = command(commands, "ledger", WHAT, _nothing_said, epilog=EPILOG)
    _places(ledger, Path(), Path("build/ledger/ledger.key"))
    verbs = ledger.add_subparsers(title="what to do", metavar="VERB", help="each has a --help of its own")
    _verify(verbs)
    _verb(verbs, "head", "print where the chain ends, to be kept elsewhere", _head).add_argument(
        "--write-down", type=Path, metavar="FILE", help="add it to this file of heads too"
    )
    _show(verbs)
    _verb(verbs, "replay", "decide stored applications again and demand the same bits", _replay).add_argument(
        "--scorer", type=Path, action="append", help="a scorer directory, repeatable (default: models/scorer)"
    )
    backup = _verb(verbs, "backup", "copy the ledger while it is written, and verify the copy", _backup)
    backup.add_argument("file", type=Path, help="the file to write; an older backup there is replaced")
    _restore(verbs)
    _erase(verbs)
    _verb(verbs, "rekey", f"seal the ledger under the new master key in {NEW_KEY_VARIABLE}", _rekey)
    _bench(verbs)


def _verb(verbs: Commands, name: str, what: str, run: Run, epilog: str = "") -> argparse.ArgumentParser:
    parser = command(verbs, name, what, run, epilog=epilog)
    _places(parser, argparse.SUPPRESS, argparse.SUPPRESS)  # what was said before the verb stays
    return parser


def _places(parser: argparse.ArgumentParser, root: Any, key_file: Any) -> None:
    nothing = None if root is not argparse.SUPPRESS else root
    parser.add_argument("--root", type=Path, default=root, help="the repository's root (default: this folder)")
    parser.add_argument(
        "--config", type=Path, default=nothing, help="where the URL stands (default: configs/deploy/local.yaml)"
    )
    parser.add_argument("--url", default=nothing, help="the ledger, as sqlite:///build/ledger/ledger.db")
    parser.add_argument(
        "--key-file", type=Path, default=key_file, help="the master key (default: build/ledger/ledger.key)"
    )


def _heads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--head", action="append", default=[], help="a head from before, SEQ:HASH; repeatable")
    parser.add_argument(
        "--heads", type=Path, help="a file of heads, as `credit-risk ledger head --write-down` keeps it"
    )


def _verify(verbs: Commands) -> None:
    epilog = "A cut-off end shows against a head from before: give --head or --heads (docs/ledger.md)."
    _heads(
        _verb(
            verbs,
            "verify",
            "walk the chain and find every entry that was changed, put in or taken out",
            _verified,
            epilog,
        )
    )


def _show(verbs: Commands) -> None:
    show = _verb(verbs, "show", "print one decision, or all about one person, as JSON", _shown)
    show.add_argument("decision", nargs="?", help="the decision's id")
    show.add_argument("--applicant", help="the lender's reference of the person")


def _restore(verbs: Commands) -> None:
    epilog = "Persons who were erased after the backup was made come back with it: erase them again."
    restore = _verb(verbs, "restore", "verify a backup and put it where no ledger is", _restored, epilog)
    restore.add_argument("file", type=Path, help="the backup")
    _heads(restore)


def _erase(verbs: Commands) -> None:
    epilog = "This cannot be undone. Backups keep the key: erase there too, or let them expire."
    erase = _verb(verbs, "erase", "destroy one person's key: what was decided stays, nothing personal", _erased, epilog)
    erase.add_argument("--applicant", help="the lender's reference of the person")
    erase.add_argument("--decision", help="the id of a decision that came without such a reference")


def _bench(verbs: Commands) -> None:
    epilog = (
        "Without --url it measures a throw-away SQLite ledger below build/; a ledger that holds decisions is refused."
    )
    bench = _verb(verbs, "bench", "measure durable decisions a second, and what fdatasync costs here", _benched, epilog)
    bench.add_argument("--entries", type=int, default=3_000, help="decisions for each number of submitters")


def _nothing_said(_: argparse.Namespace) -> None:
    raise UsageError("say what to do with the ledger: `credit-risk ledger --help` lists it.")


def _url(options: argparse.Namespace) -> str:
    url = options.url or os.environ.get(URL_VARIABLE) or _configured(options)
    scheme, _, place = url.partition(":///")
    if scheme.startswith("sqlite") and place and not Path(place).is_absolute():
        return f"{scheme}:///{(options.root / place).absolute()}"
    return url


def _configured(options: argparse.Namespace) -> str:
    path = options.config or options.root / "configs" / "deploy" / "local.yaml"
    if not path.is_file():
        raise NotFound(path, f"Name the ledger with --url or {URL_VARIABLE}.")
    try:
        found = YAML(typ="safe").load(path)["serving"]["ledger"]["url"]
    except (YAMLError, KeyError, TypeError) as error:
        raise ConfigError(path, [f"serving.ledger.url cannot be read ({error}); it names the ledger"]) from None
    return str(found)


def _key(options: argparse.Namespace) -> bytes:
    sealing = import_module("credit_risk.ledger.sealing")
    key: bytes = sealing.master_key(os.environ, options.root / options.key_file)
    return key


def _open(options: argparse.Namespace) -> Any:
    package = import_module("credit_risk.ledger.ledger")  # late: `--help` need not wait for SQLAlchemy
    return package.Ledger.open(_url(options), key=_key(options), create=False)


def _remembered(options: argparse.Namespace) -> list[Any]:
    package = import_module("credit_risk.ledger.chain")
    copies = import_module("credit_risk.ledger.copies")
    try:
        heads = [package.Head.parse(text) for text in options.head]
    except ValueError as error:
        raise UsageError(f"--head: {error}.") from None
    return heads + (copies.written_down(options.heads) if options.heads else [])


def _say(text: str) -> None:
    Console(highlight=False, markup=False, emoji=False, soft_wrap=True).print(text)


def _held(found: Any, remembered: int) -> str:
    against = f", and so do {remembered} heads from before" if remembered else "; no head from before was given"
    held = f"{found.entries} entries hold, {found.erased} of them of erased persons{against}."
    return f"{held}\nThe chain ends at {found.head}"


def _verified(options: argparse.Namespace) -> None:
    verification = import_module("credit_risk.ledger.verification")
    remembered = _remembered(options)
    with _open(options) as ledger:
        found = verification.verify(ledger, remembered)
    found.raise_unless_it_holds()
    _say(_held(found, len(remembered)))


def _head(options: argparse.Namespace) -> None:
    with _open(options) as ledger:
        head = ledger.head()
    if options.write_down:
        import_module("credit_risk.ledger.copies").write_down(head, options.write_down)
    _say(str(head))


def _shown(options: argparse.Namespace) -> None:
    if (options.decision is None) == (options.applicant is None):
        raise UsageError("name one: a decision's id, or --applicant.")
    with _open(options) as ledger:
        record = ledger.get(options.decision) if options.decision else None
        records = ([record] if record else []) if options.decision else list(ledger.decisions_about(options.applicant))
    if not records:
        raise CheckFailed("The ledger holds no such decision, or nothing of this person that can be read.")
    for one in records:
        _say(json.dumps(one.as_dict(), indent=2, ensure_ascii=False))


def _replay(options: argparse.Namespace) -> None:
    replaying = import_module("credit_risk.ledger.replay")
    decided = import_module("credit_risk.ledger.decision_record")
    scorer = import_module("credit_risk.scoring.scorer").Scorer
    loaded = [scorer.load(path) for path in options.scorer or [Files(options.root).scorer]]
    with _open(options) as ledger:
        found = replaying.replay(ledger, {one.digest: decided.decider(one) for one in loaded})
    found.raise_unless_the_same()
    apart = f"{found.erased} of erased persons, {sum(found.of_others.values())} of other scorers"
    _say(f"{found.same} decisions came out the same, bit for bit; left out: {apart}.")


def _backup(options: argparse.Namespace) -> None:
    copies = import_module("credit_risk.ledger.copies")
    with _open(options) as ledger:
        found = copies.backup(ledger, options.file, key=_key(options))
    _say(f"{options.file}: {_held(found, 1)}")


def _restored(options: argparse.Namespace) -> None:
    copies = import_module("credit_risk.ledger.copies")
    url = _url(options)
    if not url.startswith("sqlite"):
        raise UsageError(copies.OF_THE_SERVER)
    remembered = _remembered(options)
    path = Path(url.partition(":///")[2])
    found = copies.restore(options.file, path, key=_key(options), remembered=remembered)
    _say(f"{path}: {_held(found, len(remembered))}\nErase again whoever was erased since this backup was made.")


def _erased(options: argparse.Namespace) -> None:
    if (options.applicant is None) == (options.decision is None):
        raise UsageError("name one: --applicant, or --decision.")
    with _open(options) as ledger:
        if options.applicant is not None:
            count = ledger.erase(options.applicant)
        else:
            count = ledger.erase_decision(options.decision)
    _say(f"{count} decisions of this person can no longer be read; what was decided, and by which model, stays.")


def _rekey(options: argparse.Namespace) -> None:
    sealing = import_module("credit_risk.ledger.sealing")
    new = sealing.master_key(os.environ, variable=NEW_KEY_VARIABLE)
    with _open(options) as ledger:
        ledger.rekey(new)
    _say("The ledger opens with the new master key alone. Backups made before open with the old one.")


def _benched(options: argparse.Namespace) -> None:
    bench = import_module("credit_risk.ledger.bench")
    package = import_module("credit_risk.ledger.ledger")
    below = options.root / "build"
    below.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=below) as folder:
        url = options.url or f"sqlite:///{Path(folder).absolute()}/bench.db"
        with package.Ledger.open(url, key=secrets.token_bytes(32)) as ledger:
            if ledger.head().seq:
                raise UsageError(f"{ledger.store.place} holds decisions; measure in a database of its own.")
            measured = list(bench.measure(ledger, entries=options.entries))
        _say(bench.table(bench.fdatasync_us(Path(folder)), measured))
