"""What a word means wherever it stands; every expectation can be read off the words."""

import pytest

from credit_risk.fork.reading import meanings


@pytest.mark.parametrize(
    ("words", "measures"),
    [
        (("6 months", "1 year", "10+ years"), {"months": "6 months", "years": "1 year"}),
        (("3 Mon.", "18Monate"), {"months": "3 Mon."}),
        (("12.5 lakh", "1 crore"), {"lakhs": "12.5 lakh", "crores": "1 crore"}),
        (("36", "60"), {}),
        (("2 rooms", "3 rooms"), {}),
    ],
)
def test_what_numbers_measure_is_known_by_the_word_beside_them(words, measures):
    assert meanings.measures_of(words) == measures


@pytest.mark.parametrize(
    ("words", "several"),
    [
        (("yes", "Y", "no"), ("Y", "no", "yes")),
        (("evet", " Ja ", "0"), (" Ja ", "0", "evet")),
        (("yes", "no"), ()),
        (("yes", "no", "unknown"), ()),
    ],
)
def test_a_switch_in_more_than_two_words_is_seen(words, several):
    assert meanings.switch_words(words) == several
