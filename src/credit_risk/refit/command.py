"""`credit-risk refit`: the candidate's recipe on all rows to date."""

from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import GATES, HERE, ConfigFile, Root, add, say
from credit_risk.errors import CheckFailed

MORE = """
A refit has a digest of its own and no test of its own: its gate record marks every figure of the test as its twin's,
and holds it to stay close to the twin. It is signed, and served, only while the gate lets its twin through.

examples:
  credit-risk refit
  credit-risk refit --sign
"""


def add_commands(app: Typer) -> None:
    """Add the command that fits the candidate once more."""
    add(app, "refit", _refit, group=GATES, more=MORE)


def _refit(
    root: Root = HERE,
    config: ConfigFile = None,
    output: Annotated[Path | None, Option(help="The folder of the release (default: build/refit).")] = None,
    sign: Annotated[
        bool, Option("--sign", help="Sign it, if its twin's gate and its own checks let it through.")
    ] = False,
) -> None:
    """Fit the candidate's recipe to all rows to date, after the test; its test figures are marked as its twin's."""
    from datetime import UTC, datetime

    from credit_risk.data.files import Files
    from credit_risk.data.repository import opened
    from credit_risk.refit import refitting
    from credit_risk.scoring import signing

    checked, files = opened(root, config)
    made = refitting.refit(checked, files, output or root / "build" / "refit", datetime.now(UTC).date())
    record = made.record
    rows, twin = record["refit"]["rows"]["all"], record["twin"]["scorer"][:12]
    say(f"{made.folder}: scorer {record['digests']['scorer'][:12]}, a refit of {twin} on {rows:,} rows.")
    say(f"The gate says {record['verdict']}; every figure of the test is that of its twin.")
    if not made.lets_through and sign:
        blocking = [f"{its['name']}: {its['sentence']}" for its in record["checks"] if its["verdict"] != "PASS"]
        raise CheckFailed("\n  ".join(["The gate does not let this refit through.", *record["stale"], *blocking]))
    if sign:
        signatures = signing.sign_release(Files(made.folder), signing.private_key(root))
        say(f"Signed: {', '.join(map(str, signatures))}")
