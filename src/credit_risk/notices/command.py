"""`credit-risk notices`: the notices of adverse action of a span of days, and what would have changed a decline."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Option, Typer

from credit_risk.command_line import LEDGER, Json, add, before_the_verb, counted, say, verbs, with_shared_options
from credit_risk.ledger.named import UNNAMED, NamedLedger

HELP = "Write the notices that declined applicants get, and say what would have changed a decline."
MORE = """
configs/notices.yaml has sender, deadlines, wordings by language, and what an applicant can change (docs/notices.md).

examples:
  credit-risk notices write --since 2026-11-01 --until 2026-11-30 --language es --pdf
  credit-risk notices would-change 01a21098-f168-7765-8a58-0b9fc0816889
"""
Day = Annotated[datetime | None, Option(formats=["%Y-%m-%d"], help="Declined on this day or later (until: or before).")]
ScorerPath = Annotated[Path | None, Option("--scorer", help="The scorer that decided (default: models/scorer).")]
Language = Annotated[str | None, Option("--language", help="As it stands in configs/notices.yaml (default: its own).")]


def add_commands(app: Typer) -> None:
    """Add `credit-risk notices` with its verbs."""
    notices = verbs(app, "notices", help=HELP, group=LEDGER, more=MORE)
    notices.callback()(with_shared_options(_notices))
    add(notices, "write", _write)
    add(notices, "would-change", _would_change)
    add(notices, "about", _about)


def _notices(
    context: Context,
    named: NamedLedger = UNNAMED,  # noqa: ARG001
) -> None:
    before_the_verb(context)


def _write(
    named: NamedLedger = UNNAMED,
    since: Day = None,
    until: Day = None,
    language: Language = None,
    scorer: Annotated[list[Path] | None, Option(help="Scorers that decided (default: models/scorer).")] = None,
    pdf: Annotated[bool, Option("--pdf", help="PDF by typst instead of HTML.")] = False,
    together: Annotated[int, Option(min=1, help="Notices in a file.")] = 1_000,
    output: Annotated[Path, Option(help="The folder.")] = Path("build") / "notices",
) -> None:
    """Write a notice for each decline of these days, never for a referral; exit code 1 where one has none."""
    from credit_risk.data.repository import opened
    from credit_risk.errors import UsageError
    from credit_risk.notices import bulk
    from credit_risk.notices.settings import load
    from credit_risk.scoring.scorer import Scorer

    days = (since.date() if since else None, until.date() if until else None)
    if since and until and until < since:
        raise UsageError(f"--until {days[1]} lies before --since {days[0]}: no day is in between.")
    config, files = opened(named.root)
    settings = load(named.root, config)
    if (language or settings.own) not in settings.languages:
        raise UsageError(f"there is no wording in {language!r}; known: {', '.join(settings.languages)}.")
    scorers = [Scorer.load(path) for path in scorer or [files.scorer]]
    job = bulk.Job(settings, language or settings.own, {its.digest: its for its in scorers}, output, pdf, together)
    with named.opened("export") as ledger:
        persons = bulk.by_persons(ledger)
        written = job.write(bulk.declines(ledger, *days, persons), persons)
    late = written.late(datetime.now(UTC).date())
    overdue = f"; {late:,} should have gone out before today" if late else ""
    if withdrawn := len(written.approved_since):
        overdue += f"; {withdrawn:,} more {'was' if withdrawn == 1 else 'were'} approved by a person since"
    say(f"{output}: {counted(len(written.notices), 'notice')} in {counted(written.files, 'file')}{overdue}.")
    written.raise_unless_all_were_written()


def _would_change(
    decision: Annotated[str, Argument(help="The decision's id.")],
    named: NamedLedger = UNNAMED,
    scorer: ScorerPath = None,
    language: Language = None,
    json: Json = False,
) -> None:
    """Say which change of what the applicant can change would have been approved, if any is; on request alone."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text
    from credit_risk.errors import CheckFailed
    from credit_risk.notices import variation
    from credit_risk.notices.settings import load
    from credit_risk.scoring.scorer import Scorer

    config, files = opened(named.root)
    settings, decider = load(named.root, config), Scorer.load(scorer or files.scorer)
    with named.opened("read") as ledger:
        record = ledger.get(decision)
    inputs = variation.of_decline(record, decision, decider)
    nearest = variation.nearest(inputs, decider, settings)
    spoken = language or settings.own
    if json:
        say(json_text({"decision": decision, "variation": None if nearest is None else vars(nearest)}))
    elif nearest is not None:
        lines = variation.sentences(nearest, settings, spoken)
        say("\n  ".join([f"{settings.languages[spoken].variation}:", *lines]))
    if nearest is None:
        raise CheckFailed("No change of what the config declares changeable would have been approved.")


def _about(
    applicant: Annotated[str, Argument(help="The lender's reference of the person.")],
    named: NamedLedger = UNNAMED,
    output: Annotated[Path, Option(help="The folder.")] = Path("build") / "about",
) -> None:
    """Export all that the ledger holds about one person, for them to read and to take along (JSON)."""
    from credit_risk.data.repository import opened
    from credit_risk.notices import person

    with named.opened("export") as ledger:
        count = person.export(ledger.decisions_about(applicant), opened(named.root)[0], output)
    say(f"{output}: {counted(count, 'decision')}. It is personal: hand it to nobody else, and delete it afterwards.")
