"""What a person is asked about a column, by its cells and by its name in the languages of lenders."""

import datetime as dt

import numpy as np
import pytest
from pandas import DataFrame

from credit_risk.errors import UsageError
from credit_risk.fork.drafting import names
from credit_risk.fork.drafting.profile import Profile
from credit_risk.fork.drafting.profiling import profiles
from credit_risk.fork.reading import cells
from credit_risk.fork.reading.cells import GAPS, codes_of, day_formats, missing_words

N = 120
DAYS = [dt.date(2022, 1, 1) + dt.timedelta(days=7 * n) for n in range(N)]
NUMBERS = [f"{n % 37}.5" for n in range(N)]


def profiled(name: str, cells: list[str | None], named: dict | None = None) -> Profile:
    table = DataFrame({name: cells, "income": [f"{n * 31 % 97}.5" for n in range(N)]}, dtype="str")
    return profiles(table, np.arange(N) % 4 == 0, np.ones(N, bool), named or {}, ("",))[0]


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("balance", ["(747.17)", *NUMBERS[1:]], "numbers but for '(747.17)' (1 rows), first in row 1"),
        ("balance", [*NUMBERS[:-1], "########"], "numbers but for '########' (1 rows), first in row 120"),
        ("balance", ["inf", *NUMBERS[1:]], "numbers but for 'inf' (1 rows)"),
        ("balance", ["1e999", *NUMBERS[1:]], "numbers but for '1e999' (1 rows)"),
        ("balance", [f"{n}.5 {'EUR' if n % 9 else 'USD'}" for n in range(N)], "not in one form"),
        ("balance", [f"{n}.5 {'Cr' if n % 9 else 'Dr'}" for n in range(N)], "not in one form, as '1.5 Cr'"),
        ("balance", [f"{n}.5 lakh" if n % 3 else f"{n + 1}00 thousand" for n in range(N)], "not in one form"),
        ("balance", [f"Rs{n + 1},45,{n + 100}/-" for n in range(N)], "in no form that is read"),
        ("balance", [f"{n + 1}_643.19" for n in range(N)], "in no form that is read"),
        ("balance", [f"about {n}.5 a month" for n in range(N)], "numbers among the same words, as 'about 0.5 a month'"),
        (
            "code_x",
            [str(n % 60 + 100) if n % 9 else f"0{n % 70 + 100}" for n in range(N)],
            "some begin with 0, as '0100'",
        ),
        ("income_2", [f"{n + 2}.604" if n % 40 == 0 else str(n * 31 + 2000) for n in range(N)], "mark thousands?"),
        ("moved_in", [("jan/2021", "fev/2022", "dez/2020")[n % 3] for n in range(N)], "looks like a day"),
        ("balance", [f"{n}.2k" for n in range(N)], "in no form that is read"),
        ("tenure", [f"{n // 12}yrs {n % 12}mon" for n in range(N - 1)] + ["0yrs 1mon"], "numbers among the same words"),
        ("branch_team", [f"T{n % 70}" for n in range(N)], "'T0': who applied? If so, --applicant branch_team"),
        ("income_2", [f"{n + 1}.{n * 37 % 1000:03}" if n % 3 else str(n + 400) for n in range(N)], "mark thousands?"),
        ("balance", [f"{n + 1}.{n * 37 % 1000:03}" for n in range(N)], "three decimals, as '1.000': does the sign"),
        ("what", [f"LR-{n * 7919 % 100_003:06}" for n in range(N)], "its number? If so, --id what"),
        (
            "client_id",
            [str(n // 2 + 1) if n % 2 else f"{n // 2 + 1:06}" for n in range(N)],
            "'000001' and '1' are two texts",
        ),
        (
            "opened_on",
            [f"15.{day:%m}.{66 + n % 6}" for n, day in enumerate(DAYS)],
            "'15.12.68' would be 2068-12-15, a day to come (two",
        ),
        ("applied_on", [f"2{day}" if n == 9 else f"{day}" for n, day in enumerate(DAYS)], "one form, as '22022-03-05'"),
        (
            "applied_on",
            ["2091-03-01", *(f"{day}" for day in DAYS[1:])],
            "'2091-03-01' would be 2091-03-01, a day to come",
        ),
        ("applied_on", [f"令和{day.year - 2018}年{day.month}月{day.day}日" for day in DAYS], "not every cell is one"),
        ("late", ["٠١٢٣"[n % 4] for n in range(N)], "digits that are not read here, as '٠': write '0'"),
        ("income_2", [chr(0xFF11 + n % 9) + "０" for n in range(N)], "digits that are not read here"),
        ("band", [("02-Jan", "03-May", "10+")[n % 3] for n in range(N)], "'02-Jan', as a spreadsheet makes of a range"),
        ("branch_name", [f"B{n // 10}" if n % 10 == 0 else None for n in range(N)], "merged cells?"),
        ("applied_on", [f"{day.year}Q{(day.month + 2) // 3}" for day in DAYS], "not every cell is one in one form"),
        ("applied_on", [f"{day.day}. März {day.year}" for day in DAYS], "not every cell is one in one form"),
        ("applied_on", ["0000-00-00", *(f"{day}" for day in DAYS[1:])], "not every cell is one in one form"),
        ("applied_on", ["9999-12-31", *(f"{day}" for day in DAYS[1:])], "not every cell is one in one form"),
        (
            "applied_on",
            ["1900-01-01", *(f"{day}" for day in DAYS[1:])],
            "'1900-01-01' (1 rows) lies years from all other",
        ),
        (
            "applied_on",
            [str((day - dt.date(1960, 1, 1)).days) for day in reversed(DAYS)],
            "is no form of one that is read",
        ),
    ],
)
def test_what_would_be_read_wrong_is_asked_about_and_read_by_no_model(name, cells, why):
    found = profiled(name, cells)
    assert (found.role, found.suspected) == ("ignore", True)
    assert why in found.why


