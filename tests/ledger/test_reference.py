"""One person, one reference, however it was written."""

import unicodedata

import pytest

from credit_risk.ledger.reference import ReferenceRefused, canonical, from_header, require_known, stored_forms

COMPOSED, DECOMPOSED = "M\u00fcller-7", "Mu\u0308ller-7"


def as_read(sent: bytes) -> str:
    """A header as the framework decodes it."""
    return sent.decode("latin-1")


@pytest.mark.parametrize("text", ["A-1017", "person 7", "Zo\u00eb \U0001f642", "\u7530\u4e2d", "x" * 200, "100%"])
def test_a_sound_reference_is_its_own_form(text):
    assert canonical(text) == text
    assert canonical(unicodedata.normalize("NFD", text)) == text


def test_composed_and_decomposed_are_one_person():
    assert canonical(DECOMPOSED) == canonical(COMPOSED) == COMPOSED


def test_the_length_is_counted_in_the_one_form():
    assert len(canonical("u\u0308" * 200)) == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " a",
        "a ",
        "a\u00a0",
        "a\0",
        "a\nb",
        "a\u200bb",
        "a\u202eb",
        *(f"A-1{unseen}" for unseen in "\u034f\u115f\u1160\u17b4\u180b\u2800\u2d7f\u3164\ufe0e\ufe0f\uffa0"),
        *(f"A-1{unseen}" for unseen in "\U0001107f\U00016fe4\U0001d159\U000e0100"),
        "\ud800",
        "\ue000",
        "x" * 201,
        "e" * 10_000,
    ],
)
def test_what_cannot_be_a_reference_is_refused_and_not_repeated(text):
    with pytest.raises(ReferenceRefused, match="1 to 200 visible characters") as refused:
        canonical(text)
    assert len(text) < 3 or text not in str(refused.value)


@pytest.mark.parametrize(
    "sent",
    [COMPOSED.encode(), DECOMPOSED.encode(), b"M%C3%BCller-7", b"M%c3%bcller%2D7", b"Mu%CC%88ller-7"],
)
def test_a_header_gives_the_same_person_however_it_is_encoded(sent):
    assert from_header(as_read(sent)) == COMPOSED


def test_a_percent_sign_is_sent_encoded():
    assert from_header("100%25") == "100%"
    assert from_header("A%2520B") == "A%20B"


@pytest.mark.parametrize(
    "sent", [b"M\xfcller-7", b"M%FCller-7", b"100%", b"%4", b"%zz", b"a%00", b"a%20", b"", b"%ED%A0%80", b"%C0%80"]
)
def test_a_header_that_could_mean_several_is_refused(sent):
    with pytest.raises(ReferenceRefused):
        from_header(as_read(sent))


def test_forms_of_before_are_decomposed_or_misread():
    assert stored_forms(DECOMPOSED) == (
        COMPOSED,
        DECOMPOSED,
        COMPOSED.encode().decode("latin-1"),
        DECOMPOSED.encode().decode("latin-1"),
    )
    assert stored_forms("A-1017") == ("A-1017",)


def test_what_is_refused_today_has_forms_of_before_too():
    """As it came: with what nobody sees, and half composed, half decomposed, which is neither of Unicode's forms."""
    assert stored_forms("A-1\u3164") == ("A-1\u3164", "A-1\xe3\x85\xa4")
    mixed = "u\u0308\u00fc\u200b"
    assert stored_forms(mixed)[:3] == ("\u00fc\u00fc\u200b", "u\u0308u\u0308\u200b", mixed)
    assert stored_forms("\u00fc" * 801)[:1] == ("\u00fc" * 801,)


def test_half_a_character_never_was_a_reference():
    with pytest.raises(ReferenceRefused, match="1 to 200 visible characters"):
        stored_forms("\ud800")


def test_what_is_refused_today_is_known_where_something_stands_under_it(caplog):
    require_known("A-1", stands=False)
    assert caplog.messages == []
    require_known("A-1\u3164", stands=True)
    assert caplog.messages == ["This reference is refused today; what stands under it was recorded before it was."]
    with pytest.raises(ReferenceRefused, match="Nothing that can be read stands under it from before"):
        require_known("A-1\u3164", stands=False)
