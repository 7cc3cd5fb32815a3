"""`credit-risk outcomes`: what became of decided applications."""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option, Typer

from credit_risk.command_line import (
    HERE,
    LEDGER,
    STUDIES,
    ConfigFile,
    Environment,
    Json,
    Root,
    WriteDown,
    add,
    say,
    verbs,
)
from credit_risk.errors import CheckFailed, UsageError
from credit_risk.monitoring.options import DeliveredFile, before_each_verb, ledger_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credit_risk.ledger.settings import LedgerSettings
    from credit_risk.monitoring.outcomes.outcome_store import History
    from credit_risk.monitoring.records.frozen_store import Record
    from credit_risk.monitoring.windows.freezing import Frozen

HELP = "Record what became of decided applications, beside the ledger, and count what is recorded."
ADD_MORE = """
Columns: outcome (as the config declares it), month (on book), observed_on (2026-01-31), and decision_id, or applicant
and decided_on (UTC); correction says why a row stands in the place of an earlier one. An outcome is cumulative: the
worst state by the end of that month (ever bad), never the state of that month alone. The same file twice adds nothing.

exit codes: 0 every row is recorded or known; 1 some rows were rejected, the others are recorded; 2 nothing is recorded

example:
  credit-risk outcomes add outcomes.csv --rejects build/rejects.csv
"""

MONITOR_MORE = """
A decision counts once the performance window (outcome.performance_window_months) of its month has passed; younger ones
are counted as immature. What `windows freeze` has counted is taken from there; only the rest is read in the ledger.

examples:
  credit-risk monitor
  credit-risk monitor --as-of 2026-10-31 --environment production
"""


WINDOWS_HELP = "Count the decisions of months that have ended, once: figures that no erasure changes."
FREEZE_MORE = """
What is counted is chained and signed with the ledger's key, beside the outcomes. Each decision is unsealed once, so
name every scorer that decided. Killed at any moment it adds everything or nothing; run it again.

example:
  credit-risk windows freeze --scorer models/scorer --scorer build/champion-3
"""


PROTECTED_HELP = "Record protected attributes that applicants gave, apart from everything that decides."
PROTECTED_MORE = """
Columns: applicant, and any of fairness.attributes in credit.yaml; an empty cell says that nothing was answered. What
was answered is sealed under a key of its own (CREDIT_RISK_PROTECTED_KEY, 64 hex digits), which the service must not
have, and under the person's key in the ledger, so that erasing the person destroys it. `windows freeze` counts
decisions by group.

exit codes: 0 every row is recorded or known; 1 some rows were rejected; 2 nothing is recorded

example:
  credit-risk protected add self-identified.csv
"""


STUDY_MORE = """
Alarms are those of `detection` in configs/monitoring.yaml: false ones over years in which nothing changed, and the days
until a fall of four points in approvals is noticed. No ledger is read.
"""
GROWTH_MORE = """
Plays months of decisions and outcomes in a ledger of its own, and measures each month's `windows freeze` and `monitor`:
the processor time of counting has to grow with the decisions, not faster (docs/monitoring.md).

exit codes: 0 it does; 1 it grows faster than to the power of 1.05
"""


def add_commands(app: Typer) -> None:
    """Add the commands of what happens after a decision."""
    outcomes = verbs(app, "outcomes", help=HELP, group=LEDGER)
    outcomes.callback()(before_each_verb)
    add(outcomes, "add", _add, more=ADD_MORE)
    add(outcomes, "show", _show)
    add(outcomes, "backup", _backup)
    windows = verbs(app, "windows", help=WINDOWS_HELP, group=LEDGER)
    windows.callback()(before_each_verb)
    add(windows, "freeze", _freeze, more=FREEZE_MORE)
    add(windows, "show", _show_windows)
    protected = verbs(app, "protected", help=PROTECTED_HELP, group=LEDGER)
    protected.callback()(before_each_verb)
    add(protected, "add", _add_protected, more=PROTECTED_MORE)
    add(app, "monitor", _monitor, group=LEDGER, more=MONITOR_MORE)
    add(app, "monitor-study", _study, group=STUDIES, more=STUDY_MORE)
    add(app, "monitor-growth", _growth, group=STUDIES, more=GROWTH_MORE)


