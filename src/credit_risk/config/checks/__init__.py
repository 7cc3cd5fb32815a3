"""What no single value of the config shows: names that must exist, formulas that must parse, roles that must fit."""

import re
from collections.abc import Iterator
from math import isfinite
from typing import get_args

from credit_risk.config.checks.fairness import fairness_problems, groups_of
from credit_risk.config.checks.problems import Loc, Problem, refused, repeated, unknown
from credit_risk.config.checks.reasons import reason_problems
from credit_risk.config.columns import CATEGORY_TYPES, GUARDED_ROLES, KEY_ROLES, NUMERIC_TYPES, Column
from credit_risk.config.schema import STATES, Config, Kind
from credit_risk.config.section import Scalar


def inconsistencies(config: Config) -> Iterator[Problem]:
    """Every problem of a config whose values are each valid, with the keys it stands at."""
    yield from _column_problems(config)
    yield from _role_problems(config)
    yield from _formula_problems(config)
    yield from _name_problems(config)
    yield from _source_problems(config)
    yield from _split_problems(config)
    yield from _identity_problems(config)
    yield from _weight_problems(config)
    yield from _outcome_problems(config)
    yield from _policy_problems(config)
    yield from _rule_problems(config)
    yield from reason_problems(config, sound=not any(_formula_problems(config)))
    yield from fairness_problems(config)
    yield from _robustness_problems(config)
    yield from _gate_problems(config)


def _column_problems(config: Config) -> Iterator[Problem]:
    joined = {source.join_on for source in config.data.sources}
    for name, column in config.columns.items():
        loc = ("columns", name)
        if column.unit and column.type not in ("number", "integer"):
            yield (*loc, "unit"), f"a unit stands beside numbers, and this column is of type {column.type}"
        yield from _category_problems(loc, column)
        yield from _range_problems(loc, column)
        if column.is_input and column.type in ("date", "text"):
            yield loc, f"an input of the model cannot be of type {column.type}; give it a number or category type"
        if column.is_input and column.known_at == "later":
            yield (*loc, "known_at"), "an application cannot carry what is known only later: role ignore, with `why:`"
        if (column.role in KEY_ROLES or name in joined) and column.type == "number":
            yield (*loc, "type"), "an id, applicant or join key of type number loses digits; declare integer or text"
        missing = config.data.missing if column.missing_words is None else column.missing_words
        yield from _code_problems(loc, column, {float(word) for word in missing if _is_number(word)})
        yield from _date_problems(loc, column)


def _category_problems(loc: Loc, column: Column) -> Iterator[Problem]:
    if column.type in CATEGORY_TYPES and not column.categories and column.role != "ignore":
        yield loc, f"a column of type {column.type} needs `categories: [...]`"
    if column.categories and column.type not in CATEGORY_TYPES:
        yield (*loc, "categories"), f"only a category or ordered column has categories; this one is {column.type}"
    if column.categories and len(set(column.categories)) < len(column.categories):
        yield (*loc, "categories"), "a category stands here twice"


def _range_problems(loc: Loc, column: Column) -> Iterator[Problem]:
    if column.range and column.type not in ("number", "integer"):
        yield (*loc, "range"), f"only a number or integer column has a range; this one is {column.type}"
    if column.range and column.range[0] > column.range[1]:
        yield (*loc, "range"), f"the range must go from low to high, got {list(column.range)}"


def _date_problems(loc: Loc, column: Column) -> Iterator[Problem]:
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
        its = (*loc, "special", code)
        if not _is_number(code):
            yield its, "a special code is a number; a word for a gap goes under `missing_words:`"
        elif float(code) in missing:
            yield its, "it means `not known` already, under data.missing or missing_words: take it out here or there"
        elif column.type == "boolean" and float(code) in (0, 1):
            yield its, "in a boolean column 0 and 1 are false and true"
        if meaning in STATES:
            yield its, f"{meaning} is a state of its own: call the code what it says, as no_record"


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
        yield from refused(("derived", name, "formula"), derived.formula, known, config)
        known[name] = None
    for index, exclusion in enumerate(config.outcome.exclusions):
        yield from refused(("outcome", "exclusions", index, "where"), exclusion.where, known, config)
    for index, rule in enumerate(config.contract.rules):
        yield from refused(("contract", "rules", index, "must"), rule.must, known, config)
    for index, policy_rule in enumerate(config.policy.rules):
        yield from refused(("policy", "rules", index, "where"), policy_rule.where, known, config)


