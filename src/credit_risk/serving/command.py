"""`credit-risk serve`, and `credit-risk keys` for the clients that may ask it."""

import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Option, Typer

from credit_risk.command_line import (
    HERE,
    SERVING,
    Environment,
    Json,
    Root,
    add,
    before_the_verb,
    environment_file,
    say,
    show,
    verbs,
)

KEYS = "Make an API key for a client, list the keys, say what one is for, revoke one."
EXAMPLES = """
examples:
  credit-risk serve
  credit-risk serve --environment container --port 8080 --workers 2
  curl -H 'Content-Type: application/json' -d @application.json http://127.0.0.1:3000/decide

The page is at /, the API's description at /openapi.json, Prometheus metrics at /metrics.
exit codes: 0 it was ended; 1 the gate does not let this scorer serve; 2 it cannot start, and the message says why
"""
REVIEW = (
    "{} from before keys read the decisions of their own client alone: decide each with `credit-risk keys scopes ID`."
)
_Scope = StrEnum("_Scope", {"DECIDE": "decide", "READ": "read", "READ_ALL": "read:all", "ADMIN": "admin"})
Scopes = Annotated[
    list[_Scope],
    Option(help="What it is for; may be repeated. `read` reads its own client's decisions, `read:all` everybody's."),
]
KeyId = Annotated[str, Argument(metavar="ID", help="The middle part of the key, as `list` shows it.")]


def add_commands(app: Typer) -> None:
    """Add the commands of the service."""
    add(app, "serve", _serve, group=SERVING, more=EXAMPLES)
    keys = verbs(app, "keys", help=KEYS, group=SERVING)
    keys.callback()(_keys)
    add(keys, "add", _add)
    add(keys, "list", _list)
    add(keys, "scopes", _scopes)
    add(keys, "revoke", _revoke)


def _serve(
    root: Root = HERE,
    environment: Environment = None,
    host: Annotated[str, Option(help="The address to listen on; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65_535, help="The port.")] = 3000,
    workers: Annotated[
        int | None, Option(min=1, help="Processes that answer (default: serving.workers of the environment).")
    ] = None,
) -> None:
    """Answer applications over HTTP with decisions and their reasons, each recorded before it is answered."""
    os.environ["BENTOML_DO_NOT_TRACK"] = "true"  # before BentoML is imported: it reads this once
    from credit_risk.serving.lightgbm_alone import import_lightgbm_alone

    import_lightgbm_alone()
    from credit_risk.config import permission  # part: roles
    from credit_risk.serving import engine, open_doors, settings
    from credit_risk.serving.clients import access

    path = environment_file(root, environment).absolute()
    serving = settings.load(path)
    open_doors.refuse_open_doors(path, serving, root, host)
    # What cannot work shows here, as a sentence and an exit code, and not in a worker that is started again and again.
    access.guard(serving.access, root)
    # of the part: roles
    if serving.access.jwt is not None and serving.access.jwt.roles_claim is not None:
        permission.scopes_by_roles(path, root)
    # end of part
    tried = engine.opened(root, serving)
    tried.close()
    log = logging.getLogger("credit_risk")
    log.warning("scorer %s; the gate says: %s", tried.by.scorer[:12], tried.gate)
    if sentence := access.open_access_warning(serving.access):
        log.warning(sentence)
    processes = workers or serving.workers
    log.warning("http://%s:%d, %d worker%s", host, port, processes, "s" if processes > 1 else "")
    os.environ |= {
        "CREDIT_RISK_ROOT": str(root.absolute()),
        "CREDIT_RISK_SETTINGS": str(path),
        "CREDIT_RISK_WORKERS": str(processes),
        "CREDIT_RISK_HOST": host,
        "CREDIT_RISK_MASTER": str(os.getpid()),  # this process becomes BentoML's master
        # Its workers' metrics stand there, and BentoML empties it at the start: no two services may share one.
        "BENTOML_HOME": str(Path(os.environ.get("BENTOML_HOME") or Path.home() / "bentoml") / f"serve-{host}-{port}"),
    }
    service = "credit_risk.serving.bento:CreditRisk"
    # A request that is not answered by then is ended, and the batches that are worked on with it.
    flags = ["--host", host, "--port", str(port), "--timeout-graceful-shutdown", str(serving.limits.shutdown_seconds)]
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", service, *flags])  # noqa: S606  (no shell)


def _keys(context: Context, root: Root = HERE, environment: Environment = None) -> None:  # noqa: ARG001
    before_the_verb(context)


def _key_file(root: Path, environment: str | None) -> Path:
    from credit_risk.serving import settings

    return root / settings.load(environment_file(root, environment)).access.keys_file


def _add(
    client: Annotated[str, Argument(help="Who will use it; the name stands in the ledger.")],
    scope: Scopes,
    days: Annotated[int, Option(help="After which it expires.")] = 180,
    root: Root = HERE,
    environment: Environment = None,
    json: Json = False,
) -> None:
    """Make a key and print it; it is shown this once, and kept as a hash."""
    from credit_risk.data.writing import json_text
    from credit_risk.serving.clients import key_file

    key = key_file.add_key(_key_file(root, environment), client, [str(name) for name in scope], days)
    say(json_text({"key": key, "client": client, "scopes": sorted(scope), "days": days}) if json else key)


def _list(root: Root = HERE, environment: Environment = None, json: Json = False) -> None:
    """List the keys: whose, for what, until when, and which read everything only because they are from before."""
    from rich.table import Table

    from credit_risk.data.writing import json_text
    from credit_risk.serving.clients import key_file

    dates = ("made", "expires", "revoked")
    rows = [
        {
            "id": identifier,
            "client": key["client"],
            "scopes": list(key["scopes"]),
            **{name: key_file.day(key[name]) or None for name in dates},
            "review": key_file.to_review(key),
        }
        for identifier, key in key_file.read_keys(_key_file(root, environment)).items()
    ]
    if json:
        say(json_text(rows))
        return
    table = Table("id", "client", "scopes", *dates, "")
    for row in rows:
        marks = *(row[name] or "" for name in dates), "review" if row["review"] else ""
        table.add_row(row["id"], row["client"], ", ".join(row["scopes"]), *marks)
    show(table)
    if count := sum(row["review"] for row in rows):
        say(REVIEW.format("1 key is" if count == 1 else f"{count} keys are"))


def _scopes(identifier: KeyId, scope: Scopes, root: Root = HERE, environment: Environment = None) -> None:
    """Say anew what a key is for; it counts within seconds, and the key stays the same."""
    from credit_risk.serving.clients import key_file

    key_file.change_scopes(_key_file(root, environment), identifier, [str(name) for name in scope])


def _revoke(identifier: KeyId, root: Root = HERE, environment: Environment = None) -> None:
    """Let a key in no more, within seconds."""
    from credit_risk.serving.clients import key_file

    key_file.revoke_key(_key_file(root, environment), identifier)
