"""What is frozen where: one extract as the command line says, or all that the config declares."""

from collections.abc import Iterator
from pathlib import Path

from credit_risk.config import load
from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.errors import UsageError
from credit_risk.extracts import databases, freezing, sheets


def extract(
    workbook: Path | None, sheet: str | None, query: str | None, database: str | None, output: Path | None
) -> str:
    """Freeze one extract; the sentence on it. Raises UsageError where the options do not belong together."""
    if output is None or output.suffix != ".parquet":
        raise UsageError("--output FILE.parquet: name the Parquet file to write.")
    if workbook and query is None and database is None:
        return of_sheet(workbook, sheet, output)
    if query is not None and database and not workbook and not sheet:
        return of_query(query, database, output)
    raise UsageError("give --workbook (and --sheet), or --query and --database, not both.")


def of_sheet(workbook: Path, sheet: str | None, output: Path) -> str:
    """Freeze a sheet; the sentence on it."""
    table = sheets.sheet(workbook, sheet)
    named = {"sheet": sheet} if sheet else {}
    freezing.freeze(table, output, {"workbook": workbook.name, "sha256": digest.of_file(workbook), **named})
    return f"Froze {table.num_rows:,} rows of {workbook.name} as {output}."


def of_query(query: str, database: str, output: Path) -> str:
    """Freeze a database's answer; the sentence on it."""
    table = databases.answer(query, database)
    freezing.freeze(table, output, {"query": query, "database": database})
    return f"Froze {table.num_rows:,} rows of {database} as {output}."


def of_config(root: Path, config: Path | None) -> Iterator[str]:
    """Ask every query of the config; raises UsageError where it declares none."""
    sources = [source for source in load(config or Files(root).config).data.sources if source.query]
    if not sources:
        raise UsageError("no source of the config has a `query:`. Give --workbook, or --query and --database.")
    for source in sources:
        yield of_query(str(source.query), str(source.database), root / source.path)
    yield "`.venv/bin/dvc add data` takes them in: the next `dvc repro` reads these rows and asks no database."
