"""Roles of columns from a table small enough to read."""

import re

import numpy as np
import pytest
from pandas import DataFrame, Timedelta, Timestamp, date_range

from credit_risk.errors import UsageError
from credit_risk.fork.drafting.names import parts
from credit_risk.fork.drafting.profile import Profile
from credit_risk.fork.drafting.profiling import limits, profiles

N = 400
BAD = np.arange(N) % 4 == 0


def table(**columns):
    return DataFrame({name: [str(cell) for cell in cells] for name, cells in columns.items()}, dtype="str")


def profiled(told=None, missing=("",), **columns):
    found = profiles(table(**columns), BAD, np.ones(N, bool), told or {}, missing)
    return {one.name: one for one in found}


RANDOM = np.random.default_rng(1)
INCOME = RANDOM.integers(1000, 9000, N)


def test_a_number_is_a_feature_with_room_at_both_ends():
    one = profiled(income=INCOME)["income"]
    assert (one.role, one.kind, one.range) == ("feature", "number", (0.0, 20_000.0))  # 129.50 is money too


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2, 3, 4], "integer", (1, 4)),
        ([0, 1, 2], "integer", (0, 4)),
        ([0, 74_000], "number", (0, 200_000)),
        ([-30, 5], "number", (-60, 10)),
        ([-3, -1], "number", (-6, 0)),
    ],
)
def test_grades_keep_their_ends_and_amounts_get_room(values, kind, expected):
    assert limits(np.array(values, dtype=float), kind) == expected


def test_ids_days_people_and_texts_are_known_by_name_and_by_kind():
    found = profiled(
        loan_id=[f"L{n}" for n in range(N)],
        customer_id=np.arange(N) // 2,
        application_date=[f"2026-01-{n % 28 + 1:02}" for n in range(N)],
        closed_on=[f"2026-02-{n % 28 + 1:02}" for n in range(N)],
        note=[f"note {n}" for n in range(N)],
        income=INCOME,
    )
    roles = {name: one.role for name, one in found.items()}
    assert roles == {
        "loan_id": "id",
        "customer_id": "applicant",
        "application_date": "date",
        "closed_on": "ignore",
        "note": "ignore",
        "income": "feature",
    }
    assert found["note"].why == "free text: 400 different values"


def test_a_column_that_counts_the_rows_is_the_id_and_only_one_is():
    found = profiled(row=np.arange(N), other_no=np.arange(N) * 7, income=INCOME)
    assert (found["row"].role, found["other_no"].role) == ("id", "ignore")
    assert found["other_no"].why == "row is the id already"


def test_the_id_that_was_named_comes_before_one_that_was_found():
    found = profiled({"key": "id"}, row=np.arange(N), key=np.arange(N) * 7, income=INCOME)
    assert (found["row"].role, found["key"].role) == ("ignore", "id")


def test_a_column_that_knows_the_outcome_is_left_out_with_its_gini():
    found = profiled(recovered=np.where(BAD, 100 + np.arange(N), 0), income=INCOME)
    assert found["recovered"].role == "ignore"
    assert found["recovered"].why == "alone it ranks with a Gini of 1.00: known only after the outcome?"


def test_a_column_that_marks_half_of_the_bads_is_left_out_though_its_gini_is_low():
    marks = np.where(BAD & (np.arange(N) % 8 == 0), 1, 0)
    found = profiled(sent_to_court=marks, income=INCOME)
    assert found["sent_to_court"].role == "ignore"
    assert "makes sure of 50% of the bads" in found["sent_to_court"].why


def test_a_name_that_speaks_of_afterwards_is_only_noted():
    found = profiled(last_default=RANDOM.integers(0, 50, N), income=INCOME)
    assert found["last_default"].role == "feature"
    assert found["last_default"].notes == (
        "its name speaks of after the outcome: is it known on the day of application?",
    )


def test_a_protected_name_is_kept_away_and_has_to_be_confirmed():
    found = profiled(gender=np.where(np.arange(N) % 2, "x", "z"), mortgage=INCOME, income=INCOME)
    assert (found["gender"].role, found["gender"].suspected) == ("protected", True)
    assert (found["mortgage"].role, found["mortgage"].suspected) == ("feature", False)


