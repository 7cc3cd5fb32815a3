"""`credit-risk extract`: freeze sheets of workbooks and answers of databases to Parquet."""

from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from credit_risk.command_line import DATA, HERE, ConfigFile, Root, add, say

MORE = """
Without a workbook or a query it asks every query of the config again (data.sources: query, database). The address
of a database, with its credential, stands in the environment variable that is named, never in a file.

examples:
  credit-risk extract --workbook loans.xlsx --sheet Loans --output loans.parquet
  credit-risk extract --query "SELECT * FROM loans ORDER BY loan_no" --database LOANS_DATABASE --output loans.parquet
"""


def add_commands(app: Typer) -> None:
    """Add the command that freezes extracts."""
    add(app, "extract", _extract, group=DATA, more=MORE)


def _extract(
    workbook: Annotated[Path | None, Option(help="An .xlsx file.")] = None,
    sheet: Annotated[str | None, Option(help="The sheet's name, where the workbook has several.")] = None,
    query: Annotated[
        str | None, Option(metavar="SQL", help="A single SELECT; it changes nothing in the database.")
    ] = None,
    database: Annotated[
        str | None, Option(metavar="VARIABLE", help="The environment variable with the database's address.")
    ] = None,
    output: Annotated[Path | None, Option(help="The Parquet file to write.")] = None,
    root: Root = HERE,
    config: ConfigFile = None,
) -> None:
    """Freeze a sheet of a workbook, or a database's answer to a query, as a Parquet file that everything can read."""
    from credit_risk.extracts import extracting

    if workbook or query is not None:
        say(extracting.extract(workbook, sheet, query, database, output))
        return
    for sentence in extracting.of_config(root, config):
        say(sentence)
