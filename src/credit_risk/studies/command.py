"""The maintainers' measurements: `credit-risk bench`, `credit-risk gate-power` and `credit-risk ledger bench`."""

import secrets
import tempfile
from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import HERE, STUDIES, ConfigFile, Root, add, say, verbs_of
from credit_risk.errors import UsageError

POWER_EXAMPLE = """
example:
  credit-risk gate-power --quick
"""
LEDGER_BENCH_MORE = """
Without --url it measures a throw-away SQLite ledger below build/; a ledger that holds decisions is refused.
"""


def add_commands(app: Typer) -> None:
    """Add the maintainers' measurements."""
    add(app, "bench", _bench, group=STUDIES)
    add(app, "gate-power", _gate_power, group=STUDIES, more=POWER_EXAMPLE)
    ledger = verbs_of(app, "ledger")
    add(ledger, "bench", _ledger_bench, more=LEDGER_BENCH_MORE)


def _bench(
    root: Root = HERE,
    config: ConfigFile = None,
    rows: Annotated[list[int] | None, Option(help="Sizes to measure (default: 30000 300000 3000000).")] = None,
) -> None:
    """Measure the pipeline against bare LightGBM, and how it grows."""
    from credit_risk.data.repository import opened
    from credit_risk.studies import pipeline_bench

    pipeline_bench.run(*opened(root, config), rows=rows or [30_000, 300_000, 3_000_000])


def _gate_power(
    root: Root = HERE,
    config: ConfigFile = None,
    quick: Annotated[bool, Option("--quick", help="A tenth of the draws, and no documents: does it run?")] = False,
    workers: Annotated[int, Option(help="Processes that share the work.")] = 2,
    docs_only: Annotated[bool, Option("--docs-only", help="Write the page again from build/gate-power.json.")] = False,
) -> None:
    """Measure how often the statistical gates are wrong, on simulated lenders whose truth is known."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import write_json
    from credit_risk.studies import gate_power

    settings, files = opened(root, config)
    if not docs_only:
        plan = gate_power.QUICK if quick else gate_power.StudyPlan()
        measured = gate_power.run(settings, files, plan, workers=workers)
        if quick:
            say("It runs. So few draws are no evidence, and nothing was written.")
            return
        write_json(files.root / gate_power.FIGURES, measured)
    say(str(gate_power.write_documents(files.root)))


def _ledger_bench(
    entries: Annotated[int, Option(help="Decisions for each number of submitters.")] = 3_000,
    root: Root = HERE,
    url: Annotated[str | None, Option(help="The ledger, as sqlite:///build/ledger/ledger.db.")] = None,
) -> None:
    """Measure durable decisions a second, and what fdatasync costs here."""
    from credit_risk.ledger.ledger import Ledger
    from credit_risk.studies import ledger_bench

    below = root / "build"
    below.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=below) as folder:
        address = url or f"sqlite:///{Path(folder).absolute()}/bench.db"
        with Ledger.open(address, key=secrets.token_bytes(32)) as ledger:
            if ledger.head().seq:
                raise UsageError(f"{ledger.store.address} holds decisions; measure in a database of its own.")
            measured = list(ledger_bench.measure(ledger, entries=entries))
        say(ledger_bench.table(ledger_bench.fdatasync_us(Path(folder)), measured))
