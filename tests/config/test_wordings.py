"""Wordings: on record by version, and read against what they are about."""

import shutil
from pathlib import Path

import pytest

import smallest
from credit_risk.config import Config, load, wordings
from credit_risk.errors import ConfigError, UsageError

LENDER = Path(__file__).parents[1] / "lender"


def config(*families: tuple[str, str, str], directions: dict[str, str] | None = None, **reasons: str) -> Config:
    """A family for each feature: its name, its label and its text."""
    listed = [
        {"id": f"R{index:02d}", "features": [name], "text": text, "prompt": "p", "true_when": f"{name} > 0"}
        for index, (name, _, text) in enumerate(families, start=1)
    ]
    return smallest.config(
        columns={name: {"role": "feature", "type": "number", "label": label} for name, label, _ in families},
        model=smallest.SECTIONS["model"] | {"directions": directions or {}},
        reasons=smallest.SECTIONS["reasons"] | reasons | {"families": listed},
    )


DEBT = ("dti", "debt as share of income", "Debt is high for the income")
LATE = ("late", "late payments", "Payments were late")


def test_the_digest_is_of_every_word_and_formula_and_of_nothing_else():
    first = wordings.digest(config(DEBT, LATE))
    assert first == wordings.digest(config(DEBT, LATE, version="another", least="0.2"))
    assert first != wordings.digest(config(("dti", "", "Debt is rather high for the income"), LATE))
    assert first != wordings.digest(config(DEBT, LATE, population="all"))  # {population} reads otherwise


def lender(tmp_path: Path, before: str = "", after: str = "") -> Path:
    path = Path(shutil.copytree(LENDER, tmp_path / "configs")) / "credit.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after) if before else text, encoding="utf-8")
    return path


def test_another_text_under_the_same_version_is_refused_with_its_line(tmp_path):
    path = lender(tmp_path, "text: payments were late", "text: payments were not made")
    line = path.read_text(encoding="utf-8").split('version: "1"')[0].count("\n") + 1
    with pytest.raises(ConfigError, match=rf"line {line}: reasons.version: the wordings of version '1' are on record"):
        load(path)


def test_it_stands_under_a_version_of_its_own_and_the_old_one_stays_on_record(tmp_path):
    path = lender(tmp_path, "text: payments were late", "text: payments were not made")
    path.write_text(path.read_text(encoding="utf-8").replace('version: "1"', 'version: "2"'), encoding="utf-8")
    before = dict(wordings.digests_on_record(path.parent))
    assert wordings.record(load(path), path.parent)
    assert wordings.digests_on_record(path.parent) == before | {"2": wordings.digest(load(path))}
    assert not wordings.record(load(path), path.parent)  # once is enough


def test_a_draft_is_not_put_on_record(tmp_path):
    with pytest.raises(UsageError, match="0-draft is nobody's wording"):
        wordings.record(config(DEBT, version="0-draft"), tmp_path)


def test_the_sample_and_the_lender_are_on_record_and_in_no_doubt():
    for path in (LENDER / "credit.yaml", Path(__file__).parents[2] / "configs" / "credit.yaml"):
        checked = load(path)
        assert wordings.digests_on_record(path.parent)[checked.reasons.version] == wordings.digest(checked)
        assert wordings.doubts(checked) == []


def test_swapped_texts_are_found():
    swapped = config((*DEBT[:2], LATE[2]), (*LATE[:2], DEBT[2]))
    assert "R01 and R02: each text speaks of what the other family is about" in wordings.doubts(swapped)
    assert wordings.doubts(config(DEBT, LATE)) == []


def test_a_text_that_names_nothing_of_its_family_is_told():
    (doubt,) = wordings.doubts(config(DEBT, (*LATE[:2], "The score did not suffice")))
    assert doubt.startswith("R02: its text names nothing of what it is about (late, paym)")


@pytest.mark.parametrize(
    ("direction", "text", "word"),
    [("increasing", "Debt is low for the income", "low"), ("decreasing", "Debt is high for the income", "high")],
)
def test_a_text_that_speaks_the_wrong_way_round_is_told(direction, text, word):
    turned = config((*DEBT[:2], text), directions={"dti": direction})
    assert [doubt.rpartition(" ")[2] for doubt in wordings.doubts(turned)] == [word]


def test_five_hundred_families_are_read_at_once():
    many = [(f"x{n}y", f"measure {n}", f"X{n}y is high") for n in range(500)]
    assert wordings.doubts(config(*many)) == []
