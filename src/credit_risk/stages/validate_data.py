"""Whether a data set is what the config says: contract, cross-field rules, drift."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from credit_risk.compliance import answers, controls  # part: compliance
from credit_risk.config import Config
from credit_risk.config.columns import Source
from credit_risk.data import contract, digest, provenance
from credit_risk.data.contract import ContractReport, Finding
from credit_risk.data.files import Files
from credit_risk.data.inputs import numbers
from credit_risk.data.reading import tables
from credit_risk.data.reading.csv_rows import Progress
from credit_risk.data.reading.tables import Reading, no_progress
from credit_risk.data.writing import read_json, remove, write_json
from credit_risk.errors import CheckFailed, DataError, NotFound, UsageError
from credit_risk.measures import drift


@dataclass(frozen=True)
class Report:
    """What was checked of a data set, and everything that was found."""

    sources: tuple[dict[str, Any], ...]
    config_digest: str
    commit: str | None  # part: compliance
    contract: ContractReport
    drift: tuple[drift.Shift, ...] | None
    compliance: tuple[controls.Verdict, ...]  # part: compliance
    control_totals: dict[str, Any]

    @property
    def drift_note(self) -> str:
        if self.drift is None:
            return "not assessed: no reference"
        moved = sum(shift.verdict == "FAIL" for shift in self.drift)
        unsure = sum(shift.verdict == "CANNOT SAY" for shift in self.drift)
        return f"{len(self.drift)} columns compared, {moved} drifted, {unsure} cannot be judged at this sample size"

    @property
    def problems(self) -> tuple[str, ...]:
        """Every reason why the data set does not pass, a sentence each; an unclear drift is one."""
        problems = [str(finding) for finding in self.contract.failures]
        problems += [_drift_sentence(shift) for shift in self.drift or () if shift.verdict != "PASS"]
        problems += [str(its) for its in controls.failures(self.compliance)]  # part: compliance
        return tuple(problems)

    @property
    def passed(self) -> bool:
        return not self.problems

    @property
    def exit_code(self) -> int:
        """0: all checks passed; 1: some did not. What could not be checked at all is an error, with exit code 2."""
        return 0 if self.passed else 1

    def as_dict(self) -> dict[str, Any]:
        """For machines. The commit stands in it only where traceability was asked for: data do not change with it."""
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "sources": list(self.sources),
            "config_digest": self.config_digest,
            "contract": self.contract.as_dict(),
            "drift": {"note": self.drift_note, "columns": [asdict(shift) for shift in self.drift or ()]},
            "compliance": [verdict.as_dict() for verdict in self.compliance],  # part: compliance
            "control_totals": self.control_totals,
            **({"commit": self.commit} if self.compliance else {}),  # part: compliance
        }


def run(config: Config, files: Files) -> None:
    """Check the data set against its contract and rules (DVC stage `validate-data`).

    What passes is handed on as files.table, so that no later stage parses the raw files again.
    Raises CheckFailed, after the report is written, if anything is wrong. Drift is no matter of this stage: the
    reference is made by the training that follows.
    """
    report = validate(config, files, table=files.table)
    path = files.report("validation")
    write_json(path, report.as_dict())
    raise_unless_passed(report, path.relative_to(files.root))


def raise_unless_passed(report: Report, path: Path | None = None) -> None:
    """Raise CheckFailed with the first problems in one sentence each."""
    if report.passed:
        return
    count = len(report.problems)
    more = f"\n  and {count - 5} more" if count > 5 else ""
    lines = "".join(f"\n  {problem}" for problem in report.problems[:5])
    where = f" All stand in {path}." if path else ""
    what = "1 problem" if count == 1 else f"{count} problems"
    raise CheckFailed(f"The data do not pass: {what}.{where}{lines}{more}")


def validate(
    config: Config,
    files: Files,
    *,
    paths: Sequence[Path] = (),
    rules: bool = True,
    reference: Path | None = None,
    drift_threshold: float | None = None,
    frameworks: Sequence[str] = (),  # part: compliance
    today: date | None = None,
    table: Path | None = None,
    progress: Progress = no_progress,
    reading: Reading | None = None,
) -> Report:
    """Everything that is wrong with a data set, at once.

    paths: files to check in place of the config's own, one for each, or a single one that is joined already.
    rules: whether the cross-field rules count. reference: a scorer's reference.json, against which drift is measured.
    drift_threshold: in place of the config's; it asks for drift, so a reference must be there.
    table: where the typed table goes if it passes; what an earlier check wrote there is removed.
    reading: the data set, if it was read already.
    Raises an error with exit code 2 for whatever cannot be checked.
    """
    if drift_threshold is not None and not 0 < drift_threshold < math.inf:
        raise UsageError(f"the drift threshold is {drift_threshold:g}, expected a number above 0: 0.1 is usual.")
    if drift_threshold is not None and reference is None:
        raise DataError(
            f"drift was asked for (threshold {drift_threshold:g}) but there is no reference to measure it against. "
            f"Train first (models/scorer/reference.json), or name one with --reference."
        )
    if table is not None:
        remove(table)
    data_policies = answers.find(frameworks, files)  # part: compliance
    baseline = None if reference is None else read_reference(reference)
    config = with_sources(config, paths)
    reading = reading or tables.inspect_sources(config, files.root, progress=progress)
    checked = _contract(reading, config, today or datetime.now(UTC).date(), rules)
    report = Report(
        sources=tuple(_source(path, files.root) for path in tables.source_paths(config, files.root)),
        config_digest=provenance.config_digest(config),
        commit=provenance.commit(files.root) if frameworks else None,  # part: compliance
        contract=checked,
        drift=None if baseline is None else _drift(reading, config, baseline, drift_threshold),
        compliance=answers.verdicts(data_policies, reading, config, files),  # part: compliance
        control_totals=provenance.control_totals(reading.table, config),
    )
    if table is not None and report.passed:
        tables.write_passed(table, reading)
    return report


def read_reference(path: Path) -> drift.Reference:
    """The frozen bins of the inputs in a scorer's reference.json."""
    try:
        raw = read_json(path)
    except FileNotFoundError:
        raise NotFound(path, "Drift needs the reference of a trained scorer: run `make run` first.") from None
    except ValueError:
        raise DataError(f"{path}: this is no JSON; write it again by training.") from None
    if not isinstance(raw, dict) or "inputs" not in raw:
        raise DataError(f"{path}: the key `inputs` is missing, so this is no scorer's reference.json.")
    return drift.Reference.from_dict(raw["inputs"])


