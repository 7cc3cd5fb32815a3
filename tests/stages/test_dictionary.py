"""The data dictionary of a lender with names that Markdown could trip over."""

import pandas as pd

import smallest
from credit_risk.data.files import Files
from credit_risk.stages import dictionary
from passed import hand_on

COLUMNS = {
    "nr": {"role": "id", "type": "integer"},
    "in|come `x`": {"role": "feature", "type": "number", "range": [0, 9000], "missing": "allow", "label": "income"},
    "age": {"role": "protected", "type": "integer", "range": [18, 110], "why": "age"},
    "note": {"role": "ignore", "why": "free text", "known_at": "later"},
    "status": {"role": "target", "type": "integer"},
}
CONFIG = smallest.config(
    columns=COLUMNS,
    derived={"half": {"formula": 'col["in|come `x`"] / 2', "label": "half of it"}},
    model=smallest.SECTIONS["model"] | {"directions": {"half": "decreasing"}},
    reasons=smallest.SECTIONS["reasons"]
    | {"families": [{"id": "R07", "features": ["in|come `x`", "half"], "text": "t", "prompt": "p"}]},
)
TABLE = pd.DataFrame(
    {
        "nr": range(20),
        "in|come `x`": [10.0, 30.0] * 9 + [None] * 2,
        "age": range(20, 40),
        "status": ["0"] * 15 + ["1"] * 5,
    }
)


def line(page, start):
    return next(line for line in page.splitlines() if line.startswith(f"| {start}"))


def test_every_column_has_its_line_whatever_it_is_called():
    page = dictionary.page(CONFIG, TABLE)
    assert line(page, r"in\|come").split(" | ")[1:] == [
        "income", "feature", "a number from 0 to 9,000", "decided", "10.0%", "10 … 20 … 30", "", "R07 |",
    ]  # fmt: skip
    assert line(page, "nr") == "| nr |  | id | a whole number |  | 0.0% |  |  |  |"
    assert "no model reads it" in line(page, "age")
    assert line(page, "note") == r"| note |  | ignore \(free text\); known only after the decision |  |  |  |  |  |  |"
    assert [one.count(" | ") for one in page.splitlines() if one.startswith("| ") and "formula" not in one][:6] == [
        8
    ] * 6


def test_a_derived_feature_names_its_formula_and_its_columns():
    cells = line(dictionary.page(CONFIG, TABLE), "half").split(" | ")
    assert cells[1] == "half of it"
    assert cells[3] == r"in\|come \`x\`"
    assert cells[4:] == ["decreasing", "R07 |"]


def test_the_outcomes_are_counted():
    page = dictionary.page(CONFIG, TABLE)
    assert "- **Outcomes:** 5 bad, 15 good, 0 neither or not known (25.00% of the two are bad)" in page
    assert "- **Approved:** f" in page
    assert "- **Legal basis:** b" in page


def test_a_trial_says_so_in_the_dictionary_too():
    page = dictionary.page(CONFIG.model_copy(update={"suggested": ("policy.lgd",)}), TABLE)
    assert "TRIAL: nobody has decided policy.lgd" in page


def test_the_same_config_and_data_give_the_same_bytes(tmp_path):
    files = Files(tmp_path)
    (tmp_path / "loans.csv").write_text(TABLE.assign(note="x").to_csv(index=False), encoding="utf-8")
    hand_on(CONFIG, files)
    dictionary.run(CONFIG, files)
    first = files.dictionary.read_bytes()
    dictionary.run(CONFIG, files)
    assert files.dictionary.read_bytes() == first == dictionary.text(CONFIG, files).encode()