def test_cells_that_are_no_numbers_are_refused_where_the_owner_names_the_column():
    with pytest.raises(UsageError, match=r"--feature balance: numbers but for '\(747.17\)' \(1 rows\), first in row 1"):
        profiled("balance", ["(747.17)", *NUMBERS[1:]], {"balance": "feature"})


def test_a_number_that_few_rows_have_is_no_merged_cell():
    found = profiled("late_fee", [str(n) if n % 40 == 0 else None for n in range(N)])
    assert (found.role, found.suspected, found.why) == ("ignore", False, "98% of its cells are missing")


def test_a_protected_number_with_a_word_among_its_cells_is_kept_as_texts():
    found = profiled("age", ["o", *(str(20 + n % 40) for n in range(1, N))])
    assert (found.role, found.kind, found.range) == ("protected", "text", None)


def test_days_of_other_programs_are_read_in_their_form():
    assert day_formats([f"{day:%d%b%Y}".upper() for day in DAYS], named=True) == ("%d%b%Y",)
    assert day_formats([f"{day:%d%b%Y}:00:00:00" for day in DAYS], named=True) == ("%d%b%Y:%H:%M:%S",)
    assert day_formats(["20000", "25000"], named=True, born=True) == ("excel",)  # 1954 and 1968
    for form in (*cells.WRITTEN_DAYS, *(f"{day} {time}" for day in cells.WRITTEN_DAYS for time in cells.TIMES)):
        assert form in day_formats([f"{day:{form}}" for day in DAYS], named=True), form
    assert day_formats([f"{day:%d  %b %Y}" for day in DAYS], named=True) == ("%d %b %Y",)  # with a blank more
    assert day_formats(["20000", "25000"], named=True) == ()  # as likely 2014 in days since 1960


def test_gaps_of_other_programs_are_gaps():
    assert {"#NULL!", "#VALUE!", "#REF!", "1.#QNAN"} <= set(GAPS)
    columns = {"late": DataFrame({"late": ["1", ".A", "._", "2"]}, dtype="str")["late"]}
    assert missing_words(columns) == ("", ".A", "._")
    words = {"job": DataFrame({"job": ["a", ".A"]}, dtype="str")["job"]}
    assert missing_words(words) == ("",)


@pytest.mark.parametrize(
    ("below", "above", "codes"),
    [
        ([-1], range(6), (-1,)),
        ([-5], range(6), (-5,)),
        ([-3], range(9), (-3,)),
        ([-2, -1], range(9), ()),  # steps of one scale
        ([-3, -2, -1], range(30), (-3, -2, -1)),
        ([-3, -2, -1], range(4), ()),  # by how many notches a grade moved
    ],
)
def test_a_value_alone_below_zero_is_a_code(below, above, codes):
    assert codes_of(np.array([*below, *above] * 20, float)) == codes


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        (9, ()),  # a large amount, as some have
        (10, (5_000.0,)),
    ],
)
def test_a_value_far_above_is_a_code_only_where_many_rows_say_it(rows, codes):
    assert codes_of(np.array([*range(100)] * 10 + [5_000] * rows, float)) == codes


