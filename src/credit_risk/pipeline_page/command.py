"""`credit-risk pipeline` and `credit-risk stage`: the pipeline as a page, and a new stage."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Option, Typer

from credit_risk.command_line import HERE, MODEL, ConfigFile, Root, add, before_the_verb, say, verbs

PIPELINE_MORE = """
Nothing is run. What is stale, and why, is `dvc status`'s answer. Links are made for the folder in which the page lies.

examples:
  credit-risk pipeline
  credit-risk pipeline --output build/pipeline.html
"""
NEW_MORE = """
example:
  credit-risk stage new concentration --purpose "How much of the book hangs on few applicants"
"""


def add_commands(app: Typer) -> None:
    """Add the page of the pipeline, and what makes a new stage."""
    add(app, "pipeline", _pipeline, group=MODEL, more=PIPELINE_MORE)
    stage = verbs(app, "stage", help="Add a stage of your own to the pipeline.", group=MODEL, more=NEW_MORE)
    stage.callback()(_stage)
    add(stage, "new", _new, more=NEW_MORE)


def _pipeline(
    root: Root = HERE,
    config: ConfigFile = None,
    output: Annotated[Path | None, Option(help="Where the page goes (default: reports/pipeline.html).")] = None,
) -> None:
    """Write the pipeline as a page: stages, what is stale and why, digests, times, outputs and docs."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import write_text
    from credit_risk.pipeline_page import page, state

    checked, files = opened(root, config)
    path = output or files.reports / "pipeline.html"
    stages = state.read(root)
    write_text(path, page.page(checked, root.absolute(), path.absolute().parent, stages))
    for stage in stages:
        say(f"{stage.state:<11} {stage.name}{': ' if stage.reasons else ''}{'; '.join(stage.reasons)}")
    say(str(path))


def _stage(context: Context, root: Root = HERE) -> None:  # noqa: ARG001  (read from the context)
    before_the_verb(context)


def _new(
    name: Annotated[str, Argument(help="Lower-case words with hyphens.")],
    purpose: Annotated[str, Option(help="What it is for, in one breath: a sentence of 20 to 100 letters.")],
    root: Root = HERE,
) -> None:
    """Make a stage that runs: module, test, command, entry in dvc.yaml, heading in docs/pipeline.md."""
    from credit_risk.pipeline_page import scaffold

    files = scaffold.new_stage(root, name, purpose)
    scaffold.write(files)
    for file in files:
        say(str(file.path))
    say(f"`dvc repro {name}` runs it.")
