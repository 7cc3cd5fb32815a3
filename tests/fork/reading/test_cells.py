"""What texts in a column look like; every expectation can be read off the words."""

import numpy as np
import pytest
from pandas import NaT, Series

from credit_risk.fork.reading import cells


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["1", "2", "30"], "integer"),
        (["1.0", "2.00"], "integer"),
        (["1.5", "2"], "number"),
        (["-3", ".5", "1e3"], "number"),
        (["yes", "no"], "boolean"),
        (["True", "FALSE"], "boolean"),
        (["yes", "no", "perhaps"], "category"),
        (["2026-01-31", "2025-12-01 10:00:00"], "date"),
        (["31.01.2026", "1.2.2026"], "other date"),
        (["00123", "04567"], "category"),  # a postcode is no number
        (["1E5", "2E1", "1E2"], "category"),  # products, whose names only look like powers of ten
        (["1E5", "2.5"], "number"),
        (["<1", "1-4", "4-7", ">=7"], "ordered"),
        (["6 months", "1 year", "2 years"], "category"),  # 6 is no more than 2 here
        (["6 months", "12 months", "18 months"], "ordered"),
        (["low", "medium", "high"], "ordered"),
        (["A", "B", "C"], "ordered"),
        (["car", "home"], "category"),
        ([f"text {n}" for n in range(51)], "text"),
    ],
)
def test_a_column_is_what_its_words_are(words, kind):
    assert cells.kind_of(Series(words, dtype="str")) == kind


def test_one_cell_in_twenty_that_is_no_number_does_not_make_words_of_a_column():
    nineteen = [str(n) for n in range(19)]
    assert cells.kind_of(Series([*nineteen, "n.a."], dtype="str")) == "integer"
    assert cells.kind_of(Series([*nineteen[:10], "n.a.", "x"], dtype="str")) == "category"


@pytest.mark.parametrize(
    ("words", "ordered"),
    [
        ([">=200", "<0", "0<=X<200"], ("<0", "0<=X<200", ">=200")),
        (["4-7y", "<1y", ">=7y", "1-4y"], ("<1y", "1-4y", "4-7y", ">=7y")),
        (["over 1,000", "under 100", "100 to 1,000"], ("under 100", "100 to 1,000", "over 1,000")),
        ([">5", "5-10", "<5"], ("<5", "5-10", ">5")),
        (["high", "Low", "medium"], ("Low", "medium", "high")),
        (["C", "A", "B"], ("A", "B", "C")),
        (["B2", "A5", "A1", "G5"], ("A1", "A5", "B2", "G5")),  # a lender's grades
        (["A12", "A11", "A13"], None),  # codes of one question
        (["A2", "A1", "A3"], None),
        (["60 months", "36 months"], ("36 months", "60 months")),
        (["10+ years", "< 1 year", "2 years", "10 years"], ("< 1 year", "2 years", "10 years", "10+ years")),
        (["1", "0"], None),
        (["a", "c", "b"], None),  # small letters are codes, not grades
        (["<1", "unemployed", ">=7"], None),
        (["no", "yes"], None),
        (["1", "1"], None),
    ],
)
def test_steps_and_scales_have_an_order_and_other_words_none(words, ordered):
    assert cells.in_order(words) == ordered


def test_the_words_that_keep_steps_from_an_order_are_named():
    assert cells.unordered_words(["<0", "0-200", ">=200", "no account"]) == ("no account",)
    assert cells.unordered_words(["<0", "no account"]) == ()
    assert cells.unordered_words(["car", "home", "boat"]) == ()


def test_a_word_for_a_gap_is_one_among_numbers_and_a_word_among_words():
    columns = {
        "income": Series(["100", "?", "NA"], dtype="str"),
        "parties": Series(["none", "guarantor", "none"], dtype="str"),
        "region": Series(["north", "null", "south"], dtype="str"),
    }
    assert cells.missing_words(columns) == ("", "?", "NA", "null")


def test_a_gap_among_numbers_takes_no_word_from_another_column():
    cards, parties = Series(["1", "none", "?"], dtype="str"), Series(["none", "guarantor", "?"], dtype="str")
    assert cells.missing_words({"cards": cards, "parties": parties}) == ("", "?")
    assert cells.missing_words({"cards": cards}) == ("", "?", "none")


def test_numbers_are_read_and_what_is_none_is_missing():
    found = cells.numbers_of(Series(["1", "2.5", None, "x"], dtype="str"))
    assert found[:2].tolist() == [1.0, 2.5]
    assert np.isnan(found[2:]).all()


def test_what_is_endless_is_no_number():
    assert np.isnan(cells.numbers_of(Series(["inf", "-Infinity", "1e400"], dtype="str"))).all()


def test_na_among_codes_of_two_letters_is_a_country_and_elsewhere_a_gap():
    countries = Series(["NA", "ZA", "BW", "NA"])
    assert cells.real_gaps(set(countries)) == {"NA"}
    assert cells.missing_words({"country": countries}) == ("",)
    assert cells.missing_words({"country": countries, "income": Series(["1", "NA"])}) == ("", "NA")
    assert cells.real_gaps({"NA", "yes", "no"}) == set()


def test_words_for_a_gap_in_a_target_are_no_outcome():
    assert cells.outcome_gaps(["0", "1", "NA", "?", "\\N", "Current", " "]) == (" ", "?", "NA", "\\N")


@pytest.mark.parametrize(
    ("words", "form", "days"),
    [
        # Of a zone with summer time a file holds two offsets; the day is that of the clock where it was written.
        (["2024-01-31 00:00:00+01:00", "2024-07-31 00:30:00+02:00", None], (), ["2024-01-31", "2024-07-31", None]),
        (["2024-01-31T23:59:59Z", "x"], (), ["2024-01-31", None]),
        (["31/12/2023", "29/02/2023"], ("%d/%m/%Y",), ["2023-12-31", None]),
        (["45292", "12"], ("excel",), ["2024-01-01", None]),
    ],
)
def test_a_day_is_that_of_the_pipeline(words, form, days):
    read = cells.days_of(Series(words, dtype="str", index=range(7, 7 + len(words)), name="applied_on"), form)
    assert [None if day is NaT else f"{day:%Y-%m-%d}" for day in read] == days
    assert list(read.index) == [7 + index for index in range(len(words))]
