"""What `credit-risk init` and `fork-check` print: the columns of the data, what comes next, what is left to do."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from credit_risk.data.reading.csv_rows import Progress
from credit_risk.fork.check import Left
from credit_risk.fork.drafting.draft import outcome_words
from credit_risk.fork.drafting.profile import Profile
from credit_risk.fork.init import Drafted

MOST = 40  # columns that a screen holds; the config has them all
INSTALLED = [
    "  make config                names what stands open, and what does not fit, by its line",
    "  .venv/bin/dvc add data     take the data in (git keeps only their digest)",
    "  make run                   from data to a decided model; the gate may say no",
    "  make fork-check            what is left to do, each with its command",
]
DRAFTED = [
    "  init without --output      the same draft as configs/credit.yaml, with the data, as the pipeline reads them"
]


def profile_table(made: Drafted, path: Path) -> RenderableType:
    """Rows, outcomes and columns by role, with what a person should look at. path: the file that was read."""
    facts = made.facts
    head = Text(f"{path}: {facts.rows:,} rows, {len(made.profiles)} columns, {facts.bad_rate:.2%} bad", style="bold")
    outcomes = Text("The outcome column says " + "; ".join(outcome_words(facts)))
    table = Table(box=None, pad_edge=False)
    for heading in ("column", "role", "type", "direction", "look at"):
        table.add_column(heading)
    doubtful = sorted(made.profiles, key=lambda profile: not _remarks(profile))
    for profile in doubtful[:MOST]:
        direction = profile.trend.direction or ""
        table.add_row(Text(profile.name), profile.role, profile.kind, direction, Text(_remarks(profile)))
    rest = len(doubtful) - MOST
    return Group(
        head,
        outcomes,
        table,
        *([Text(f"… and {rest} more, without a remark or like these: see the config.")] if rest > 0 else []),
    )


def _remarks(profile: Profile) -> str:
    why = profile.why if profile.role in ("ignore", "proxy", "protected", "applicant") else None
    return "; ".join(filter(None, (why, *profile.notes)))


def next_steps(made: Drafted, config: Path, *, accepted: bool, installed: bool) -> Text:
    """What a person does after the draft. installed: whether it lies where the pipeline reads it, with its data."""
    lines = ["", "Next:"]
    if made.open:
        lines.append(f"  decide what stands as ??? in {config}, {made.open} lines, each with its question")
    if accepted:
        lines.append(
            "  TRIAL: suggestions stand where nobody has decided (see `suggested:`); the gate stays shut for them"
        )
    lines.append(f"  read {config}, line by line")
    lines += INSTALLED if installed else DRAFTED
    return Text("\n".join(lines))


def left(steps: Sequence[Left]) -> RenderableType:
    """What is left to do: what must be done, then what cannot be seen from here, each with its command."""
    if not steps:
        return Text("Nothing is left to do that could be seen from here.")
    parts: list[RenderableType] = []
    for urgency, heading in (("must", "Before anybody is decided about:"), ("look", "Where you may want to look:")):
        of_it = [step for step in steps if step.urgency == urgency]
        if of_it:
            parts.append(Text(heading, style="bold"))
            parts += [Text(f"  {step.what}\n      {step.command}") for step in of_it]
    return Group(*parts)


@contextmanager
def watching(paths: Sequence[Path]) -> Iterator[Progress]:
    """A bar over the bytes of files, where a person is watching."""
    size = sum(path.stat().st_size for path in paths if path.is_file())
    columns = (TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("", total=size)
        yield lambda count: bar.advance(task, count)