def _add(
    delivered: DeliveredFile,
) -> None:
    """Record the outcomes of a file; a correction is a new fact that keeps the old."""
    from credit_risk.data.repository import opened
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.outcomes import adding
    from credit_risk.monitoring.outcomes.outcome_store import Outcomes

    credit, _ = opened(delivered.root, delivered.config)
    settings = ledger_settings(delivered.root, delivered.environment)
    with (
        open_ledger(delivered.root, settings, os.environ, create=False) as ledger,
        Outcomes(_url(delivered.root, settings), busy_timeout_s=settings.busy_timeout_s) as store,
    ):
        totals = adding.add(ledger, store, delivered.file, credit, today=datetime.now(UTC).date())
    adding.write_rejects(delivered.rejects_file, totals)
    delivered.say(totals.as_dict(), totals.rejected)


def _show(root: Root = HERE, environment: Environment = None, json: Json = False) -> None:
    """Verify the outcomes that are recorded, and count them; exit 1 if they are not those that were delivered."""
    from credit_risk.data.writing import json_text
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.outcomes import adding, deliveries
    from credit_risk.monitoring.records.beside_ledger import is_begun

    settings = ledger_settings(root, environment)
    signed = 0
    if is_begun(_url(root, settings)):
        with open_ledger(root, settings, os.environ, create=False) as ledger:
            signed = deliveries.verify(ledger, busy_timeout_s=settings.busy_timeout_s)
    counts = {**adding.summary(_histories(root, settings)), "signed": signed}
    say(json_text(counts) if json else "\n".join(f"{name}: {count}" for name, count in counts.items()))


def _backup(
    file: Annotated[Path, Argument(help="Where the copy goes.")], root: Root = HERE, environment: Environment = None
) -> None:
    """Verify and copy outcomes and frozen months of a ledger in SQLite; put back, the copy is outcomes.db."""
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.outcomes import deliveries

    settings = ledger_settings(root, environment)
    with open_ledger(root, settings, os.environ, create=False) as ledger:
        signed = deliveries.backup(ledger, file, busy_timeout_s=settings.busy_timeout_s)
    say(f"{file}: {signed} outcomes, and the frozen months.")


def _freeze(
    root: Root = HERE,
    config: ConfigFile = None,
    environment: Environment = None,
    scorer: Annotated[
        list[Path] | None, Option(help="A scorer that decided; may be repeated (default: models/scorer).")
    ] = None,
    as_of: Annotated[
        datetime | None, Option(formats=["%Y-%m-%d"], help="Months that had ended on this day (default: today, UTC).")
    ] = None,
    json: Json = False,
) -> None:
    """Count what was decided since the last time, up to the first decision of the month that still runs."""
    from credit_risk.data.repository import opened
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.outcomes import maturing
    from credit_risk.monitoring.outcomes.deliveries import CheckedOutcomes
    from credit_risk.monitoring.records.frozen_store import FrozenRecords
    from credit_risk.monitoring.settings import load
    from credit_risk.monitoring.windows import freezing, groups
    from credit_risk.monitoring.windows.drift_windows import DriftWindows
    from credit_risk.scoring.scorer import Scorer

    credit, files = opened(root, config)
    judged_by, settings = load(root / "configs" / "monitoring.yaml"), ledger_settings(root, environment)
    scorers = [Scorer.load(path) for path in scorer or [files.scorer]]
    windows = {each.digest: DriftWindows.of(each) for each in scorers}
    now = datetime.now(UTC)
    day = min(as_of.replace(tzinfo=UTC), now).date() if as_of else now.date()
    with (
        open_ledger(root, settings, os.environ, create=False) as ledger,
        FrozenRecords(ledger, busy_timeout_s=settings.busy_timeout_s) as store,
        CheckedOutcomes(ledger, busy_timeout_s=settings.busy_timeout_s) as outcomes,
    ):
        known, end = store.read()
        smallest, timeout = judged_by.smallest_window, settings.busy_timeout_s
        with groups.counting(ledger, credit.fairness, os.environ, busy_timeout_s=timeout) as by_group:
            frozen = freezing.freeze(ledger, known, windows, day, smallest=smallest, groups=by_group)
        months = [record["month"] for record in freezing.windows_of([*known, *frozen.records])]
        matured = maturing.mature(ledger, outcomes, known, months, date.max, smallest=smallest)
        end = store.add([*frozen.records, *matured], end)
    _say_frozen(frozen, matured, str(end), json=json)


