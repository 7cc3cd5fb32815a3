"""Documents as Word files and PDF: the bank's own template is filled, and a figure that was typed over is found."""

import docx
import pytest

import documents_trial
from credit_risk.cli import main
from credit_risk.data.writing import write_json, write_text
from credit_risk.documents import pages, pdf, settings, word
from credit_risk.documents.tracing import Artefacts, NotTraced
from credit_risk.errors import NotFound
from documents_trial import declared

DECLARED = declared("{label: Lost, artefact: reports/metrics.json, key: nothing}")
METRICS = documents_trial.METRICS | {"kind": "<b>lightgbm & co</b>"}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    write_text(root / settings.FILE, DECLARED)
    write_json(root / "reports" / "metrics.json", METRICS)
    return root


@pytest.fixture
def own(tmp_path):
    """A bank's own form, with a figure of its choice in a sentence and in a table."""
    form = docx.Document()
    form.add_paragraph("Bank of Elsewhere: {{ title }}")
    form.add_paragraph('The kind is {{ figure("reports/metrics.json", "kind", "text") }}, no more.')
    form.add_table(rows=1, cols=1).cell(0, 0).text = '{{ figure("reports/metrics.json", "test.auc") }}'
    form.save(tmp_path / "own.docx")
    return tmp_path / "own.docx"


def texts(path):
    return [node.text for node in docx.Document(str(path)).element.body.iter() if node.tag.endswith("}p") and node.text]


def edited(path, before, after):
    """The file with a text typed over wherever it stands, as somebody would in Word."""
    form = docx.Document(str(path))
    for node in form.element.body.iter():
        if node.tag.endswith("}t") and before in (node.text or ""):
            node.text = node.text.replace(before, after)
    form.save(str(path))


def test_the_plain_form_has_every_figure_with_its_number_and_its_origin(root, tmp_path):
    done = word.write(root, tmp_path)
    assert (done.numbers, done.missing, len(done.unread)) == (4, ["use"], 1)
    written = texts(tmp_path / "card.docx")
    assert written[:4] == ["Card", "house", "Figures", "AUC"]
    assert "0.750 [F1] · 0.700 [F2] · 0.800 [F3]" in written
    assert "6,000 [F4]" in written
    assert "reports/metrics.json has no 'nothing': run `make run`, or mend configs/documents.yaml." in written
    assert "To be written by a person. For what? (governance/texts/use.md)" in written
    assert not any("{" in text for text in written)
    assert word.verify(tmp_path / "card.docx", Artefacts.below(root)) == (4, [])


def test_what_a_person_wrote_stands_there_instead_of_what_is_owed(root, tmp_path):
    write_text(root / "governance" / "texts" / "use.md", "For cards alone, see [12] & <others>.\n")
    word.write(root, tmp_path)
    written = texts(tmp_path / "card.docx")
    assert "For cards alone, see [12] & <others>." in written
    assert not any("To be written" in text for text in written)
    assert word.verify(tmp_path / "card.docx", Artefacts.below(root)) == (4, [])


def test_the_placeholders_of_a_banks_own_template_are_filled(root, tmp_path, own):
    assert word.write(root, tmp_path, own).numbers == 2  # what it shows, and not the four that are declared
    written = texts(tmp_path / "card.docx")
    assert written[:3] == ["Bank of Elsewhere: Card", "The kind is <b>lightgbm & co</b> [F1], no more.", "0.750 [F2]"]
    assert word.verify(tmp_path / "card.docx", Artefacts.below(root)) == (2, [])


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("0.750 [F2]", "0.790 [F2]", "card.docx: figure [F2] is not '0.750' where it stands"),
        ("[F2]", "", "card.docx: figure [F2] is not '0.750' where it stands"),
        (
            "0.750",
            "0.790",
            "card.docx: test.auc of reports/metrics.json: the document says '0.790', the artefact '0.750'",
        ),
        ("[F2]", "[F2] and 0.99 [F7]", "card.docx: figure [F7] is not traced"),
    ],
)
def test_a_figure_that_was_typed_over_is_found(root, own, before, after, fault):
    tmp_path = own.parent
    word.write(root, tmp_path, own)
    edited(tmp_path / "card.docx", before, after)
    assert word.verify(tmp_path / "card.docx", Artefacts.below(root)) == (2, [fault])