def with_sources(config: Config, paths: Sequence[Path]) -> Config:
    """The config with other files in place of its own."""
    if not paths:
        return config
    own = config.data.sources
    if len(paths) not in (1, len(own)):
        raise DataError(f"{len(paths)} data files were named; the config has {len(own)}. Name one joined file, or all.")
    keys = [None] if len(paths) == 1 else [source.join_on for source in own]
    sources = tuple(Source(path=str(path.resolve()), join_on=key) for path, key in zip(paths, keys, strict=True))
    return config.model_copy(update={"data": config.data.model_copy(update={"sources": sources})})


def _source(path: Path, root: Path) -> dict[str, Any]:
    """A data file as the report names it: never by a path of this machine."""
    inside = path.resolve().is_relative_to(root.resolve())
    name = path.resolve().relative_to(root.resolve()).as_posix() if inside else path.name
    return {"path": name, "bytes": path.stat().st_size, "sha256": digest.of_file(path)}


def _contract(reading: Reading, config: Config, today: date, rules: bool) -> ContractReport:
    """The contract's findings on the table, and what only the reader knows."""
    texts = {cells.column: cells.texts for cells in reading.unreadable}
    report = contract.check(reading.table, config, today=today, rules=rules, unreadable=texts)
    read = (*report.findings, *_not_in_the_table(reading, config), *_unmatched(reading), *_unmet(reading))
    return ContractReport(report.rows, report.columns, report.checked, read)


def _not_in_the_table(reading: Reading, config: Config) -> Iterator[Finding]:
    """Dates and keys that could not be read: the table shows them as missing."""
    for cells in reading.unreadable:
        rows = tuple(f"row {row + 1}" for row in cells.rows)
        if cells.mend:
            yield contract.unreadable(cells.column, cells.count, rows, cells.texts, f"its own type; {cells.mend}")
        elif config.columns[cells.column].type == "date":
            yield contract.unreadable(cells.column, cells.count, rows, cells.texts, "dates as 2026-01-31")


