"""A card as PMML 4.4: a Scorecard whose partial scores are the whole points, with reason codes.

PMML ranks single characteristics by the points lost below a baseline; ours sums a family first and checks what it
cites. So the document answers points and PMML's own reason codes.
What refuses or refers before the points (rules, exclusions, too many gaps) is no part of a PMML scorecard.
"""

import math
from collections.abc import Iterable

from lxml import etree

from credit_risk.config.columns import CATEGORY_TYPES, Column
from credit_risk.exports.card import Card
from credit_risk.exports.pmml_text import (
    DocumentField,
    Element,
    Operand,
    Steps,
    call,
    constant,
    element,
    functions,
    if_known,
)
from credit_risk.scoring.features import Features
from credit_risk.scoring.model import Bins

POINTS = "points"


def document(card: Card) -> bytes:
    """The whole document, as UTF-8."""
    steps, known = Steps(), {}
    for name in card.config.inputs:
        known[name] = _known(steps, name, card.config.columns[name])
    for name, formula in Features.of(card.config).formulas.items():
        value = formula.bound_to(functions(steps))(known)
        known[name] = steps.add(f"feature {name}", value.field.expression())
    version = "; ".join([f"scorer {card.original.digest}", f"reasons {card.config.reasons.version}"])
    header = element(
        "Header", element("Application", name="credit-risk"), description=f"{card.config.project.title}: {version}"
    )
    root = element(
        "PMML",
        header,
        _dictionary(card),
        element("TransformationDictionary", *steps.fields),
        _scorecard(card, known),
        version="4.4",
    )
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text


def _known(steps: Steps, name: str, column: Column) -> Operand:
    """An input as formulas know it: categories by their codes, special codes missing."""
    given = element("FieldRef", field=name)
    if column.type in CATEGORY_TYPES:
        return steps.add(f"code of {name}", _code_of(name, column))
    if column.type == "boolean" and not column.special:
        is_true = call("if", call("equal", given, _text("true", "boolean")), constant(1), constant(0))
        return steps.add(f"value of {name}", if_known(is_true, Operand(steps, DocumentField(name))))
    if not column.special:
        return Operand(steps, DocumentField(name))
    codes = call("not", call("isIn", given, *map(constant, column.tag_of_code)))
    value_of = call("if", codes, element("FieldRef", field=name))
    value = steps.add(f"value of {name}", if_known(value_of, Operand(steps, DocumentField(name))))
    by_tag: dict[int, tuple[float, ...]] = {}
    for code, tag in column.tag_of_code.items():
        by_tag[tag] = (*by_tag.get(tag, ()), code)
    return Operand(steps, DocumentField(value.field.name, codes=by_tag, given=name))


def _code_of(name: str, column: Column) -> Element:
    rows = []
    for code, category in enumerate(column.categories or ()):
        word, number = element("word"), element("code")
        word.text, number.text = category, repr(float(code))
        rows.append(element("row", word, number))
    pair = element("FieldColumnPair", field=name, column="word")
    return element("MapValues", pair, element("InlineTable", *rows), outputColumn="code", dataType="double")


def _text(word: str, kind: str) -> Element:
    made = element("Constant", dataType=kind)
    made.text = word
    return made


def _dictionary(card: Card) -> Element:
    columns = card.config.columns
    fields = [_data_field(name, columns[name]) for name in card.config.inputs]
    return element("DataDictionary", *fields, numberOfFields=str(len(fields)))


