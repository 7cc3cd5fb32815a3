"""What no single value of the config shows: names that must exist, formulas that must parse, roles that must fit."""

import difflib
import re
from collections.abc import Iterator, Mapping
from math import isfinite

from credit_risk.config.columns import CATEGORY_TYPES, GUARDED_ROLES, KEY_ROLES, NUMERIC_TYPES, Column
from credit_risk.config.formulas import Known, parse
from credit_risk.config.names import is_person
from credit_risk.config.schema import MISSING, STATES, VALUE, Attribute, Config, Family, by_state
from credit_risk.config.section import Scalar
from credit_risk.errors import FormulaError

Loc = tuple[str | int, ...]
Problem = tuple[Loc, str]


def inconsistencies(config: Config) -> Iterator[Problem]:
    """Every problem of a config whose values are each valid, with the place it stands at."""
    yield from _column_problems(config)
    yield from _role_problems(config)
    yield from _formula_problems(config)
    yield from _name_problems(config)
    yield from _source_problems(config)
    yield from _split_problems(config)
    yield from _weight_problems(config)
    yield from _outcome_problems(config)
    yield from _policy_problems(config)
    yield from _rule_problems(config)
    yield from _reason_problems(config)
    yield from _fairness_problems(config)
    yield from _robustness_problems(config)
    yield from _gate_problems(config)


def _column_problems(config: Config) -> Iterator[Problem]:
    joined = {source.join_on for source in config.data.sources}
    for name, column in config.columns.items():
        loc = ("columns", name)
        if column.unit and column.type not in ("number", "integer"):
            yield (*loc, "unit"), f"a unit stands beside numbers, and this column is of type {column.type}"
        if column.type in CATEGORY_TYPES and not column.categories and column.role != "ignore":
            yield loc, f"a column of type {column.type} needs `categories: [...]`"
        if column.categories and column.type not in CATEGORY_TYPES:
            yield (*loc, "categories"), f"only a category or ordered column has categories; this one is {column.type}"
        if column.categories and len(set(column.categories)) < len(column.categories):
            yield (*loc, "categories"), "a category stands here twice"
        if column.range and column.type not in ("number", "integer"):
            yield (*loc, "range"), f"only a number or integer column has a range; this one is {column.type}"
        if column.range and column.range[0] > column.range[1]:
            yield (*loc, "range"), f"the range must go from low to high, got {list(column.range)}"
        if column.is_input and column.type in ("date", "text"):
            yield loc, f"an input of the model cannot be of type {column.type}; give it a number or category type"
        if (column.role in KEY_ROLES or name in joined) and column.type == "number":
            yield (*loc, "type"), "an id, applicant or join key of type number loses digits; declare integer or text"
        missing = config.data.missing if column.missing_words is None else column.missing_words
        yield from _code_problems(loc, column, {float(word) for word in missing if _is_number(word)})
        if column.format and column.type != "date":
            yield (*loc, "format"), f"only a date is written in a format; this column is {column.type}"
        if column.format and column.format != "excel" and not {"%Y", "%y"} & {*re.findall("%.", column.format)}:
            yield (*loc, "format"), "write it as %d/%m/%Y, %Y%m%d or %Y-%m (the codes of strftime), or excel"
        if column.role == "date" and column.type != "date":
            yield (*loc, "type"), f"a column of role date needs type date, got {column.type}"


def _code_problems(loc: Loc, column: Column, missing: set[float]) -> Iterator[Problem]:
    if column.special and not (column.is_input and column.type in NUMERIC_TYPES):
        needed = f"an input of type number, integer or boolean has special codes; this is a {column.role}"
        yield (*loc, "special"), f"{needed} of type {column.type}. Among categories a code is a category like any other"
    for code, meaning in column.special.items():
        if not _is_number(code):
            yield (*loc, "special", code), "a special code is a number; a word for a gap goes under `missing_words:`"
        elif float(code) in missing:
            yield (
                (*loc, "special", code),
                "it means `not known` already, under data.missing or missing_words: take it out here or there",
            )
        elif column.type == "boolean" and float(code) in (0, 1):
            yield (*loc, "special", code), "in a boolean column 0 and 1 are false and true"
        if meaning in STATES:
            yield (*loc, "special", code), f"{meaning} is a state of its own: call the code what it says, as no_record"


def _is_number(word: str) -> bool:
    try:
        return isfinite(float(word))
    except ValueError:
        return False


