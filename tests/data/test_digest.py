"""Digests: content and names count, times and order do not."""

import hashlib
import os
from pathlib import Path

import pytest

from credit_risk.data import digest
from credit_risk.errors import NotFound

# What `printf abc | sha256sum` prints.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_is_its_sha256(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"abc")
    assert digest.of_file(tmp_path / "x") == ABC


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path: Path):
    with pytest.raises(NotFound, match=r"x\.parquet: there is no such file\. Name one that is there"):
        digest.of_file(tmp_path / "x.parquet")


def test_a_directory_is_the_sha256_of_its_sorted_lines(tmp_path: Path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_bytes(b"abc")
    (tmp_path / "a").write_bytes(b"abc")
    assert digest.of_directory(tmp_path) == hashlib.sha256(f"a {ABC}\nb/x {ABC}\n".encode()).hexdigest()


def write(root: Path, **files: str) -> str:
    root.mkdir()
    for name, text in files.items():
        (root / name).write_text(text)
    return digest.of_directory(root)


def test_equal_directories_have_equal_digests_wherever_and_whenever_they_were_written(tmp_path: Path):
    first, second = write(tmp_path / "1", a="x", b="y"), write(tmp_path / "2", b="y", a="x")
    os.utime(tmp_path / "2" / "a", (0, 0))
    assert first == second == digest.of_directory(tmp_path / "2")


def test_content_name_a_missing_and_a_further_file_each_change_it(tmp_path: Path):
    different = [
        write(tmp_path / "1", a="x", b="y"),
        write(tmp_path / "2", a="x", b="z"),
        write(tmp_path / "3", a="x", c="y"),
        write(tmp_path / "4", a="x"),
        write(tmp_path / "5", a="x", b="y", c=""),
        write(tmp_path / "6", a="y", b="x"),
    ]
    assert len(set(different)) == 6


def test_hidden_and_nested_files_count(tmp_path: Path):
    before = write(tmp_path / "1", a="x")
    (tmp_path / "1" / "deep" / "er").mkdir(parents=True)
    assert digest.of_directory(tmp_path / "1") == before
    (tmp_path / "1" / "deep" / "er" / ".hidden").write_text("")
    assert digest.of_directory(tmp_path / "1") != before


def test_code_is_digested_by_its_parts_and_what_lies_beside_them_does_not_count(tmp_path: Path):
    for name in ("scoring/deep/model.py", "errors.py", "rollout/plan.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    before = digest.of_code(tmp_path, digest.DECIDES)
    (tmp_path / "rollout" / "plan.py").write_text("x = 2\n")
    assert digest.of_code(tmp_path, digest.DECIDES) == before
    for name in ("scoring/deep/model.py", "errors.py"):
        (tmp_path / name).write_text("x = 2  # edited\n")
        assert digest.of_code(tmp_path, digest.DECIDES) != before
        (tmp_path / name).write_text("x = 1\n")


def test_each_part_that_code_is_digested_by_is_there():
    package = Path(digest.__file__).parents[1]
    assert [part for part in digest.JUDGES if not (package / part).exists()] == []
