"""One query in several dialects, by sqlglot."""

from typing import Literal, get_args

import sqlglot
from sqlglot import exp

Dialect = Literal["ansi", "duckdb", "postgres", "snowflake"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
# Which of them compute a WITH once where the query says so; else they might compute its columns for each that reads it.
MATERIALIZED = ("duckdb", "postgres")


def written(query: str, dialect: Dialect) -> str:
    """An ANSI query in the words of a dialect, laid out for people."""
    tree = sqlglot.parse_one(query)
    if dialect in MATERIALIZED:
        for step in tree.find_all(exp.CTE):
            step.set("materialized", True)
    return tree.sql(dialect=None if dialect == "ansi" else dialect, pretty=True)
