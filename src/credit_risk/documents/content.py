"""What stands in a document, whatever its form: figures with where they were read, persons' texts, what is owed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from credit_risk.documents import settings
from credit_risk.documents.tracing import Artefacts, NotTraced, Traced

TABLE = "table"  # the kind of an origin that is a whole table


@dataclass(frozen=True)
class FigureRow:
    """A figure by its label, with the ends of its interval behind it; missing: why it cannot be read."""

    label: str
    traced: tuple[Traced, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class FilledTable:
    """A table of an artefact: its columns, and each cell with its origin; missing: why it cannot be read."""

    artefact: str
    columns: tuple[str, ...]
    cells: tuple[tuple[Traced, ...], ...] = ()
    missing: str = ""

    @property
    def origin(self) -> Traced:
        """The table as a whole, where its cells are not traced each by itself."""
        first = self.cells[0][0]
        columns = ", ".join(f"{cell.label}:{cell.kind}" for cell in self.cells[0])
        return Traced("", self.artefact, columns, TABLE, first.sha256, f"{len(self.cells)} rows")


@dataclass(frozen=True)
class FilledSection:
    """A heading over figures, a table or a text; an empty text is owed: `ask` says what is to be written, and where."""

    heading: str
    rows: tuple[FigureRow, ...] = ()
    table: FilledTable | None = None
    text: str = ""
    ask: str = ""


@dataclass(frozen=True)
class FilledDocument:
    """A document with everything in its place."""

    name: str
    title: str
    source: str
    sections: tuple[FilledSection, ...]

    def rows(self) -> Iterator[FigureRow]:
        for section in self.sections:
            yield from section.rows

    def tables(self) -> list[FilledTable]:
        return [section.table for section in self.sections if section.table is not None]


@dataclass
class WrittenDocuments:
    """What was written: numbers in all, texts that nobody wrote, and figures that could not be read."""

    paths: list[Path] = field(default_factory=list)
    numbers: int = 0
    missing: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def filled(root: Path) -> list[FilledDocument]:
    """Every document that configs/documents.yaml declares. Raises NotFound, ConfigError for the file itself."""
    artefacts = Artefacts.below(root)
    return [
        FilledDocument(
            name,
            declared.title,
            declared.source,
            tuple(_section(section, root, artefacts) for section in declared.sections),
        )
        for name, declared in settings.load(root).documents.items()
    ]


def written(root: Path, documents: list[FilledDocument], paths: list[Path]) -> WrittenDocuments:
    """What can be said of documents that now lie at these paths."""
    rows = [row for document in documents for row in document.rows()]
    tables = [table for document in documents for table in document.tables()]
    numbers = sum(len(row.traced) for row in rows) + sum(len(cells) for table in tables for cells in table.cells)
    unread = [f"{row.label}: {row.missing}" for row in rows if row.missing]
    unread += [f"{table.artefact}: {table.missing}" for table in tables if table.missing]
    return WrittenDocuments(paths, numbers, settings.missing_texts(root, settings.load(root)), unread)


def _section(section: settings.DocumentSection, root: Path, artefacts: Artefacts) -> FilledSection:
    if section.table is not None:
        return FilledSection(section.heading, table=_table(section.table, artefacts))
    if section.person is None:
        return FilledSection(section.heading, tuple(_row(figure, artefacts) for figure in section.figures))
    path = settings.TEXTS / f"{section.person}.md"
    ask = f"{section.ask} ({path.as_posix()})"
    return FilledSection(section.heading, text=settings.text_of(root, section.person) or "", ask=ask)


def _table(table: settings.DocumentTable, artefacts: Artefacts) -> FilledTable:
    columns = tuple(table.columns)
    try:
        cells = tuple(artefacts.rows(table))
        return FilledTable(table.artefact, columns, cells, "" if cells else f"{table.artefact} has no rows.")
    except NotTraced as reason:
        return FilledTable(table.artefact, columns, missing=str(reason))


def _row(figure: settings.DocumentFigure, artefacts: Artefacts) -> FigureRow:
    try:
        return FigureRow(figure.label, tuple(artefacts.traced(figure)))
    except NotTraced as reason:
        return FigureRow(figure.label, missing=str(reason))