def test_so_are_words_for_men_and_women():
    assert (
        profiled(status=np.where(np.arange(N) % 2, "male single", "female"), income=INCOME)["status"].role
        == "protected"
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("female", "sex"),
        ("is_black", "race"),
        ("hispan", "race"),
        ("afam", "race"),
        ("minority", "race"),
        ("single", "marital status"),
        ("veteran", "military service"),
    ],
)
def test_a_flag_that_speaks_of_a_person_is_asked_about(name, why):
    one = profiled(**{name: np.arange(N) % 2, "income": INCOME})[name]
    assert (one.role, one.suspected, one.why) == ("protected", True, f"{why}, as its name says")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("maritalstatus", "protected"),
        ("ApplicantGender", "protected"),
        ("custnationality", "protected"),
        ("dateofbirthdate", "protected"),
        ("postalcode", "proxy"),
        ("last_name", "proxy"),
        ("relationship_name", "feature"),
        ("attributes", "feature"),
    ],
)
def test_a_long_word_within_a_name_is_known_too(name, role):
    found = profiled(income=INCOME, **{name: RANDOM.choice(["a", "b", "c"], N)})[name]
    assert (found.role, found.suspected) == (role, role != "feature")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("civil status", "marital status"),
        ("estado_civil", "marital status"),
        ("genero", "sex"),
        ("annee_naissance", "age"),
        ("geb_datum", "age"),
        ("nacionalidad", "national origin"),
    ],
)
def test_protected_names_in_other_languages_are_asked_about(name, why):
    one = profiled(**{name: np.arange(N) % 40, "civil_servant": np.arange(N) % 2, "income": INCOME})
    assert (one[name].role, one[name].suspected, one[name].why) == ("protected", True, f"{why}, as its name says")
    assert one["civil_servant"].role == "feature"


@pytest.mark.parametrize(
    ("words", "role"), [("M F", "protected"), ("Mr Mrs Ms", "protected"), ("M F X", "protected"), ("M F Q", "feature")]
)
def test_letters_and_titles_say_the_sex_whatever_the_name(words, role):
    assert profiled(type=np.resize(words.split(), N), income=INCOME)["type"].role == role


def test_black_and_single_are_no_people_among_many_words():
    found = profiled(single=INCOME, black=np.resize(["box", "white", "grey"], N))
    assert {one.role for one in found.values()} == {"feature"}


def test_where_somebody_lives_is_asked_about_as_a_proxy():
    one = profiled(zip_code=10_000 + np.arange(N) % 40, income=INCOME)["zip_code"]
    assert (one.role, one.suspected) == ("proxy", True)


@pytest.mark.parametrize(
    ("name", "cells", "what"),
    [
        ("interest_rate", INCOME / 100, "the price that the lender set"),
        ("int_rate", INCOME / 100, "the price that the lender set"),
        ("risk_class", np.resize([*"BCDEF"], N), "the lender's own grade"),
        ("sub_grade", np.resize(["A1", "B2", "C3"], N), "the lender's own grade"),
        ("internal_score", INCOME, "the lender's own score"),
        ("approved", np.resize(["yes", "no"], N), "the lender's decision"),
        ("funded_amnt", INCOME, "what the lender granted"),
    ],
)
def test_what_the_lender_makes_of_an_application_is_asked_about(name, cells, what):
    one = profiled(**{name: cells, "income": INCOME})[name]
    assert (one.role, one.suspected) == ("ignore", True)
    assert one.why.startswith(what)


def test_a_bureau_score_and_the_class_of_a_product_are_the_applicants():
    found = profiled(bureau_score=INCOME, product_class=np.resize([1, 2, 3], N))
    assert {one.role for one in found.values()} == {"feature"}


