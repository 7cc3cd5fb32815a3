"""Sheets of workbooks as tables: what a spreadsheet knows of a cell stays, and what it has lost is refused."""

from datetime import date, timedelta
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pyarrow as pa
import pytest
from openpyxl import Workbook

from credit_risk.config.columns import Data, Source
from credit_risk.data.reading import raw
from credit_risk.errors import CreditRiskError
from credit_risk.extracts.sheets import sheet

ROWS = (
    ("loan_no", "applied_on", "income", "share", "insured", "rating", "late"),
    (1, pd.Timestamp(2024, 1, 31), 2375.09, 0.135, True, "A", 3),
    (2, date(2024, 2, 29), 3000, 0.2, False, 7, None),
    (3, None, None, 0.25, True, date(2024, 3, 1), 0),
)


def book(room: Path, **sheets: tuple) -> Path:
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        page = made.create_sheet(name)
        for row in rows:
            page.append(row)
    made.save(room / "book.xlsx")
    return room / "book.xlsx"


def test_every_cell_is_what_the_sheet_holds(tmp_path: Path):
    table = sheet(book(tmp_path, Notes=(("read me",),), Loans=ROWS), "Loans")
    assert table.to_pydict() == {
        "loan_no": [1, 2, 3],
        "applied_on": [pd.Timestamp(2024, 1, 31), pd.Timestamp(2024, 2, 29), None],
        "income": [2375.09, 3000.0, None],
        "share": [0.135, 0.2, 0.25],
        "insured": [True, False, True],
        "rating": ["A", "7", "2024-03-01"],
        "late": [3, None, 0],
    }
    assert table.schema.field("loan_no").type == pa.int64()
    assert table.schema.field("applied_on").type == pa.timestamp("us")


def test_blank_lines_around_a_table_are_none_of_it(tmp_path: Path):
    rows = ((), (), ("a", "b"), (1, 2), (), (3, 4), ())
    assert sheet(book(tmp_path, Only=rows), None).to_pydict() == {"a": [1, 3], "b": [2, 4]}


def test_a_formula_is_the_value_that_was_saved_with_it_and_an_empty_text_none(tmp_path: Path):
    path = book(tmp_path, A=(("a", "b"), (1, "=A2+1"), (2, '=""')))
    cells = "xl/worksheets/sheet1.xml"
    with ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[cells] = parts[cells].replace(b"<f>A2+1</f><v></v>", b"<f>A2+1</f><v>2</v>")
    parts[cells] = parts[cells].replace(b'r="B3"', b'r="B3" t="str"')
    with ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    assert sheet(path, None).to_pydict() == {"a": [1, 2], "b": [2, None]}


@pytest.mark.parametrize(
    ("sheets", "name", "sentence"),
    [
        ({"A": ROWS, "B": ROWS}, None, r"has 2 sheets: name one of 'A', 'B' with --sheet"),
        ({"A": ROWS}, "B", "has no sheet 'B'; it has 'A'"),
        ({"A": (("a", "b"),)}, None, "the sheet 'A' has no header with rows below it"),
        ({"A": (("a", "a"), (1, 2))}, None, "line 1, .* and 'a' stands there more than once"),
        ({"A": (("a",), (1, 2))}, None, "line 2 has cells right of the 1 columns"),
        ({"A": (("a", "b"), (1, "=A2+1"))}, None, r"the cell B2 holds a formula and no value \(=A2\+1\)"),
        ({"A": (("a",), (1582218195625938,))}, None, "'a' holds 1582218195625938, and a spreadsheet keeps 15 digits"),
    ],
)
def test_what_a_sheet_cannot_say_is_refused_by_file_line_or_column(tmp_path: Path, sheets, name, sentence):
    with pytest.raises(CreditRiskError, match=sentence) as refused:
        sheet(book(tmp_path, **sheets), name)
    assert "book.xlsx" in str(refused.value)


def test_a_file_that_is_no_workbook_is_said(tmp_path: Path):
    path = tmp_path / "book.xlsx"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CreditRiskError, match=r"this is no \.xlsx workbook"):
        sheet(path, None)
    with pytest.raises(CreditRiskError, match=r"no\.xlsx"):
        sheet(tmp_path / "no.xlsx", None)


def test_a_workbook_given_to_be_scored_is_refused_with_the_command_that_freezes_it(tmp_path: Path):
    path = tmp_path / "next.xlsx"
    Workbook().save(path)
    with pytest.raises(
        CreditRiskError, match=r"`credit-risk extract --workbook FILE --sheet NAME --output NEW\.parquet`"
    ):
        raw.header(path, Data(sources=(Source(path="next.xlsx"),)), ())


def test_lengths_of_time_are_refused_by_column(tmp_path: Path):
    path = book(tmp_path, Loans=(("loan_no", "on_book"), (1, timedelta(days=3)), (2, None)))
    with pytest.raises(CreditRiskError, match="'on_book' holds lengths of time, as 3 days"):
        sheet(path, "Loans")


def test_a_workbook_with_a_chart_that_cannot_be_read_is_refused_in_words(tmp_path: Path):
    made = Workbook()
    made.create_chartsheet("Chart")
    made.save(tmp_path / "book.xlsx")
    with pytest.raises(CreditRiskError, match="this workbook holds something beside tables"):
        sheet(tmp_path / "book.xlsx", "Chart")
