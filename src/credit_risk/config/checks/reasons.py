"""Reasons: each feature in one family, words for each state that can occur, ids that are nobody else's."""

from collections.abc import Iterator, Mapping

from credit_risk.config.checks.problems import Loc, Problem, refused, repeated, unknown
from credit_risk.config.schema import MISSING, VALUE, Config, Family, by_state


def reason_problems(config: Config, *, sound: bool) -> Iterator[Problem]:
    """Families that share a feature or an id, features without a family, and wordings that cannot be true.

    sound: whether all formulas parse; else nobody knows what a feature is made of.
    """
    family_of: dict[str, str] = {}
    ids: set[str] = set()
    for index, family in enumerate(config.reasons.families):
        loc = ("reasons", "families", index)
        if family.id in ids:
            yield (*loc, "id"), f"two families are called {family.id}; a notice could not tell them apart"
        ids.add(family.id)
        for position, name in enumerate(family.features):
            if name not in config.features:
                yield (*loc, "features", position), unknown("feature", name, config.features)
            elif name in family_of:
                yield (*loc, "features", position), f"{name} is in {family_of[name]} already; one family a feature"
            family_of.setdefault(name, family.id)
        if sound and set(family.features) <= set(config.features):
            yield from _wording_problems(config, family, loc)
    if lacking := [name for name in config.features if name not in family_of]:
        yield ("reasons", "families"), f"no family holds {', '.join(lacking)}; a decline could not name them"
    for index, name in enumerate(config.reasons.required):
        if name not in config.features:
            yield ("reasons", "required", index), unknown("feature", name, config.features)
    yield from _names_of_rules(config, ids)


def _names_of_rules(config: Config, ids: set[str]) -> Iterator[Problem]:
    again = repeated(rule.name for rule in config.rules)
    for index, rule in enumerate(config.rules):
        own = index < len(config.policy.rules)
        loc = ("policy", "rules", index) if own else ("outcome", "exclusions", index - len(config.policy.rules))
        if rule.name in ids:
            yield (*loc, "name"), f"a reason family is called {rule.name} too; ids are shared"
        if index in again:
            yield (
                (*loc, "name"),
                f"another rule or exclusion is called {rule.name!r}; a record could not tell them apart",
            )


def _wording_problems(config: Config, family: Family, loc: Loc) -> Iterator[Problem]:
    """States without words, words without a state, and formulas that cannot say of whom the words are true."""
    text, prompt, true_when = (by_state(words) for words in (family.text, family.prompt, family.true_when or {}))
    states = {state: name for name in family.features for state in config.states(name)}
    for state, name in states.items():
        if state not in text:
            what = {VALUE: f"{name} has a value", MISSING: f"{name} can be missing"}.get(
                state, f"{name} can be {state}"
            )
            yield (*loc, "text"), f"{what}: write the text by state, with one for {state}: {{{', '.join(states)}: …}}"
    for key, words in (("text", text), ("prompt", prompt), ("true_when", true_when)):
        for state in words:
            if state not in states:
                yield (*loc, key, state), f"no feature of {family.id} has this state; they have {', '.join(states)}"
    needed = [VALUE] if not any(name in config.derived for name in family.features) else [VALUE, MISSING]
    for state in needed:
        if state in states and state not in true_when:
            yield (
                (*loc, "true_when"),
                f"say by a formula of whom the text for {state} is true, as {family.features[0]} > 0",
            )
    yield from _formula_problems_of_family(config, family, true_when, loc)


def _formula_problems_of_family(
    config: Config, family: Family, true_when: Mapping[str, str], loc: Loc
) -> Iterator[Problem]:
    about = frozenset().union(*map(config.columns_of, family.features))
    for state, formula in true_when.items():
        problems = list(refused((*loc, "true_when"), formula, config.kinds, config))
        yield from problems
        if not problems:
            read = frozenset().union(*map(config.columns_of, config.formula(formula).inputs))
            if not read & about:
                yield (*loc, "true_when"), f"the formula for {state} reads nothing of what {family.id} is about"
