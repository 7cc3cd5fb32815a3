"""`credit-risk export`: the scorecard for other systems."""

from pathlib import Path
from typing import Annotated

from typer import Context, Option, Typer

from credit_risk.command_line import HERE, MODEL, Root, add, before_the_verb, say, verbs

HELP = "Export the scorecard for other systems: points table, SQL, PMML."
MORE = """
All three state whole points. What rounding them costs stands in the points table; what whole points decide is what the
exports must decide, reasons included.

examples:
  credit-risk export points
  credit-risk export sql --dialect postgres --table risk.applications --key application_id
  credit-risk export pmml --scorer models/challenger
"""
SQL_MORE = """
Before anything is written, the query decides 100,000 applications (the test rows, and such with gaps, special codes and
nonsense) in DuckDB, and for `postgres` in a PostgreSQL server too; one decision, sum of points or reason that differs
from the card's refuses the export, with exit code 1.
"""

Scorer = Annotated[Path | None, Option("--scorer", help="The scorer directory (default: models/scorer).")]
Output = Annotated[Path | None, Option("--output", help="The folder to write to (default: reports/exports).")]


def add_commands(app: Typer) -> None:
    """Add the exports."""
    export = verbs(app, "export", help=HELP, group=MODEL, more=MORE)
    export.callback()(_export)
    add(export, "points", _points)
    add(export, "sql", _sql, more=SQL_MORE)
    add(export, "pmml", _pmml)


def _export(context: Context, root: Root = HERE) -> None:  # noqa: ARG001
    before_the_verb(context)


def _points(root: Root = HERE, scorer: Scorer = None, output: Output = None) -> None:
    """Write the table of points as CSV and HTML, with what rounding them costs."""
    from credit_risk.data.files import Files
    from credit_risk.exports.writing import Export

    for path in Export.of(Files(root), scorer, output).points():
        say(str(path))


def _sql(
    root: Root = HERE,
    scorer: Scorer = None,
    output: Output = None,
    dialect: Annotated[str, Option("--dialect", help="ansi, duckdb, postgres or snowflake.")] = "ansi",
    table: Annotated[
        str, Option("--table", help="The table of applications, with its schema if any.")
    ] = "applications",
    key: Annotated[str | None, Option("--key", help="Which column says which row it is (default: the id).")] = None,
    database: Annotated[
        str,
        Option("--database", metavar="VARIABLE", help="The environment variable with the PostgreSQL server's address."),
    ] = "EXPORT_DATABASE",
) -> None:
    """Write the scorecard as one SQL query, if it decides in a database as the card does."""
    from credit_risk.data.files import Files
    from credit_risk.errors import UsageError
    from credit_risk.exports.dialects import DIALECTS
    from credit_risk.exports.engines import DuckDB, Engine, postgresql_of
    from credit_risk.exports.writing import Export

    if dialect not in DIALECTS:
        raise UsageError(f"--dialect {dialect}: expected one of {', '.join(DIALECTS)}.")
    engines: list[Engine] = [
        DuckDB("ansi" if dialect == "ansi" else "duckdb"),
        *([postgresql_of(database)] if dialect == "postgres" else []),
    ]
    export = Export.of(Files(root), scorer, output)
    identifier = key or export.card.config.only("id")
    if identifier is None:
        raise UsageError("no column is the id, so the query needs --key: the column that says which row it is.")
    path = export.sql(dialect, engines, table, identifier)
    say(f"{path}: decides as the card does, by {' and '.join(engine.name for engine in engines)}")


def _pmml(root: Root = HERE, scorer: Scorer = None, output: Output = None) -> None:
    """Write the scorecard as PMML 4.4, with PMML's own reason codes."""
    from credit_risk.data.files import Files
    from credit_risk.exports.writing import Export

    say(str(Export.of(Files(root), scorer, output).pmml()))