def test_a_file_without_its_table_of_origins_has_nothing_traced(root, tmp_path, own):
    word.write(root, tmp_path, own)
    edited(tmp_path / "card.docx", "as written", "as I say")
    count, faults = word.verify(tmp_path / "card.docx", Artefacts.below(root))
    assert (count, faults) == (0, ["card.docx: figure [F1] is not traced", "card.docx: figure [F2] is not traced"])


def test_an_artefact_that_changed_since_is_found(root, tmp_path, own):
    word.write(root, tmp_path, own)
    write_json(root / "reports" / "metrics.json", METRICS | {"other": 1})
    _, faults = word.verify(tmp_path / "card.docx", Artefacts.below(root))
    assert len(faults) == 2
    assert all("the artefact is another one" in fault for fault in faults)


@pytest.mark.parametrize(
    ("placeholder", "error", "match"),
    [
        ("{{ owner }}", word.TemplateRefused, "'owner' is undefined"),
        ("{{ title", word.TemplateRefused, r"^own\.docx cannot be filled"),
        (
            "The {{ title | uper }} of us",
            word.TemplateRefused,
            "No filter named 'uper', near 'The {{ title | uper }} of us'",
        ),
        ("{%p for section in sections %}", word.TemplateRefused, "'endfor'"),
        ("{{ 1 / 0 }}", word.TemplateRefused, "division by zero"),
        ('{{ figure("reports/metrics.json") }}', word.TemplateRefused, "'key'"),
        (
            '{{ figure("reports/metrics.json", "rows", "counts") }}',
            word.TemplateRefused,
            "expected plain, percent, count",
        ),
        ("{{ title.__class__.__mro__ }}", word.TemplateRefused, "unsafe"),
        ("{{ sections[7].heading }}", word.TemplateRefused, "no element 7"),
        (
            '{{ figure("reports/metrics.json", "test.gini") }}',
            NotTraced,
            r"own\.docx .*metrics\.json has no 'test\.gini'",
        ),
        ('{{ figure("../elsewhere.json", "x") }}', NotTraced, "is not there"),
    ],
)
def test_a_placeholder_that_nothing_fills_is_named_and_nothing_is_written(root, tmp_path, placeholder, error, match):
    form = docx.Document()
    form.add_paragraph(placeholder)
    form.save(tmp_path / "own.docx")
    with pytest.raises(error, match=match):
        word.write(root, tmp_path / "out", tmp_path / "own.docx")
    assert not list((tmp_path / "out").glob("*.docx"))


def test_a_figure_in_a_header_or_a_footer_is_traced_and_one_typed_over_there_is_found(root, tmp_path):
    form = docx.Document()
    form.sections[0].header.paragraphs[0].text = '{{ title }}: {{ figure("reports/metrics.json", "test.auc") }}'
    form.sections[0].footer.paragraphs[0].text = "{{ source }}"
    form.save(tmp_path / "own.docx")
    word.write(root, tmp_path, tmp_path / "own.docx")
    path = tmp_path / "card.docx"
    written = docx.Document(str(path))
    assert written.sections[0].header.paragraphs[0].text == "Card: 0.750 [F1]"
    assert written.sections[0].footer.paragraphs[0].text == "house"
    assert word.verify(path, Artefacts.below(root)) == (1, [])
    written.sections[0].header.paragraphs[0].text = "Card: 0.790 [F1]"
    written.save(str(path))
    assert word.verify(path, Artefacts.below(root))[1] == ["card.docx: figure [F1] is not '0.750' where it stands"]


def test_a_template_may_walk_the_sections_twice_and_leave_figures_out(root, tmp_path):
    form = docx.Document()
    for line in ("{%p for section in sections %}", "{{ section.heading }}", "{%p endfor %}") * 2:
        form.add_paragraph(line)
    form.add_paragraph("{{ sections[0].rows[1].written }}")
    form.save(tmp_path / "own.docx")
    assert word.write(root, tmp_path, tmp_path / "own.docx").numbers == 1
    assert texts(tmp_path / "card.docx")[:5] == ["Figures", "Use", "Figures", "Use", "6,000 [F4]"]
    assert word.verify(tmp_path / "card.docx", Artefacts.below(root)) == (1, [])  # what is not shown is not claimed


