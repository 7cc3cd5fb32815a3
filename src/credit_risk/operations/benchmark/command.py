"""`credit-risk benchmark`: has deciding become slower or hungrier?"""

from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import HERE, OPERATIONS, Json, Root, add, say
from credit_risk.errors import CheckFailed

MORE = """
Latency, throughput, memory and processor time of decisions, each as a multiple of a reference that is measured in
turns with it, so that a busy machine changes little. A quantity that is more than 15 % above the baseline is a
regression. Each run is kept, and drawn in build/operations/benchmark.html. --power plants slowdowns and counts what is
found (minutes).

examples:
  credit-risk benchmark --save-baseline
  credit-risk benchmark
  credit-risk benchmark --power 20

exit codes: 0 no regression; 1 a regression, or with --power a slowdown that was not found or noise that was called one;
2 it could not be measured, or there is no baseline
"""


def add_commands(app: Typer) -> None:
    """Add the command that measures what deciding takes."""
    add(app, "benchmark", _benchmark, group=OPERATIONS, more=MORE)


def _benchmark(
    root: Root = HERE,
    scorer: Annotated[Path | None, Option(help="The scorer directory (default: models/scorer).")] = None,
    baseline: Annotated[
        Path | None, Option(help="The stored baseline (default: build/operations/benchmark-baseline.json).")
    ] = None,
    save_baseline: Annotated[bool, Option("--save-baseline", help="Store this run as the baseline.")] = False,
    power: Annotated[
        int | None, Option(min=1, help="Measure the benchmark itself instead, with so many runs each.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare what deciding takes with a stored baseline, both as multiples of a reference in the same run."""
    from credit_risk.data.files import Files
    from credit_risk.data.writing import json_text
    from credit_risk.operations.benchmark import history
    from credit_risk.operations.use_record import FOLDER

    path = scorer or Files(root).scorer
    if power:
        figures = history.power(root, path, power)
        say(json_text(figures) if as_json else history.power_sentence(figures))
        if not figures["sound"]:
            raise CheckFailed("The benchmark is not sound on this machine.")
        return
    stored = baseline or root / FOLDER / "benchmark-baseline.json"
    run = history.measure(root, path, stored, save=save_baseline)
    say(json_text(run.as_dict()) if as_json else run.sentence)
    if run.regressions:
        raise CheckFailed(f"Regression: {', '.join(f'{name} {by:+.0%}' for name, by in run.regressions.items())}.")