def test_a_weight_of_the_sample_is_no_feature_and_a_weight_in_kilograms_is():
    found = profiled(sample_weight=np.resize([1.0, 8.33], N), vehicle_weight=INCOME)
    assert (found["sample_weight"].role, found["sample_weight"].suspected) == ("ignore", True)
    assert found["vehicle_weight"].role == "feature"


def test_a_column_that_says_whether_the_outcome_is_known_is_asked_about():
    known = np.arange(N) % 3 > 0
    cells = table(step=np.where(known, np.resize(["paid out", "active"], N), "turned down"), income=INCOME)
    of_columns = {one.name: one for one in profiles(cells, BAD & known, known, {}, ("",))}
    assert (of_columns["step"].role, of_columns["step"].suspected) == ("ignore", True)
    assert of_columns["step"].why == "no row that says 'turned down' has an outcome: the lender's decision?"
    assert of_columns["income"].role == "feature"


def test_a_feature_that_was_named_stays_one_and_what_speaks_against_it_is_told():
    group = np.arange(N) % 2
    found = profiled(
        {"g": "protected", "height": "feature", "recovered": "feature"},
        g=np.where(group, "x", "z"),
        height=170 + 20 * group + np.arange(N) % 7,
        recovered=np.where(BAD, 100 + np.arange(N), 0),
    )
    assert (found["height"].role, found["recovered"].role) == ("feature", "feature")
    assert "alone it tells g with a Gini of 1.00" in found["height"].notes
    assert "alone it ranks with a Gini of 1.00: known only after the outcome?" in found["recovered"].notes


def test_a_proxy_that_was_named_is_told_with_its_strength():
    group = np.arange(N) % 2
    found = profiled(
        {"g": "protected", "height": "proxy"},
        g=np.where(group, "x", "z"),
        height=170 + 20 * group + np.arange(N) % 7,
        income=INCOME,
    )
    assert found["height"].why.endswith("; alone it tells g with a Gini of 1.00")


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ({"note": "feature"}, "--feature note: it holds 400 different texts, as 'note 0'; a model reads numbers"),
        ({"note": "date"}, "--date note: it holds 400 different texts, as 'note 0', and no form of a day fits"),
        ({"empty": "feature"}, "--feature empty: every cell of it is missing"),
        ({"note": "id", "income": "id"}, "--id note and --id income: only one column can be it"),
    ],
)
def test_a_role_that_a_column_cannot_have_is_refused_rather_than_changed(roles, sentence):
    with pytest.raises(UsageError, match=re.escape(sentence)):
        profiled(roles, note=[f"note {n}" for n in range(N)], empty=[""] * N, income=INCOME)


