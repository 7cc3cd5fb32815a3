"""The measurements: `credit-risk bench`, `gate-power`, `reject-inference`, `plain-models` and `ledger bench`."""

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
REJECT_EXAMPLE = """
Fits three scorecards: to accepted applications alone, with each rejected one as a bad of weight PD and a good of weight
1 - PD (fuzzy augmentation), and with bads drawn by band of score (parcelling). Of everybody who applied it gives
bounds: the least and the most that bad rate and AUC can be, whatever became of the rejected. Writes
reports/parts/reject_inference.json; no model that decides is changed.

example:
  credit-risk reject-inference --column decision --word rejected --factor 1.5
"""
PLAIN_EXAMPLE = """
example:
  credit-risk plain-models
"""
LEDGER_BENCH_MORE = """
Without --url it measures a throw-away SQLite ledger below build/; a ledger that holds decisions is refused.
"""


def add_commands(app: Typer) -> None:
    """Add the maintainers' measurements."""
    add(app, "bench", _bench, group=STUDIES)
    add(app, "gate-power", _gate_power, group=STUDIES, more=POWER_EXAMPLE)
    add(app, "reject-inference", _reject_inference, group=STUDIES, more=REJECT_EXAMPLE)
    add(app, "plain-models", _plain_models, group=STUDIES, more=PLAIN_EXAMPLE)
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


def _reject_inference(
    column: Annotated[str, Option(help="The column that says what was decided.")],
    word: Annotated[str, Option(help="What it says of a rejected application.")],
    factor: Annotated[
        float, Option(min=1, help="Odds of bad of a rejected application over what the accepted foretell.")
    ] = 1.0,
    root: Root = HERE,
    config: ConfigFile = None,
) -> None:
    """Study what the outcomes of rejected applications, inferred, would change."""
    from credit_risk.data.repository import opened
    from credit_risk.studies import reject_inference

    for sentence in reject_inference.sentences(
        reject_inference.run(*opened(root, config), column=column, word=word, factor=factor)
    ):
        say(sentence)


def _plain_models(root: Root = HERE, config: ConfigFile = None) -> None:
    """Compare the last run's candidate with a plain LightGBM and a plain logistic regression on the same rows."""
    from credit_risk.data.repository import opened
    from credit_risk.studies import plain_models

    for sentence in plain_models.sentences(plain_models.run(*opened(root, config))):
        say(sentence)


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