def _say_frozen(frozen: "Frozen", matured: "Sequence[Record]", head: str, *, json: bool) -> None:
    from credit_risk.data.writing import json_text

    counts = {
        "records": len(frozen.records) + len(matured),
        "decisions": sum(record["decisions"] for record in frozen.records),
        "accounts": sum(record["accounts"] for record in matured),
        "entries_until": frozen.until.seq,
    }
    counted = f"{counts['decisions']} decisions counted, and news of {counts['accounts']} accounts."
    say(json_text({**counts, "head": head}) if json else f"{counted} The chain ends at {head}")


def _add_protected(
    delivered: DeliveredFile,
) -> None:
    """Record what applicants said of themselves; a later answer stands in the place of an earlier."""
    from credit_risk.data.repository import opened
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.ledger.sealing import master_key
    from credit_risk.monitoring.protected import protected_file
    from credit_risk.monitoring.protected.protected_store import VARIABLE, ProtectedAttributes

    credit, _ = opened(delivered.root, delivered.config)
    settings = ledger_settings(delivered.root, delivered.environment)
    key = master_key(os.environ, variable=VARIABLE)
    with (
        open_ledger(delivered.root, settings, os.environ, create=False) as ledger,
        ProtectedAttributes(ledger, key, busy_timeout_s=settings.busy_timeout_s) as store,
    ):
        store.forget_erased()
        recorded = protected_file.add(store, delivered.file, credit)
    protected_file.write_rejects(delivered.rejects_file, recorded)
    delivered.say(recorded.as_dict(), len(recorded.rejects))


def _show_windows(
    root: Root = HERE,
    environment: Environment = None,
    heads: Annotated[Path | None, Option(help="A file of heads that the records must continue.")] = None,
    write_down: WriteDown = None,
    json: Json = False,
) -> None:
    """Verify the records and list them; exit 1 if they do not hold."""
    from credit_risk.data.writing import json_text
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring.records.frozen_store import FrozenRecords
    from credit_risk.scoring import signed_chain

    settings = ledger_settings(root, environment)
    with (
        open_ledger(root, settings, os.environ, create=False) as ledger,
        FrozenRecords(ledger, busy_timeout_s=settings.busy_timeout_s) as store,
    ):
        records, end = store.read(signed_chain.written_down(heads) if heads else ())
    if write_down:
        signed_chain.write_down(end, write_down)
    lines = [_record_line(record) for record in records]
    say(json_text(records) if json else "\n".join([*lines, f"The chain ends at {end}"]))


def _record_line(record: "Record") -> str:
    what = f"{record['decisions']} decisions" if "decisions" in record else f"news of {record['accounts']} accounts"
    return f"{record['month']}: {what}, scorer {record['scorer'][:12]}"


