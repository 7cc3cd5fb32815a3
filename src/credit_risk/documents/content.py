"""What stands in a document, whatever its form: figures with where they were read, persons' texts, what is owed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from credit_risk.documents import settings
from credit_risk.documents.tracing import Artefacts, NotTraced, Traced


@dataclass(frozen=True)
class FigureRow:
    """A figure by its label, with the ends of its interval behind it; missing: why it cannot be read."""

    label: str
    traced: tuple[Traced, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class FilledSection:
    """A heading over figures, or over a text (empty where it is owed: `ask` says what is to be written, and where)."""

    heading: str
    rows: tuple[FigureRow, ...] = ()
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

    def figures(self) -> list[Traced]:
        """Every number and word that was read, in the order in which they stand."""
        return [traced for row in self.rows() for traced in row.traced]


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
    numbers = sum(len(row.traced) for row in rows)
    unread = [f"{row.label}: {row.missing}" for row in rows if row.missing]
    return WrittenDocuments(paths, numbers, settings.missing_texts(root, settings.load(root)), unread)


def _section(section: settings.DocumentSection, root: Path, artefacts: Artefacts) -> FilledSection:
    if section.person is None:
        return FilledSection(section.heading, tuple(_row(figure, artefacts) for figure in section.figures))
    path = settings.TEXTS / f"{section.person}.md"
    ask = f"{section.ask} ({path.as_posix()})"
    return FilledSection(section.heading, text=settings.text_of(root, section.person) or "", ask=ask)


def _row(figure: settings.DocumentFigure, artefacts: Artefacts) -> FigureRow:
    try:
        return FigureRow(figure.label, tuple(artefacts.traced(figure)))
    except NotTraced as reason:
        return FigureRow(figure.label, missing=str(reason))
