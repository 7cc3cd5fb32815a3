"""Reading data files: what a good one becomes, and the sentence in which each broken one ends."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas import DataFrame, Timestamp
from pandas.testing import assert_frame_equal

import smallest
from credit_risk.config import Column, Config
from credit_risk.data.inputs import Inputs
from credit_risk.data.reading.gaps import without_gaps
from credit_risk.data.reading.numerals import Numerals
from credit_risk.data.reading.tables import inspect_sources, join, read_passed, read_sources, read_table, write_passed
from credit_risk.errors import DataError, NotFound

COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"role": "id", "type": "integer"},
    "day": {"role": "date", "type": "date"},
    "income": {"role": "feature", "type": "number", "missing": "allow"},
    "months": {"role": "feature", "type": "integer", "missing": "allow"},
    "customer": {"role": "feature", "type": "boolean", "missing": "allow"},
    "job": {"role": "feature", "type": "ordered", "categories": ["none", "some"], "missing": "allow"},
    "sex": {"role": "protected", "type": "category", "categories": ["1", "2"], "why": "sex"},
    "note": {"role": "ignore", "why": "free text"},
    "status": {"role": "target", "type": "integer"},
}
HEADER = "id,day,income,months,customer,job,sex,note,status"
GOOD = f"""{HEADER}
1,2026-01-05,1000.5,12,yes,some,2,hello,0
2,2026-02-06,,24,no,none,1,,1
3,2026-03-07,500,36,TRUE,,1,x,1.0
"""


def config(*sources: dict[str, Any], columns: dict[str, dict[str, Any]] = COLUMNS, **data: Any) -> Config:
    return smallest.config(columns=columns, data={"sources": sources or [{"path": "loans.csv"}], **data})


def read(root: Path, content: str | bytes = GOOD, settings: Config | None = None) -> DataFrame:
    (root / "loans.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return read_sources(settings or config(), root)


def refusal(root: Path, content: str | bytes, settings: Config | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read(root, content, settings)
    return str(caught.value).replace(f"{root}/", "")


def test_every_column_is_what_the_config_says(tmp_path: Path):
    table = read(tmp_path)
    assert list(table) == ["id", "day", "income", "months", "customer", "job", "sex", "status"]
    assert table["id"].tolist() == [1, 2, 3]
    assert table["id"].dtype == np.int64
    assert table["day"].tolist() == [Timestamp("2026-01-05"), Timestamp("2026-02-06"), Timestamp("2026-03-07")]
    np.testing.assert_array_equal(table["income"], [1000.5, np.nan, 500])
    assert table["months"].dtype == np.int64
    assert table["customer"].tolist() == [True, False, True]
    assert list(table["job"].cat.categories) == ["none", "some"]
    assert table["job"].cat.ordered
    assert table["job"].cat.codes.tolist() == [1, 0, -1]
    assert table["sex"].tolist() == ["2", "1", "1"]
    assert table["status"].tolist() == ["0", "1", "1"]  # 1.0 and 1 are one outcome


def test_a_missing_cell_turns_an_integer_or_a_boolean_into_numbers(tmp_path: Path):
    table = read(tmp_path, GOOD.replace(",12,yes,", ",,,"))
    np.testing.assert_array_equal(table["months"], [np.nan, 24, 36])
    np.testing.assert_array_equal(table["customer"], [np.nan, 0, 1])


def test_whole_numbers_may_be_written_with_a_point_and_long_ids_stay_exact(tmp_path: Path):
    table = read(tmp_path, GOOD.replace(",12,", ",12.0,").replace("\n1,", "\n9007199254740993,"))
    assert table["months"].tolist() == [12, 24, 36]
    assert table["id"].tolist() == [9007199254740993, 2, 3]


def test_a_parquet_file_gives_the_same_table(tmp_path: Path):
    table = read(tmp_path)
    stored = table.assign(status=[0, 1, 1], sex=[2, 1, 1], job=["some", "none", "?"], note="")
    stored.to_parquet(tmp_path / "loans.parquet")
    again = read_sources(config({"path": "loans.parquet"}, missing=["?"]), tmp_path)
    for name in table:
        assert again[name].equals(table[name]), name


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path):
    windows = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert read(tmp_path, windows).equals(read(tmp_path, GOOD))


def test_no_row_is_lost_where_some_lines_end_with_a_carriage_return_alone(tmp_path: Path):
    lines = GOOD.splitlines()
    for ends in (("\r", "\r\n"), ("\r", "\n"), ("\r\r\n", "\n")):
        text = "".join(line + ends[number % 2] for number, line in enumerate(lines))
        assert read(tmp_path, text.encode()).equals(read(tmp_path, GOOD)), ends


def test_a_quoted_cell_may_hold_delimiters_and_line_breaks(tmp_path: Path):
    assert read(tmp_path, GOOD.replace("hello", '"a,\nb"')).equals(read(tmp_path))


def test_another_delimiter_encoding_and_words_for_missing(tmp_path: Path):
    text = GOOD.replace(",", ";").replace("some", "für").replace("2026-02-06;;", "2026-02-06;N/A;")
    columns = COLUMNS | {"job": COLUMNS["job"] | {"categories": ["none", "für"]}}
    for encoding in ("cp1252", "utf-16"):
        settings = config(columns=columns, delimiter=";", encoding=encoding, missing=["", "N/A"])
        table = read(tmp_path, text.encode(encoding), settings)
        assert table["job"].cat.codes.tolist() == [1, 0, -1]
        np.testing.assert_array_equal(table["income"], [1000.5, np.nan, 500])


def test_an_unknown_category_stays_one_and_is_not_missing(tmp_path: Path):
    table = read(tmp_path, GOOD.replace(",some,", ",lots,"))
    assert list(table["job"].cat.categories) == ["none", "some", "lots"]
    assert table["job"].isna().tolist() == [False, False, True]


def test_unreadable_cells_are_counted_by_column_with_place_and_text(tmp_path: Path):
    (tmp_path / "loans.csv").write_text(
        GOOD.replace("1000.5", "lots").replace(",36,", ",nan,").replace("2026-03-07", "07.03.2026")
    )
    reading = inspect_sources(config(), tmp_path)
    found = {cells.column: (cells.count, cells.rows, cells.texts) for cells in reading.unreadable}
    assert found == {"day": (1, (2,), ("07.03.2026",)), "income": (1, (0,), ("lots",)), "months": (1, (2,), ("nan",))}
    assert reading.table["income"].tolist()[0] == np.inf
    assert reading.table["months"].tolist() == [12, 24, np.inf]
    assert reading.table["id"].dtype == np.int64


def test_strings_among_numbers_are_refused_all_at_once_where_no_report_is_asked_for(tmp_path: Path):
    sentence = refusal(tmp_path, GOOD.replace("1000.5", "lots").replace(",36,", ",x,"))
    assert sentence.startswith("2 cells are not what the config says")
    assert "income: 1 unreadable, as in row 1: 'lots'" in sentence
    assert "months: 1 unreadable, as in row 3: 'x'" in sentence


def test_a_missing_file_says_how_to_get_it(tmp_path: Path):
    with pytest.raises(NotFound, match=r"loans.csv: there is no such file. Correct the name"):
        read_sources(config(), tmp_path)


def test_a_directory_is_no_data_file(tmp_path: Path):
    (tmp_path / "loans.csv").mkdir()
    with pytest.raises(DataError, match=r"loans.csv: this is a directory. Name the data file in it."):
        read_sources(config(), tmp_path)


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path):
    (tmp_path / "loans.csv").write_bytes(b"\xff" * 1_000_001)  # no reader would get past the first byte
    with pytest.raises(
        DataError, match=r"the file has 1,000,001 bytes, data.max_bytes allows 1,000,000. Nothing was read"
    ):
        read_sources(config(max_bytes=1_000_000), tmp_path)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file(tmp_path: Path, content: str):
    assert refusal(tmp_path, content) == ("loans.csv: the file is empty. Export it again with a header line and rows.")


def test_a_header_alone(tmp_path: Path):
    assert refusal(tmp_path, HEADER) == "loans.csv: the file has a header and no rows. Export it again."


def test_a_wrong_delimiter_names_the_right_one(tmp_path: Path):
    assert refusal(tmp_path, GOOD.replace(",", ";")) == (
        "loans.csv: with the delimiter ',' the header has 1 column; with ';' it has 9, of which the config declares 9. "
        "Set data.delimiter to ';' in the config."
    )


def test_a_wrong_encoding_names_the_byte_and_the_likely_one(tmp_path: Path):
    content = GOOD.replace("some", "für").encode("cp1252")
    sentence = refusal(tmp_path, content)
    assert sentence == (
        f"loans.csv: byte {content.index(0xFC)} (0xfc) is not utf-8. The file is probably cp1252, in which this byte "
        "reads 'ü'; set data.encoding in the config."
    )


def test_a_wrong_encoding_in_the_header_and_far_into_the_file(tmp_path: Path):
    assert "byte 0 (0xff) is not utf-8. The file is probably utf-16" in refusal(tmp_path, GOOD.encode("utf-16"))
    late = GOOD + "4,2026-01-01,1,1,yes,none,1,,0\n" * 100_000 + "4,2026-01-01,1,1,yes,für,1,,0\n"
    content = late.encode("cp1252")
    assert f"byte {content.index(0xFC)} (0xfc) is not utf-8" in refusal(tmp_path, content)


def test_a_file_that_is_no_text_is_not_called_an_encoding(tmp_path: Path):
    assert "byte 4 is not utf-8, and what is around it is no text. Name a CSV file." in refusal(
        tmp_path, b"a,b,\xff\x00\x01" * 50
    )


def test_a_quote_that_is_never_closed_is_thought_of(tmp_path: Path):
    assert "a quote that is never closed" in refusal(tmp_path, GOOD.replace(",yes,", ',"yes,', 1).encode())


def test_utf8_read_as_another_encoding(tmp_path: Path):
    content = GOOD.replace("some", "cafÁ")  # Á is 0xc3 0x81 in UTF-8, and cp1252 has no 0x81
    assert "(0x81) is not cp1252. The file is probably utf-8" in refusal(tmp_path, content, config(encoding="cp1252"))


def test_an_encoding_that_does_not_exist(tmp_path: Path):
    assert "Python knows no encoding 'utf-9'" in refusal(tmp_path, GOOD, config(encoding="utf-9"))


def test_missing_columns_are_named_with_the_nearest_names_and_undeclared_ones_with_the_fix(tmp_path: Path):
    sentence = refusal(tmp_path, GOOD.replace("income", "incomes"))
    assert "there is no column 'income' (is it 'incomes'?)" in sentence
    assert "the config does not declare 'incomes'. Only declared data are read" in sentence
    assert "`role: ignore`" in sentence


def test_an_ignored_column_may_be_absent(tmp_path: Path):
    assert len(read(tmp_path, "\n".join(re.sub(r",[^,]*(,[^,]*)$", r"\1", line) for line in GOOD.splitlines()))) == 3


def test_duplicated_columns(tmp_path: Path):
    assert refusal(tmp_path, GOOD.replace("note", "income")) == (
        "loans.csv: 'income' stands in the header more than once. Remove or rename the copies."
    )


def test_ragged_rows_are_named_by_line(tmp_path: Path):
    lines = GOOD.splitlines()
    sentence = refusal(tmp_path, "\n".join([*lines[:2], lines[2] + ",extra", lines[3], "4,2026-01-01"]))
    assert sentence.startswith(
        "loans.csv: 2 lines have another number of cells than the header, which has 9: line 3 has 10, line 5 has 2."
    )


@pytest.mark.parametrize(
    ("start", "what"),
    [(b"PAR1xxxx", "it is a Parquet file"), (b"PK\x03\x04xx", "it is a spreadsheet"), (b"\x1f\x8b00", "compressed")],
)
def test_a_file_that_is_no_csv(tmp_path: Path, start: bytes, what: str):
    assert what in refusal(tmp_path, start)


def test_a_parquet_file_that_is_none(tmp_path: Path):
    (tmp_path / "loans.parquet").write_text(GOOD)
    with pytest.raises(DataError, match=r"loans.parquet: this is no Parquet file"):
        read_sources(config({"path": "loans.parquet"}), tmp_path)


def test_a_text_that_is_never_closed_is_seen(tmp_path: Path):
    (tmp_path / "loans.csv").write_text(GOOD.replace(",12,", ',"12,'))
    with pytest.raises(DataError):
        read_sources(config(), tmp_path)


TWO = ({"path": "loans.csv"}, {"path": "bureau.csv", "join_on": "id"})
WITH_BUREAU = COLUMNS | {"delays": {"role": "feature", "type": "integer", "missing": "allow"}}


def test_a_second_file_is_joined_by_its_key_and_gaps_are_counted(tmp_path: Path):
    (tmp_path / "bureau.csv").write_text("id,delays\n3,7\n1,5\n9,9\n")
    (tmp_path / "loans.csv").write_text(GOOD)
    reading = inspect_sources(config(*TWO, columns=WITH_BUREAU), tmp_path)
    np.testing.assert_array_equal(reading.table["delays"], [5, np.nan, 7])
    assert reading.table["id"].tolist() == [1, 2, 3]
    assert [(joined.path, joined.key, joined.unmatched, joined.unused) for joined in reading.joins] == [
        ("bureau.csv", "id", 1, 1)
    ]


@pytest.mark.parametrize(
    ("bureau", "sentence"),
    [
        ("id,delays\n1,5\n1,6\n2,1\n", "bureau.csv: 2 rows share their id with another row, as 1"),
        ("id,delays\n,5\n2,1\n", "bureau.csv: 1 rows have no id"),
        ("id,delays\n7,5\n", "bureau.csv: no id of the first file stands in it. The first begins with 1"),
        ("key,delays\n1,5\n", "bureau.csv has no column 'id' to join bureau.csv on"),
        ("id,delays,income\n1,5,1\n", "'income' stands in bureau.csv and in a file before it"),
    ],
)
def test_a_join_that_cannot_be_right_is_refused(tmp_path: Path, bureau: str, sentence: str):
    (tmp_path / "bureau.csv").write_text(bureau)
    assert sentence in refusal(tmp_path, GOOD, config(*TWO, columns=WITH_BUREAU)).replace("np.int64(1)", "1")


def test_a_joined_file_in_which_every_row_finds_its_own_keeps_texts_and_numbers(tmp_path: Path):
    first = DataFrame({"id": [1, 2, 3], "late": ["a", "b", "a"]})
    second = DataFrame({"id": [3, 1, 2], "grade": ["x", "y", "z"], "score": [7, 8, 9]})
    joined, counted = join(first, second, "id", tmp_path / "bureau.csv")
    assert joined["grade"].tolist() == ["y", "z", "x"]
    assert joined["score"].tolist() == [8, 9, 7]
    assert (counted.unmatched, counted.unused) == (0, 0)


def test_a_second_file_needs_a_key(tmp_path: Path):
    (tmp_path / "bureau.csv").write_text("id,delays\n1,5\n")
    sources = ({"path": "loans.csv"}, {"path": "bureau.csv"})
    assert "name its key under `join_on:`" in refusal(tmp_path, GOOD, config(*sources, columns=WITH_BUREAU))


@pytest.mark.parametrize("missing", [[""], ["", "9"]])
def test_a_table_that_passed_is_read_again_cell_for_cell(tmp_path: Path, missing: list[str]):
    """The words for missing count where a file is parsed: what was typed as 9 there stays 9."""
    (tmp_path / "bureau.csv").write_text("id,delays\n3,7\n1,5\n8,8\n")
    (tmp_path / "loans.csv").write_text(GOOD.replace(",1.0\n", ",9.0\n"))
    columns = WITH_BUREAU | {"status": COLUMNS["status"] | {"missing_words": [""]}}
    settings = config(*TWO, columns=columns, missing=missing)
    reading = inspect_sources(settings, tmp_path)
    write_passed(tmp_path / "table.parquet", reading)
    (tmp_path / "loans.csv").unlink()
    assert reading.table["status"].tolist() == ["0", "1", "9"]
    assert_frame_equal(read_passed(tmp_path / "table.parquet", settings), reading.table)


def test_a_table_that_passed_follows_the_config_or_is_refused(tmp_path: Path):
    (tmp_path / "loans.csv").write_text(GOOD)
    write_passed(tmp_path / "table.parquet", inspect_sources(config(), tmp_path))
    as_number = config(columns=COLUMNS | {"months": COLUMNS["months"] | {"type": "number"}})
    assert read_passed(tmp_path / "table.parquet", as_number)["months"].dtype == np.float64
    with pytest.raises(DataError, match="there is no column 'delays'"):
        read_passed(tmp_path / "table.parquet", config(columns=WITH_BUREAU))


def test_no_table_is_handed_on_with_unreadable_cells_and_none_is_made_up(tmp_path: Path):
    (tmp_path / "loans.csv").write_text(GOOD.replace("1000.5", "lots"))
    with pytest.raises(DataError, match="income: 1 unreadable, as in row 1: 'lots'"):
        write_passed(tmp_path / "table.parquet", inspect_sources(config(), tmp_path))
    with pytest.raises(NotFound, match="`credit-risk validate-data` writes it when the data pass"):
        read_passed(tmp_path / "table.parquet", config())


def test_batches_hold_the_whole_file_in_order(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_text(GOOD)
    names = config().inputs
    batches = list(read_table(path, config(), names, rows=2))
    assert [batch.index.tolist() for batch in batches] == [[0, 1], [2]]
    assert all(list(batch) == list(names) for batch in batches)
    whole = Inputs.of(config()).table(read_sources(config(), tmp_path))
    np.testing.assert_array_equal(np.vstack([Inputs.of(config()).table(batch) for batch in batches]), whole)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_bad_cell_in_a_batch_is_infinite_and_fails_no_file(tmp_path: Path, suffix: str):
    path = tmp_path / f"loans.{suffix}"
    if suffix == "csv":
        path.write_text("income,months,customer,job\nlots,12,maybe,lots\n,1.5,yes,some\n")
    else:
        cells = {"income": ["lots", None], "months": [12, 1.5], "customer": ["maybe", "yes"], "job": ["lots", "some"]}
        pq.write_table(pa.table(cells), path)
    (batch,) = read_table(path, config(), config().inputs)
    matrix = Inputs.of(config()).table(batch)
    np.testing.assert_array_equal(matrix, [[np.inf, 12, np.inf, np.inf], [np.nan, 1.5, 1, 1]])


def test_blocks_are_cut_between_rows_not_within_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("credit_risk.data.reading.raw.BLOCK", 64)
    path = tmp_path / "loans.csv"
    rows = [f'{n},{n},yes,"some"' if n % 3 else f'{n},"{n}",no,"no\nne"' for n in range(200)]
    path.write_text("\n".join(["income,months,customer,job", *rows]))
    batches = list(read_table(path, config(), ("income", "job"), rows=50))
    assert [income for batch in batches for income in batch["income"]] == list(range(200))
    assert sum(batch["job"].isin(["no\nne"]).sum() for batch in batches) == 67
    assert [number for batch in batches for number in batch.index] == list(range(200))


def test_a_scoring_file_may_hold_more_columns_but_not_fewer(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_text("months,incomes,anything\n1,2,3\n")
    assert [len(batch) for batch in read_table(path, config(), ("months",))] == [1]
    with pytest.raises(DataError, match=r"loans.csv: there is no column 'income' \(is it 'incomes'\?\)"):
        list(read_table(path, config(), ("months", "income")))


def test_a_scoring_file_without_rows(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_text("months\n")
    with pytest.raises(DataError, match="a header and no rows"):
        list(read_table(path, config(), ("months",)))


def test_progress_adds_up_to_the_file(tmp_path: Path):
    seen: list[int] = []
    (tmp_path / "loans.csv").write_text(GOOD)
    read_sources(config(), tmp_path, progress=seen.append)
    assert sum(seen) == len(GOOD)


LONG = 9007199254740993  # 2^53 + 1: the first whole number that is no float
KEYED = {
    "id": {"role": "id", "type": "integer"},
    "who": {"role": "applicant", "type": "integer"},
    "income": {"role": "feature", "type": "number"},
    "status": {"role": "target", "type": "integer"},
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("kind", ["integer", "text"])
def test_keys_keep_every_digit_with_a_gap_beside_them(tmp_path: Path, ending: str, kind: str):
    columns = KEYED | {"who": {"role": "applicant", "type": kind}}
    cells = pa.table({"id": [1, 2, 3], "who": [LONG, None, LONG - 1], "income": [1.0] * 3, "status": [0, 1, 0]})
    if ending == "csv":
        (tmp_path / "loans.csv").write_text(f"id,who,income,status\n1,{LONG},1,0\n2, ,1,1\n3,{LONG - 1}.0,1,0\n")
    else:
        pq.write_table(cells, tmp_path / "loans.parquet")
    settings = config({"path": f"loans.{ending}"}, columns=columns)
    reading = inspect_sources(settings, tmp_path)
    ending_of_text = ".0" if ending == "csv" and kind == "text" else ""
    assert reading.table["who"].astype("str").tolist()[::2] == [str(LONG), f"{LONG - 1}{ending_of_text}"]
    assert reading.table["who"].isna().tolist() == [False, True, False]
    write_passed(tmp_path / "table.parquet", reading)
    assert_frame_equal(read_passed(tmp_path / "table.parquet", settings), reading.table)


@pytest.mark.parametrize("cell", ["20240131000000000586", "9223372036854775808", "1.5", "A1"])
def test_a_key_that_does_not_fit_is_refused_with_row_column_and_mend(tmp_path: Path, cell: str):
    sentence = refusal(tmp_path, f"id,who,income,status\n1,5,1,0\n2,{cell},1,1\n", config(columns=KEYED))
    assert f"who: 1 unreadable, as in row 2: {cell!r}" in sentence
    assert "declare `who: {role: applicant, type: text}`" in sentence


def test_the_longest_whole_number_fits(tmp_path: Path):
    table = read(tmp_path, "id,who,income,status\n1,9223372036854775807,1,0\n2,,1,1\n", config(columns=KEYED))
    assert table["who"].tolist()[0] == 9223372036854775807


@pytest.mark.parametrize("kind", ["integer", "text"])
def test_a_key_that_a_float_has_rounded_already_is_refused(tmp_path: Path, kind: str):
    pq.write_table(
        pa.table({"id": [1, 2], "who": [float(LONG), 7.0], "income": [1.0, 2.0], "status": [0, 1]}),
        tmp_path / "loans.parquet",
    )
    settings = config({"path": "loans.parquet"}, columns=KEYED | {"who": {"role": "applicant", "type": kind}})
    with pytest.raises(DataError, match=r"who: 1 unreadable, as in row 1"):
        read_sources(settings, tmp_path)


@pytest.mark.parametrize("kind", ["integer", "text"])
def test_long_keys_join_their_own_row_and_blanks_none(tmp_path: Path, kind: str):
    columns = KEYED | {"who": {"role": "ignore", "type": kind, "why": "a key"}}
    columns |= {"delays": {"role": "feature", "type": "integer", "missing": "allow"}}
    (tmp_path / "loans.csv").write_text(
        f"id,who,income,status\n1,{LONG},1,0\n2,,1,1\n3, ,1,1\n4,{LONG - 1},1,0\n5,{LONG + 4},1,0\n"
    )
    (tmp_path / "bureau.csv").write_text(f"who,delays\n{LONG - 1},6\n{LONG},7\n")
    sources = ({"path": "loans.csv"}, {"path": "bureau.csv", "join_on": "who"})
    table = read_sources(config(*sources, columns=columns), tmp_path)
    np.testing.assert_array_equal(table["delays"], [7, np.nan, np.nan, 6, np.nan])


def test_a_long_id_of_a_scoring_file_is_exact_or_refused(tmp_path: Path):
    (tmp_path / "next.csv").write_text(f"id,who,income\n{LONG},,1\n,,2\n")
    (batch,) = read_table(tmp_path / "next.csv", config(columns=KEYED), ["id", "income"])
    assert batch["id"].tolist()[0] == LONG
    (tmp_path / "next.csv").write_text("id,who,income\n1,,1\n20240131000000000000,,2\n")
    with pytest.raises(DataError, match=r"id: in row 2 \(line 3.*'20240131000000000000'.*type: text"):
        list(read_table(tmp_path / "next.csv", config(columns=KEYED), ["id", "income"]))


CODED = {
    "income": {"role": "feature", "type": "number", "missing": "allow"},
    "months": {"role": "feature", "type": "integer", "missing": "allow"},
    "country": {"role": "feature", "type": "category", "categories": ["NA", "ZA"], "missing_words": [""]},
    "status": {"role": "target", "type": "integer", "missing": "allow", "missing_words": ["", "?", "NULL"]},
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_code_for_missing_is_a_number_however_it_is_written_and_a_word_in_vain_is_told(tmp_path: Path, ending: str):
    settings = config({"path": f"loans.{ending}"}, columns=CODED, missing=["", "-999", "NA", "-1"])
    if ending == "csv":
        (tmp_path / "loans.csv").write_text(
            "income,months,country,status\n-999.0,NA,NA,0\n5,-999,ZA,1\n-9990, -999 ,NA,?\n"
        )
    else:
        pq.write_table(
            pa.table(
                {
                    "income": [-999.0, 5.0, -9990.0],
                    "months": pa.array([None, -999, -999], pa.int32()),
                    "country": pa.array(["NA", "ZA", "NA"], pa.string_view()),
                    "status": pa.array([b"0", b"1", b"?"], pa.binary()),
                }
            ),
            tmp_path / "loans.parquet",
        )
    reading = inspect_sources(settings, tmp_path)
    np.testing.assert_array_equal(reading.table["income"], [np.nan, 5, -9990])
    np.testing.assert_array_equal(reading.table["months"], [np.nan] * 3)
    assert reading.table["country"].tolist() == ["NA", "ZA", "NA"]
    assert reading.table["status"].tolist()[:2] == ["0", "1"]
    assert reading.table["status"].isna().tolist() == [False, False, True]
    in_vain = ("data.missing: 'NA'",) if ending == "parquet" else ()
    assert reading.unmet_words == (*in_vain, "data.missing: '-1'", "columns.status.missing_words: 'NULL'")
    assert list(next(read_table(tmp_path / f"loans.{ending}", settings, ["income"]))["income"].isna()) == [
        True,
        False,
        False,
    ]
    write_passed(tmp_path / "table.parquet", reading)
    assert_frame_equal(read_passed(tmp_path / "table.parquet", settings), reading.table)


@pytest.mark.parametrize("cell", ["Cafe\u0301", "Café", " café ", "CAFÉ", "Café\u00a0"])
def test_one_word_is_one_category_however_it_is_written(tmp_path: Path, cell: str):
    job = {"role": "feature", "type": "category", "categories": ["Café", "1", "No", "no"]}
    settings = config(columns={"job": job, "status": COLUMNS["status"]})
    table = read(tmp_path, f"job,status\n{cell},0\n1.0,1\nno,0\nNO,1\n", settings)
    assert table["job"].tolist() == ["Café", "1", "no", "NO"]  # a word that folds to two of them is neither
    inputs = Inputs.of(settings)
    assert inputs.table(table)[0, 0] == 0
    assert inputs.single_row({"job": "Cafe\u0301"})[0, 0] == 0
    assert inputs.single_row({"job": "CAFÉ"})[0, 0] == np.inf  # a request is taken as it is


@pytest.mark.parametrize(
    ("form", "cells"),
    [
        ("%Y%m%d", ("20240131", "20240131.0", "2024131")),
        ("%d/%m/%Y", ("31/01/2024", " 31/01/2024", "01/31/2024")),
        ("excel", ("45322", "45322.0", "7")),
    ],
)
def test_a_date_is_read_as_the_config_says_that_it_is_written(tmp_path: Path, form: str, cells: tuple[str, ...]):
    columns = {"day": {"role": "date", "type": "date", "format": form}, "status": COLUMNS["status"]}
    columns |= {"income": COLUMNS["income"]}
    settings = config(columns=columns)
    rows = [f"{cell},{row % 2},1" for row, cell in enumerate(cells[:2])]
    table = read(tmp_path, "\n".join(["day,status,income", *rows]) + "\n", settings)
    assert table["day"].tolist() == [Timestamp("2024-01-31")] * 2
    sentence = refusal(tmp_path, f"day,status,income\n{cells[0]},0,1\n{cells[2]},1,1\n", settings)
    assert f"day: 1 unreadable, as in row 2: {cells[2]!r}" in sentence


@pytest.mark.parametrize("ordered", [False, True])
def test_categories_of_a_file_keep_their_order_flag_where_gaps_are_taken_out(ordered: bool):
    cells = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 2], pa.int8()), pa.array(["low", "NA", "high"]), ordered=ordered
    )
    taken, met = without_gaps(
        pa.chunked_array([cells]), ["NA"], Column(type="category", role="ignore", why="a trial"), Numerals()
    )
    assert taken.to_pylist() == ["low", None, "high"]
    assert (taken.type.ordered, met) == (ordered, {"NA"})


def test_an_outcome_in_other_capitals_is_the_declared_one_unless_two_are_declared_alike(tmp_path: Path):
    columns = {**COLUMNS, "status": {"role": "target"}}
    content = GOOD.replace(",0\n", ",ok \n").replace(",,1\n", ",,BAD\n").replace(",1.0\n", ",other\n")
    outcome = smallest.SECTIONS["outcome"] | {"bad": ["Bad"], "good": ["OK"]}
    assert read(tmp_path, content, smallest.config(columns=columns, outcome=outcome))["status"].tolist() == [
        "OK",
        "Bad",
        "other",
    ]
    both = outcome | {"bad": ["Bad", "bad"]}
    assert read(tmp_path, content, smallest.config(columns=columns, outcome=both))["status"].tolist()[1] == "BAD"


def test_a_scoring_file_without_the_columns_of_a_joined_file_says_what_was_joined(tmp_path: Path):
    columns = {**COLUMNS, "late": {"role": "feature", "type": "number"}}
    settings = config({"path": "loans.csv"}, {"path": "bureau.csv", "join_on": "id"}, columns=columns)
    (tmp_path / "next.csv").write_text(GOOD, encoding="utf-8")
    with pytest.raises(DataError, match=r"no column 'late'.*bureau\.csv was joined by id: join it to this file"):
        list(read_table(tmp_path / "next.csv", settings, settings.inputs))


def test_utf8_where_the_config_says_utf16_is_a_sentence(tmp_path: Path):
    assert "loans.csv: it does not begin as utf-16 text does. The file is probably utf-8" in refusal(
        tmp_path, GOOD, config(encoding="utf-16")
    )
    with pytest.raises(DataError, match="does not begin as utf-16 text does"):
        list(read_table(tmp_path / "loans.csv", config(encoding="utf-16"), ["income"]))


def test_a_day_is_that_of_the_clock_where_it_was_written(tmp_path: Path):
    path = tmp_path / "loans.parquet"
    DataFrame({"day": [Timestamp("2026-03-01", tz="Asia/Tokyo")]}).to_parquet(path)
    (batch,) = read_table(path, config(), ("day",))
    assert batch["day"].tolist() == [Timestamp("2026-03-01")]
    path = tmp_path / "loans.csv"
    path.write_text("day\n2026-03-01T00:30:00+09:00\n2026-03-02 23:30:00-0500\n2026-03-03\n")
    (batch,) = read_table(path, config(), ("day",))
    assert batch["day"].dt.day.tolist() == [1, 2, 3]


def test_a_category_with_what_nobody_sees_in_it_is_the_declared_one(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_text("job\nsome\nso\u200bme\n some\u00ad\nso me\n", encoding="utf-8")
    (batch,) = read_table(path, config(), ("job",))
    assert batch["job"].tolist() == ["some", "some", "some", "so me"]


def test_a_row_is_not_lost_where_a_file_lacks_the_footer_that_the_config_declares(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_text("job,income\nsome,1\nnone,2\n")
    with pytest.raises(
        DataError, match="begins with 'none', has a cell in every column as a row has, and would be lost"
    ):
        list(read_table(path, config(footer_lines=1), ("job", "income")))
    path.write_text("job,income\nsome,1\nnone,2\nTotal,3\n")
    (batch,) = read_table(path, config(footer_lines=1), ("job", "income"))
    assert batch["income"].tolist() == [1, 2]
