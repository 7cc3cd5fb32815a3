"""What a data set must satisfy, generated from the config, and every way in which one does not.

The checks stand in one Pandera schema. It finds all failures in one pass; each becomes a Finding with a count and a
few row ids, so a report stays small however many cells fail.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
import pandera.pandas as pandera
from numpy.typing import NDArray
from pandas import DataFrame, Series
from pandera.errors import SchemaError, SchemaErrors

from credit_risk.config import Column, Config
from credit_risk.config.columns import CATEGORY_TYPES, NUMERIC_TYPES, Outcome, Rule
from credit_risk.data.inputs import Mask, Matrix, expected, is_seen, numbers, word_of

Severity = Literal["failure", "warning"]
Words = Mapping[str, Sequence[str]]

SAMPLE = 5
EARLIEST = pd.Timestamp("1900-01-01")


@dataclass(frozen=True)
class Finding:
    """One rule that one column, or the data set as a whole, does not satisfy."""

    rule: str
    column: str | None
    count: int
    rows: tuple[str, ...]
    got: str
    expected: str
    severity: Severity = "failure"

    def __str__(self) -> str:
        where = f"{self.column}: " if self.column else ""
        rows = f" ({', '.join(self.rows)}{', …' if self.count > len(self.rows) else ''})" if self.rows else ""
        return f"{where}{self.rule}: got {self.got}, expected {self.expected}{rows}"


@dataclass(frozen=True)
class ContractReport:
    """The answer to a contract: which rules were checked, and what was found."""

    rows: int
    columns: int
    checked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "failure")

    @property
    def passed(self) -> bool:
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


def check(
    table: DataFrame, config: Config, *, today: date, rules: bool = True, unreadable: Words | None = None
) -> ContractReport:
    """Every way in which a table, typed as by data.reading.tables, breaks the config's contract.

    today: no date may lie after it. rules: whether the cross-field rules of contract.rules count too.
    unreadable: texts found in the cells that are no value of their column, to be shown beside the count.
    """
    clauses = _clauses(config, today, rules)
    findings: tuple[Finding, ...] = ()
    try:
        _schema(config, clauses).validate(table, lazy=True, inplace=True)
    except SchemaErrors as errors:
        describe = _Describer(table, config.only("id"), clauses, unreadable or {})
        findings = tuple(describe(error) for error in errors.schema_errors)
    checked = tuple(dict.fromkeys(clause.rule for clause in clauses))
    return ContractReport(len(table), table.shape[1], checked, findings)


def schema(config: Config, *, today: date, rules: bool = True) -> pandera.DataFrameSchema:
    """The contract as a Pandera schema, over tables as data.reading.tables types them."""
    return _schema(config, _clauses(config, today, rules))


@dataclass(frozen=True)
class _Clause:
    """One check of the contract and the words that describe its failure.

    answer: a truth value a row, or one for all. wrong: the failing rows, where the answer is one for all.
    shown: what was got, where counting rows does not say it.
    """

    rule: str
    column: str | None
    answer: Callable[[Any], Any]
    expected: str
    severity: Severity = "failure"
    wrong: Callable[[Any], Mask] | None = None
    shown: Callable[[Any], str] | None = None


def _schema(config: Config, clauses: Sequence[_Clause]) -> pandera.DataFrameSchema:
    """The clauses as Pandera checks that carry their place in the list as title.

    Nothing is left to Pandera's own dtype, nullable and unique: those list every failing cell, these count them.
    """
    checks: dict[str | None, list[pandera.Check]] = {
        None: [],
        **{name: [] for name, column in config.columns.items() if column.role != "ignore"},
    }
    for index, clause in enumerate(clauses):
        check = pandera.Check(
            clause.answer,
            name=clause.rule,
            title=str(index),
            description=clause.expected,
            ignore_na=False,
            n_failure_cases=SAMPLE,
        )
        checks[clause.column].append(check)
    columns = {name: pandera.Column(None, its, nullable=True) for name, its in checks.items() if name is not None}
    return pandera.DataFrameSchema(columns, checks=checks[None])


def _clauses(config: Config, today: date, rules: bool) -> tuple[_Clause, ...]:
    of_columns = [
        clause
        for name, column in config.columns.items()
        if column.role != "ignore"
        for clause in (*_known_clauses(name, column), *_value_clauses(name, column, today))
    ]
    of_rules = _rule_clauses(config) if rules else ()
    return (*of_columns, *_target_clauses(config), *_table_clauses(config), *of_rules)


def _known_clauses(name: str, column: Column) -> Iterator[_Clause]:
    """Whether a column is there, whole, and says something."""
    yield _Clause("all missing", name, lambda cells: bool(cells.notna().any()), "some known cells")
    if column.missing == "refuse" or column.role in ("id", "date", "weight"):
        yield _Clause("missing", name, lambda cells: cells.notna(), "no missing cell")
    if column.role in ("id", "applicant"):
        yield _Clause("unseen", name, lambda cells: cells.map(is_seen), "nothing that nobody sees")
    if column.role == "id":
        yield _Clause("unique", name, lambda cells: ~cells.duplicated(), "every id once")
    if column.is_input:
        yield _Clause("constant", name, lambda cells: not _is_constant(cells), "more than one value", "warning")


def _value_clauses(name: str, column: Column, today: date) -> Iterator[_Clause]:
    """Whether every known cell is what the column holds."""
    if column.role == "target":
        return
    if column.type in CATEGORY_TYPES:
        yield _Clause("category", name, partial(_known, count=len(column.categories or ())), expected(column))
    if column.type in NUMERIC_TYPES:
        yield _Clause("type", name, _or_code(partial(_is_of_type, column=column), column), _expected_type(column))
    if column.role == "weight":
        yield _Clause("weight", name, lambda cells: ~(cells <= 0), "a weight above 0 in every row")
    if column.range:
        yield _Clause("range", name, _or_code(partial(_inside, limits=column.range), column), expected(column))
    if column.type == "date":
        latest = pd.Timestamp(today) + pd.Timedelta(days=1)
        possible = f"a day from {EARLIEST:%Y-%m-%d} to {today:%Y-%m-%d}"
        yield _Clause("date", name, lambda cells: ~((cells < EARLIEST) | (cells >= latest)), possible)


def _target_clauses(config: Config) -> Iterator[_Clause]:
    outcome, name = config.outcome, config.only("target")
    bad, good, neither = (sorted(map(word_of, its)) for its in (outcome.bad, outcome.good, outcome.indeterminate))
    low, high = outcome.bad_rate

    counts = partial(outcomes, outcome=outcome)

    def rate(cells: Series) -> float:
        bads, goods = counts(cells)
        return bads / (bads + goods) if bads + goods else np.nan

    words = (*bad, *good, *neither)
    yield _Clause("outcome", name, lambda cells: cells.isin(words) | cells.isna(), f"one of {_listed(words)}")
    yield _Clause(
        "two classes",
        name,
        lambda cells: min(counts(cells)) > 0,
        f"bad ({_listed(bad)}) and good ({_listed(good)}) outcomes",
        shown=lambda cells: "{:,} bad and {:,} good".format(*counts(cells)),
    )
    yield _Clause(
        "bad rate",
        name,
        lambda cells: low <= rate(cells) <= high,
        f"{low:.2%} to {high:.2%} of the known outcomes",
        shown=lambda cells: f"{rate(cells):.2%}",
    )


def outcomes(cells: Series, outcome: Outcome) -> tuple[int, int]:
    """How many accounts went bad and how many good, of a target column typed as by data.reading.tables."""
    bad, good = (list(map(word_of, its)) for its in (outcome.bad, outcome.good))
    return int(cells.isin(bad).sum()), int(cells.isin(good).sum())


def _table_clauses(config: Config) -> Iterator[_Clause]:
    fewest, most = config.contract.min_rows, config.contract.max_duplicates
    keys = config.named("id", "applicant")
    repeated = partial(repeats, keys=keys)
    yield _Clause(
        "size",
        None,
        lambda table: len(table) >= fewest,
        f"{fewest:,} rows or more",
        shown=lambda table: f"{len(table):,} rows",
    )
    yield _Clause(
        "duplicates",
        None,
        lambda table: bool(repeated(table).mean() <= most),
        f"at most {most:.2%} of rows that repeat another{' in all but ' + ' and '.join(keys) if keys else ''}",
        wrong=repeated,
    )


def _rule_clauses(config: Config) -> Iterator[_Clause]:
    for rule in config.contract.rules:
        broken = partial(rule_broken, config=config, rule=rule)
        yield _Clause(
            rule.name,
            None,
            partial(_holds_often_enough, broken=broken, allowed=rule.allowed),
            f"{rule.must}{f' in all but {rule.allowed:.2%} of rows' if rule.allowed else ''}, because {rule.reason}",
            wrong=broken,
        )


def repeats(table: DataFrame, keys: Sequence[str] = ()) -> Mask:
    """Rows that repeat an earlier row in every column but the keys."""
    rest = table.drop(columns=[name for name in keys if name in table])
    return (
        pd.util.hash_pandas_object(rest, index=False).duplicated().to_numpy()
        if rest.shape[1]
        else np.zeros(len(table), bool)
    )


def rule_broken(table: DataFrame, *, config: Config, rule: Rule) -> Mask:
    """Rows in which a cross-field rule is known to be false; where a missing cell leaves it open it is not broken."""
    must = config.formula(rule.must)
    derivations = config.derivations()
    columns: dict[str, Matrix] = {}

    def fill(name: str) -> None:
        if name in columns:
            return
        if name not in derivations:
            columns[name] = numbers(table[name], config.columns[name])
            return
        for needed in derivations[name].inputs:
            fill(needed)
        columns[name] = derivations[name].evaluate(columns)

    for name in must.inputs:
        fill(name)
    broken: NDArray[np.bool_] = must.evaluate(columns) == 0
    return broken


def _holds_often_enough(table: DataFrame, *, broken: Callable[[DataFrame], Mask], allowed: float) -> bool:
    return bool(broken(table).sum() <= allowed * len(table))


def _is_constant(cells: Series) -> bool:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        codes = cells.cat.codes.to_numpy()
        used = np.bincount(codes[codes >= 0], minlength=1)
        return int((used > 0).sum()) == 1
    known = cells.to_numpy(dtype=np.float64)
    low, high = np.fmin.reduce(known), np.fmax.reduce(known)
    return bool(low == high)


def _known(cells: Series, *, count: int) -> Series:
    return Series(cells.cat.codes.to_numpy() < count, index=cells.index)


def _is_of_type(cells: Series, *, column: Column) -> Series:
    """False where a cell is no number at all, or not the kind of number that the column holds."""
    if cells.dtype.kind in "iub" and column.type != "boolean":
        return Series(np.ones(len(cells), bool), index=cells.index)
    values = cells.to_numpy(dtype=np.float64)
    right = ~np.isinf(values)
    if column.type == "integer":
        right[right] = ~(values[right] % 1 > 0)  # a missing cell is no fraction
    if column.type == "boolean":
        right &= (values == 0) | (values == 1) | np.isnan(values)
    return Series(right, index=cells.index)


def _inside(cells: Series, *, limits: tuple[float, float]) -> Series:
    """Within the range or missing; a cell that is no number at all is a matter of its type."""
    low, high = limits
    outside = ((cells < low) | (cells > high)).fillna(value=False).astype(np.bool_)
    return ~outside | (cells.abs() == np.inf) if outside.any() else ~outside


def _or_code(answer: Callable[[Series], Series], column: Column) -> Callable[[Series], Series]:
    """The answer, true of special codes too."""
    codes = list(column.tag_of_code)
    return (lambda cells: answer(cells) | cells.isin(codes)) if codes else answer


def _expected_type(column: Column) -> str:
    return {"number": "numbers, written with a point", "integer": "whole numbers", "boolean": "true or false"}[
        column.type
    ]


@dataclass(frozen=True)
class _Describer:
    """Turns what Pandera found into findings about this table."""

    table: DataFrame
    id: str | None
    clauses: Sequence[_Clause]
    unreadable: Words

    def __call__(self, error: SchemaError) -> Finding:
        check = error.check
        if not isinstance(check, pandera.Check) or check.title is None:  # a column that is not there
            return Finding("schema", None, len(self.table), (), _first_line(error), "the declared columns")
        clause = self.clauses[int(check.title)]
        if error.check_output is None:  # the check itself broke down, which never counts as a pass
            return Finding(clause.rule, clause.column, len(self.table), (), _first_line(error), clause.expected)
        cells = self.table if clause.column is None else self.table[clause.column]
        wrong = _wrong(clause, error.check_output, cells)
        rows = () if wrong is None else self._rows(wrong)
        count = len(self.table) if wrong is None else int(wrong.sum())
        got = self._got(clause, wrong, cells)
        return Finding(clause.rule, clause.column, count, rows, got, clause.expected, clause.severity)

    def _rows(self, wrong: Mask) -> tuple[str, ...]:
        """Row ids: the id column's value, or, without one, the row's number in the file counted from 1."""
        indices = np.flatnonzero(wrong)[:SAMPLE]
        if self.id is None:
            return tuple(f"row {index + 1}" for index in indices)
        ids = zip(indices, self.table[self.id].iloc[indices], strict=True)
        return tuple(f"row {index + 1}" if pd.isna(its) else f"{self.id} {word_of(its)}" for index, its in ids)

    def _got(self, clause: _Clause, wrong: Mask | None, cells: Any) -> str:
        if clause.shown is not None:
            return clause.shown(cells)
        if wrong is None:
            return {"all missing": "no known cell", "constant": "one value in every row"}[clause.rule]
        count = int(wrong.sum())
        if clause.column is None:
            return f"{count:,} of {len(wrong):,} rows ({count / len(wrong):.2%})"
        if clause.rule == "missing":
            return f"{count:,} missing of {len(wrong):,}"
        texts = self.unreadable.get(clause.column) if clause.rule == "type" else None
        return f"{_cells(count)}, as {_listed(texts or _first_values(cells[wrong]))}"


def _wrong(clause: _Clause, output: Any, cells: Any) -> Mask | None:
    """The failing rows; None where the column or the data set fails as a whole."""
    if clause.wrong is not None:
        return clause.wrong(cells)
    return None if isinstance(output, bool | np.bool_) else ~output.to_numpy(dtype=np.bool_)


def unreadable(column: str, count: int, rows: tuple[str, ...], texts: Sequence[str], needed: str) -> Finding:
    """Cells that could not be read and that the table shows as missing, so that only the reader knows of them."""
    return Finding("type", column, count, rows, f"{_cells(count)}, as {_listed(texts)}", needed)


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _first_values(cells: Series) -> list[str]:
    values = cells.iloc[:1000].drop_duplicates().iloc[:SAMPLE]
    return [f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else word_of(value) for value in values]


def _first_line(error: SchemaError) -> str:
    return str(error).splitlines()[0][:200]


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word[:40]) for word in dict.fromkeys(words))
