"""Documents as Word files, in the bank's own template: its placeholders are filled, and every figure is traced.

A figure is followed by its number in brackets; a table at the end says the artefact, key and digest of each number.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, get_args
from zipfile import BadZipFile

import docx
from docx.oxml import parse_xml
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from credit_risk.data.writing import replacing
from credit_risk.documents import content
from credit_risk.documents.content import TABLE, FilledDocument, WrittenDocuments
from credit_risk.documents.settings import DocumentTable, Written
from credit_risk.documents.tracing import Artefacts, NotTraced, Traced, fault_of
from credit_risk.errors import CreditRiskError, NotFound

ORIGINS = ("figure", "as written", "artefact", "key", "kind", "SHA-256")
NUMBER = re.compile(r"\[F(\d+)\]")
BESIDE_THE_BODY = ("/header", "/footer", "/footnotes", "/endnotes")  # parts of a Word file, by how their relation ends
# What a template's own expressions can raise: a calculation, a call with too few words, an index that is not there.
OF_EXPRESSIONS = (TemplateError, BadZipFile, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


class TemplateRefused(CreditRiskError, ValueError):
    """A template that is no Word file, or whose placeholders cannot be filled."""


def write(root: Path, folder: Path, template: Path | None = None) -> WrittenDocuments:
    """Write every document as a Word file, in the form of a template (default: plain headings and tables).

    The template's placeholders are Jinja's: `title`, `source`, `sections`, and `figure("reports/metrics.json",
    "test.auc")` for a figure of the bank's choice; what they may do is sandboxed, for a template comes from elsewhere.
    Raises NotFound, TemplateRefused, NotTraced for a figure that is not there.
    """
    if template and not template.is_file():
        raise NotFound(template, "Give a Word file of your own with placeholders (docs/documents.md).")
    documents, artefacts = content.filled(root), Artefacts.below(root)
    paths = [folder / f"{document.name}.docx" for document in documents]
    form = template.read_bytes() if template else plain_template()
    name = template.name if template else "the plain template"
    made = [_filled(name, form, document, artefacts) for document in documents]  # all of them before any is written
    for path, (word, _) in zip(paths, made, strict=True):
        with replacing(path) as unfinished:
            unfinished.write_bytes(word)
    return replace(content.written(root, documents, paths), numbers=sum(shown for _, shown in made))


def plain_template() -> bytes:
    """A template to begin with: headings, a table of figures a section, what is owed."""
    form = docx.Document()
    form.add_heading("{{ title }}", 0)
    for line in ("{{ source }}", "{%p for section in sections %}"):
        form.add_paragraph(line)
    form.add_heading("{{ section.heading }}", 1)
    for line in (
        "{%p if section.text %}",
        "{{ section.text }}",
        "{%p elif section.ask %}",
        "To be written by a person. {{ section.ask }}",
        "{%p endif %}",
    ):
        form.add_paragraph(line)
    _add_table(form, ["{%tr for row in section.rows %}"], ["{{ row.label }}", "{{ row.written }}"], ["{%tr endfor %}"])
    form.add_paragraph("{%p if section.table %}")
    form.add_paragraph("{{ section.table.written }}")
    heading = ["{%tc for column in section.table.columns %}", "{{ column }}", "{%tc endfor %}"]
    cells = ["{%tc for cell in row %}", "{{ cell }}", "{%tc endfor %}"]
    _add_table(form, heading, ["{%tr for row in section.table.rows %}"], cells, ["{%tr endfor %}"])
    for line in ("{%p endif %}", "{%p endfor %}"):
        form.add_paragraph(line)
    return _bytes_of(form)


def _add_table(form: Any, *rows: list[str]) -> None:
    table = form.add_table(rows=len(rows), cols=max(map(len, rows)))
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=False):
            cell.text = text


@dataclass(frozen=True)
class _Sections:
    """The sections as a template walks them, as often as it likes; each is filled when it is first asked for."""

    length: int
    fill: Callable[[int], dict[str, Any]]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.fill(range(self.length)[index])


@dataclass
class _Table:
    """A table as a template shows it. `written` says where its rows come from; shown: whether these were asked for."""

    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    written: str
    artefact: str
    shown: bool = False

    @property
    def rows(self) -> Sequence[Sequence[str]]:
        self.shown = True
        return self.cells

    def count_in(self, written: Collection[str]) -> int:
        """How many figures of it stand in a document, beside the one that counts its rows. written: its numbers."""
        return sum(map(len, self.cells)) - 1 if self.shown and self.is_traced(written) else 0

    def is_traced(self, written: Collection[str]) -> bool:
        return not self.cells or NUMBER.findall(self.written)[0] in written


def _filled(name: str, form: bytes, document: FilledDocument, artefacts: Artefacts) -> tuple[bytes, int]:
    """The Word file, and how many figures it shows."""
    origins: dict[str, Traced] = {}
    tables: list[_Table] = []
    numbers = count(1)

    def numbered(traced: Traced) -> str:
        number = str(next(numbers))
        origins[number] = traced
        return f"{traced.value} [F{number}]"

    def figure(artefact: str, key: str, kind: str = "plain") -> str:
        if kind not in get_args(Written):
            raise ValueError(f"figure(…, {kind!r}): expected {', '.join(get_args(Written))}")
        return numbered(artefacts.single(key, artefact, key, kind))

    @cache
    def section(index: int) -> dict[str, Any]:
        filled = document.sections[index]
        rows = [
            {"label": row.label, "written": " · ".join(map(numbered, row.traced)) or row.missing} for row in filled.rows
        ]
        table = filled.table and _Table(
            filled.table.columns,
            [[cell.value for cell in cells] for cells in filled.table.cells],
            filled.table.missing or numbered(filled.table.origin),
            filled.table.artefact,
        )
        tables.extend([table] if table else [])
        return {"heading": filled.heading, "rows": rows, "table": table, "text": filled.text, "ask": filled.ask}

    sections = _Sections(len(document.sections), section)
    values = {"title": document.title, "source": document.source, "figure": figure, "sections": sections}
    try:
        word = DocxTemplate(BytesIO(form))
        word.render(values, SandboxedEnvironment(autoescape=True, undefined=StrictUndefined))
    except NotTraced as reason:
        raise NotTraced(f"{name} names a figure that is not there: {reason}") from None
    except OF_EXPRESSIONS as error:
        raise TemplateRefused(f"{name} cannot be filled: {_sentence(error)} See docs/documents.md.") from None
    written = set(NUMBER.findall(_text(word.docx)))
    if untraced := [table.artefact for table in tables if table.shown and not table.is_traced(written)]:
        raise TemplateRefused(
            f"{name} shows the rows of {untraced[0]} and not where they come from: put "
            "`{{ section.table.written }}` beside them. See docs/documents.md."
        )
    shown = {number: traced for number, traced in origins.items() if number in written}
    _add_origins(word.docx, shown)
    return _bytes_of(word.docx), len(shown) + sum(table.count_in(written) for table in tables)


def _sentence(error: Exception) -> str:
    """What went wrong, and the words of the template around it where the engine knows them."""
    lines = [re.sub(r"<[^>]*>", "", line).strip() for line in getattr(error, "docx_context", ())]
    near = " ".join(line for line in lines if "{" in line)
    return f"{str(error).rstrip('.')}{f', near {near[:200]!r}' if near else ''}."


def _text(form: Any) -> str:
    """Every paragraph of a Word file, a line each: of its body, headers, footers and notes."""
    beside = (part.target_part.blob for part in form.part.rels.values() if part.reltype.endswith(BESIDE_THE_BODY))
    roots = [form.element.body, *map(parse_xml, beside)]
    return "\n".join(node.text or "" for root in roots for node in root.iter() if str(node.tag).endswith("}p"))


def _add_origins(form: Any, origins: Mapping[str, Traced]) -> None:
    form.add_heading("Where the figures come from", 1)
    table = form.add_table(rows=1, cols=len(ORIGINS))
    for cell, heading in zip(table.rows[0].cells, ORIGINS, strict=True):
        cell.text = heading
    for number, traced in origins.items():
        its = (number, traced.value, traced.artefact, traced.key, traced.kind, traced.sha256)
        for cell, text in zip(table.add_row().cells, its, strict=True):
            cell.text = text


def verify(path: Path, artefacts: Artefacts) -> tuple[int, list[str]]:
    """How many figures a Word file holds, a table's cells among them, and each that does not hold or is not traced."""
    form = docx.Document(str(path))
    claims = {number: traced for table in form.tables for number, traced in _claims(table)}
    text, faults = _text(form), []
    for number, traced in claims.items():
        if f"{traced.value} [F{number}]" not in text:
            faults.append(f"{path.name}: figure [F{number}] is not {traced.value!r} where it stands")
        elif fault := _fault_of_table(traced, artefacts, form) if traced.kind == TABLE else fault_of(traced, artefacts):
            faults.append(f"{path.name}: {traced.key} of {traced.artefact}: {fault}")
    untraced = set(NUMBER.findall(text)) - set(claims)
    return sum(map(_figures_of, claims.values())), [
        *faults,
        *(f"{path.name}: figure [F{number}] is not traced" for number in sorted(untraced)),
    ]