def test_a_template_that_is_not_there_is_named(root, tmp_path):
    with pytest.raises(NotFound, match=r"own\.docx"):
        word.write(root, tmp_path / "out", tmp_path / "own.docx")


TABLE = """\
      - heading: Bins
        table: {artefact: reports/woe.csv, columns: {bin: text, rows: count, woe: plain}}
"""


@pytest.fixture
def tabled(root):
    """The documents with a table of two bins."""
    write_text(root / settings.FILE, DECLARED + TABLE)
    write_text(root / "reports" / "woe.csv", 'bin,rows,other,woe\n"below 2, or 3",1200,x,-0.25\n4 & more,7,y,\n')
    return root


def test_a_table_is_written_to_the_cell_and_traced_as_a_whole(tabled, tmp_path):
    done = word.write(tabled, tmp_path)
    assert (done.numbers, len(done.unread)) == (10, 1)  # four figures, six cells
    cells = [
        [cell.text for cell in row.cells]
        for table in docx.Document(str(tmp_path / "card.docx")).tables
        for row in table.rows
    ]
    at = cells.index(["bin", "rows", "woe"])
    assert cells[at + 1 : at + 3] == [["below 2, or 3", "1,200", "−0.250"], ["4 & more", "7", ""]]
    assert "2 rows [F5]" in texts(tmp_path / "card.docx")
    assert word.verify(tmp_path / "card.docx", Artefacts.below(tabled)) == (10, [])


ROWS = ("{%p for row in sections[2].table.rows %}", "{{ row | join(' ') }}", "{%p endfor %}")


@pytest.mark.parametrize(
    ("lines", "numbers"),
    [
        ((*ROWS, "{{ sections[2].table.written }}"), 6),
        (("{{ sections[2].table.written }}",), 1),
        (("{{ sections[2].table.columns[0] }}",), 0),
        (("{{ sections[2].heading }}",), 0),
    ],
)
def test_a_template_counts_of_a_table_what_it_shows(tabled, tmp_path, lines, numbers):
    form = docx.Document()
    for line in lines:
        form.add_paragraph(line)
    form.save(tmp_path / "own.docx")
    assert word.write(tabled, tmp_path / "out", tmp_path / "own.docx").numbers == numbers


def test_a_template_may_not_show_the_rows_of_a_table_without_their_origin(tabled, tmp_path):
    form = docx.Document()
    for line in ROWS:
        form.add_paragraph(line)
    form.save(tmp_path / "own.docx")
    with pytest.raises(word.TemplateRefused, match=r"the rows of reports/woe\.csv and not where they come from"):
        word.write(tabled, tmp_path / "out", tmp_path / "own.docx")


def test_where_the_template_fails_at_a_later_document_no_earlier_one_is_written(root, tmp_path):
    both = DECLARED + DECLARED.split("documents:\n", 1)[1].replace("card:", "sheet:").replace(
        "title: Card", "title: Sheet"
    )
    write_text(root / settings.FILE, both)
    form = docx.Document()
    form.add_paragraph('{{ title }}{% if title == "Sheet" %}{{ nothing }}{% endif %}')
    form.save(tmp_path / "own.docx")
    with pytest.raises(word.TemplateRefused):
        word.write(root, tmp_path / "out", tmp_path / "own.docx")
    assert not list((tmp_path / "out").glob("*.docx"))


def test_a_cell_that_was_typed_over_and_a_table_that_changed_since_are_found(tabled, tmp_path):
    word.write(tabled, tmp_path)
    edited(tmp_path / "card.docx", "−0.250", "−0.900")
    here = "card.docx: bin:text, rows:count, woe:plain of reports/woe.csv: "
    assert word.verify(tmp_path / "card.docx", Artefacts.below(tabled))[1] == [f"{here}no table here has its cells"]
    word.write(tabled, tmp_path)
    write_text(tabled / "reports" / "woe.csv", "bin,rows,other,woe\na,1,x,0\n")
    assert word.verify(tmp_path / "card.docx", Artefacts.below(tabled))[1] == [
        f"{here}the artefact is another one than the document was made from"
    ]


