"""What a word in a cell means wherever it stands: a currency, yes or no, what the number beside it measures."""

import re
from collections.abc import Iterable

CURRENCIES = (
    "EUR|USD|GBP|CHF|JPY|CNY|INR|BRL|MXN|ZAR|NAD|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|TRY|KES|NGN|SGD|HKD|THB|IDR|"
    r"R(?=\s)|MYR|PHP|KRW|VND|AED|SAR|EGP|ILS|RUB|UAH|GHS|R\$|Rs\.?|TL|RM|Rp|S/|zł|Ft|Kč|kr\.?|lei|[$€£¥￥₹₺₽₩₦฿₫₱₴₪元円]"
)
AFFIRMED = {"yes", "y", "true", "t", "1", "ja", "j", "si", "sí", "sim", "s", "oui", "o", "evet", "e", "tak", "да",
            "はい", "是"}  # fmt: skip
DENIED = {"no", "n", "false", "f", "0", "nein", "nee", "nej", "não", "nao", "non", "hayır", "hayir", "h", "nie", "нет",
          "いいえ", "否"}  # fmt: skip
MEASURES = {  # words beside numbers by what they measure: 6 months are less than 1 year
    "days": ("day", "days", "d", "tag", "tage", "jour", "jours", "día", "días", "dia", "dias"),
    "weeks": ("week", "weeks", "wk", "wks", "w", "woche", "wochen"),
    "months": ("month", "months", "mth", "mths", "mon", "mons", "mo", "mos", "monat", "monate", "mois", "mes", "meses"),
    "years": ("year", "years", "yr", "yrs", "y", "jahr", "jahre", "an", "ans", "año", "años", "ano", "anos", "yıl"),
    "thousands": ("k", "thousand", "tsd", "mil"),
    "lakhs": ("lakh", "lakhs", "lac", "lacs"),
    "millions": ("million", "millions", "mn", "mio"),
    "crores": ("crore", "crores", "cr"),
}
_BESIDE = re.compile(r"\d[\d.,]*\+?\s*([^\W\d_]+)\W*$")


def measures_of(words: Iterable[str]) -> dict[str, str]:
    """What the numbers in these words measure, each with the first word that says so."""
    known = {word: measure for measure, its in MEASURES.items() for word in its}
    beside = ((word, match[1].lower()) for word in words if (match := _BESIDE.search(word)))
    first: dict[str, str] = {}
    for word, text in beside:
        if text in known:
            first.setdefault(known[text], word)
    return first


def switch_words(words: Iterable[str]) -> tuple[str, ...]:
    """The words of a column that says yes and no in more than two, as yes, Y, ja and no; empty for any other column."""
    given = tuple(words)
    is_switch = all(word.strip().lower() in AFFIRMED | DENIED for word in given)
    return tuple(sorted(given)) if is_switch and len(given) > 2 else ()
