"""What applicants read, on record: no text changes under the version that stands beside it in old decisions.

configs/wordings.yaml holds a digest of all wordings by their version; `credit-risk wordings` adds today's. Beside it,
what a reader of the texts should look at: one that names nothing of its family, that would rather fit another, or that
calls high what counts as low.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from credit_risk.config.schema import DRAFT, Config, Family
from credit_risk.config.yaml_positions import read_tree
from credit_risk.errors import UsageError

FILE = "wordings.yaml"
HEADER = """\
# What applicants read, by the version that stands beside it in every record: a digest of all texts, prompts and
# formulas of reasons, and of what rules and exclusions say. `credit-risk wordings` adds a version; none is changed.
"""
STEM, SHORTEST = 4, 3  # letters by which words are alike, and of a word that says something
ROUNDING = 1e-9
LOW = {"low", "lower", "few", "fewer", "little", "seldom", "rarely", "short", "small", "less", "niedrig",
       "gering", "wenig", "kurz"}  # fmt: skip
HIGH = {"high", "higher", "highly", "many", "much", "often", "frequent", "long", "large", "more", "hoch",
        "viele", "viel", "lang"}  # fmt: skip


def digest(config: Config) -> str:
    """SHA-256 over everything that a notice or a reviewer may read, and over when it is true."""
    reasons = config.reasons
    wordings = {
        "population": reasons.compared_with,
        "families": [family.model_dump(mode="json", exclude={"features"}) for family in reasons.families],
        "rules": [[rule.name, rule.reason] for rule in config.rules],
    }
    return hashlib.sha256(json.dumps(wordings, sort_keys=True).encode()).hexdigest()


def digests_on_record(folder: Path) -> Mapping[str, Any]:
    """The digests on record by version, of the file beside a config; none where there is no file."""
    path = folder / FILE
    return read_tree(path, "") if path.is_file() else {}


def changed(config: Config, folder: Path) -> str | None:
    """Why these wordings cannot stand under their version; None if they can, or are not on record yet."""
    version = config.reasons.version
    before = digests_on_record(folder).get(version)
    if before is None or before == digest(config):
        return None
    return (
        f"the wordings of version {version!r} are on record in {FILE}, and are others now: decisions of the past name "
        "that version. Give the new ones a version of their own, then run `credit-risk wordings`"
    )


def record(config: Config, folder: Path) -> bool:
    """Put today's wordings on record under their version; False if they stand there already.

    Raises UsageError for a draft, which nobody has read.
    """
    if config.reasons.version == DRAFT:
        raise UsageError(
            f"{DRAFT} is nobody's wording: read the texts under `reasons:`, give them a version, then again."
        )
    known = digests_on_record(folder)
    if config.reasons.version in known:
        return False
    path = folder / FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else HEADER
    line = f"{json.dumps(config.reasons.version)}: {digest(config)}\n"
    path.write_text(text + ("" if text.endswith("\n") else "\n") + line, encoding="utf-8")
    return True


def doubts(config: Config) -> list[str]:
    """A sentence for each text that does not speak of what its family is about, or the wrong way round."""
    return [*_subjects(config), *_directions(config)]


def _subjects(config: Config) -> Iterator[str]:
    families = config.reasons.families
    about = [_stems(" ".join([*family.features, *_labels(config, family)])) for family in families]
    texts = [_stems(" ".join(text for text, _ in config.reasons.wordings(family).values())) for family in families]
    owners: dict[str, list[int]] = {}
    for index, stems in enumerate(about):
        for stem in stems:
            owners.setdefault(stem, []).append(index)
    # How much of each text is about each family: a word that several families share counts less.
    fits = [Counter[int]() for _ in families]
    for fit, text in zip(fits, texts, strict=True):
        for stem in text & owners.keys():
            fit.update(dict.fromkeys(owners[stem], 1 / len(owners[stem])))
    for index, family in enumerate(families):
        if not fits[index][index]:
            named = ", ".join(sorted(about[index])[:6])
            yield f"{family.id}: its text names nothing of what it is about ({named}); word or label it so"
        for second in sorted(fits[index].keys() - {index}):
            as_it_is = fits[index][index] + fits[second][second]
            swapped = fits[index][second] + fits[second][index]
            if swapped > as_it_is + ROUNDING and (index < second or not fits[second][index]):
                yield f"{family.id} and {families[second].id}: each text speaks of what the other family is about"


def _directions(config: Config) -> Iterator[str]:
    sign = dict(zip(config.features, config.directions, strict=True))
    for family in config.reasons.families:
        signs = {sign[name] for name in family.features} - {0}
        text = next(iter(config.reasons.wordings(family).values()))[0]
        words = set(re.findall(r"\w+", text.casefold()))
        if signs == {1} and words & LOW and not words & HIGH:
            yield f"{family.id}: more of its features raises the PD; the text says {', '.join(sorted(words & LOW))}"
        if signs == {-1} and words & HIGH and not words & LOW:
            yield f"{family.id}: less of its features raises the PD; the text says {', '.join(sorted(words & HIGH))}"


def _labels(config: Config, family: Family) -> Iterator[str]:
    for name in family.features:
        described = config.derived.get(name) or config.columns[name]
        yield described.label or ""


def _stems(text: str) -> frozenset[str]:
    """The beginnings of the words that say something: bill of billed, paym of payments."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return frozenset(word[:STEM] for word in words if len(word) >= SHORTEST or any(map(str.isdigit, word)))