def _data_field(name: str, column: Column) -> Element:
    """An input with what it may hold; anything else is invalid, and an invalid value has no points."""
    if column.type in CATEGORY_TYPES:
        values = [element("Value", value=word) for word in column.categories or ()]
        return element("DataField", *values, name=name, optype="categorical", dataType="string")
    if column.type == "boolean" and not column.special:
        return element("DataField", name=name, optype="categorical", dataType="boolean")
    low, high = column.range or ((0.0, 1.0) if column.type == "boolean" else (-math.inf, math.inf))
    limits = {"leftMargin": low, "rightMargin": high}
    margins = {side: repr(float(limit)) for side, limit in limits.items() if math.isfinite(limit)}
    allowed = [element("Interval", closure="closedClosed", **margins)] if margins else []
    # A code outside the range is an answer: a range of its own that holds it alone.
    codes = [
        element("Interval", closure="closedClosed", leftMargin=repr(code), rightMargin=repr(code))
        for code in map(float, column.tag_of_code)
        if allowed
    ]
    return element("DataField", *allowed, *codes, name=name, optype="continuous", dataType="double")


def _scorecard(card: Card, known: dict[str, Operand]) -> Element:
    schema = element("MiningSchema", *(_mining_field(name, card.config.columns[name]) for name in card.config.inputs))
    characteristics = [
        _characteristic(card, name, bins, known[name]) for name, bins in zip(card.features, card.bins, strict=True)
    ]
    outputs = [element("OutputField", name=POINTS, feature="predictedValue", dataType="double", optype="continuous")]
    outputs += [
        element(
            "OutputField",
            name=f"reason_{rank}",
            feature="reasonCode",
            rank=str(rank),
            dataType="string",
            optype="categorical",
        )
        for rank in range(1, card.ranks + 1)
    ]
    return element(
        "Scorecard",
        schema,
        element("Output", *outputs),
        element("Characteristics", *characteristics),
        modelName=card.config.project.name,
        functionName="regression",
        initialScore=str(card.base),
        useReasonCodes="true",
        reasonCodeAlgorithm="pointsBelow",
        baselineMethod="mean",
    )


def _mining_field(name: str, column: Column) -> Element:
    treatment = "asIs" if column.missing == "allow" else "returnInvalid"
    return element("MiningField", name=name, missingValueTreatment=treatment, invalidValueTreatment="returnInvalid")


def _characteristic(card: Card, name: str, bins: Bins, value: Operand) -> Element:
    feature = card.config.features.index(name)
    family = next(its.id for its in card.config.reasons.families if name in its.features)
    attributes = [
        element("Attribute", predicate, partialScore=str(int(points))) for predicate, points in _bins(bins, value)
    ]
    return element("Characteristic", *attributes, name=name, reasonCode=family, baselineScore=str(-card.mean[feature]))


def _bins(bins: Bins, value: Operand) -> Iterable[tuple[Element, float]]:
    """Each bin's predicate with its points: special codes, what is missing, then values."""
    its = value.field
    for tag, codes in (its.codes or {}).items():
        of_codes = [_simple(its.given, "equal", code) for code in codes]
        yield (of_codes[0] if len(of_codes) == 1 else _either(of_codes)), bins.special[tag - 1]
    name = str(its.name)
    yield element("SimplePredicate", field=its.given or name, operator="isMissing"), bins.missing
    if bins.by_code:
        for code, points in enumerate(bins.woe):
            yield _simple(name, "equal", code), points
        return
    for index, points in enumerate(bins.woe):
        yield _interval(name, bins.edges, index), points


def _interval(name: str, edges: tuple[float, ...], index: int) -> Element:
    bounds = []
    if index:
        bounds.append(_simple(name, "greaterOrEqual", edges[index - 1]))
    if index < len(edges):
        bounds.append(_simple(name, "lessThan", edges[index]))
    if not bounds:
        return element("SimplePredicate", field=name, operator="isNotMissing")
    return bounds[0] if len(bounds) == 1 else element("CompoundPredicate", *bounds, booleanOperator="and")


def _either(predicates: list[Element]) -> Element:
    return element("CompoundPredicate", *predicates, booleanOperator="or")


def _simple(name: str, operator: str, value: float) -> Element:
    return element("SimplePredicate", field=name, operator=operator, value=repr(float(value)))
