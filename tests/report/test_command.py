"""What lies in reports/ may be anything: the screen says so in a sentence, and never with a traceback."""

import shutil
from pathlib import Path

import pytest

from credit_risk.cli import main
from credit_risk.data.writing import read_json
from credit_risk.errors import DataError

LENDER = Path(__file__).parents[1] / "lender"
DEEP = "[" * 200_000


@pytest.mark.parametrize("text", ["", "{", DEEP, "\udcff", "[]", "null", "7", "{}", '{"test": 7}'])
@pytest.mark.parametrize("words", [["summary"], ["summary", "--json"], ["gate", "--check"]])
def test_a_report_that_is_corrupt_or_deep_is_a_sentence_and_a_code(tmp_path, capsys, words, text):
    shutil.copytree(LENDER, tmp_path / "configs")
    (tmp_path / "reports").mkdir()
    for name in ("metrics", "gate", "preparation"):
        (tmp_path / "reports" / f"{name}.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert main([*words, "--root", str(tmp_path)]) in (1, 2)
    said = capsys.readouterr().err
    assert said.strip()
    assert "Traceback" not in said


@pytest.mark.parametrize("text", ["", "{", DEEP, "\udcff"])
def test_what_is_no_json_is_said_with_what_to_do(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DataError, match="make run"):
        read_json(tmp_path / "a.json")
