"""Files as strangers write them: what is found of each, and that the pipeline's reader obeys it."""

import pytest
from pandas import DataFrame

from credit_risk.config.columns import Data, Source
from credit_risk.data.reading.numerals import Numerals
from credit_risk.errors import DataError
from credit_risk.fork.reading import dialects
from credit_risk.fork.reading.raw_texts import texts

DATA = Data(sources=(Source(path="loans.csv"),), missing=(), max_bytes=1_000)
ROWS = [["1", "car", "5"], ["2", "a home", "7"], ["3", "car", "9"]]
EXPECTED = {"nr": ["1", "2", "3"], "what for": ["car", "a home", "car"], "late": ["5", "7", "9"]}


def no_progress(_):
    """Nobody is watching."""


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return dialects.dialect(path)


def read(path, data):
    return texts(path, data, no_progress).to_dict("list")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^"])
def test_every_delimiter_and_line_end_gives_one_table(tmp_path, delimiter, end):
    path = tmp_path / "loans.csv"
    text = end.join(delimiter.join(row) for row in [["nr", "what for", "late"], *ROWS]) + end
    data = written(path, text)
    assert data.delimiter == delimiter
    assert read(path, data) == EXPECTED


def test_lines_before_the_header_and_after_the_rows_are_declared(tmp_path):
    path = tmp_path / "loans.csv"
    rows = "\n".join(";".join(row) for row in ROWS)
    data = written(path, f"Loans of 2024\nmade by the warehouse\n\nnr;what for;late\n{rows}\n\nTotal rows: 3\n")
    assert (data.header_line, data.footer_lines) == (4, 1)
    assert read(path, data) == EXPECTED


def test_a_row_that_was_cut_off_is_no_footer(tmp_path):
    path = tmp_path / "loans.csv"
    data = written(path, "nr,what for,late\n" + "\n".join(map(",".join, ROWS)) + "\n4,ca")
    assert data.footer_lines == 0
    with pytest.raises(DataError, match=r"1 line has another number of cells than the header, .*: line 5 has 2"):
        read(path, data)


def test_a_header_that_is_shorter_than_its_rows_is_refused_and_no_row_taken_for_it(tmp_path):
    path = tmp_path / "loans.csv"
    data = written(path, "what for,late\n" + "\n".join(map(",".join, ROWS)) + "\n")
    assert data.header_line == 1
    with pytest.raises(DataError, match="3 lines have another number of cells than the header, which has 2: line 2"):
        read(path, data)


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "\n", "\r\n\r\n"])
def test_the_line_that_tells_excel_the_delimiter_and_blank_ones_are_no_header(tmp_path, first):
    path = tmp_path / "loans.csv"
    data = written(path, first + "nr;what for;late\n" + "\n".join(map(";".join, ROWS)) + "\n")
    assert data.header_line == 1
    assert read(path, data) == EXPECTED


def test_line_breaks_and_blanks_in_names_become_one_blank(tmp_path):
    path = tmp_path / "loans.csv"
    data = written(path, 'nr,"what\n  for", late \n' + "\n".join(map(",".join, ROWS)) + "\n")
    assert read(path, data) == EXPECTED


def test_texts_in_single_quotes(tmp_path):
    path = tmp_path / "loans.csv"
    data = written(path, "nr,what for\n'1','car, new'\n'2','home'\n")
    assert data.quote == "'"
    assert read(path, data) == {"nr": ["1", "2"], "what for": ["car, new", "home"]}


def test_bytes_that_happen_to_be_pairs_are_no_utf_16(tmp_path):
    path = tmp_path / "loans.csv"
    data = written(path, "nr;Größe\n1;klein\n2;groß\n", "cp1252")
    assert data.encoding == "cp1252"
    assert read(path, data) == {"nr": ["1", "2"], "Größe": ["klein", "groß"]}


