"""The data dictionary: what every column means, may hold, does hold and is used for (DVC stage `dictionary`)."""

from collections.abc import Iterator, Sequence

from pandas import DataFrame

from credit_risk.config import Column, Config
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.data import dictionary
from credit_risk.data.contract import outcomes
from credit_risk.data.files import Files
from credit_risk.data.inputs import expected
from credit_risk.data.reading import tables
from credit_risk.data.writing import write_text
from credit_risk.report.gate_output import cell
from credit_risk.scoring.features import made_of

COLUMNS = ("column", "meaning", "role", "may hold", "without it", "missing", "holds", "PD moves", "reason")
DERIVED = ("feature", "meaning", "formula", "made of", "PD moves", "reason")
UNLIMITED = ("date", "text")  # types without a list or range of what a cell may hold


def run(config: Config, files: Files) -> None:
    """Write reports/dictionary.md from the config and the data."""
    write_text(files.dictionary, text(config, files))


def text(config: Config, files: Files) -> str:
    """The page as Markdown: of the config and the table that passed alone, so that the same two give the same bytes."""
    return page(config, tables.read_passed(files.table, config))


def page(config: Config, table: DataFrame) -> str:
    """The page for a table that was read already."""
    parts = [
        f"# Data dictionary: {cell(config.project.title)}",
        *([cell(config.notice)] if config.notice else []),
        "Made by `make run` from `configs/credit.yaml` and the data; edit the config, not this page.",
        "\n".join(_data_set(config, table)),
        "## Columns",
        "\n".join(_grid(COLUMNS, (_column(config, name, table) for name in config.columns))),
    ]
    if config.derived:
        sources = made_of(config, config.derived)
        lines = (_derived(config, name, sources[name]) for name in config.derived)
        parts += ["## Derived features", "\n".join(_grid(DERIVED, lines))]
    return "\n\n".join(parts) + "\n"


def _data_set(config: Config, table: DataFrame) -> Iterator[str]:
    outcome = config.outcome
    bads, goods = outcomes(table[str(config.only("target"))], outcome)
    window = outcome.performance_window_months
    yield f"- **Rows:** {len(table):,}, from {', '.join(cell(source.path) for source in config.data.sources)}"
    yield f"- **Legal basis:** {cell(config.project.legal_basis)}"
    yield f"- **Bad:** {cell(outcome.definition)}; known after {window} month{'s' * (window != 1)}"
    yield f"- **Approved:** {cell(outcome.favourable)}"
    share = f" ({bads / (bads + goods):.2%} of the two are bad)" if bads + goods else ""
    yield f"- **Outcomes:** {bads:,} bad, {goods:,} good, {len(table) - bads - goods:,} neither or not known{share}"
    population = "accepted accounts only" if outcome.population == "booked" else "all applicants"
    yield f"- **Population:** {population}"
    for exclusion in outcome.exclusions:
        yield f"- **Left out:** {cell(exclusion.name)}, where {cell(exclusion.where)}: {cell(exclusion.reason)}"


def _column(config: Config, name: str, table: DataFrame) -> Sequence[str]:
    column = config.columns[name]
    known = name in table
    return (
        name,
        column.label or "",
        _role(column),
        "" if column.role == "ignore" or column.type in UNLIMITED else expected(column),
        {"refuse": "refused", "refer": "referred", "allow": "decided"}[column.missing] if column.is_input else "",
        f"{dictionary.missing(table[name]):.1%}" if known else "",
        dictionary.known_cells(table[name], column) if known else "",
        config.model.directions.get(name, ""),
        _family(config, name),
    )


def _role(column: Column) -> str:
    kept = "; no model reads it" if column.role in GUARDED_ROLES else ""
    later = "; known only after the decision" if column.known_at == "later" else ""
    return f"{column.role.replace('_', ' ')}{f' ({column.why})' if column.why else ''}{kept}{later}"


def _derived(config: Config, name: str, sources: Sequence[str]) -> Sequence[str]:
    derived = config.derived[name]
    direction = config.model.directions.get(name, "")
    return (name, derived.label or "", derived.formula, ", ".join(sources), direction, _family(config, name))


def _family(config: Config, name: str) -> str:
    """The reason under which a decline would name the feature."""
    return next((family.id for family in config.reasons.families if name in family.features), "")


def _grid(heads: Sequence[str], lines: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for line in lines:
        yield f"| {' | '.join(map(cell, line))} |"
