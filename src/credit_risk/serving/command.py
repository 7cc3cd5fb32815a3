"""The sub-commands of this room: `credit-risk serve`, and `credit-risk keys` for those who may ask it."""

import argparse
import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from credit_risk.command_line import Commands, command
from credit_risk.config.environment import DEFAULT
from credit_risk.errors import UsageError

SERVE = "answer applications over HTTP with decisions and their reasons, each recorded before it is answered"
KEYS = "the API keys of clients: make one, list them, revoke one"
EXAMPLES = """
examples:
  credit-risk serve
  credit-risk serve --config configs/deploy/local.yaml --port 8080 --workers 2
  curl -H 'Content-Type: application/json' -d @application.json http://127.0.0.1:3000/decide

The page is at /, the API's description at /openapi.json, Prometheus metrics at /metrics.
exit codes: 0 it was ended; 1 the gate does not let this scorer serve; 2 it cannot start, and the message says why
"""


def register(commands: Commands) -> None:
    """Add the sub-commands to the one command line."""
    serve = command(commands, "serve", SERVE, _serve, epilog=EXAMPLES)
    _places(serve, Path(), None)
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine alone)")
    serve.add_argument("--port", type=int, default=3000, help="the port (default: 3000)")
    serve.add_argument("--workers", type=int, help="processes that answer (default: serving.workers of the settings)")
    _keys(commands)


def _places(parser: argparse.ArgumentParser, root: Any, settings: Any) -> None:
    parser.add_argument("--root", type=Path, default=root, help="the repository's root (default: this folder)")
    parser.add_argument(
        "--config",
        "--settings",
        dest="settings",
        type=Path,
        default=settings,
        help="the environment (default: configs/deploy/local.yaml below the root)",
    )


def _keys(commands: Commands) -> None:
    keys = command(commands, "keys", KEYS, _nothing_said)
    _places(keys, Path(), None)
    verbs = keys.add_subparsers(title="what to do", metavar="VERB", help="each has a --help of its own")
    add = command(verbs, "add", "make a key and print it; it is shown this once, and kept as a hash", _add)
    add.add_argument("client", help="who will use it; the name stands in the ledger")
    add.add_argument("--scope", action="append", required=True, choices=["decide", "read", "admin"], help="repeatable")
    add.add_argument("--days", type=int, default=180, help="after which it expires (default: 180)")
    listed = command(verbs, "list", "list the keys: whose, for what, until when", _list)
    revoke = command(verbs, "revoke", "let a key in no more, within seconds", _revoke)
    revoke.add_argument("id", help="the middle part of the key, as `list` shows it")
    for verb in (add, listed, revoke):
        _places(verb, argparse.SUPPRESS, argparse.SUPPRESS)  # what was said before the verb stays


def _nothing_said(_: argparse.Namespace) -> None:
    raise UsageError("credit-risk keys needs a verb: add, list or revoke. See credit-risk keys --help.")


def _serve(options: argparse.Namespace) -> None:
    # Late: `--help` need not wait for BentoML, and telemetry must be off before it is imported.
    os.environ["BENTOML_DO_NOT_TRACK"] = "true"
    settings = import_module("credit_risk.serving.settings")
    access = import_module("credit_risk.serving.access")
    engine = import_module("credit_risk.serving.engine")
    path = (options.settings or options.root / DEFAULT).absolute()
    found = settings.load(path)
    # What cannot work shows here, as a sentence and an exit code, and not in a worker that is started again and again.
    access.guard(found.access, options.root)
    made = engine.opened(options.root, found)
    made.close()
    log = logging.getLogger("credit_risk")
    log.warning("scorer %s; the gate says: %s", made.by.scorer[:12], made.gate)
    if sentence := access.open_access_warning(found.access):
        log.warning(sentence)
    workers = options.workers or found.workers
    log.warning("http://%s:%d, %d worker%s", options.host, options.port, workers, "s" if workers > 1 else "")
    os.environ |= {
        "CREDIT_RISK_ROOT": str(options.root.absolute()),
        "CREDIT_RISK_SETTINGS": str(path),
        "CREDIT_RISK_WORKERS": str(workers),
        "CREDIT_RISK_MASTER": str(os.getpid()),  # BentoML's master takes the place of this process
    }
    service = "credit_risk.serving.bento:CreditRisk"
    flags = ["--host", options.host, "--port", str(options.port)]
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", service, *flags])  # noqa: S606  (no shell)


def _file(options: argparse.Namespace) -> Path:
    settings = import_module("credit_risk.serving.settings")
    found = settings.load(options.settings or options.root / DEFAULT)
    return Path(options.root / found.access.keys_file)


def _add(options: argparse.Namespace) -> None:
    access = import_module("credit_risk.serving.access")
    Console(highlight=False, soft_wrap=True).print(
        access.add_key(_file(options), options.client, options.scope, options.days)
    )


def _list(options: argparse.Namespace) -> None:
    access = import_module("credit_risk.serving.access")
    table = Table("id", "client", "scopes", "made", "expires", "revoked")
    for identifier, key in access.read_keys(_file(options)).items():
        days = (access.day(key[name]) for name in ("made", "expires", "revoked"))
        table.add_row(identifier, key["client"], ", ".join(key["scopes"]), *days)
    Console(highlight=False).print(table)


def _revoke(options: argparse.Namespace) -> None:
    import_module("credit_risk.serving.access").revoke_key(_file(options), options.id)
