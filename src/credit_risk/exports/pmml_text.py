"""Formulas of the config as PMML: the functions that formulas call, over fields of a document in place of columns.

PMML's min, max and sum pass over what is missing where ours do not, and an evaluator may refuse a comparison with it.
So everything here is an `if` that first asks whether its values are known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from lxml import etree

from credit_risk.config.formulas import composed

NAMESPACE = "http://www.dmg.org/PMML-4_4"
Element: TypeAlias = Any  # of lxml, which ships no types


def element(tag: str, /, *children: Element, **attributes: str) -> Element:
    """An element of PMML 4.4 with its attributes and children."""
    made = etree.Element(f"{{{NAMESPACE}}}{tag}", attrib=attributes, nsmap={None: NAMESPACE})
    made.extend(children)
    return made


@dataclass(frozen=True)
class DocumentField:
    """A field of the document by its name, or a number. codes: of an input with special codes, each with its tag;
    given: the field that still has them."""

    name: str | None
    number: float = 0.0
    codes: Mapping[int, tuple[float, ...]] | None = None
    given: str = ""

    def expression(self) -> Element:
        if self.name is not None:
            return element("FieldRef", field=self.name)
        return constant(self.number)


def constant(number: float) -> Element:
    made = element("Constant", dataType="double")
    made.text = repr(float(number))
    return made


def call(function: str, *arguments: Element) -> Element:
    return element("Apply", *arguments, function=function)


@dataclass
class Steps:
    """The derived fields of a document, in order: each may refer to those before it."""

    fields: list[Element] = field(default_factory=list)
    _kept: dict[bytes, "Operand"] = field(default_factory=dict)

    def add(self, name: str, expression: Element) -> "Operand":
        self.fields.append(element("DerivedField", expression, name=name, optype="continuous", dataType="double"))
        return Operand(self, DocumentField(name))

    def keep(self, expression: Element) -> "Operand":
        """A field for an expression; the same expression has the same field."""
        key = etree.tostring(expression)
        if key not in self._kept:
            self._kept[key] = self.add(f"step {len(self._kept) + 1}", expression)
        return self._kept[key]


@dataclass(frozen=True, eq=False)
class Operand:
    """A field in arithmetic: each operation is a derived field."""

    steps: Steps
    field: DocumentField

    def __add__(self, operand: Any) -> "Operand":
        return self._of("+", self, operand)

    def __sub__(self, operand: Any) -> "Operand":
        return self._of("-", self, operand)

    def __mul__(self, operand: Any) -> "Operand":
        return self._of("*", self, operand)

    def __truediv__(self, operand: Any) -> "Operand":
        return self._of("/", self, operand)

    def __radd__(self, operand: Any) -> "Operand":
        return self._of("+", operand, self)

    def __rsub__(self, operand: Any) -> "Operand":
        return self._of("-", operand, self)

    def __rmul__(self, operand: Any) -> "Operand":
        return self._of("*", operand, self)

    def __neg__(self) -> "Operand":
        return self._of("-", 0.0, self)

    def __pos__(self) -> "Operand":
        return self

    def _of(self, operator: str, left: Any, right: Any) -> "Operand":
        return self.steps.keep(call(operator, expression_of(left), expression_of(right)))


def expression_of(value: Any) -> Element:
    return value.field.expression() if isinstance(value, Operand) else constant(value)


@dataclass(frozen=True)
class DocumentFunctions:
    """What formulas call, over fields of a document: each answer is a derived field among the steps."""

    steps: Steps

    def kept(self, function: str, *values: Any) -> Operand:
        """What a function of PMML makes of known values."""
        return self.steps.keep(if_known(call(function, *map(expression_of, values)), *values))

    def choice(self, function: str, a: Any, b: Any, yes: Any, no: Any = None) -> Operand:
        """`if` a comparison of PMML holds; missing where a or b is, and without `no` where it does not hold."""
        branches = [expression_of(value) for value in (yes, no) if value is not None]
        condition = call(function, expression_of(a), expression_of(b))
        return self.steps.keep(if_known(call("if", condition, *branches), a, b))

    def if_missing(self, value: Any, yes: Element, no: Element) -> Operand:
        return self.steps.keep(call("if", call("isMissing", expression_of(value)), yes, no))

    def if_code(self, yes: float, no: float, column: Operand, tag: int) -> Operand:
        """Whether an input is the special code with this tag; `no` where it is missing."""
        its = column.field
        if its.codes is None:
            raise LookupError(f"{its.name} has no special codes")
        given = Operand(self.steps, DocumentField(its.given))
        is_code = call("isIn", given.field.expression(), *map(constant, its.codes[tag]))
        return self.steps.keep(
            call("if", _known(given), call("if", is_code, constant(yes), constant(no)), constant(no))
        )

    def power(self, a: Any, b: Any) -> Operand:
        """Missing where it is no real number: a root of what is below zero, and zero to what is below zero."""
        raised = self.kept("pow", a, b)
        below = self.choice("equal", b, self.kept("floor", b), raised)
        not_above = self.choice("lessThan", a, 0.0, below, self.choice("greaterOrEqual", b, 0.0, raised))
        return self.choice("greaterThan", a, 0.0, raised, not_above)


# Comparisons of formulas by PMML's names.
COMPARISONS = {
    "_lt": "lessThan",
    "_le": "lessOrEqual",
    "_gt": "greaterThan",
    "_ge": "greaterOrEqual",
    "_eq": "equal",
    "_ne": "notEqual",
}


def functions(steps: Steps) -> Mapping[str, Callable[..., Any]]:
    """Twins of config.formulas.COLUMN_FUNCTIONS over fields of a document."""
    its = DocumentFunctions(steps)
    kept, choice = its.kept, its.choice
    return {
        **composed(
            larger=lambda a, b: choice("greaterOrEqual", a, b, a, b),
            smaller=lambda a, b: choice("lessOrEqual", a, b, a, b),
            add=partial(kept, "+"),
            truth=lambda a: choice("notEqual", a, 0.0, 1.0, 0.0),
        ),
        **{name: partial(kept, name) for name in ("abs", "exp", "floor")},
        **{name: partial(choice, function, yes=1.0, no=0.0) for name, function in COMPARISONS.items()},
        "sqrt": lambda x: choice("greaterOrEqual", x, 0.0, kept("sqrt", x)),
        "log": lambda x: choice("greaterThan", x, 0.0, kept("ln", x)),
        "log1p": lambda x: choice("greaterThan", x, -1.0, kept("ln", kept("+", 1.0, x))),
        "where": lambda c, yes, no: choice("notEqual", c, 0.0, yes, no),
        "is_missing": lambda x: its.if_missing(x, constant(1), constant(0)),
        "fill": lambda x, value: its.if_missing(x, expression_of(value), expression_of(x)),
        "_divide": lambda a, b: choice("notEqual", b, 0.0, kept("/", a, b)),
        "_power": its.power,
        "_eq_code": partial(its.if_code, 1.0, 0.0),
        "_ne_code": partial(its.if_code, 0.0, 1.0),
    }


def if_known(expression: Element, *values: Any) -> Element:
    """The expression where all values are known, else missing: functions of PMML may refuse what is missing."""
    conditions = [_known(value) for value in values if isinstance(value, Operand)]
    if not conditions:
        return expression
    known = conditions[0] if len(conditions) == 1 else call("and", *conditions)
    return call("if", known, expression)


def _known(value: "Operand") -> Element:
    return call("isNotMissing", value.field.expression())
