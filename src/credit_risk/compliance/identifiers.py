"""Cells that name a person: e-mail addresses, telephone, bank, card and national numbers.

A pattern that ordinary words cannot meet by chance counts from the first cell on; one that they can (a code of a
letter and nine digits) counts where more than one cell in twenty meets it.
"""

import re
from collections.abc import Callable, Iterable, Sequence

_MANY = 0.05  # share of a column's cells

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"[2-6]\d{12,18}")
_PHONE = re.compile(r"(\+|00)\d[\d ().\-/]{6,}\d|\(?0\d{1,4}[) \-/]{1,2}\d[\d \-/]{4,}\d")
_NATIONAL_ID = re.compile(
    r"\d{3}-\d{2}-\d{4}"  # United States
    r"|[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]"  # United Kingdom
    r"|[A-Z][12]\d{8}"  # Taiwan
    r"|\d{8}[A-HJ-NP-TV-Z]"  # Spain
    r"|[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]"  # Italy
)


def kinds(cells: Sequence[str]) -> dict[str, int]:
    """How many cells of a column look like each kind of direct identifier; kinds that chance explains are left out."""
    counts = {kind: sum(map(fits, cells)) for kind, (fits, _) in _KINDS.items()}
    return {kind: n for kind, n in counts.items() if n > len(cells) * _KINDS[kind][1]}


def named(column: str, words: Iterable[str]) -> str | None:
    """The first of these words that a column name holds as one of its parts, or as several side by side."""
    parts = f"_{'_'.join(_parts(column))}_"
    return next((word for word in words if f"_{word.lower()}_" in parts), None)


def _parts(column: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    return re.findall(r"[a-z]+|\d+", spaced.lower())


def is_iban(cell: str) -> bool:
    """Whether a text is an international bank account number, check digits included."""
    text = cell.replace(" ", "").upper()
    if not _IBAN.fullmatch(text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def is_card(cell: str) -> bool:
    """Whether a text is a payment card number, check digit (Luhn) included."""
    digits = cell.replace(" ", "").replace("-", "")
    if not _CARD.fullmatch(digits):
        return False
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda cell: pattern.fullmatch(cell.strip()) is not None


# What tells each kind, and the share of cells that must be passed before it counts: one number in ten has a right
# check digit by chance.
_KINDS: dict[str, tuple[Callable[[str], bool], float]] = {
    "e-mail address": (lambda cell: _EMAIL.search(cell) is not None, 0.0),
    "IBAN": (is_iban, 0.0),
    "card number": (is_card, 0.2),
    "telephone number": (_matches(_PHONE), _MANY),
    "national id": (_matches(_NATIONAL_ID), _MANY),
}
