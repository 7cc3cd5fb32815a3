"""Names that sign: persons alone, each name once however it is written, and none that only looks like one."""

import pytest

from credit_risk.config.names import identity_of, is_person, name_fault, person_of, same_person, signature


@pytest.mark.parametrize(
    "name",
    [
        "Ada Berg",
        "José Muñoz",
        "Jean-Luc O’Neil",
        "J. R. R. Tolkien",
        "Анна Ким",
        "山田 ハナ",
        "김 민수",
        "octo-cat2 of GitHub",
        "Cis Nas",  # no plural of those who are nobody
    ],
)
def test_people_of_any_script_sign(name):
    assert is_person(name)
    assert is_person(signature(name, "account:ada"))


@pytest.mark.parametrize(
    "name",
    [
        *(None, "", "Ada", "ci bot", "Risk Department", "Model Risk Team", "root user", "A. Board"),
        *("Team, Risk", "(bot) Kim", "Risk Departments", "Services: Risk"),
    ],
)
def test_who_is_nobody_does_not_sign(name):
    assert not is_person(name)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("Kim\u200b Lee", "U\\+200B"),
        ("Kim Lee\u202e", "U\\+202E"),
        ("Kim\u00a0Lee", "NFKC"),
        ("Ｋim Lee", "NFKC"),
        ("Jose\u0301 Diaz", "NFKC"),
        ("K\u0456m Lee", "cyrillic, latin"),
        ("Kim \u039bee", "greek, latin"),
        ("Kim\tLee", "U\\+0009"),
        ("Kim Lee\U0001f600", "U\\+1F600"),
        ("Kim Lee\u034f", "U\\+034F"),  # marks and letters that show nothing
        ("Kim Lee\ufe0f", "U\\+FE0F"),
        ("Kim Lee\U000e0100", "U\\+E0100"),
        ("Kim Lee\u17b4", "U\\+17B4"),
        ("Kim Lee\u180b", "U\\+180B"),
        ("김 민수\u115f", "U\\+115F"),
        ("Kim Lee\U00016fe4", "U\\+16FE4"),
    ],
)
def test_a_name_that_looks_like_another_is_refused_and_the_character_named(name, fault):
    assert not is_person(name)
    with pytest.raises(AssertionError, match=fault):
        assert name_fault(name) is None, name_fault(name)


def test_one_person_has_one_name_whatever_case_and_order_and_one_identity_whatever_name():
    assert same_person("Kim Lee", " kim   LEE")
    assert same_person("Kim Lee", "Lee Kim")
    assert same_person("José Diaz", "Jose\u0301 Diaz")
    assert same_person("Kim Lee <account:kim>", "Kim Lee")
    assert same_person("Kim Lee <account:kim>", "Kimberly Leeds <account:kim>")
    assert not same_person("Kim Lee <account:kim>", "Ada Berg <account:ada>")
    assert not same_person("Kim Lee", "Kim Leeds")


@pytest.mark.parametrize(
    "alike",
    [
        "Раt Соре",  # Cyrillic but for the t
        "Рат Соре",  # Cyrillic alone
        "Ρατ Cορε",  # Greek but for the C
        "Pat\u034f Cope\ufe0f",
        "Pat Cope\u2010",
        "Pat Cope.",
        "Pat C0pe",
        "Pat  'Cope'",
    ],
)
def test_names_that_look_alike_are_one_person(alike):
    assert same_person("Pat Cope", alike)
    assert same_person(alike, "Cope Pat <account:pat>")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Kim Lee", "Ki\u0307m Lee"),
        ("Kim Lee", "K\u0131m Lee"),
        ("Kim Lee", "Kim Iee"),
        ("Kim Lee", "Kim 1ee"),
        ("Jean-Luc O’Neil", "Jean Luc ONeil"),
        ("ОЛЕГ КИМ", "Олег Ким"),
    ],
)
def test_letters_that_look_alike_make_no_second_person(first, second):
    assert same_person(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("Minh Hà", "Minh Hạ"), ("राम सिंह", "रमा सिंह"), ("Анна Ким", "Инна Ким"), ("Jo Ree", "Jo Lee")],
)
def test_marks_and_letters_that_are_seen_tell_persons_apart(first, second):
    assert not same_person(first, second)


def test_a_signature_says_what_proved_it_and_one_from_before_says_nothing():
    signed = signature("Ada Berg", "subject:ada")
    assert (person_of(signed), identity_of(signed)) == ("Ada Berg", "subject:ada")
    assert (person_of("Ada Berg"), identity_of("Ada Berg")) == ("Ada Berg", None)