def _role_problems(config: Config) -> Iterator[Problem]:
    for role in ("target", "date", "id", "applicant", "weight"):
        names = config.named(role)
        if len(names) > 1:
            yield ("columns", names[1], "role"), f"only one column can be the {role}; {names[0]!r} is it already"
    if not config.named("target"):
        yield ("columns",), "no column has role target; mark the one that holds the outcome"
    if not config.features:
        yield ("columns",), "no column has role feature and nothing is derived; the model would read nothing"
    for name in config.named(*GUARDED_ROLES, "ignore"):
        if not config.columns[name].why:
            yield ("columns", name), f"say under `why:` why this column is {config.columns[name].role}"


def _formula_problems(config: Config) -> Iterator[Problem]:
    known = config.kinds_of_inputs
    for name, derived in config.derived.items():
        if name in config.columns:
            yield ("derived", name), "a column has this name already; give the derived feature another"
        yield from _refused(("derived", name, "formula"), derived.formula, known, config)
        known[name] = None
    for index, exclusion in enumerate(config.outcome.exclusions):
        yield from _refused(("outcome", "exclusions", index, "where"), exclusion.where, known, config)
    for index, rule in enumerate(config.contract.rules):
        yield from _refused(("contract", "rules", index, "must"), rule.must, known, config)
    for index, policy_rule in enumerate(config.policy.rules):
        yield from _refused(("policy", "rules", index, "where"), policy_rule.where, known, config)


def _refused(loc: Loc, text: str, known: Mapping[str, Known], config: Config) -> Iterator[Problem]:
    try:
        parse(text, known)
    except FormulaError as error:
        later = (name for name in config.derived if name not in known and f"there is no column {name!r}" in str(error))
        if (name := next(later, None)) is not None:
            yield loc, f"{name!r} is derived further down; a formula may read only what stands above it, so move it up"
            return
        guarded = (name for name in config.named(*GUARDED_ROLES) if f"there is no column {name!r}" in str(error))
        name = next(guarded, None)
        yield loc, str(error) if name is None else _guarded(name, config.columns[name].role)


def _guarded(name: str, role: str) -> str:
    kind = "a protected column" if role == "protected" else "a proxy of a protected column"
    return (
        f"{name} is {kind}, and no formula may read it: what is derived from it would carry it into the decision. "
        "It is opened for the measurement of fairness alone; take it out of the formula"
    )


def _name_problems(config: Config) -> Iterator[Problem]:
    for name in config.model.directions:
        if name not in config.features:
            yield ("model", "directions", name), _unknown("feature", name, config.features)
        elif config.categories(name) and config.columns[name].type == "category":
            yield ("model", "directions", name), "plain categories have no order; make the column ordered first"
    for index, name in enumerate(config.evaluation.segments):
        if name not in (*config.inputs, *config.derived):
            loc = ("evaluation", "segments", index)
            yield loc, _unknown("input or derived feature", name, (*config.inputs, *config.derived))


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"there is no {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _source_problems(config: Config) -> Iterator[Problem]:
    first, *others = config.data.sources
    if first.join_on:
        yield ("data", "sources", 0, "join_on"), "the others are joined to the first file; it joins to nothing"
    for index, source in enumerate(config.data.sources):
        written = config.data.of(source)
        if written.decimal == written.thousands:
            yield ("data", "sources", index), f"{written.decimal!r} is the sign of decimals and of thousands: say which"
        if len({written.delimiter, written.quote}) == 1:
            yield ("data", "sources", index), f"{written.delimiter!r} is the delimiter and the quote: say which"
        if source.query and not (source.database and source.path.endswith(".parquet")):  # part: extracts
            needed = "a query needs `database:`, and a `path:` that ends in .parquet to be frozen as"  # part: extracts
            yield ("data", "sources", index), needed  # part: extracts
    for index, source in enumerate(others, start=1):
        if not source.join_on:
            yield ("data", "sources", index), f"say under `join_on:` by which column {source.path} meets {first.path}"


def _split_problems(config: Config) -> Iterator[Problem]:
    split, date = config.split, config.only("date")
    total = split.train + split.selection + split.test
    if abs(total - 1) > 1e-9:
        yield ("split",), f"train, selection and test must add up to 1, got {total:g}"
    if split.by == "time" and date is None:
        yield ("split", "by"), "a split by time needs a column of role date; there is none, so write `by: random`"
    if split.by == "random" and date is not None and not split.why_random:
        yield ("split", "by"), f"there is a date ({date}): split by time, or say under `why_random:` why not"


