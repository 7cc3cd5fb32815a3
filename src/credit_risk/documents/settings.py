"""What stands in each document, configs/documents.yaml: figures by artefact and key, and persons' texts."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from credit_risk.config import environment
from credit_risk.config.section import Section, Text
from credit_risk.config.yaml_positions import Loc
from credit_risk.documents.holdings import holds
from credit_risk.errors import NotFound

FILE = Path("configs") / "documents.yaml"
TEXTS = Path("governance") / "texts"
# How a text begins that was only an example, behind whatever makes it a heading or a comment: it counts as empty.
SAMPLE = re.compile(r"[^\w]*SAMPLE\b")


Written = Literal["plain", "percent", "count", "text"]


class DocumentFigure(Section):
    """A number or word of an artefact. kind: how it is written; with `interval` its two ends stand beside it."""

    label: Text
    artefact: Text
    key: Text
    kind: Written = "plain"
    interval: bool = False


class DocumentTable(Section):
    """Columns of an artefact that is a table (CSV), in this order, each with how its cells are written."""

    artefact: Text
    columns: Annotated[Mapping[Text, Written], Field(min_length=1)]


class DocumentSection(Section):
    """A heading over figures, over a table, or over what a person must write (governance/texts/NAME.md)."""

    heading: Text
    figures: tuple[DocumentFigure, ...] = ()
    table: DocumentTable | None = None
    person: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    ask: str = ""

    @model_validator(mode="after")
    def _either(self) -> Self:
        kinds = (bool(self.figures), self.table is not None, self.person is not None)
        if sum(kinds) != 1 or (self.person is None) == bool(self.ask):
            raise ValueError("give figures, or a table, or person with ask: what is to be written")
        return self


class Document(Section):
    """A document by its sections. source: the law or guidance that asks for it."""

    title: Text
    source: Text
    sections: Annotated[tuple[DocumentSection, ...], Field(min_length=1)]


class Question(Section):
    """A question that an examiner asks, and where a bundle answers it: `path` or `path#key` in it.

    person: what somebody must write, as a text or a name in the inventory; owed until it is there.
    """

    ask: Text
    at: tuple[Text, ...] = ()
    person: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.at and not self.person:
            raise ValueError("say where it is answered: at, or person")
        return self


class Documents(Section):
    """Every document by its name, and the questions that the bundle's index page answers."""

    version: Literal[1]
    documents: Annotated[Mapping[str, Document], Field(min_length=1)]
    questions: tuple[Question, ...] = ()

    def persons(self) -> Iterator[str]:
        """The names of all texts that persons must write, each once."""
        sections = (section for document in self.documents.values() for section in document.sections)
        yield from dict.fromkeys(section.person for section in sections if section.person is not None)


def load(root: Path) -> Documents:
    """Raises NotFound without the file, ConfigError with every fault."""
    if not (root / FILE).is_file():
        raise NotFound(root / FILE, "It says what stands in each document: see docs/documents.md.")
    settings = environment.whole(root / FILE, Documents)
    environment.refuse(root / FILE, _faults(settings))
    return settings


def _faults(settings: Documents) -> Iterator[tuple[Loc, str]]:
    """Links of questions that lead to what no bundle holds."""
    pages = {f"documents/{name}.html" for name in settings.documents}
    texts = {(TEXTS / f"{name}.md").as_posix() for name in settings.persons()}
    for number, question in enumerate(settings.questions):
        for name, links in (("at", question.at), ("person", question.person)):
            for index, link in enumerate(links):
                path = link.partition("#")[0]
                is_known = (
                    path in pages | texts if path.startswith(("documents/", f"{TEXTS.as_posix()}/")) else holds(path)
                )
                if not is_known:
                    yield ("questions", number, name, index), f"a bundle holds no {path!r} (documents/holdings.py)"


def text_of(root: Path, name: str) -> str | None:
    """What a person wrote; None where nothing is there, or only the sample."""
    path = root / TEXTS / f"{name}.md"
    text = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    return None if not text or SAMPLE.match(text) else text


def missing_texts(root: Path, settings: Documents) -> list[str]:
    """The texts that nobody has written, by name."""
    return [name for name in settings.persons() if text_of(root, name) is None]
