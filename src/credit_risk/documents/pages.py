"""Documents as HTML, and reading back what they claim: every number with artefact, key and digest."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from credit_risk.data.writing import write_text
from credit_risk.documents import content, settings
from credit_risk.documents.content import WrittenDocuments
from credit_risk.documents.settings import Documents
from credit_risk.documents.tracing import Artefacts, Traced, fault_of
from credit_risk.report.templates import template

MARK = "figure"  # the element's class that a number stands in


def write(root: Path, folder: Path) -> WrittenDocuments:
    """Write every document as a page. A figure that cannot be read is said in its place, and counted."""
    documents = content.filled(root)
    paths = [folder / f"{document.name}.html" for document in documents]
    for path, document in zip(paths, documents, strict=True):
        write_text(path, template("documents").render(title=document.title, document=document))
    return content.written(root, documents, paths)


def verify(root: Path, folder: Path) -> tuple[int, list[str]]:
    """How many numbers the documents hold, and each that is not what its artefact says now, or that is not traced."""
    artefacts, faults, count = Artefacts.below(root), [], 0
    declared: Documents = settings.load(root)
    for name in declared.documents:
        path = folder / f"{name}.html"
        if not path.is_file():
            if (folder / f"{name}.docx").is_file():  # it was written as Word alone
                continue
            faults.append(f"{name}.html is not there")
            continue
        for claim in claims(path.read_text(encoding="utf-8")):
            count += 1
            if fault := fault_of(claim, artefacts):
                faults.append(f"{name}.html: {claim.key} of {claim.artefact}: {fault}")
    return count, faults


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
