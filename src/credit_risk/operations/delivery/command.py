"""`credit-risk metrics`: how fast changes arrive, how often they fail, how long the pipeline takes."""

import os
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import OPERATIONS, Json, add, say
from credit_risk.rollout.options import ON_THIS_MACHINE, NamedEnvironment

MORE = """
Read from git, the registry's history, the audit trail of rollouts, measured runs, build/coverage.xml and, with GH_TOKEN
and GITHUB_REPOSITORY, GitHub's runs. What has no record is said to have none, and is never 0. Everything is written to
build/operations/metrics.json, .prom (for Prometheus' textfile collector) and .html; the flags choose what is printed.

examples:
  credit-risk metrics
  credit-risk metrics --pipeline-duration --test-coverage --build-success
  credit-risk metrics --days 365 --environment production --json
"""


def add_commands(app: Typer) -> None:
    """Add the command that collects the pipeline's metrics."""
    add(app, "metrics", _metrics, group=OPERATIONS, more=MORE)


def _metrics(
    named: NamedEnvironment = ON_THIS_MACHINE,
    pipeline_duration: Annotated[bool, Option("--pipeline-duration", help="How long runs take; cache hits.")] = False,
    test_coverage: Annotated[bool, Option("--test-coverage", help="The share of lines that tests reach.")] = False,
    build_success: Annotated[bool, Option("--build-success", help="The share of runs that end well.")] = False,
    days: Annotated[int, Option(min=7, max=3_660, help="How far back.")] = 90,
    as_json: Json = False,
) -> None:
    """Collect how long the pipeline takes, how often it fails, and how fast changes reach applicants."""
    from datetime import UTC, datetime, timedelta

    from credit_risk.data.writing import json_text
    from credit_risk.operations.delivery import collecting, report
    from credit_risk.operations.use_record import FOLDER

    now = datetime.now(UTC)
    since = now - timedelta(days=days)
    site = named.site()
    sources = collecting.read(site, os.environ, since)
    measured = collecting.measure(site, sources, since, now)
    figures = report.figures_of(measured, sources, site.environment.environment, since, now)
    report.write(site.root, figures)
    chosen = {"pipeline-duration": pipeline_duration, "test-coverage": test_coverage, "build-success": build_success}
    groups = [name for name, is_chosen in chosen.items() if is_chosen] or [*chosen, "delivery"]
    if as_json:
        say(json_text(figures | {"metrics": {n: m for n, m in figures["metrics"].items() if m["group"] in groups}}))
    else:
        say("\n".join([*report.sentences(figures, groups), f"{FOLDER / 'metrics.html'} shows everything."]))
