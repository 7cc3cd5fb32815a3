"""Several files of one lender: joined by the one column that all have, each read as it is written itself."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas import DataFrame

from credit_risk.errors import DataError
from credit_risk.fork.reading.sources import LenderTable, read

LOANS = "loan_no,income,status\n1,100.5,good\n2,200.5,bad\n,300.5,good\n4,400.5,bad\n"


def joined(room: Path, bureau: str, loans: str = LOANS) -> LenderTable:
    (room / "loans.csv").write_text(loans, encoding="utf-8")
    (room / "bureau.csv").write_text(bureau, encoding="utf-8")
    paths = (room / "loans.csv", room / "bureau.csv")
    return read(paths, "status", lambda _: None, ignored=(), as_written={"status", "loan_no"})


def test_rows_meet_by_the_column_that_both_files_have_and_blanks_meet_nothing(tmp_path: Path):
    made = joined(tmp_path, 'loan_no;late\n2;"1,5"\n1;"0,5"\n9;"7,5"\n')
    assert made.table["late"].tolist()[:2] == ["0.5", "1.5"]
    assert made.table["late"].isna().tolist() == [False, False, True, True]
    assert made.keys == {"loan_no"}
    assert [(its.unmatched, its.unused) for its in made.joins] == [(2, 1)]
    first, second = made.data.sources
    assert (first.path, made.data.delimiter, made.data.decimal) == ("data/loans.csv", ",", ".")
    written = {"path": "data/bureau.csv", "join_on": "loan_no", "delimiter": ";", "decimal": ","}
    assert second.model_dump(exclude_none=True) == written


@pytest.mark.parametrize(
    ("bureau", "sentence"),
    [
        ("loan_no,late\n1,0\n1,2\n2,0\n", "bureau.csv: 2 rows share their loan_no with another row, as 1. A joined"),
        ("number,late\n1,0\n2,0\n", "bureau.csv: no column of loans.csv stands here"),
        ("loan_no,income\n1,0\n2,0\n", "bureau.csv: 'loan_no', 'income' stand in a file before it too"),
        ("loan_no,late\n7,0\n8,0\n", "bureau.csv: no loan_no of the first file stands in it"),
        ("loan_no,late\n1,0\n,1\n", "bureau.csv: 1 rows have no loan_no"),
    ],
)
def test_files_that_cannot_be_joined_are_refused_by_file_and_column(tmp_path: Path, bureau: str, sentence: str):
    with pytest.raises(DataError, match=sentence):
        joined(tmp_path, bureau)


def test_what_a_parquet_file_keeps_as_a_number_is_not_asked_about(tmp_path: Path):
    path = tmp_path / "loans.parquet"
    table = DataFrame({"loan_no": [1, 2], "rate": [5.375, 6.125], "income": ["3,375", "4,013"], "status": ["0", "1"]})
    table.to_parquet(path)
    assert read((path,), "status", lambda _: None, ignored=(), as_written={"status"}).doubtful  # the texts alone
    table.assign(income=[3375, 4013]).to_parquet(path)
    made = read((path,), "status", lambda _: None, ignored=(), as_written={"status"})
    assert (made.doubtful, made.data.decimal, made.table["rate"].tolist()) == (False, ".", ["5.375", "6.125"])


def test_the_file_with_the_outcome_comes_first(tmp_path: Path):
    with pytest.raises(DataError, match="the outcome 'status' stands here: name this file first"):
        joined(tmp_path, LOANS, loans="loan_no,late\n1,0\n2,1\n")


def test_a_key_that_a_float_has_rounded_joins_nothing(tmp_path: Path):
    DataFrame({"loan_no": [2.0**53 + 2, 2.0**53 + 4], "status": ["good", "bad"]}).to_parquet(tmp_path / "loans.parquet")
    (tmp_path / "bureau.csv").write_text(f"loan_no,late\n{2**53 + 2},0\n{2**53 + 4},1\n", encoding="utf-8")
    paths = (tmp_path / "loans.parquet", tmp_path / "bureau.csv")
    with pytest.raises(DataError, match=r"bureau\.csv: it is joined by 'loan_no', and numbers this long lose digits"):
        read(paths, "status", lambda _: None, ignored=(), as_written={"status"})


def test_a_column_with_another_decimal_sign_than_its_file_is_refused_and_may_be_left_out(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_text("income;asked;status\n1 234,50;944.25;0\n2 345,75;87.50;1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"those of the column 'asked' are not, as '944\.25'"):
        read((path,), "status", lambda _: None, ignored=(), as_written={"status"})
    assert read((path,), "status", lambda _: None, ignored={"asked"}, as_written={"status"}).data.decimal == ","


def test_the_index_of_a_saved_table_is_known(tmp_path: Path):
    path = tmp_path / "loans.parquet"
    DataFrame({"income": [1, 2], "status": ["0", "1"]}, index=[7, 9]).rename_axis("line").to_parquet(path)
    assert read((path,), "status", lambda _: None, ignored=(), as_written={"status"}).indexes == {"line"}


ROWS = [f"{n},2024-01-{n:02d},{n * n}.5,{n % 3}" for n in range(1, 21)]  # 2,880 in all


@pytest.mark.parametrize(
    ("last", "what"),
    [
        (",,2880,18", "its 'income' is the sum of all above"),
        ("20,2024-02-01,2880.00,0", "its 'income' is the sum of all above"),
        ("20,,,", "it alone has no 'day' and no 'income'"),
        (",,144.00,", "it alone has no 'loan' and no 'day'"),
    ],
)
def test_a_last_row_that_is_a_total_without_the_word_is_refused(tmp_path: Path, last: str, what: str):
    path = tmp_path / "loans.csv"
    path.write_text("\n".join(["loan,day,income,late", *ROWS, last, ""]), encoding="utf-8")
    with pytest.raises(DataError, match=f"row 21, the last, is no application: {what}"):
        read((path,), "late", lambda _: None, ignored=(), as_written=())


def test_a_large_amount_in_the_last_row_is_no_total(tmp_path: Path):
    path = tmp_path / "loans.csv"
    path.write_text("\n".join(["loan,day,income,late", *ROWS, "21,2024-02-01,2890.00,1", ""]), encoding="utf-8")
    assert len(read((path,), "late", lambda _: None, ignored=(), as_written=()).table) == 21


def test_lengths_of_time_are_refused_by_column(tmp_path: Path):
    path = tmp_path / "loans.parquet"
    pq.write_table(pa.table({"loan": [1, 2], "on_book": [timedelta(days=3), timedelta(days=4)]}), path)
    with pytest.raises(DataError, match=r"'on_book' holds duration.*write them as numbers"):
        read((path,), "loan", lambda _: None, ignored=(), as_written=())


def test_half_floats_are_numbers(tmp_path: Path):
    path = tmp_path / "loans.parquet"
    pq.write_table(pa.table({"share": pa.array(np.array([0.5, 0.25], np.float16))}), path)
    assert read((path,), "loan", lambda _: None, ignored=(), as_written=()).table["share"].tolist() == ["0.5", "0.25"]


def read_alone(room: Path, first: str) -> LenderTable:
    rows = "".join(f"{n},{n * 7}.5,car\n" for n in range(1, 13))
    (room / "loans.csv").write_text(f"nr,income,what for\n{first}{rows}", encoding="utf-8")
    return read((room / "loans.csv",), "what for", lambda _: None, ignored=(), as_written={"what for"})


def test_a_second_line_of_headings_is_refused_and_a_gap_in_the_first_row_is_none(tmp_path: Path):
    sentence = "loans.csv: row 1 holds 'N' under 'nr' and 'EUR' under 'income', and all below are numbers"
    with pytest.raises(DataError, match=sentence):
        read_alone(tmp_path, "N,EUR,text\n")
    assert len(read_alone(tmp_path, "NA,NULL,car\n").table) == 13
    assert len(read_alone(tmp_path, "0,unlimited,car\n").table) == 13
