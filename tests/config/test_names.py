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
    ],
)
def test_people_of_any_script_sign(name):
    assert is_person(name)
    assert is_person(signature(name, "account:ada"))


@pytest.mark.parametrize(
    "name", [None, "", "Ada", "ci bot", "Risk Department", "Model Risk Team", "root user", "A. Board"]
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


def test_a_signature_says_what_proved_it_and_one_from_before_says_nothing():
    signed = signature("Ada Berg", "subject:ada")
    assert (person_of(signed), identity_of(signed)) == ("Ada Berg", "subject:ada")
    assert (person_of("Ada Berg"), identity_of("Ada Berg")) == ("Ada Berg", None)
