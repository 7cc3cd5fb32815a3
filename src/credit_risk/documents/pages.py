"""Documents as HTML, and reading back what they claim: every number with artefact, key and digest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from credit_risk.data.writing import write_text
from credit_risk.documents import settings
from credit_risk.documents.settings import Documents
from credit_risk.documents.tracing import Artefacts, NotTraced, Traced
from credit_risk.report.templates import template

MARK = "figure"  # the element's class that a number stands in


@dataclass
class WrittenDocuments:
    """What was written: numbers in all, texts that nobody wrote, and figures that could not be read."""

    paths: list[Path] = field(default_factory=list)
    numbers: int = 0
    missing: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def write(root: Path, folder: Path) -> WrittenDocuments:
    """Write every document. A figure that cannot be read is said in its place, and counted."""
    declared, artefacts, done = settings.load(root), Artefacts.below(root), WrittenDocuments()
    done.missing = settings.missing_texts(root, declared)
    for name, document in declared.documents.items():
        sections = [_section(section, root, artefacts, done) for section in document.sections]
        page = template("documents").render(title=document.title, source=document.source, sections=sections)
        write_text(folder / f"{name}.html", page)
        done.paths.append(folder / f"{name}.html")
    return done


def _section(
    section: settings.DocumentSection, root: Path, artefacts: Artefacts, done: WrittenDocuments
) -> dict[str, Any]:
    rows: list[tuple[str, list[Traced], str]] = []
    for figure in section.figures:
        try:
            traced = artefacts.traced(figure)
            done.numbers += len(traced)
            rows.append((figure.label, traced, ""))
        except NotTraced as reason:
            done.unread.append(f"{figure.label}: {reason}")
            rows.append((figure.label, [], str(reason)))
    text = settings.text_of(root, section.person) if section.person else None
    path = f"{settings.TEXTS.as_posix()}/{section.person}.md" if section.person else ""
    return {"heading": section.heading, "rows": rows, "ask": section.ask, "text": text, "path": path}


def verify(root: Path, folder: Path) -> tuple[int, list[str]]:
    """How many numbers the documents hold, and each that is not what its artefact says now, or that is not traced."""
    artefacts, faults, count = Artefacts.below(root), [], 0
    declared: Documents = settings.load(root)
    for name in declared.documents:
        path = folder / f"{name}.html"
        if not path.is_file():
            faults.append(f"{name}.html is not there")
            continue
        for claim in claims(path.read_text(encoding="utf-8")):
            count += 1
            if fault := _fault_of(claim, artefacts):
                faults.append(f"{name}.html: {claim.key} of {claim.artefact}: {fault}")
    return count, faults


def _fault_of(claim: Traced, artefacts: Artefacts) -> str | None:
    try:
        now = artefacts.single(claim.label, claim.artefact, claim.key, claim.kind)
    except NotTraced as reason:
        return str(reason)
    if now.value != claim.value:
        return f"the document says {claim.value!r}, the artefact {now.value!r}"
    return None if now.sha256 == claim.sha256 else "the artefact is another one than the document was made from"


def claims(page: str) -> Iterator[Traced]:
    """Every number of a page with what it says of its origin."""
    reader = _Reader()
    reader.feed(page)
    yield from reader.claims


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.claims: list[Traced] = []
        self._open: dict[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = {name: value or "" for name, value in attrs}
        if tag == "data" and its.get("class") == MARK:
            self._open, self._text = its, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "data" and self._open is not None:
            its = self._open
            artefact, key, kind, sha256 = (
                its.get(f"data-{name}", "") for name in ("artefact", "key", "kind", "sha256")
            )
            self.claims.append(Traced("", artefact, key, kind, sha256, self._text.strip()))
            self._open = None
