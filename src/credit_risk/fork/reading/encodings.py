"""In which encoding a stranger's text file is written. That of UTF-8 shows in its bytes; one of single bytes only in
what it makes of them: each byte is a letter in all of them, and the right one makes words of one language.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from credit_risk.errors import DataError, UsageError

MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
BLOCK = 1 << 20
LATIN = "\u0250"  # letters before it are written with a to z
MOST_WORDS = 2_000  # different words with a letter beyond a to z, of which a file is known
MOST_SHOWN = 3  # decodings in a sentence
FEWEST_LETTERS = 3  # of the longest word, in a script without a to z
FREQUENT, SURER = 10, 0.1  # letters of a script that make most of its texts; by how much their share must differ
_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]*[\x80-\xff][0-9A-Za-z\x80-\xff]*")
_SIGNS = "\u00a0\u00ad€£¥§°ºª²³·«»¡¿‘’“”„‚–—…™®©•±×½¼¾"
_OPENING = dict.fromkeys(map(ord, "¿¡"))  # signs that end no word
_BESIDE_DIGIT = re.compile(r"[0-9][^\W\da-zA-Zºª²³½¼¾]|[^\W\da-zA-Zºª²³½¼¾][0-9]")
_BORROWED = frozenset("äöüßéèêàçïñôâ")  # letters that words of other languages and names bring along

# By language, the letters beside a to z: those that most of its texts have, and after the blank the rarer ones.
_WESTERN = ("äöüß", "éèàçê âîôùûëïüœæÿ", "áéíóñ úü", "ãçáéõ âàêíóôúü", "àèéìòù íîóú", "æøå éèêóòâôü", "åäö éü",
            "éëï óöüèêáíúä", "áðíþóýöæ éú", "éïñ çèêôâ", "äöõü šž")  # fmt: skip
_CENTRAL = ("ąęłśżćńó ź", "áíéěšřžýčů ďťňúó", "áíéšžýč ľúťňĺŕôäďó", "áéöőóü íűú", "ăâîșțşţ", "čšž ćđ")
_TURKISH, _BALTIC = ("şğıçöü âîû",), ("ąčęėįšųūž", "āčēīšūž ģķļņ", "äöõü šž")
_CYRILLIC = ("оеаинтсрвл кмдпуяыьгзбчйхжшюцщэфъёіїєґ", "аеиоунрјст вкдмпљњћђџцчшжгбзхфл")
_GREEK = ("αοιετσνηυρ βγδζθκλμξπςφχψωάέήίόύώϊϋΐΰ",)
_HEBREW, _ARABIC = ("יוהלאתרבמש גדזחטכךםנןסעפףצץק",), ("المنيتربود سعفقكحجهخصشضطظغثذزءآأؤإئىةپچژگ",)
LANGUAGES: dict[str, tuple[str, ...]] = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "iso-8859-2": _CENTRAL,
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "iso-8859-5": _CYRILLIC,
    "cp1253": _GREEK,
    "cp1254": _TURKISH,
    "cp1257": _BALTIC,
    "cp1255": _HEBREW,
    "cp1256": _ARABIC,
    "mac-roman": _WESTERN,
    "cp850": _WESTERN,
}


@dataclass(frozen=True)
class Decoding:
    """What an encoding makes of a file's words.

    strangeness: 0 where all is usual in a language. frequent: the share of its most frequent letters, in a
    script of its own.
    """

    encoding: str
    words: tuple[str, ...]
    strangeness: int
    frequent: float


def encoding(path: Path, named: str | None = None) -> str:
    """The encoding of a text file: the one that is named, or the one that makes words of its bytes.

    Raises DataError where it is no text in it, and where none makes words of it, or several make different ones.
    """
    if named is not None:
        return _named(path, named)
    with path.open("rb") as stream:
        start = stream.read(4)
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DataError(f"{path}: it is written in utf-32, which nothing here reads. Export it as UTF-8.")
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return name
    if b"\0" in (start[:1], start[1:2]):
        return "utf-16-be" if start[:1] == b"\0" else "utf-16-le"
    words = _words(path)
    is_utf8 = decodes(path, "utf-8")
    if is_utf8:
        _refuse_read_twice(path, words)
        return "utf-8"
    if parts := [word for word in words if _is_utf8(word)]:
        raise _unsaid(path, f"{parts[0].decode()!r} is utf-8 and other words are not: it was put together of several")
    return _of_single_bytes(path, words)


def _named(path: Path, name: str) -> str:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        raise UsageError(f"--encoding {name}: Python knows no such encoding; cp1250 and cp1251 are some.") from None
    if not decodes(path, known):
        raise DataError(f"{path}: its bytes are no {name}, as --encoding says. Leave the option out, or name another.")
    return known


def decodes(path: Path, name: str) -> bool:
    """Whether every byte of a file is text in this encoding."""
    try:
        with path.open(encoding=name) as stream:
            while stream.read(BLOCK):
                pass
    except UnicodeError:
        return False
    return True


def _words(path: Path) -> tuple[bytes, ...]:
    """The different words of a file that have a byte beyond ASCII, first come first."""
    words: dict[bytes, None] = {}
    with path.open("rb") as stream:
        for line in _pieces(stream):
            words |= dict.fromkeys(_WORD.findall(line))
            if len(words) >= MOST_WORDS:
                break
    return tuple(words)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(BLOCK):
        end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        yield rest + block[:end]
        rest = block[end:]
    yield rest


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode("utf-8")
    except UnicodeError:
        return False
    return True


def _refuse_read_twice(path: Path, words: tuple[bytes, ...]) -> None:
    """Raise DataError for words in UTF-8 that a program took for cp1252 and wrote so again: FÃ¼r is Für."""
    for word in words:
        try:
            right = (written := word.decode("utf-8")).encode("cp1252").decode("utf-8")
        except UnicodeError:
            continue
        if right != written:
            what = f"{written!r} was {right!r} before a program took it for cp1252 and saved it again"
            raise DataError(f"{path}: line {_line(path, word)}: {what}. Export the file from where it comes, as UTF-8.")


def _of_single_bytes(path: Path, words: tuple[bytes, ...]) -> str:
    decodings = [decoding for name in LANGUAGES if (decoding := _decoded(name, words)) is not None]
    least = min((decoding.strangeness for decoding in decodings), default=0)
    likely = {decoding.words: decoding for decoding in reversed(decodings) if decoding.strangeness == least}
    by_frequency = sorted(likely.values(), key=lambda its: -its.frequent)
    if len(likely) > 1 and by_frequency[0].frequent - by_frequency[1].frequent > SURER and by_frequency[-1].frequent:
        return by_frequency[0].encoding
    if len(likely) == 1:
        return next(iter(likely.values())).encoding
    tried = list(likely.values())[::-1][:MOST_SHOWN]
    first = next((i for i in range(len(words)) if len({its.words[i] for its in tried}) > 1), 0)
    if tried:
        shown = ", ".join(f"with {its.encoding} they read {its.words[first]!r}" for its in tried)
        raise _unsaid(
            path, f"its bytes do not say which encoding of one byte it is: in line {{line}} {shown}", words[first]
        )
    shown = words[0].decode("cp1252", "replace")
    raise _unsaid(
        path, f"no encoding that is tried makes words of line {{line}}, which cp1252 would read {shown!r}", words[0]
    )


def _unsaid(path: Path, what: str, word: bytes | None = None) -> DataError:
    what = what.format(line=_line(path, word)) if word is not None else what
    return DataError(f"{path}: it is no utf-8, and {what}. Export it as UTF-8, or name its encoding: --encoding NAME.")


def _line(path: Path, word: bytes) -> int:
    """The first line, counted from 1, in which a word stands."""
    with path.open("rb") as stream:
        return next((number for number, line in enumerate(stream, 1) if word in line), 1)


def _decoded(name: str, words: tuple[bytes, ...]) -> Decoding | None:
    """What an encoding makes of words; None where these are no words."""
    try:
        decoded = tuple(word.decode(name) for word in words)
    except UnicodeError:
        return None
    if not all(map(_is_word, decoded)):
        return None
    letters = {
        letter
        for word in decoded
        for letter in _small(word)
        if letter.isalpha() and not letter.isascii() and letter not in _SIGNS
    }
    costs = [cost for its in LANGUAGES[name] if (cost := _strangeness(letters, its)) is not None]
    if not costs or (_is_own_script(name) and max(map(len, decoded), default=0) < FEWEST_LETTERS):
        return None
    return Decoding(name, decoded, min(costs), _frequent(name, decoded))


def _is_own_script(name: str) -> bool:
    """Whether languages written in this encoding do without the letters a to z."""
    return min(LANGUAGES[name][0].replace(" ", "")) > LATIN


def _frequent(name: str, words: tuple[str, ...]) -> float:
    """The share of letters that are frequent in a script of its own; 0 in that of a to z."""
    letters = [letter for word in words for letter in word.lower() if not letter.isascii()]
    frequent = set(LANGUAGES[name][0][:FREQUENT]) if _is_own_script(name) else set()
    return sum(letter in frequent for letter in letters) / max(len(letters), 1)


def _strangeness(letters: set[str], language: str) -> int | None:
    """How strange letters are in a language: borrowed ones, none of its frequent ones, rare ones; None: not of it."""
    frequent, _, rare = language.partition(" ")
    foreign = letters - set(language)
    if foreign - _BORROWED or (foreign and min(frequent) > LATIN):
        return None
    is_latin = min(frequent) < LATIN
    return (
        2 * len(foreign)
        + 2 * (bool(letters) and not letters & set(frequent))
        + (is_latin and bool(letters & set(rare)))
    )


def _small(word: str) -> str:
    """In small letters, of which none is two characters as that of İ is."""
    return word.replace("İ", "i").lower()


def _is_word(word: str) -> bool:
    """Letters of one script, capitals at the beginning or throughout; signs beside them, never within."""
    for part in re.split(r"[0-9]+", word):
        bare = part.lstrip(_SIGNS).rstrip(_SIGNS.translate(_OPENING))
        if any(not letter.isalpha() and letter not in "’\u00ad\u00a0" for letter in bare):
            return False
        for text in re.split("[’\u00ad\u00a0]", bare):
            scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in text} - {"FEMININE", "MASCULINE"}
            is_usual = text in (text.lower(), text.upper()) or text[1:] == text[1:].lower()
            if len(scripts) > 1 or not (is_usual or text.isascii()):
                return False
    return _BESIDE_DIGIT.search(word) is None