def _figures_of(claim: Traced) -> int:
    """How many figures a claim stands for: one, or the cells of a table."""
    rows = claim.value.removesuffix(" rows")
    return int(rows) * len(claim.key.split(", ")) if claim.kind == TABLE and rows.isdigit() else 1


def _fault_of_table(claim: Traced, artefacts: Artefacts, form: Any) -> str | None:
    """Why no table of a Word file is what its artefact holds now; None if one is, to the cell."""
    names = [column.rpartition(":") for column in claim.key.split(", ")]
    try:
        declared = DocumentTable.model_validate(
            {"artefact": claim.artefact, "columns": {name: kind for name, _, kind in names}}
        )
        rows = artefacts.rows(declared)
    except (NotTraced, ValueError) as reason:
        return str(reason)
    if rows[0][0].sha256 != claim.sha256:
        return "the artefact is another one than the document was made from"
    expected = [[cell.value for cell in row] for row in rows]
    written = ([[cell.text for cell in row.cells] for row in table.rows[1:]] for table in form.tables)
    return None if expected in written else "no table here has its cells"


def _claims(table: Any) -> Iterator[tuple[str, Traced]]:
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    if rows and tuple(rows[0]) == ORIGINS:
        for number, value, artefact, key, kind, sha256 in rows[1:]:
            yield number, Traced("", artefact, key, kind, sha256, value)


def _bytes_of(form: Any) -> bytes:
    written = BytesIO()
    form.save(written)
    return written.getvalue()