def test_nines_twice_as_large_as_all_else_are_a_code_in_few_rows_too():
    assert codes_of(np.array([*range(100)] * 10 + [999] * 2, float)) == (999.0,)
    assert codes_of(np.array([*range(600)] * 2 + [999] * 2, float)) == ()


@pytest.mark.parametrize("name", ["branch_code", "sector", "código_producto", "Filiale", "NACE"])
def test_numbers_that_name_something_are_categories(name):
    found = profiled(name, [str((101, 205, 310)[n % 3]) for n in range(N)])
    assert (found.kind, found.categories, found.range) == ("category", ("101", "205", "310"), None)


@pytest.mark.parametrize("name", ["no_of_products", "branch_count"])
def test_counts_of_such_are_numbers(name):
    assert profiled(name, [str(n % 7) for n in range(N)]).kind == "integer"


@pytest.mark.parametrize(
    "name",
    ["calificacion", "Puntaje", "bonitaetsklasse", "Bonität", "notation", "note_interne", "classe_di_rischio",
     "punteggio", "ratingInterno", "pontuacao", "ocena_ryzyka", "limite_aprobado", "bewilligtes_limit",
     "montant_accorde", "scorewert", "probabilidad_incumplimiento", "Ausfallwahrscheinlichkeit", "prawdopodobienstwo",
     "taux", "oprocentowanie", "score", "rating", "risicoklasse"],
)  # fmt: skip
def test_what_the_lender_makes_of_an_application_is_known_in_its_language(name):
    assert names.output(name, few=True)


@pytest.mark.parametrize("name", ["decyzja", "decisión", "decision_credito", "Entscheidung", "esito", "besluit"])
def test_a_decision_is_known_in_its_language(name):
    assert names.output(name, few=True) == "the lender's decision"
    assert names.output(name, few=False) is None


@pytest.mark.parametrize(
    "name",
    ["bureau_risk_score", "schufa_score", "fico_range", "external_rating", "credit_score", "taux_endettement", "note"],
)
def test_what_a_bureau_says_and_what_only_sounds_so_is_none_of_the_lenders(name):
    assert names.output(name, few=False) is None


@pytest.mark.parametrize(
    ("name", "ground"),
    [("nationalite", "national origin"), ("plec", "sex"), ("burgerlijke_staat", "marital status"), ("wiek", "age"),
     ("stan_cywilny", "marital status"), ("Staatsangehoerigkeit", "national origin"), ("kjonn", "sex"),
     ("ålder", "age")],
)  # fmt: skip
def test_protected_grounds_are_known_with_and_without_accents(name, ground):
    assert names.guarded(name, switch=False) == ground


@pytest.mark.parametrize("name", ["recoveries", "inkasso_kosten", "total_rec_prncp", "charge_off_amount", "cobranca"])
def test_what_becomes_of_an_account_is_no_feature(name):
    assert profiled(name, NUMBERS).role == "ignore"
    assert names.afterwards(name)


@pytest.mark.parametrize("name", ["previous_charge_offs", "chargeoff_within_12_mths", "past_recoveries", "recorded"])
def test_what_became_of_earlier_accounts_is_known_before(name):
    assert names.afterwards(name) is None


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("rate", [f"{n}.{n * 37 % 1000:03}" for n in range(N)]),  # 0.000 is no thousand
        ("rate", [f"{n + 1}.{n * 37 % 1000:03}" for n in range(N)]),  # always three decimals, and no money
        ("rate", [f"{n + 1}.{n * 37 % 1000:03}".rstrip("0") for n in range(N)]),
        ("dti", [f"{n % 60 + 20}.604" if n % 40 == 0 else str(n + 20) for n in range(N)]),  # as large as the others
        ("dti", [f"{n % 3 + 2}.604" if n % 40 == 0 else str(max(0, n - 10) * 31) for n in range(N)]),  # some are 0
        ("dti", [f"{n + 1}.{n * 37 % 1000:03}" if n < 10 else str(n) for n in range(N)]),  # few that have decimals
    ],
)
def test_decimals_that_are_none_of_thousands_are_not_asked_about(name, cells):
    assert (profiled(name, cells).role, profiled(name, cells).suspected) == ("feature", False)


