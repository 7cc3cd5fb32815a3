"""Fairness: attributes and contrasts that can be measured, and groups that hold everybody once."""

from collections.abc import Iterator, Sequence

from credit_risk.config.checks.problems import Loc, Problem, repeated, unknown
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.config.fairness import AgeBand, Attribute
from credit_risk.config.names import is_person
from credit_risk.config.schema import Config


def fairness_problems(config: Config) -> Iterator[Problem]:
    """Attributes and contrasts that name no column, group or person, and groups that overlap or leave somebody out."""
    fairness = config.fairness
    declared = bool(fairness.attributes or fairness.contrasts or fairness.intersections)
    if fairness.unavailable and declared:
        yield (
            ("fairness", "unavailable"),
            "attributes are declared, so they are not unavailable; take one of the two out",
        )
    if not fairness.attributes and not fairness.unavailable:
        yield (
            ("fairness", "attributes"),
            "declare the protected columns, or say under `unavailable:` why there are none",
        )
    for name, attribute in fairness.attributes.items():
        yield from _attribute_problems(config, name, attribute)
    yield from _contrast_problems(config)
    for index, pair in enumerate(fairness.intersections):
        for name in pair:
            if name not in fairness.attributes:
                yield ("fairness", "intersections", index), unknown("attribute", name, tuple(fairness.attributes))
        if pair[0] == pair[1]:
            yield ("fairness", "intersections", index), f"{pair[0]} crossed with itself says nothing new"
    # of the part: alternatives
    if fairness.alternatives is None:
        yield ("fairness", "alternatives"), "say whether a fairer model is searched for: {mode: off, most_auc_lost: 0}"
    # end of part
    if (
        fairness.alternatives
        and fairness.alternatives.mode == "select"
        and not is_person(fairness.alternatives.sign_off)
    ):
        needed = "to select needs a person of the legal department, by first and last name"
        yield ("fairness", "alternatives", "sign_off"), needed


def _attribute_problems(config: Config, name: str, attribute: Attribute) -> Iterator[Problem]:
    loc = ("fairness", "attributes", name)
    if name not in config.named(*GUARDED_ROLES):
        yield loc, f"{name} is no column of role protected or proxy; {', '.join(config.named(*GUARDED_ROLES))} are"
    if name in config.columns and config.columns[name].type == "date" and not (attribute.bands and config.only("date")):
        yield loc, "a date of birth falls into `bands:` by the age on the day of application (a column of role date)"
    if attribute.groups and attribute.bands:
        yield loc, "a column falls into groups by words or by bands, not by both"
    yield from _group_problems(config, name, attribute, loc)
    yield from _band_problems(attribute.bands or (), loc)


def groups_of(config: Config, name: str) -> tuple[str, ...]:
    """The groups of an attribute, as far as the config says them."""
    attribute = config.fairness.attributes[name]
    groups = (*(attribute.groups or ()), *(band.name for band in attribute.bands or ()))
    return groups or config.categories(name) or ()


def _group_problems(config: Config, name: str, attribute: Attribute, loc: Loc) -> Iterator[Problem]:
    words = [word for group in (attribute.groups or {}).values() for word in group]
    if twice := sorted({word for word in words if words.count(word) > 1}):
        yield (*loc, "groups"), f"{', '.join(twice)} stands in two groups"
    kinds = config.categories(name) or ()
    for group, members in (attribute.groups or {}).items() if kinds else ():
        for word in members:
            if word not in kinds:
                yield (*loc, "groups", group), unknown(f"category of {name}", word, kinds)
    if attribute.groups and (outside := [word for word in kinds if word not in words]):
        yield (
            (*loc, "groups"),
            f"no group holds {', '.join(outside)}; such applicants would drop out of every comparison",
        )


def _band_problems(bands: Sequence[AgeBand], loc: Loc) -> Iterator[Problem]:
    if len({band.name for band in bands}) < len(bands):
        yield (*loc, "bands"), "two bands have one name"
    for index, band in enumerate(bands):
        if band.low > band.high:
            yield (*loc, "bands", index), f"the band must go from low to high, got {band.low:g} to {band.high:g}"
        if any(earlier.low <= band.high and band.low <= earlier.high for earlier in bands[:index]):
            yield (*loc, "bands", index), f"{band.name} overlaps a band above it"


def _contrast_problems(config: Config) -> Iterator[Problem]:
    again = repeated(contrast.name for contrast in config.fairness.contrasts)
    for index, contrast in enumerate(config.fairness.contrasts):
        loc = ("fairness", "contrasts", index)
        if index in again:
            yield (*loc, "name"), f"two contrasts are called {contrast.name!r}; a gate could not tell them apart"
        if contrast.group == contrast.reference:
            yield (*loc, "reference"), f"{contrast.group} compared with itself is always 1"
        attribute = config.fairness.attributes.get(contrast.attribute)
        if attribute is None:
            yield (*loc, "attribute"), unknown("attribute", contrast.attribute, tuple(config.fairness.attributes))
            continue
        groups = groups_of(config, contrast.attribute)
        for key in ("group", "reference"):
            group = getattr(contrast, key)
            if groups and group not in groups:
                yield (*loc, key), unknown(f"group of {contrast.attribute}", group, groups)