def _word(value: Scalar) -> str:
    """The word that stands for a value in the data (see data.inputs.word_of)."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _weight_problems(config: Config) -> Iterator[Problem]:
    column = config.only("weight")
    if config.data.weight != column:
        both = f"data.weight is {config.data.weight!r} and the column of role weight is {column!r}"
        yield ("data", "weight"), f"{both}: name the same in both, as NAME: {{role: weight, type: number}}"
    elif column and config.columns[column].type not in ("number", "integer"):
        yield ("columns", column, "type"), f"a weight is a number, got type {config.columns[column].type}"


def _outcome_problems(config: Config) -> Iterator[Problem]:
    words = {
        kind: {_word(value) for value in getattr(config.outcome, kind)} for kind in ("bad", "good", "indeterminate")
    }
    for first, second in (("bad", "good"), ("bad", "indeterminate"), ("good", "indeterminate")):
        if both := sorted(words[first] & words[second]):
            yield ("outcome", second), f"{both} stands under `{first}` too; an outcome is one of them"
    low, high = config.outcome.bad_rate
    if low > high:
        yield ("outcome", "bad_rate"), f"the range must go from low to high, got {[low, high]}"
    if config.outcome.observed_until and not config.only("date"):
        needed = "an account's age needs a column of role date; there is none, so take observed_until out"
        yield ("outcome", "observed_until"), needed


def _policy_problems(config: Config) -> Iterator[Problem]:
    policy = config.policy
    if policy.cost >= policy.margin:
        yield ("policy", "cost"), f"a cost of {policy.cost:g} eats the margin of {policy.margin:g}: nobody is approved"
    minima = [band.minimum for band in policy.bands]
    if minima != sorted(set(minima), reverse=True):
        yield ("policy", "bands"), f"list the bands from best to worst, each minimum once; got {minima}"


def _rule_problems(config: Config) -> Iterator[Problem]:
    names = [rule.name for rule in config.contract.rules]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (
                ("contract", "rules", index, "name"),
                f"two rules are called {name!r}; no report could tell them apart",
            )


def _reason_problems(config: Config) -> Iterator[Problem]:
    family_of: dict[str, str] = {}
    ids: set[str] = set()
    names: set[str] = set()
    sound = not any(_formula_problems(config))  # else nobody knows what a feature is made of
    for index, family in enumerate(config.reasons.families):
        loc = ("reasons", "families", index)
        if family.id in ids:
            yield (*loc, "id"), f"two families are called {family.id}; a notice could not tell them apart"
        ids.add(family.id)
        for position, name in enumerate(family.features):
            if name not in config.features:
                yield (*loc, "features", position), _unknown("feature", name, config.features)
            elif name in family_of:
                yield (*loc, "features", position), f"{name} is in {family_of[name]} already; one family a feature"
            family_of.setdefault(name, family.id)
        if sound and set(family.features) <= set(config.features):
            yield from _wording_problems(config, family, loc)
    if lacking := [name for name in config.features if name not in family_of]:
        yield ("reasons", "families"), f"no family holds {', '.join(lacking)}; a decline could not name them"
    for index, name in enumerate(config.reasons.required):
        if name not in config.features:
            yield ("reasons", "required", index), _unknown("feature", name, config.features)
    for index, rule in enumerate(config.rules):
        own = index < len(config.policy.rules)
        loc = ("policy", "rules", index) if own else ("outcome", "exclusions", index - len(config.policy.rules))
        if rule.name in ids:
            yield (*loc, "name"), f"a reason family is called {rule.name} too; ids are shared"
        if rule.name in names:
            yield (
                (*loc, "name"),
                f"another rule or exclusion is called {rule.name!r}; a record could not tell them apart",
            )
        names.add(rule.name)


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
    about = frozenset().union(*map(config.columns_of, family.features))
    for state, formula in true_when.items():
        problems = list(_refused((*loc, "true_when"), formula, config.kinds, config))
        yield from problems
        if not problems:
            read = frozenset().union(*map(config.columns_of, config.formula(formula).inputs))
            if not read & about:
                yield (*loc, "true_when"), f"the formula for {state} reads nothing of what {family.id} is about"


def _gate_problems(config: Config) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, gate in enumerate(config.gates):
        if gate.name in seen:
            yield ("gates", index, "name"), f"two gates are called {gate.name!r}; a waiver could not tell them apart"
        seen.add(gate.name)
        if gate.at_least is None and gate.at_most is None:
            yield ("gates", index), "a gate without `at_least` or `at_most` cannot fail"
        if gate.at_least is not None and gate.at_most is not None and gate.at_least > gate.at_most:
            limits = f"at_least {gate.at_least:g} lies above at_most {gate.at_most:g}"
            yield ("gates", index), f"{limits}: nothing could pass; turn them round"
        if gate.measure.startswith("stability.") and config.split.by == "random":
            needed = (
                "stability is not applicable to a random split, where it cannot fail; split by time, or take it out"
            )
            yield ("gates", index, "measure"), needed


def _fairness_problems(config: Config) -> Iterator[Problem]:
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
                yield ("fairness", "intersections", index), _unknown("attribute", name, tuple(fairness.attributes))
        if pair[0] == pair[1]:
            yield ("fairness", "intersections", index), f"{pair[0]} crossed with itself says nothing new"
    if fairness.alternatives.mode == "select" and not is_person(fairness.alternatives.sign_off):
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
    words = [word for group in (attribute.groups or {}).values() for word in group]
    if twice := sorted({word for word in words if words.count(word) > 1}):
        yield (*loc, "groups"), f"{', '.join(twice)} stands in two groups"
    kinds = config.categories(name) or ()
    for group, members in (attribute.groups or {}).items() if kinds else ():
        for word in members:
            if word not in kinds:
                yield (*loc, "groups", group), _unknown(f"category of {name}", word, kinds)
    if attribute.groups and (outside := [word for word in kinds if word not in words]):
        yield (
            (*loc, "groups"),
            f"no group holds {', '.join(outside)}; such applicants would drop out of every comparison",
        )
    bands = attribute.bands or ()
    if len({band.name for band in bands}) < len(bands):
        yield (*loc, "bands"), "two bands have one name"
    for index, band in enumerate(bands):
        if band.low > band.high:
            yield (*loc, "bands", index), f"the band must go from low to high, got {band.low:g} to {band.high:g}"
        if any(earlier.low <= band.high and band.low <= earlier.high for earlier in bands[:index]):
            yield (*loc, "bands", index), f"{band.name} overlaps a band above it"


def _contrast_problems(config: Config) -> Iterator[Problem]:
    names: set[str] = set()
    for index, contrast in enumerate(config.fairness.contrasts):
        loc = ("fairness", "contrasts", index)
        if contrast.name in names:
            yield (*loc, "name"), f"two contrasts are called {contrast.name!r}; a gate could not tell them apart"
        names.add(contrast.name)
        if contrast.group == contrast.reference:
            yield (*loc, "reference"), f"{contrast.group} compared with itself is always 1"
        attribute = config.fairness.attributes.get(contrast.attribute)
        if attribute is None:
            yield (*loc, "attribute"), _unknown("attribute", contrast.attribute, tuple(config.fairness.attributes))
            continue
        groups = (*(attribute.groups or ()), *(band.name for band in attribute.bands or ()))
        groups = groups or config.categories(contrast.attribute) or ()
        for key in ("group", "reference"):
            group = getattr(contrast, key)
            if groups and group not in groups:
                yield (*loc, key), _unknown(f"group of {contrast.attribute}", group, groups)


def _robustness_problems(config: Config) -> Iterator[Problem]:
    names: set[str] = set()
    for index, scenario in enumerate(config.robustness.scenarios):
        loc = ("robustness", "scenarios", index)
        if scenario.name in names:
            yield (*loc, "name"), f"two scenarios are called {scenario.name!r}; a report could not tell them apart"
        names.add(scenario.name)
        if not scenario.columns and scenario.odds == 1:
            yield loc, "a scenario without columns and with odds of 1 changes nothing"
        for name, formula in scenario.columns.items():
            if name not in config.inputs:
                yield (*loc, "columns", name), _unknown("input", name, config.inputs)
            yield from _refused((*loc, "columns", name), formula, config.kinds, config)
    for name in config.attacks.plausible if config.attacks else ():
        if name not in config.inputs:
            yield ("attacks", "plausible", name), _unknown("input", name, config.inputs)