def _monitor(
    root: Root = HERE,
    config: ConfigFile = None,
    environment: Environment = None,
    as_of: Annotated[
        datetime | None, Option(formats=["%Y-%m-%d"], help="What was known on this day (default: today, UTC).")
    ] = None,
    scorer: Annotated[
        Path | None, Option(help="Whose decisions are compared with its training rows (default: models/scorer).")
    ] = None,
    output: Annotated[
        Path | None, Option(help="Where the report goes (default: reports/monitoring.json); the page lies beside it.")
    ] = None,
    json: Json = False,
) -> None:
    """Set what was foretold of decided applications against what came of them; measure drift by month."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text, read_json, write_report, write_text
    from credit_risk.ledger.opening import open_ledger
    from credit_risk.monitoring import monitor, page
    from credit_risk.monitoring.settings import load
    from credit_risk.monitoring.windows.drift_windows import DriftWindows
    from credit_risk.scoring.scorer import Scorer

    credit, files = opened(root, config)
    judged_by = load(root / "configs" / "monitoring.yaml")
    settings = ledger_settings(root, environment)
    day = (as_of or datetime.now(UTC)).date()
    fitted = scorer or files.scorer
    drift = DriftWindows.of(Scorer.load(fitted)) if scorer or fitted.exists() else None
    timeout = settings.busy_timeout_s
    with open_ledger(root, settings, os.environ, create=False) as ledger:
        report = monitor.of_ledger(ledger, credit, judged_by, as_of=day, drift=drift, busy_timeout_s=timeout)
    path = output or files.report("monitoring")
    write_report(path, report)
    write_text(path.with_suffix(".html"), page.page(read_json(path), credit.project.title))
    say(json_text(report) if json else f"{report['counts']['decisions']} decisions until {day}: {path}.")


def _study(
    root: Root = HERE,
    config: ConfigFile = None,
    years: Annotated[int, Option(min=2, help="Simulated years of decisions, 200 a day.")] = 200,
    seeds: Annotated[int, Option(min=2, help="Simulated vintages on which intervals are tried.")] = 500,
) -> None:
    """Measure on simulated lenders how often alarms, intervals and estimates are right."""
    from credit_risk.data.repository import opened
    from credit_risk.data.writing import json_text
    from credit_risk.monitoring import study
    from credit_risk.monitoring.performance.estimates import Assumed
    from credit_risk.monitoring.settings import load

    credit, _ = opened(root, config)
    settings = load(root / "configs" / "monitoring.yaml")
    if settings.detection is None:
        raise UsageError("configs/monitoring.yaml has no `detection`, so there are no alarms to study.")
    assumed = Assumed(credit.policy, study.evaluation_of(credit.evaluation), settings.asset_correlation)
    say(json_text(study.run(assumed, settings.detection, years=years, seeds=seeds)))


def _growth(
    root: Root = HERE,
    months: Annotated[int, Option(min=16, help="Months that are played.")] = 24,
    per_month: Annotated[int, Option(min=100, help="Decisions of a month.")] = 40_000,
    json: Json = False,
) -> None:
    """Measure what monitoring takes as a ledger grows."""
    import tempfile
    from dataclasses import asdict
    from itertools import islice

    from credit_risk.data.files import Files
    from credit_risk.data.writing import json_text
    from credit_risk.monitoring import growth
    from credit_risk.scoring.scorer import Scorer
    from credit_risk.serving.requests import examples

    path = Files(root).scorer
    applications = list(islice(examples.of_scorer(path, seed=1), growth.APPLICATIONS))
    with tempfile.TemporaryDirectory(prefix="credit-risk-growth-") as folder:
        runs = list(growth.measure(Path(folder), Scorer.load(path), applications, months=months, per_month=per_month))
    power, last = growth.exponent(runs), runs[-1]
    figures = {"exponent": power, "peak_mb": growth.peak_mb(), "runs": [asdict(run) for run in runs]}
    new = f"100,000 new decisions are counted in {last.counting_s / per_month * 1e5:.1f} s of processor time"
    report = f"the report of {months} months takes {last.report_s:.1f} s, {figures['peak_mb']:,.0f} MB at most"
    grows = f"counting grows by the power of {power:.3f}"
    say(json_text(figures) if json else f"{last.decisions:,} decisions: {new}, {report}; {grows}.")
    if power > growth.MOST:
        raise CheckFailed(f"Monitoring grows by the power of {power:.3f}, at most {growth.MOST} is allowed.")


def _histories(root: Path, settings: "LedgerSettings") -> "dict[str, History]":
    """All facts by decision; none where no outcome was ever added, and then nothing is made."""
    from credit_risk.monitoring.outcomes.outcome_store import Outcomes
    from credit_risk.monitoring.records.beside_ledger import is_begun

    url = _url(root, settings)
    if not is_begun(url):
        return {}
    with Outcomes(url, busy_timeout_s=settings.busy_timeout_s) as store:
        return store.histories()


def _url(root: Path, settings: "LedgerSettings") -> str:
    from credit_risk.config.environment import url_below

    return url_below(root, settings.url)
