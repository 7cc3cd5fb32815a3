"""The lender's reference of a person, in the one form in which it is recorded, looked up and erased.

Text in Unicode's form NFC, 1 to 200 characters that can be seen, no space at either end. Anything else is refused, not
mended: two spellings must not become two persons, nor two persons one. HTTP headers carry it as UTF-8 or with percents.
"""

import logging
import re
import unicodedata
from urllib.parse import unquote_to_bytes

from credit_risk.config.names import BLANK
from credit_risk.ledger.errors import EntryError

log = logging.getLogger(__name__)

MOST = 200
EXPECTED = f"1 to {MOST} visible characters, no space at either end"
IN_HEADER = f"{EXPECTED}; as UTF-8, or percent-encoded (a % itself is sent as %25)"

_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class ReferenceRefused(EntryError):
    """A text cannot be the reference of a person."""


def canonical(text: str) -> str:
    """The one form of a reference. Raises ReferenceRefused, without repeating what may be somebody's name."""
    # Composing never makes more than a quarter of the characters of a text, so a longer one need not be composed.
    form = text if text.isascii() or len(text) > 4 * MOST else unicodedata.normalize("NFC", text)
    if not (1 <= len(form) <= MOST and form.isprintable() and form.strip() == form and BLANK.isdisjoint(form)):
        raise ReferenceRefused(f"a person's reference must be {EXPECTED}; got {len(text)} characters that are not.")
    return form


def from_header(value: str) -> str:
    """The canonical reference of an HTTP header. value: as ASGI frameworks decode a header, each byte a character.

    Raises ReferenceRefused for bytes that are no UTF-8, and for a % that begins no percent-encoded byte.
    """
    if _STRAY_PERCENT.search(value):
        raise ReferenceRefused("a % in the header X-Applicant-Id begins no percent-encoded byte: send it as %25.")
    try:
        return canonical(unquote_to_bytes(value.encode("latin-1")).decode("utf-8"))
    except UnicodeError:
        raise ReferenceRefused("the header X-Applicant-Id is not UTF-8: send UTF-8, or percent-encode it.") from None


def stored_forms(text: str) -> tuple[str, ...]:
    """The forms in which a person may stand in a ledger: that of today first, then those from before there was one.

    Then a reference was recorded as it came, also one that is refused now, decomposed, or as UTF-8 read as Latin-1.
    Only keys from then are looked up by another form than the first. Raises ReferenceRefused for half a character.
    """
    written = [*(unicodedata.normalize(form, text) for form in ("NFC", "NFD") if len(text) <= 4 * MOST), text]
    try:
        misread = [form.encode().decode("latin-1") for form in written]
    except UnicodeEncodeError:
        return (canonical(text),)
    return tuple(dict.fromkeys(written + misread))


def require_known(text: str, *, stands: bool) -> None:
    """Raises ReferenceRefused for what is no reference today, unless something stands under it from before."""
    try:
        canonical(text)
    except ReferenceRefused as error:
        if not stands:
            raise ReferenceRefused(f"{error} Nothing that can be read stands under it from before.") from None
        log.warning("This reference is refused today; what stands under it was recorded before it was.")
