"""What is exported, and the record of it: each file's digest, of which scorer, tried on which applications by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit_risk.data import digest
from credit_risk.data.files import Files
from credit_risk.data.writing import read_json, read_parquet, remove, write_csv, write_json, write_text
from credit_risk.exports import pmml, points_table
from credit_risk.exports.card import Card
from credit_risk.exports.dialects import Dialect, written
from credit_risk.exports.engines import TABLE, Engine
from credit_risk.exports.equality import ROWS, EqualityTrial
from credit_risk.exports.query import query, table_columns
from credit_risk.scoring.scorer import Scorer

RECORD = "exports.json"


@dataclass(frozen=True)
class Export:
    """A card on its way into a folder; what is there of another scorer goes."""

    card: Card
    files: Files
    folder: Path

    @classmethod
    def of(cls, files: Files, scorer: Path | None, folder: Path | None) -> "Export":
        """scorer: default models/scorer; folder: default reports/exports, which `register` logs beside the scorer.

        Raises ScorerError for a scorer that has no points.
        """
        card = Card.of(Scorer.load(scorer or files.scorer))
        return cls(card, files, folder or files.reports / "exports")

    def points(self) -> list[Path]:
        """The table of points, as CSV and as a page with what rounding costs on the test rows."""
        cost = self.card.cost(read_parquet(self.files.inputs("test")))
        self._clear()
        table, page = self.folder / "points.csv", self.folder / "points.html"
        write_csv(table, points_table.points_table(self.card))
        write_text(page, points_table.page(self.card, cost))
        return self._record_files({table: {}, page: {}}, cost=cost)

    def sql(self, dialect: Dialect, engines: Sequence[Engine], table: str, key: str) -> Path:
        """The query, once every engine has decided ROWS applications with it as the card does, or else NotEqual.

        table: of the applications; key: its column that says which application a row is.
        """
        comparison = EqualityTrial.of(self.card, read_parquet(self.files.inputs("test")), ROWS)
        tried, types = query(self.card, TABLE), table_columns(self.card)
        for engine in engines:
            answer = engine.answer(written(tried, engine.dialect), comparison.applications, types)
            comparison.refuse_difference(engine.name, answer, self.card.ranks)
        self._clear()
        path = self.folder / f"scorecard.{dialect}.sql"
        names = [engine.name for engine in engines]
        write_text(
            path,
            _headed(
                self.card, written(query(self.card, table, key), dialect), dialect, names, len(comparison.expected)
            ),
        )
        compared = {"rows": len(comparison.expected), "engines": names, "different": 0}
        return self._record_files({path: {"dialect": dialect, "compared": compared}})[0]

    def pmml(self) -> Path:
        """The PMML document."""
        self._clear()
        path = self.folder / "scorecard.pmml"
        write_text(path, pmml.document(self.card).decode("utf-8"))
        return self._record_files({path: {}})[0]

    def _record_files(self, made: Mapping[Path, Mapping[str, Any]], **more: Any) -> list[Path]:
        record, path = self._record(), self.folder / RECORD
        of_files = record["files"] | {its.name: {"sha256": digest.of_file(its), **facts} for its, facts in made.items()}
        write_json(path, record | more | {"files": of_files})
        return list(made)

    def _record(self) -> dict[str, Any]:
        path = self.folder / RECORD
        record: dict[str, Any] = read_json(path) if path.is_file() else {"files": {}}
        return record | {"scorer": self.card.original.digest}

    def _clear(self) -> None:
        """Remove what was exported of another scorer."""
        path = self.folder / RECORD
        if path.is_file() and (before := read_json(path))["scorer"] != self.card.original.digest:
            for name in (*before["files"], RECORD):
                remove(self.folder / name)


def _headed(card: Card, text: str, dialect: Dialect, engines: Sequence[str], rows: int) -> str:
    """The query below what its reader must know."""
    columns = [f"--   {name}: {kind}" for name, kind in table_columns(card).items()][1:]
    lines = [
        f"-- {card.config.project.title}: scorecard {card.original.digest}, in whole points; SQL: {dialect}.",
        f"-- Decided {rows:,} applications as the card does, in {' and '.join(engines)}.",
        *(["-- It was not run in Snowflake: the same query was, worded for DuckDB."] * (dialect == "snowflake")),
        f"-- {points_table.decides(card)}",
        "-- What an application lacks is NULL, a special code is its number, and the table needs these columns:",
        *columns,
        "-- `reason_N` are a decline's, the strongest first. Refused is what lacks what it must have, or is no value.",
    ]
    return "\n".join([*lines, text]) + "\n"