@pytest.mark.parametrize(
    ("role", "cells_", "sentence"),
    [
        ("id", [f"R{n:03}" for n in range(N - 3)] + ["R007", "R008", "R008"], "'R008' stands in 3 rows, and an id "),
        (
            "id",
            ["R0", "r0", "", *[f"R{n}" for n in range(3, N)]],
            f"nothing stands in 1 of {N} rows, the first is row 3:",
        ),
        (
            "date",
            ["2024-01-31", ""] * (N // 2),
            f"nothing stands in {N // 2} of {N} rows, the first is row 2: fill these",
        ),
    ],
)
def test_an_id_or_a_day_that_the_contract_would_refuse_is_refused_when_it_is_named(role, cells_, sentence):
    with pytest.raises(UsageError, match=re.escape(f"--{role} column: {sentence}")):
        profiled({"column": role}, column=cells_, income=INCOME)


def test_a_day_of_application_that_not_every_row_has_is_asked_about():
    days = [f"{day:%Y-%m-%d}" for day in date_range("2022-01-01", periods=N)]
    assert profiled(income=INCOME, applied_on=days)["applied_on"].role == "date"
    found = profiled(income=INCOME, applied_on=[*days[:4], "", *days[5:]])["applied_on"]
    assert (found.role, found.suspected) == ("ignore", True)
    assert found.why == (
        f"nothing stands in 1 of {N} rows, the first is row 5: fill these cells, or take the rows out of the file"
    )


def test_what_was_said_of_a_column_is_not_doubted():
    one = profiled({"gender": "feature"}, gender=np.where(np.arange(N) % 2, "x", "z"), income=INCOME)["gender"]
    assert (one.role, one.suspected) == ("feature", False)


def test_a_feature_that_tells_a_protected_group_is_a_proxy():
    group = np.arange(N) % 2
    found = profiled(
        {"g": "protected"}, g=np.where(group, "x", "z"), height=170 + 20 * group + np.arange(N) % 7, income=INCOME
    )
    assert found["height"].role == "proxy"
    assert found["height"].why == "alone it tells g with a Gini of 1.00"
    assert found["income"].role == "feature"


def test_constant_and_empty_columns_are_left_out():
    found = profiled(country=["DE"] * N, nothing=[""] * N, income=INCOME)
    assert {name: one.why for name, one in found.items() if one.role == "ignore"} == {
        "country": "every row says 'DE'",
        "nothing": "100% of its cells are missing",
    }


def test_missing_cells_are_counted_and_no_category():
    one = profiled(missing=("", "?"), home=np.where(np.arange(N) % 5 == 0, "?", "own"), job=["a", "b"] * (N // 2))[
        "home"
    ]
    assert one.missing == 0.2
    assert one.role == "ignore"  # but for the gaps every row says the same


def test_a_protected_column_of_few_values_keeps_its_words():
    found = profiled(
        foreign_worker=["yes", "no"] * (N // 2), gender=["1.50", "0.50"] * (N // 2), switch=["yes", "no"] * (N // 2)
    )
    one = found["foreign_worker"]
    assert (one.role, one.kind, one.categories) == ("protected", "category", ("no", "yes"))
    one = found["gender"]
    assert (one.kind, one.categories, one.range) == ("category", ("0.50", "1.50"), None)
    assert found["switch"].kind == "boolean", "a feature stays what it is"


def test_numbers_and_a_word_of_other_columns_are_left_out_with_a_way_out():
    cards = np.where(np.arange(N) % 3 == 0, "none", (np.arange(N) % 7).astype(str))
    found = profiled(cards=cards, guarantor=["none", "parent"] * (N // 2), income=INCOME)
    assert found["cards"].role == "ignore"
    assert found["cards"].why == "numbers and 'none', a word in other columns: leave these cells empty to use it"
    assert found["guarantor"].categories == ("none", "parent")


def test_many_nines_are_noted_as_a_gap_perhaps():
    one = profiled(years=np.where(np.arange(N) == 9, 999, np.arange(N) % 30))["years"]
    assert one.codes == (999.0,)
    assert one.notes[0].startswith("999 (1 rows): far from all else, so probably codes")


@pytest.mark.parametrize(
    ("codes", "rest"),
    [
        ((-9, -8, -7), range(60)),  # no record, no usable one, condition not met
        ((96, 98), range(18)),
        ((365_243,), range(-17_000, 0, 500)),
        ((-1,), range(1, 40)),
    ],
)
def test_values_far_from_all_else_in_many_rows_are_codes_and_get_no_direction(codes, rest):
    cells = np.resize([*rest], N)
    cells[BAD] = np.resize(np.array([*rest])[len(rest) // 2 :], BAD.sum())
    assert profiled(value=cells)["value"].trend.direction == "increasing"
    cells[: 10 * len(codes)] = np.resize(codes, 10 * len(codes))
    one = profiled(value=cells)["value"]
    assert one.codes == codes
    assert one.trend.direction is None
    assert f"{codes[0]} (10 rows)" in one.notes[0]


def test_amounts_that_are_spread_out_are_no_codes():
    assert profiled(income=np.where(np.arange(N) == 7, 90_000, INCOME))["income"].codes == ()  # one rich applicant
    assert profiled(balance=INCOME - 3000)["balance"].codes == ()
    assert profiled(months=np.arange(N) % 11 - 2)["months"].codes == ()  # -2, -1, 0 … are steps of one scale


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("credit_amount", "credit amount"),
        ("LIMIT_BAL", "limit bal"),
        ("LoanAmount", "Loan Amount"),
        ("Höhe.gesamt", "Höhe gesamt"),
    ],
)
def test_a_label_is_the_name_as_a_person_writes_it(name, label):
    assert Profile(name, "number", "feature", 0.0).label == label


def test_a_name_falls_into_words():
    assert parts("accountAge_12m") == {"account", "age", "m"}


def test_ids_of_twenty_digits_are_drafted_as_text_and_shorter_ones_as_whole_numbers():
    rows = 60
    table = DataFrame(
        {
            "customer_id": [str(20240131000000000000 + row // 2) for row in range(rows)],
            "loan_no": [str(1582218195625938000 + row) for row in range(rows)],
            "group_no": [f"A{row % 4}" for row in range(rows)],
        }
    )
    bad = np.arange(rows) % 3 == 0
    drafts = profiles(table, bad, np.ones(rows, dtype=bool), {"group_no": "applicant"}, ("",))
    kinds = {draft.name: (draft.role, draft.kind, draft.categories) for draft in drafts}
    assert kinds["loan_no"] == ("id", "integer", None)
    assert kinds["group_no"] == ("applicant", "text", None)
    drafts = profiles(table, bad, np.ones(rows, dtype=bool), {}, ("",))
    assert {draft.name: (draft.role, draft.kind) for draft in drafts}["customer_id"] == ("applicant", "text")


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "level_0"])
def test_a_saved_index_is_left_out_whether_rows_were_filtered_since_or_not(name):
    for rows in (np.arange(N), np.arange(N) * 2):
        draft = profiled(**{name: rows, "debt": INCOME})[name]
        assert (draft.role, draft.why) == (
            "ignore",
            "a row number that was saved with the table, nothing of an applicant",
        )


def test_a_count_stays_a_whole_number():
    assert profiled(months=np.arange(N) % 40)["months"].kind == "integer"
    assert profiled(income=np.arange(N) % 40)["income"].kind == "number"


@pytest.mark.parametrize(
    ("written", "formats"),
    [
        ("%Y%m%d", ("%Y%m%d",)),
        ("%d/%m/%Y", ("%d/%m/%Y",)),
        ("%Y-%m", ("%Y-%m",)),
        ("%Y%m", ("%Y%m",)),
        ("excel", ("excel",)),
    ],
)
def test_a_day_of_application_is_found_however_it_is_written(written, formats):
    days = date_range("2022-01-01", periods=N)
    cells_ = (days - Timestamp("1899-12-30")).days if written == "excel" else days.strftime(written)
    draft = profiled(applied_on=cells_)["applied_on"]
    assert (draft.role, draft.kind, draft.formats) == ("date", "date", formats)


def test_days_that_could_be_months_are_asked_for_and_amounts_are_none():
    draft = profiled(applied_on=[f"{1 + n % 9:02d}/{1 + n % 7:02d}/2024" for n in range(N)])["applied_on"]
    assert (draft.role, draft.formats) == ("date", ("%d/%m/%Y", "%m/%d/%Y"))

    assert profiled(amount=np.arange(N)[::-1] * 7 + 20240101)["amount"].kind == "number"


SOME_DAYS = [Timestamp("2022-01-03 09:05:07") + Timedelta(days=3 * n, hours=n % 12) for n in range(N)]


@pytest.mark.parametrize(
    ("name", "written", "formats"),
    [
        ("app_date", [f"{day:%d/%m/%Y %H:%M}" for day in SOME_DAYS], ("%d/%m/%Y %H:%M",)),
        ("app_date", [f"{day:%m/%d/%Y %I:%M:%S %p}" for day in SOME_DAYS], ("%m/%d/%Y %I:%M:%S %p",)),
        ("issue_month", [f"{day:%B %Y}" for day in SOME_DAYS], ("%B %Y",)),
        ("application_date", [f"{44_000 + 3 * n + n % 7 / 8}" for n in range(N)], ("excel",)),
    ],
)
def test_a_day_with_its_time_or_a_month_in_words_is_the_day_of_application(name, written, formats):
    found = profiled(income=INCOME, **{name: written})[name]
    assert (found.role, found.formats) == ("date", formats)


@pytest.mark.parametrize(
    ("name", "written", "why"),
    [
        ("app_date", [f"{day.timestamp():.0f}" for day in SOME_DAYS[::-1]], "is no form of one that is read"),
        ("app_date", [f"{day:%y%m%d}" for day in SOME_DAYS[::-1]], "is no form of one that is read"),
        ("application_year", [day.year for day in SOME_DAYS[::-1]], "is no form of one that is read"),
        ("app_quarter", [f"{day.year}Q{day.quarter}" for day in SOME_DAYS], "not every cell is one in one form"),
        ("app_date", [f"{d:%d/%m/%Y}" if d.day % 2 else f"{d:%Y-%m-%d}" for d in SOME_DAYS], "in one form"),
        ("serial", np.cumsum(RANDOM.integers(1, 9, N)), "it rises from row to row: a row number, or a day?"),
    ],
)
def test_what_may_be_a_day_and_is_not_read_as_one_is_asked_about_and_no_feature(name, written, why):
    found = profiled(income=INCOME, **{name: written})[name]
    assert (found.role, found.suspected) == ("ignore", True)
    assert why in found.why


def test_counts_of_days_and_years_of_other_things_are_features():
    columns = {"days_since_date": RANDOM.integers(0, 900, N), "car_year": RANDOM.integers(1990, 2020, N)}
    assert {found.role for found in profiled(**columns).values()} == {"feature"}


def test_a_day_is_asked_about_where_no_column_is_the_day_of_application():
    day = [f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in range(N)]
    assert profiled(income=INCOME, seen_on=day)["seen_on"].suspected
    assert not profiled(income=INCOME, last_seen_on=day)[
        "last_seen_on"
    ].suspected  # after the outcome, as its name says
    assert not profiled(income=INCOME, seen_on=day, applied_on=day[::-1])["seen_on"].suspected


def test_a_day_of_birth_of_two_digits_has_no_age_and_so_no_bands():
    found = profiled({"born": "protected"}, income=INCOME, born=[f"{n % 28 + 1}/12/{40 + n % 60}" for n in range(N)])
    assert (found["born"].kind, found["born"].formats) == ("other date", ())
    assert "two digits" in found["born"].notes[0]


def test_what_knows_the_outcome_is_asked_about():
    found = profiled(income=INCOME, bankrupt=["yes" if n % 8 == 0 else "no" for n in range(N)])
    assert (found["bankrupt"].role, found["bankrupt"].suspected) == ("ignore", True)


@pytest.mark.parametrize("form", ["({}.25)", '="{}"', "{}%", "{}.25-", "{}.2k", "1,{:02},000"])
def test_numbers_that_are_written_in_no_form_that_is_read_are_asked_about(form):
    cells = [form.format(n % 97 + 1) if n % 2 else f"{n % 89 + 1}.75" for n in range(N)]
    found = profiled(income=INCOME, balance=cells)["balance"]
    assert (found.role, found.suspected) == ("ignore", True)
    assert "nearly every cell is a number" in found.why
    codes = [f"{n:05}" for n in range(N)]
    assert profiled(income=INCOME, code=codes[::-1])["code"].why.startswith("every row has another, as ")  # no amounts


def test_an_id_that_not_every_row_has_is_none():
    some = ["" if n % 7 == 0 else f"A{n}" for n in range(N)]
    found = profiled(income=INCOME, loan_no=some, customer_no=some)
    assert (found["loan_no"].role, found["customer_no"].role) == ("ignore", "applicant")
    assert "14.5% have none" in found["loan_no"].why


@pytest.mark.parametrize("name", ["custid", "KUNDENNR", "id_cliente", "customernumber"])
def test_a_persons_number_is_known_in_one_word_and_in_other_languages(name):
    found = profiled(income=INCOME, **{name: RANDOM.permutation(N) // 2 + 1000})[name]
    assert (found.role, found.why) == ("applicant", "rows of one person share it")


def test_an_id_that_repeats_is_asked_about_and_a_count_is_a_feature():
    numbers = RANDOM.permutation(N) + 1000
    numbers[:3] = numbers[3]
    found = profiled(income=INCOME, loan_id=numbers, loan_no=numbers, no_of_days=numbers, loan_key=numbers % 50)
    assert [found[name].suspected for name in ("loan_id", "loan_no", "no_of_days", "loan_key")] == [1, 1, 0, 0]
    assert found["loan_id"].role == found["loan_no"].role == "ignore"
    assert "3 repeat a number: rows that stand twice, or of one person?" in found["loan_id"].why
    assert found["no_of_days"].role == found["loan_key"].role == "feature"


def test_a_number_that_is_one_persons_is_no_feature_and_whether_there_is_a_telephone_is_one():
    found = profiled(income=INCOME, ssn=RANDOM.integers(1e8, 9e8, N), own_telephone=np.resize(["yes", "no"], N))
    assert (found["ssn"].role, found["ssn"].suspected) == ("ignore", True)
    assert "--applicant ssn" in found["ssn"].why
    assert found["own_telephone"].role == "feature"


def test_an_id_that_begins_with_zeros_keeps_them():
    padded = [f"{n:02}" for n in range(N)]  # ten of four hundred begin with 0
    found = profiled({"key": "id"}, income=INCOME, key=padded)
    assert (found["key"].role, found["key"].kind) == ("id", "text")


def test_ids_that_a_spreadsheet_has_shortened_are_asked_about_and_name_nobody():
    shortened = [f"{1.1e17 + n * 1e15:.2E}" for n in range(N)]
    found = profiled(income=INCOME, customer_id=shortened, rate=[f"{n / 7:.5E}" for n in range(1, N + 1)])
    assert (found["customer_id"].role, found["customer_id"].suspected) == ("ignore", True)
    assert found["customer_id"].why.startswith("numbers this long lose digits")
    assert found["rate"].role == "feature"
    with pytest.raises(UsageError, match=r"--applicant customer_id: .*'1\.1.E.17': numbers this long lose digits"):
        profiled({"customer_id": "applicant"}, income=INCOME, customer_id=shortened)


@pytest.mark.parametrize("factor", [1, 1000])
def test_seconds_since_1970_are_asked_about_whatever_the_name(factor):
    seconds = (1_700_000_000 + RANDOM.integers(0, 10**7, N)) * factor
    found = profiled(income=INCOME, first_seen=seconds, area=seconds // 10_000)
    assert (found["first_seen"].role, found["first_seen"].suspected) == ("ignore", True)
    assert "may be a day in seconds since 1970" in found["first_seen"].why
    assert found["area"].role == "feature"


def test_codes_with_leading_zeros_have_no_order():
    assert profiled(branch=[f"{n % 39:03}" for n in range(N)], income=INCOME)["branch"].kind == "category"


def test_frequent_nines_beyond_a_gap_are_a_code_and_a_cap_is_none():
    days = RANDOM.integers(0, 720, N)
    found = profiled(
        days=np.where(np.arange(N) % 5 == 0, 999, days),
        capped=np.where(np.arange(N) % 5 == 0, 999, days + 278),
        rare=np.where(np.arange(N) % 100 == 0, 999, days),
    )
    assert [found[name].codes for name in ("days", "capped", "rare")] == [(999.0,), (), ()]


def test_one_word_beside_blanks_is_asked_about():
    found = profiled(income=INCOME, flag=np.resize(["x", "", "", ""], N))["flag"]
    assert (found.role, found.suspected) == ("ignore", True)
    assert found.why == "25.0% of the rows say 'x', the others nothing: if that means no, write no to use it"


def test_a_word_in_many_cells_of_numbers_is_named_and_asked_about():
    cells = ["k.A." if n % 7 == 0 else f"{n}.25" for n in range(N)]
    found = profiled(income=INCOME, balance=cells)["balance"]
    assert (found.role, found.suspected) == ("ignore", True)
    assert "numbers but for 'k.A.' (58 rows): leave these cells empty" in found.why