def test_each_cell_of_a_page_is_traced_and_a_typed_one_is_found(tabled, tmp_path):
    assert pages.write(tabled, tmp_path).numbers == 10
    assert pages.verify(tabled, tmp_path) == (10, [])
    page = tmp_path / "card.html"
    page.write_text(page.read_text().replace(">1,200<", ">1,300<"))
    assert pages.verify(tabled, tmp_path)[1] == [
        "card.html: 1.rows of reports/woe.csv: the document says '1,300', the artefact '1,200'"
    ]


def test_a_table_or_a_column_that_is_not_there_is_said_in_its_place(tabled, tmp_path):
    write_text(tabled / "reports" / "woe.csv", "bin,rows\na,1\n")
    done = word.write(tabled, tmp_path)
    assert done.unread[1].startswith("reports/woe.csv: reports/woe.csv has no '1.woe'")
    assert any("reports/woe.csv has no '1.woe'" in text for text in texts(tmp_path / "card.docx"))
    write_text(tabled / "reports" / "woe.csv", "bin,rows,woe\n")
    assert word.write(tabled, tmp_path).unread[1] == "reports/woe.csv: reports/woe.csv has no rows."
    (tabled / "reports" / "woe.csv").unlink()
    assert "is not there" in pages.write(tabled, tmp_path).unread[1]
    assert "is not there" in pdf.write(tabled, tmp_path).unread[1]


def test_a_pdf_has_the_table(tabled, tmp_path):
    assert pdf.write(tabled, tmp_path).numbers == 10


def test_a_template_that_is_no_word_file_is_refused(root, tmp_path):
    write_text(tmp_path / "own.docx", "no zip")
    with pytest.raises(word.TemplateRefused, match=r"own\.docx cannot be filled"):
        word.write(root, tmp_path / "out", tmp_path / "own.docx")


def test_a_pdf_has_the_same_figures(root, tmp_path):
    done = pdf.write(root, tmp_path)
    assert (done.numbers, len(done.unread), done.missing) == (4, 1, ["use"])
    assert (tmp_path / "card.pdf").read_bytes().startswith(b"%PDF")


def test_the_commands_write_and_verify_word_files(root, tmp_path, own, capsys):
    write_text(
        root / settings.FILE,
        DECLARED.replace("          - {label: Lost, artefact: reports/metrics.json, key: nothing}\n", ""),
    )
    out = ["--root", str(root), "--output", str(tmp_path / "out")]
    assert main(["documents", "write", *out]) == 0
    assert main(["documents", "write", "--as", "word", "--template", str(own), *out]) == 0
    assert main(["documents", "verify", *out]) == 0
    assert "All 6 figures" in capsys.readouterr().out  # four of the page, two of the template
    edited(tmp_path / "out" / "card.docx", "0.750", "0.790")
    assert main(["documents", "verify", *out]) == 1
    assert "1 fault, of 6 figures read:\n  card.docx" in capsys.readouterr().err
    assert main(["documents", "write", "--template", str(own), *out]) == 2


def test_a_folder_of_word_files_alone_is_verified(root, tmp_path, capsys):
    lost = "          - {label: Lost, artefact: reports/metrics.json, key: nothing}\n"
    write_text(root / settings.FILE, DECLARED.replace(lost, ""))
    out = ["--root", str(root), "--output", str(tmp_path / "out")]
    assert main(["documents", "write", "--as", "word", *out]) == 0
    assert main(["documents", "verify", *out]) == 0
    assert "All 4 figures" in capsys.readouterr().out


def test_a_folder_without_a_document_is_said_to_be_one(root, tmp_path, capsys):
    assert main(["documents", "verify", "--root", str(root), "--output", str(tmp_path)]) == 2
    assert f"{tmp_path} holds no document; `credit-risk documents write` writes them." in capsys.readouterr().err
