"""Who signs: a person by first and last name, never a team, a role or a blank that a form left behind.

A signature is a name and, where the environment asks for identities, what proved it: `Ada Berg <account:ada>`.
"""

import unicodedata
from string import punctuation

NOBODY = (
    *("n/a", "na", "none", "tbd", "todo", "unknown", "team", "admin", "user", "name", "bot", "ci", "robot", "system"),
    *("service", "runner", "root", "pipeline", "automation", "department", "dept", "committee", "group", "board"),
)
# Words of one person are written in one script, but for these, which go together in Japanese and Korean names.
TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"})
# Letters and marks that show nothing: Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and joiners.
_RANGES = (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
UNSEEN = {*"\u034f\u115f\u1160\u17b4\u17b5\u2d7f\U0001107f\U00016fe4", *map(chr, _RANGES)}
# Letters and symbols that show nothing either; names never hold them: NFKC, in which they stand, makes others of them.
BLANK = UNSEEN | set("\u3164\uffa0\u2800\U0001d159")
# Cyrillic, Greek and a few more letters, and digits, that look like a Latin letter, small or capital (Unicode UTS #39).
ALIKE = str.maketrans("аαвβсϲԁеεнһηјкκi1ıіӏιмμν0оοрρԛѕтτѵԝхχуυζ", "aabbccdeehhhjkkllllllmmnoooppqsttvwxxyyz")


def is_person(name: str | None) -> bool:
    """Whether a signature names somebody: two words or more, none that stands for nobody, no look-alike characters."""
    written = person_of(name or "")
    words = [word.strip(punctuation) for word in written.lower().split()]
    nobody = any(word in NOBODY or (len(word) > 4 and word.removesuffix("s") in NOBODY) for word in words)
    return len(words) >= 2 and not nobody and name_fault(written) is None


def name_fault(name: str) -> str | None:
    """What in a name could make it look like another; None if nothing does.

    Refused are forms that Unicode's NFKC writes otherwise, characters that cannot be seen, symbols, and names of
    several scripts, as a Cyrillic letter among Latin ones.
    """
    if unicodedata.normalize("NFKC", name) != name:
        return "it is not in Unicode's form NFKC: type it anew"
    for character in name:
        if character in UNSEEN or (character != " " and unicodedata.category(character)[0] not in "LMNP"):
            shown = unicodedata.name(character, "no name")
            return f"it has the character U+{ord(character):04X} ({shown}), which is in nobody's name"
    letters = (character for character in name if unicodedata.category(character)[0] == "L")
    scripts = {unicodedata.name(letter, "NONE").split()[0].split("-")[0] for letter in letters}
    if len(scripts) > 1 and not any(scripts <= together for together in TOGETHER):
        return f"it mixes letters of several scripts, {', '.join(sorted(scripts)).lower()}, which look alike"
    return None


def signature(name: str, identity: str) -> str:
    """A name with what proved it, as histories keep it."""
    return f"{name} <{identity}>"


def person_of(signed: str) -> str:
    """The name of a signature."""
    return signed.partition(" <")[0]


def identity_of(signed: str) -> str | None:
    """What proved a signature, as `account:ada`; None for a name alone, as in records from before."""
    _, mark, rest = signed.partition(" <")
    return rest.removesuffix(">") if mark else None


def same_person(first: str, second: str) -> bool:
    """Whether two signatures are of one person: one identity, or names that look alike, in any order of words."""
    identity = identity_of(first)
    return (identity is not None and identity == identity_of(second)) or _looks(first) == _looks(second)


def _looks(signed: str) -> list[str]:
    """What the words of a name look like, for comparing alone, without case, punctuation and what is not seen."""
    folded = unicodedata.normalize("NFKC", person_of(signed)).casefold().replace("i\u0307", "i")
    kinds = [(character, unicodedata.category(character)) for character in folded if character not in UNSEEN]
    seen = [" " if kind == "Pd" else character for character, kind in kinds if kind[0] != "P" or kind == "Pd"]
    return sorted("".join(seen).translate(ALIKE).split())