def _unmatched(reading: Reading) -> Iterator[Finding]:
    """Rows that a joined file says nothing about; their missing cells are judged by each column's own policy."""
    for joined in reading.joins:
        if joined.unmatched:
            got = f"{joined.unmatched:,} of {len(reading.table):,} rows without a row in {joined.path}"
            expected = f"every {joined.key} in {joined.path}"
            yield Finding("join", joined.key, joined.unmatched, (), got, expected, "warning")


def _unmet(reading: Reading) -> Iterator[Finding]:
    """Words for "not known" that are declared in vain: misspelt, or gone from the extract."""
    for words in reading.unmet_words:
        yield Finding("missing word", None, 0, (), f"no cell that says {words}", "a word that cells say", "warning")


def _drift(
    reading: Reading, config: Config, reference: drift.Reference, threshold: float | None
) -> tuple[drift.Shift, ...]:
    limit = config.drift.threshold if threshold is None else threshold
    return tuple(
        chain.from_iterable(
            drift.psi(
                reference,
                {name: numbers(reading.table[name], config.columns[name])},
                threshold=limit,
                confidence=config.drift.confidence,
            )
            for name in config.inputs
        )
    )


def _drift_sentence(shift: drift.Shift) -> str:
    why = "drifted" if shift.verdict == "FAIL" else "cannot be called stable"
    return (
        f"{shift.column}: {why}: PSI {shift.psi:.3f} on {shift.rows:,} rows, of the population between "
        f"{shift.low:.3f} and {shift.high:.3f}, threshold {shift.threshold:g}; most in {shift.moved!r}: "
        f"{shift.share_then:.1%} then, {shift.share_now:.1%} now"
    )


def render(report: Report) -> RenderableType:
    """The report as tables for people."""
    parts: list[RenderableType] = []
    if report.contract.findings:
        parts.append(_findings_table(report.contract.findings))
    if report.drift is not None:
        parts.append(_drift_table(report.drift))
    parts += [answers.table_of(report.compliance)] if report.compliance else []  # part: compliance
    size = f"{report.contract.rows:,} rows, {report.contract.columns} columns, {len(report.contract.checked)} rules"
    warnings = len(report.contract.findings) - len(report.contract.failures)
    parts.append(Text(f"{', '.join(source['path'] for source in report.sources)}: {size}. Drift: {report.drift_note}."))
    noted = f" ({warnings} warning{'s' * (warnings != 1)})" if warnings else ""
    count = len(report.problems)
    verdict = "PASS" if report.passed else f"FAIL: {count} problem{'s' * (count != 1)}"
    parts.append(Text(verdict + noted, style="bold green" if report.passed else "bold red"))
    return Group(*parts)


def _findings_table(findings: Sequence[Finding]) -> Table:
    table = Table("", "rule", "column", "got", "expected", "rows", title="Contract", title_justify="left")
    for its in findings:
        color = "red" if its.severity == "failure" else "yellow"
        rows = ", ".join(its.rows) + (", …" if its.rows and its.count > len(its.rows) else "")
        cells = (its.severity, its.rule, its.column or "", its.got, its.expected, rows)
        table.add_row(*(Text(cell, style=color if column == 0 else "") for column, cell in enumerate(cells)))
    return table


def _drift_table(shifts: Sequence[drift.Shift]) -> Table:
    table = Table("", "column", "PSI", "interval", "moved most", "then", "now", title="Drift", title_justify="left")
    colors = {"PASS": "green", "FAIL": "red", "CANNOT SAY": "yellow"}
    for its in sorted(shifts, key=lambda shift: -shift.psi):
        shares = (f"{its.share_then:.1%}", f"{its.share_now:.1%}")
        cells = (its.column, f"{its.psi:.3f}", f"{its.low:.3f} to {its.high:.3f}", its.moved, *shares)
        table.add_row(Text(its.verdict, style=colors[its.verdict]), *map(Text, cells))
    return table
