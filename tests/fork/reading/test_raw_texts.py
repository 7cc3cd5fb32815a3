"""Files as strangers write them."""

import pandas as pd
import pytest

from credit_risk.errors import DataError
from credit_risk.fork.reading.dialects import dialect
from credit_risk.fork.reading.raw_texts import texts

TABLE = "Größe;Betrag\n1;2,5\n3;4,5\n"


def no_progress(_):
    """Nobody is watching."""


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-8-sig"])
def test_encoding_and_delimiter_are_found_by_trying(tmp_path, encoding):
    path = tmp_path / "loans.csv"
    path.write_text(TABLE, encoding=encoding)
    data = dialect(path)
    assert data.delimiter == ";"
    found = texts(path, data, no_progress)
    assert found.to_dict("list") == {"Größe": ["1", "3"], "Betrag": ["2,5", "4,5"]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_cuts_every_line_alike(tmp_path, delimiter):
    path = tmp_path / "loans.csv"
    path.write_text("\n".join(delimiter.join(row) for row in (("a", "b c"), ("1", "x"), ("2", "y"))) + "\n")
    assert dialect(path).delimiter == delimiter


def test_a_parquet_file_is_read_as_the_words_a_csv_would_hold(tmp_path):
    path = tmp_path / "loans.parquet"
    pd.DataFrame(
        {
            "whole": [1.0, None, 3.0],
            "part": [1.5, 2.0, None],
            "switch": [True, False, True],
            "word": pd.Categorical(["a", "b", None]),
            "day": pd.to_datetime(["2026-01-31", "2026-02-01", "2026-02-02"]),
        }
    ).to_parquet(path)
    found = texts(path, dialect(path), no_progress)
    assert found["whole"].dropna().tolist() == ["1", "3"]
    assert found["part"].dropna().tolist() == ["1.5", "2.0"]
    assert found["switch"].tolist() == ["true", "false", "true"]
    assert found["word"].dropna().tolist() == ["a", "b"]
    assert found["day"].iloc[0].startswith("2026-01-31")


def test_a_file_without_rows_is_refused(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="has a header and no rows"):
        texts(path, dialect(path), no_progress)


def test_words_that_differ_in_what_nobody_sees_are_one(tmp_path):
    path = tmp_path / "loans.csv"
    twins = ("public sector", "public  sector", "public\u00a0sector", "public\u200b sector", "\ufeffpublic\u2009sector")
    path.write_text("\n".join(("n,job", *(f"{n},{word}" for n, word in enumerate(twins)), "")), encoding="utf-8")
    assert set(texts(path, dialect(path), no_progress)["job"]) == {"public sector"}


def test_a_number_beside_what_nobody_sees_stays_as_it_is_for_a_key_to_be_exact(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text("n,job\n7,a\n\u200b8,b\n", encoding="utf-8")
    assert texts(path, dialect(path), no_progress)["n"].tolist() == ["7", "\u200b8"]


def test_keys_of_a_small_file_that_differ_in_capitals_alone_stay_apart_and_categories_do_not(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text("ref,job\naB3,Car\nAb3,car\nab3,car\n", encoding="utf-8")
    assert texts(path, dialect(path), no_progress).to_dict("list") == {"ref": ["aB3", "Ab3", "ab3"], "job": ["car"] * 3}
