"""Which encoding a file of single bytes is in: words of one language say it, or a person does."""

from pathlib import Path

import pytest

from credit_risk.errors import DataError, UsageError
from credit_risk.fork.reading.encodings import encoding

FRENCH = ("rénovation", "vacances d’été", "crédit à la consommation")


def written(room: Path, words: tuple[str, ...], name: str) -> Path:
    path = room / "loans.csv"
    path.write_bytes("\n".join(("no,purpose", *(f"1,{word}" for word in words), "")).encode(name))
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cp1251", ("ремонт", "авто", "учёба", "отпуск")),
        ("cp1251", ("Да", "Нет")),
        ("koi8-r", ("ремонт", "авто", "учёба", "отпуск")),
        ("cp866", ("ремонт", "авто")),
        ("cp1250", ("podróż", "samochód")),
        ("cp1250", ("řemeslo", "dělník", "učitel")),
        ("cp1252", ("Führerschein", "Möbel für Küche")),
        ("cp1252", ("1\u00a0234,50", "12 €", "5½ Zimmer")),
        ("cp1252", FRENCH),
        ("cp1252", ("naïve",)),
        ("mac-roman", ("Führerschein", "Möbel für Küche")),
        ("cp850", ("Führerschein", "Möbel für Küche")),
        ("cp1253", ("αυτοκίνητο", "ταξίδι", "σπουδές")),
        ("cp1254", ("araç", "öğrenim", "İstanbul")),
        ("cp1257", ("mašina", "žemė", "būstas")),
        ("utf-8", ("ремонт", "Möbel", "教育")),
        ("utf-16-le", ("plain",)),
        ("utf-16-be", ("plain",)),
        ("utf-16", ("ремонт",)),
    ],
)
def test_a_file_is_read_as_it_was_written(tmp_path, name, words):
    path = written(tmp_path, words, name)
    assert path.read_bytes().decode(encoding(path)).split("\n")[1:-1] == [f"1,{word}" for word in words]


@pytest.mark.parametrize(
    ("name", "words", "readings"),
    [
        ("cp1250", ("ręka",), ("with cp1252 they read 'rêka'", "with cp1250 they read 'ręka'")),
        ("cp1252", ("não",), ("with cp1252 they read 'não'", "with cp1250 they read 'năo'")),
        ("gbk", ("汽车", "旅游"), ("no encoding that is tried makes words of line 2",)),
    ],
)
def test_where_bytes_do_not_say_it_a_person_does(tmp_path, name, words, readings):
    path = written(tmp_path, words, name)
    with pytest.raises(DataError) as caught:
        encoding(path)
    assert all(text in str(caught.value) for text in (str(path), "line 2", "--encoding NAME", *readings))
    assert path.read_bytes().decode(encoding(path, name)).split("\n")[1] == f"1,{words[0]}"


def test_a_file_put_together_of_two_encodings_is_refused(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_bytes("no,purpose\n1,Möbel\n".encode() + "2,Küche\n".encode("cp1252"))
    with pytest.raises(DataError, match="'Möbel' is utf-8 and other words are not"):
        encoding(path)


def test_words_that_were_read_as_another_encoding_and_saved_are_refused_with_what_they_were(tmp_path):
    garbled = "Möbel".encode().decode("cp1252")
    with pytest.raises(DataError, match=f"line 2: {garbled!r} was 'Möbel' before"):
        encoding(written(tmp_path, (garbled,), "utf-8"))


def test_an_encoding_that_is_named_must_exist_and_fit(tmp_path):
    path = written(tmp_path, ("教育",), "utf-8")
    with pytest.raises(UsageError, match="--encoding klingon: Python knows no such encoding"):
        encoding(path, "klingon")
    with pytest.raises(DataError, match="its bytes are no ascii"):
        encoding(path, "ascii")