def test_a_quote_in_a_header_that_is_never_closed_is_said(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text('nr,"what for\n1,2\n')
    with pytest.raises(DataError, match=r"a quote in the header .* is never closed"):
        read(path, dialects.dialect(path).model_copy(update={"quote": '"'}))


@pytest.mark.parametrize(
    ("numerals", "word", "expected"),
    [
        (Numerals(), "1.5", "1.5"),
        (Numerals(",", "."), "1.234,50", "1234.50"),
        (Numerals(",", "."), "12.5", None),
        (Numerals(".", ","), "-1,234.50", "-1234.50"),
        (Numerals(".", ","), "12,5", None),  # no group of three
        (Numerals(".", ","), "-1,23,45,678.90", "-12345678.90"),  # lakhs and crores
        (Numerals(".", ","), "1,23,45", None),
        (Numerals(".", ","), "123,45,678", None),
        (Numerals(",", " "), "1\u00a0234,5", "1234.5"),
        (Numerals(".", ",", "$"), "-$1,200", "-1200"),
        (Numerals(".", "'", "CHF"), "CHF\u00a01\u2019234.50", "1234.50"),
        (Numerals(".", None, "%"), "13.5%", "13.5"),
        (Numerals(".", None, "%"), "13.5", None),  # 13.5 % or 1,350 %?
    ],
)
def test_a_number_is_read_as_its_file_writes_it_or_not_at_all(numerals, word, expected):
    assert numerals.with_point(word) == expected


@pytest.mark.parametrize(
    ("columns", "delimiter", "found"),
    [
        ({"a": ["2,375", "3,081.77"]}, ",", [(".", ",")]),
        ({"a": ["3,375", "4,013"], "b": ["1.5", "2.25"]}, ",", [(".", ",")]),
        ({"a": ["3,375", "4,013"]}, ",", [(".", ","), (",", None)]),  # nobody can know
        ({"a": ["3.375", "4.013"]}, ",", [(".", None), (",", ".")]),  # nor here
        ({"a": ["3.375", "4.013"], "b": ["1.5", "2.25"]}, ",", [(".", None)]),
        ({"a": ["3.375", "956", "0"]}, ",", [(".", None), (",", ".")]),
        ({"a": [*map(str, range(100, 400)), "1.706"]}, ",", [(".", None), (",", ".")]),  # one of 300 may be either, too
        ({"a": ["3.375", "0.013"]}, ",", [(".", None)]),  # no thousands begin with 0
        ({"a": ["3.375", "4.013"], "b": ["1,5", "2,25"]}, ";", [(",", ".")]),
        ({"a": ["3,375", "4,013"]}, ";", [(",", None), (".", ",")]),  # a semicolon makes it likely, not sure
        ({"a": ["3,375", "4,01"]}, ";", [(",", None)]),
        ({"a": ["1.234,50", "7,5"]}, ";", [(",", ".")]),
        ({"a": ["1.5", "2"], "b": ["x, y", "z"]}, ",", [(".", None)]),
    ],
)
def test_the_signs_of_numbers_are_found_or_asked_about(tmp_path, columns, delimiter, found):
    (tmp_path / "loans.csv").write_text("a\n1\n")
    data = dialects.dialect(tmp_path / "loans.csv").model_copy(update={"delimiter": delimiter})
    numerals, _ = dialects.numerals_of(DataFrame(columns, dtype="str"), data)
    assert [(its.decimal, its.thousands) for its in numerals] == found


def test_units_stand_beside_every_number(tmp_path):
    (tmp_path / "loans.csv").write_text("a\n1\n")
    data = dialects.dialect(tmp_path / "loans.csv")
    columns = {"rate": ["13.5%", "7%"], "debt": ["$1,200", "$90"], "mixed": ["$5", "7 EUR"], "term": ["36 months", "6"]}
    table = DataFrame(columns, dtype="str")
    numerals, units = dialects.numerals_of(table, data)
    assert units == {"rate": "%", "debt": "$"}
    plain = dialects.in_plain_numerals(table, numerals[0], units)
    assert plain["debt"].tolist() == ["1200", "90"]
    assert plain["term"].tolist() == ["36 months", "6"]


def test_a_workbook_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "loans.xlsx"
    path.write_bytes(b"PK\x03\x04 and more")
    with pytest.raises(DataError, match=r"loans\.xlsx: this is a spreadsheet or zip file\. .*CSV"):
        dialects.dialect(path)


@pytest.mark.parametrize(
    ("written", "unit", "thousands"), [("CHF\u00a01\u2019234.50", "CHF", "'"), ("1\u202f234.50\u00a0€", "€", " ")]
)
def test_narrow_blanks_and_curved_apostrophes_stand_between_thousands(tmp_path, written, unit, thousands):
    (tmp_path / "loans.csv").write_text("a\n1\n")
    data = dialects.dialect(tmp_path / "loans.csv")
    numerals, units = dialects.numerals_of(DataFrame({"debt": [written]}, dtype="str"), data)
    assert (numerals[0], units) == (Numerals(".", thousands), {"debt": unit})
    assert dialects.in_plain_numerals(DataFrame({"debt": [written]}), numerals[0], units)["debt"].tolist() == [
        "1234.50"
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a spreadsheet of an old form"),
        (b"\x1f\x8b\x08", "compressed"),
        (b'[{"a": 1}]', "JSON"),
        (b"\xef\xbb\xbf<html><table>", "HTML or XML"),
        (b"PAR1", "a Parquet file; give it the ending .parquet"),
    ],
)
def test_a_file_of_another_kind_is_told_by_its_name(tmp_path, content, what):
    path = tmp_path / "loans.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"loans.csv: this is {what}"):
        dialects.dialect(path)


def test_quotes_with_a_backslash_before_them_are_refused_by_line(tmp_path):
    with pytest.raises(DataError, match="line 3 has"):
        written(tmp_path / "loans.csv", 'n,note\n1,"a, b"\n2,"said \\"no\\", twice"\n')
    assert written(tmp_path / "paths.csv", 'n,path\n1,"C:\\loans\\"\n2,"x"\n').delimiter == ","


def test_a_line_of_headings_above_the_names_is_none_of_the_rows(tmp_path):
    path = tmp_path / "loans.csv"
    data = written(path, ",Loan,\nnr,what for,late\n" + "\n".join(map(",".join, ROWS)) + "\n")
    assert data.header_line == 2
    assert read(path, data) == EXPECTED
    assert (
        written(path, ",what for,late\n" + "\n".join(map(",".join, ROWS)) + "\n").header_line == 1
    )  # an index has no name


@pytest.mark.parametrize(
    ("form", "unit"),
    [
        ("{} TL", "TL"),
        ("{}円", "円"),
        ("￥{}", "￥"),
        ("Rs. {}", "Rs."),
        ("R {}", "R"),
        ("R{}", None),
        ("{} lakh", "lakh"),
        ("A{}", None),
        ("{}A", None),
    ],
)
def test_a_currency_or_a_measure_stands_beside_every_number(form, unit):
    table = DataFrame({"income": [form.format(f"{n}.5") for n in range(60)]})
    _, units = dialects.numerals_of(table, DATA)
    assert units.get("income") == unit


def test_a_few_steps_with_a_measure_stay_words():
    table = DataFrame({"term": ["36 months", "60 months"]})
    assert dialects.numerals_of(table, DATA)[1] == {}