def _name_problems(config: Config) -> Iterator[Problem]:
    for name in config.model.directions:
        if name not in config.features:
            yield ("model", "directions", name), unknown("feature", name, config.features)
        elif config.categories(name) and config.columns[name].type == "category":
            yield ("model", "directions", name), "plain categories have no order; make the column ordered first"
    for index, name in enumerate(config.evaluation.segments):
        if name not in (*config.inputs, *config.derived):
            loc = ("evaluation", "segments", index)
            yield loc, unknown("input or derived feature", name, (*config.inputs, *config.derived))


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


def _identity_problems(config: Config) -> Iterator[Problem]:
    identity, loc = config.split.identity, ("split", "identity")
    if config.only("id") and identity:
        yield loc, f"{config.only('id')} is the id and says which application a row is; take `identity` out"
    if not config.identity:
        yield loc, "no column is an id: name the columns that say which application a row is, and keep them so"
    for name in identity:
        if name not in config.columns:
            yield loc, unknown("column", name, tuple(config.columns))
        elif config.columns[name].role in ("target", "ignore", "weight"):
            yield loc, f"{name} is a {config.columns[name].role}, and says nothing of which application a row is"


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
    for index in sorted(repeated(names)):
        loc = ("contract", "rules", index, "name")
        yield loc, f"two rules are called {names[index]!r}; no report could tell them apart"


def _gate_problems(config: Config) -> Iterator[Problem]:
    again, names = repeated(gate.name for gate in config.gates), names_in_measures(config)
    for index, gate in enumerate(config.gates):
        if index in again:
            yield ("gates", index, "name"), f"two gates are called {gate.name!r}; a waiver could not tell them apart"
        if gate.at_least is None and gate.at_most is None:
            yield ("gates", index), "a gate without `at_least` or `at_most` cannot fail"
        if gate.at_least is not None and gate.at_most is not None and gate.at_least > gate.at_most:
            limits = f"at_least {gate.at_least:g} lies above at_most {gate.at_most:g}"
            yield ("gates", index), f"{limits}: nothing could pass; turn them round"
        if gate.measure.startswith("stability.") and config.split.by == "random":
            why = "stability is not applicable to a random split, where it cannot fail; split by time, or take it out"
            yield ("gates", index, "measure"), why
        for (above, what), known in names.items():
            name = gate.measure.removeprefix(f"{above}.").split(".")[0]
            if gate.measure.startswith(f"{above}.") and name not in known:
                yield ("gates", index, "measure"), unknown(what, name, known)


def names_in_measures(config: Config) -> dict[tuple[str, str], tuple[str, ...]]:
    """The names of the config that stand in measures, by what stands before them and what they are."""
    fairness, families = config.fairness, config.reasons.families
    groups = {
        (f"fairness.attributes.{name}.groups", f"group of {name}"): groups
        for name in fairness.attributes
        if (groups := groups_of(config, name))
    }
    return groups | {
        ("fairness.attributes", "attribute"): tuple(fairness.attributes),
        ("fairness.contrasts", "contrast"): tuple(contrast.name for contrast in fairness.contrasts),
        ("robustness.scenarios", "scenario"): tuple(scenario.name for scenario in config.robustness.scenarios),
        ("explain.reasons.of_family", "family of reasons"): tuple(family.id for family in families),
        **dict.fromkeys((("challengers", "model"), ("differences", "model")), (*get_args(Kind), "logistic")),
    }


def _robustness_problems(config: Config) -> Iterator[Problem]:
    again = repeated(scenario.name for scenario in config.robustness.scenarios)
    for index, scenario in enumerate(config.robustness.scenarios):
        loc = ("robustness", "scenarios", index)
        if index in again:
            yield (*loc, "name"), f"two scenarios are called {scenario.name!r}; a report could not tell them apart"
        if not scenario.columns and scenario.odds == 1:
            yield loc, "a scenario without columns and with odds of 1 changes nothing"
        for name, formula in scenario.columns.items():
            if name not in config.inputs:
                yield (*loc, "columns", name), unknown("input", name, config.inputs)
            yield from refused((*loc, "columns", name), formula, config.kinds, config)
    for name in config.attacks.plausible if config.attacks else ():
        if name not in config.inputs:
            yield ("attacks", "plausible", name), unknown("input", name, config.inputs)