def test_a_key_in_two_forms_is_refused_where_the_owner_names_it():
    ids = [str(n // 2 + 1) if n % 2 else f"{n // 2 + 1:06}" for n in range(N)]
    with pytest.raises(UsageError, match="--applicant who: '000001' and '1' are two texts and one number"):
        profiled("who", ids, {"who": "applicant"})
    assert profiled("who", [f"{n // 2 + 1:06}" for n in range(N)], {"who": "applicant"}).role == "applicant"


def test_a_reference_is_an_id_and_a_text_that_not_every_row_has_is_none():
    assert profiled("loan_ref", [f"LR{n * 7919 % 100_003:06}" for n in range(N)]).role == "id"
    some = profiled("what", [None if n == 5 else f"LR{n * 7919 % 100_003:06}" for n in range(N)])
    assert (some.role, some.suspected, some.why) == ("ignore", False, f"free text: {N - 1} different values")
    assert profiled("memo", [f"seen on day {n}" for n in range(N)]).why == f"free text: {N} different values"


@pytest.mark.parametrize(
    ("cells", "codes", "note"),
    [
        (["-5", "-5", *map(str, range(N - 2))], (-5.0,), "-5 (2 rows): far from all else"),
        (["-5", *map(str, range(N - 1))], (), "-5 in one row, and no other number is below zero"),
        (["-5", "-5", "-7", *map(str, range(N - 3))], (), None),  # two of few rows each: amounts as well
        (["-5", "-5", *(str(n % 6) for n in range(N - 2))], (), "-5 in 2 rows, and no other number is below zero"),
        (["-2", "-1", *(str(n % 6) for n in range(N - 2))], (), None),  # a scale of few steps
        (["-5"] * 3 + [str(n % 6) for n in range(N - 3)], (), "-5 (3 rows): far from all else, and in few rows"),
        (["-5"] * 10 + [str(n % 6) for n in range(N - 10)], (-5.0,), "-5 (10 rows): far from all else, so probably"),
        (["98"] * 3 + [str(n % 6) for n in range(N - 3)], (), "98 (3 rows): far from all else, and in few rows"),
        (["98"] * 2 + [str(n % 6) for n in range(N - 2)], (), None),  # the two largest of a long tail
        (["10"] * 3 + [str(n % 6) for n in range(N - 3)], (), None),  # as far from 5 as 5 is from 0
        (["-9", "-8"] * 2 + [str(n % 9) for n in range(N - 4)], (), "-9 (2 rows), -8 (2 rows): far from all else"),
        (["-1"] + [str(n % 3) for n in range(N - 1)], (), None),  # four values from -1 to 2 are steps
    ],
)
def test_isolated_numbers_are_noted_and_codes_where_more_rows_say_them(cells, codes, note):
    found = profiled("months_at_job", cells)
    assert found.codes == codes
    assert len(found.notes) == (note is not None)
    assert any(note in its for its in found.notes) if note else not found.notes


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (
            [f"{n % 40 + 60}.5" if n % 2 else f"0.{n % 40 + 55}" for n in range(N)],
            "others up to 99.5: shares and percents",
        ),
        ([f"{(n % 45 + 31) / 60:.3f}" if n % 2 else f"{n % 40 + 2}.5" for n in range(N)], None),  # as many just above 1
        ([f"0.{n % 40 + 55}" for n in range(N)], None),
    ],
)
def test_shares_among_percents_are_noted(cells, note):
    found = profiled("used", cells)
    assert found.role == "feature"
    assert any(note in its for its in found.notes) if note else not found.notes


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (("yes", "Ja", "não", "Y"), "it says yes and no in 4 words, 'Ja', 'Y', 'não', 'yes': write each in one"),
        (("yes", "ja", "perhaps"), None),
        (("6 months", "1 year", "2 years"), "its numbers measure several things, as '6 months' and '1 year'"),
        (("6 months", "12 months", "36 months"), None),
    ],
)
def test_words_that_say_one_thing_in_several_ways_are_noted(words, note):
    notes = profiled("owner", [words[n % len(words)] for n in range(N)]).notes
    assert any(note in its for its in notes) if note else not notes
