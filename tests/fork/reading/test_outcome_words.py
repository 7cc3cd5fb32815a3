"""What `credit-risk init` makes of the words of a target: known ones are asked for, gaps are no outcome."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.errors import UsageError
from credit_risk.fork.drafting.draft import outcome_words
from credit_risk.fork.drafting.request import InitRequest
from credit_risk.fork.init import Drafted, checked, drafted

OUTCOMES = ["0", "0", "0", "1", "NA"] * 40


def draft(root: Path, outcomes: list[str], income: str = "2.5", **request: object) -> Drafted:
    rows = [f"{1000 + 7 * row % 900}.5,{'NA' if row % 3 else 'ZA'},{word}" for row, word in enumerate(outcomes)]
    path = root / "loans.csv"
    path.write_text("\n".join(["income,country,status", *rows, "1.5,BW,0", f"{income},ZM,1"]) + "\n", encoding="utf-8")
    asked = InitRequest(data=path, target="status", accept=True, **{"bad": ("1",), **request})
    made = drafted(asked, lambda _: None)
    checked(made, asked)
    return made


def test_a_gap_in_the_target_is_no_good_account_and_every_word_is_printed_with_its_rows(tmp_path: Path):
    made = draft(tmp_path, OUTCOMES)
    tree = YAML(typ="safe", pure=True).load(made.config)
    assert tree["outcome"]["good"] == [0]
    assert tree["columns"]["status"]["missing_words"] == ["", "NA"]
    assert tree["columns"]["status"]["missing"] == "allow"
    assert tree["data"]["missing"] == [""]
    assert "NA" in tree["columns"]["country"]["categories"]
    assert outcome_words(made.facts) == ["'0': 121 rows, good", "'1': 41 rows, bad", "'NA': 40 rows, not known"]
    assert "'NA': 40 rows, not known" in made.config


def test_a_word_for_bad_that_the_column_never_says_is_named_before_good_is_asked_for(tmp_path: Path):
    with pytest.raises(UsageError, match="the column 'status' never says 'yes'; it says '0', '1'"):
        draft(tmp_path, OUTCOMES, bad=("yes",))
    with pytest.raises(UsageError, match="besides bad, the column 'status' says '0', '2': good is never everything"):
        draft(tmp_path, [*OUTCOMES, "2", "2"])


def test_a_country_keeps_its_na_where_another_column_means_a_gap_by_it(tmp_path: Path):
    tree = YAML(typ="safe", pure=True).load(draft(tmp_path, OUTCOMES, income="NA").config)
    assert tree["data"]["missing"] == ["", "NA"]
    assert tree["columns"]["country"]["missing_words"] == [""]
    assert "NA" in tree["columns"]["country"]["categories"]


def test_good_is_never_everything_else(tmp_path: Path):
    with pytest.raises(UsageError, match="says '0', 'Current': good is never everything else"):
        draft(tmp_path, [*OUTCOMES, "Current"])
    made = draft(tmp_path, [*OUTCOMES, "Current"], indeterminate=("Current",))
    assert made.facts.good == ("0",)
    explicit = draft(tmp_path, OUTCOMES, good=("0", "NA"))  # whoever says so means it
    assert explicit.facts.good == ("0", "NA")


@pytest.mark.parametrize(
    ("outcomes", "bad", "sentence"),
    [
        (
            ["X", "", ""] * 40,
            "X",
            "in 81 rows the outcome is not known, and a gap is never good. Where it stands for good",
        ),
        (["status", "0", "1"] * 9, "1", r"loans\.csv: row 2 holds the header again, .*: take such lines out"),
        (
            [f"2024-03-{n:02}" for n in range(1, 20)],
            "1",
            "20 different words, as '0': .* a day of default, add a",
        ),
    ],
)
def test_outcomes_that_need_another_column_or_file_are_refused_with_what_to_do(tmp_path, outcomes, bad, sentence):
    path = tmp_path / "loans.csv"
    rows = [f"{n}.5,{word}" for n, word in enumerate(["" if outcomes[0] == "X" else "0", *outcomes])]
    path.write_text("\n".join(["income,status", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=sentence):
        drafted(InitRequest(data=path, target="status", bad=(bad,)), lambda _: None)


def test_capitals_of_an_outcome_do_not_count(tmp_path: Path):
    made = draft(tmp_path, ["Paid", "paid", "DEFAULT", "1"], bad=("1", "default"), good=("paid", "0"))
    assert (made.facts.bad, made.facts.good) == (("1", "DEFAULT"), ("Paid", "0"))


def protected(root: Path, header: str, row: str, *, accept: bool) -> str:
    rows = [row.format(n=n, day=1 + n % 28, year=1950 + n % 50, bad=int(n % 4 == 0)) for n in range(400)]
    path = root / "loans.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    asked = InitRequest(data=path, target="status", bad=("1",), accept=accept)
    made = drafted(asked, lambda _: None)
    checked(made, asked)
    return made.config


def test_a_date_of_birth_is_compared_by_age_on_the_day_of_application_or_asked_about(tmp_path: Path):
    header, row = "applied_on,date_of_birth,income,status", "2024-03-{day:02d},{year}-05-01,{n}.5,{bad}"
    tree = YAML(typ="safe", pure=True).load(protected(tmp_path, header, row, accept=True))
    bands = tree["fairness"]["attributes"]["date_of_birth"]["bands"]
    assert [band["name"] for band in bands] == ["under 25", "25 to 61", "62 and over"]
    header, row = "date_of_birth,income,status", "{year}-05-01,{n}.5,{bad}"
    tree = YAML(typ="safe", pure=True).load(protected(tmp_path, header, row, accept=False))
    assert tree["fairness"]["attributes"]["date_of_birth"] == "???"
    tree = YAML(typ="safe", pure=True).load(protected(tmp_path, header, row, accept=True))
    assert {"fairness.unavailable", "fairness.attributes.date_of_birth"} <= set(tree["suggested"])


def test_a_nationality_of_many_words_is_asked_about(tmp_path: Path):
    text = protected(tmp_path, "nationality,income,status", "land {n},{n}.5,{bad}", accept=False)
    assert YAML(typ="safe", pure=True).load(text)["fairness"]["attributes"]["nationality"] == "???"


def test_twins_in_capitals_and_composition_are_one_category_of_the_draft(tmp_path: Path):
    words = ("Café", "Cafe\u0301", "café ", "Bar")
    path = tmp_path / "loans.csv"
    lines = [f"{words[n % 4]},{n}.5,{int(n % 5 == 0)}" for n in range(400)]
    path.write_text("\n".join(["job,income,status", *lines]) + "\n", encoding="utf-8")
    made = drafted(InitRequest(data=path, target="status", bad=("1",)), lambda _: None)
    assert {draft.name: draft.categories for draft in made.profiles}["job"] == ("Bar", "Café")
