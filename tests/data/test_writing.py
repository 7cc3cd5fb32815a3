"""Writing: the old file or the new one, whatever the moment; equal content, equal bytes."""

import datetime as dt
import math
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from credit_risk.data.writing import (
    InTheWay,
    append_line,
    between_marks,
    read_json,
    read_parquet,
    remove,
    replacing,
    write_csv,
    write_directory,
    write_json,
    write_parquet,
    write_text,
)
from credit_risk.errors import NotFound, UsageError


def fill_with(directory: Path, *files: str) -> None:
    for name in files:
        write_text(directory / name, "x")


class Killed(BaseException):
    """Stands for a kill: nothing but `finally` notices it."""


def half(path: Path) -> None:
    """Begin to write, and be killed."""
    with replacing(path) as unfinished:
        unfinished.write_text("ne")
        raise Killed


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_a_file_appears_with_the_folders_above_it(tmp_path: Path):
    write_text(tmp_path / "a" / "b" / "x.txt", "new")
    assert (tmp_path / "a" / "b" / "x.txt").read_text() == "new"
    assert names(tmp_path / "a" / "b") == ["x.txt"]


def test_an_error_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "x.txt"
    write_text(path, "old")
    with pytest.raises(Killed):
        half(path)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.txt"]


def test_until_the_block_ends_a_reader_sees_the_old_file(tmp_path: Path):
    path = tmp_path / "x.txt"
    write_text(path, "old")
    with replacing(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_process_killed_in_the_middle_leaves_the_old_file_and_the_next_try_is_right(tmp_path: Path):
    path = tmp_path / "x.txt"
    write_text(path, "old")
    code = (
        "import os, pathlib, signal, sys\n"
        "from credit_risk.data.writing import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as unfinished:\n"
        "    unfinished.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2  # what it had begun
    write_text(path, "new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["x.txt"]


def test_what_a_killed_directory_left_is_overwritten_whole(tmp_path: Path):
    path = tmp_path / "models"
    with replacing(tmp_path / "models") as leftover:
        leftover.mkdir()
    leftover.mkdir()
    (leftover / "stray").write_text("of the killed process")
    write_directory(path, lambda directory: write_text(directory / "a", "x"), mark="a")
    assert names(path) == ["a"]


def test_a_directory_is_replaced_whole(tmp_path: Path):
    path = tmp_path / "models"
    for other in ("old", "new"):
        write_directory(path, lambda directory, other=other: fill_with(directory, "mark", other), mark="mark")
    assert names(path) == ["mark", "new"]
    assert names(tmp_path) == ["models"]


@pytest.mark.parametrize("path", ["file", "folder"])
def test_what_is_not_ours_is_never_replaced_by_a_directory(tmp_path: Path, path: str):
    write_text(tmp_path / "file", "theirs")
    write_text(tmp_path / "folder" / "theirs", "x")
    with pytest.raises(InTheWay, match="is in the way, expected a folder that is new, empty or holds mark"):
        write_directory(tmp_path / path, lambda directory: write_text(directory / "mark", "x"), mark="mark")
    assert names(tmp_path) == ["file", "folder"]
    assert names(tmp_path / "folder") == ["theirs"]


def test_a_folder_is_never_replaced_by_a_file(tmp_path: Path):
    write_text(tmp_path / "folder" / "theirs", "x")
    with pytest.raises(InTheWay, match="is in the way, expected a file"):
        write_text(tmp_path / "folder", "x")
    assert names(tmp_path / "folder") == ["theirs"]


def test_what_an_earlier_stage_did_not_write_is_said_so(tmp_path: Path):
    for read in (read_json, read_parquet):
        with pytest.raises(NotFound, match=r"nothing: there is no such file\. The stage that writes it has not run"):
            read(tmp_path / "nothing")


def test_a_directory_that_fails_half_way_leaves_the_old_one(tmp_path: Path):
    def fill(directory: Path) -> None:
        (directory / "new").write_text("x")
        raise Killed

    path = tmp_path / "models"
    write_directory(path, lambda directory: write_text(directory / "old", "x"), mark="old")
    with pytest.raises(Killed):
        write_directory(path, fill, mark="old")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["models"]


def test_removing_what_is_not_there_is_no_error_and_a_link_is_removed_itself(tmp_path: Path):
    remove(tmp_path / "nothing")
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove(tmp_path / "link")
    assert names(tmp_path) == ["kept"]


def test_numbers_that_json_does_not_know_become_null(tmp_path: Path):
    path = tmp_path / "x.json"
    write_json(path, {"a": math.nan, "b": [np.inf, 1.5], "c": np.float64("nan"), "d": {"e": (-math.inf,)}})
    assert read_json(path) == {"a": None, "b": [None, 1.5], "c": None, "d": {"e": [None]}}
    assert "NaN" not in path.read_text()


def test_numpys_values_become_plain_ones(tmp_path: Path):
    path = tmp_path / "x.json"
    write_json(path, {"a": np.int64(3), "b": np.array([1, 2]), "c": np.bool_(True), 4: np.array([[np.nan]])})
    assert read_json(path) == {"a": 3, "b": [1, 2], "c": True, "4": [[None]]}


def test_equal_content_is_an_equal_file(tmp_path: Path):
    write_json(tmp_path / "1.json", {"b": 1, "a": {"d": 2, "c": "é"}})
    write_json(tmp_path / "2.json", {"a": {"c": "é", "d": 2}, "b": 1})
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    assert (tmp_path / "1.json").read_text(encoding="utf-8") == (
        '{\n  "a": {\n    "c": "é",\n    "d": 2\n  },\n  "b": 1\n}\n'
    )


def test_a_value_that_json_cannot_hold_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": dt.date(2024, 1, 1)})
    assert read_json(path) == {"a": 1}


def test_tables_are_written_without_their_index_and_alike_each_time(tmp_path: Path):
    table = pd.DataFrame({"a": [1.5, np.nan], "b": ["x", "y"]}, index=[7, 9])
    for count in (1, 2):
        write_csv(tmp_path / f"{count}.csv", table)
        write_parquet(tmp_path / f"{count}.parquet", table)
    assert (tmp_path / "1.csv").read_bytes() == b"a,b\n1.5,x\n,y\n" == (tmp_path / "2.csv").read_bytes()
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "1.parquet"), table.reset_index(drop=True))


def test_a_line_is_added_behind_what_stands_there_and_is_on_disk(tmp_path: Path):
    path, synced = tmp_path / "heads" / "lines.txt", []

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())

    with patch("credit_risk.data.writing.os.fsync", note):
        append_line(path, "1:é")
        append_line(path, "2")

    assert path.read_bytes() == "1:é\n2\n".encode()
    assert synced == [path, path.parent] * 2, "the line, and the name of the file that holds it"


def test_a_file_that_others_have_open_keeps_its_old_content_for_them(tmp_path: Path):
    path = tmp_path / "x.txt"
    write_text(path, "old")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old"
    assert names(tmp_path) == ["x.txt"]


def test_a_page_keeps_all_but_what_stands_between_the_marks():
    page = "a\n<!-- from -->\nold\n<!-- end -->\nb <!-- end -->\n"
    once = between_marks(page, "<!-- from -->", "<!-- end -->", "new")
    assert once == "a\n<!-- from -->\n\nnew\n\n<!-- end -->\nb <!-- end -->\n"
    assert between_marks(once, "<!-- from -->", "<!-- end -->", "new") == once


@pytest.mark.parametrize("page", ["a <!-- end -->", "<!-- from --> a", "<!-- end --> <!-- from -->"])
def test_a_page_that_has_lost_a_mark_is_not_written_over(page):
    with pytest.raises(UsageError, match="lost the marks <!-- from --> and <!-- end -->: put them back"):
        between_marks(page, "<!-- from -->", "<!-- end -->", "new")
