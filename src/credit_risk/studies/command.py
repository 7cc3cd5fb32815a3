"""The maintainers' measurements: `credit-risk bench` and `credit-risk gate-power`."""

from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import HERE, STUDIES, ConfigFile, Root, add, say

POWER_EXAMPLE = """
example:
  credit-risk gate-power --quick
"""


def add_commands(app: Typer) -> None:
    """Add the maintainers' measurements."""
    add(app, "bench", _bench, group=STUDIES)
    add(app, "gate-power", _gate_power, group=STUDIES, more=POWER_EXAMPLE)


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
