"""Formulas of the config as SQL: the functions that formulas call, over SQL text in place of columns.

Everything is DOUBLE PRECISION, as in numpy, and what is missing is NULL; each function says so itself where SQL would
raise or differ. What a function answers is a column of a further layer of the query: no expression stands twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from credit_risk.config.formulas import composed

LARGEST_EXPONENT = 709.7  # beyond it EXP leaves the range of DOUBLE PRECISION, at which PostgreSQL stops the query


@dataclass(frozen=True)
class Sql:
    """An expression. layer: of the query, in which all that it names is there. tag: of an input with special codes, the
    number of its code, 0 for none."""

    text: str
    layer: int = 0
    tag: "Sql | None" = None

    def __add__(self, operand: "Operand") -> "Sql":
        return self._with("+", operand)

    def __sub__(self, operand: "Operand") -> "Sql":
        return self._with("-", operand)

    def __mul__(self, operand: "Operand") -> "Sql":
        return self._with("*", operand)

    def __truediv__(self, operand: "Operand") -> "Sql":
        return self._with("/", operand)

    def __radd__(self, operand: "Operand") -> "Sql":
        return of(operand)._with("+", self)

    def __rsub__(self, operand: "Operand") -> "Sql":
        return of(operand)._with("-", self)

    def __rmul__(self, operand: "Operand") -> "Sql":
        return of(operand)._with("*", self)

    def __neg__(self) -> "Sql":
        return Sql(f"(-{self.text})", self.layer)

    def __pos__(self) -> "Sql":
        return self

    def _with(self, operator: str, operand: "Operand") -> "Sql":
        right = of(operand)
        return Sql(f"({self.text} {operator} {right.text})", max(self.layer, right.layer))


Operand = Sql | float


def of(value: Operand) -> Sql:
    """An expression as it is; a number as the very double that it is."""
    return value if isinstance(value, Sql) else Sql(f"CAST('{float(value)!r}' AS DOUBLE PRECISION)")


def quoted(name: str) -> str:
    """An identifier."""
    return '"{}"'.format(name.replace('"', '""'))


def text(words: str) -> str:
    """A literal of text."""
    return "'{}'".format(words.replace("'", "''"))


@dataclass
class Layers:
    """The layers of a query, each with columns computed from those below it; the table's own stand below the first."""

    columns: list[dict[str, str]] = field(default_factory=lambda: [{}])
    _kept: dict[str, Sql] = field(default_factory=dict)

    def add(self, name: str, expression: Sql) -> Sql:
        """A column with this name, in the lowest layer that it can stand in."""
        while len(self.columns) <= expression.layer:
            self.columns.append({})
        self.columns[expression.layer][name] = expression.text
        return Sql(quoted(name), expression.layer + 1)

    @property
    def top(self) -> int:
        """A layer in which all that was added so far is there."""
        return len(self.columns)

    def keep(self, expression: Sql) -> Sql:
        """A column for an expression that is used again; the same expression has the same column."""
        if expression.text not in self._kept:
            self._kept[expression.text] = self.add(f"step {len(self._kept) + 1}", expression)
        return self._kept[expression.text]


UNIT, ZERO = of(1.0).text, of(0.0).text
# The functions of formulas by name, each over {0}, {1} and {2}; missing where none of its cases holds.
TEMPLATES = {
    "abs": "ABS({0})",
    "sqrt": f"CASE WHEN {{0}} >= {ZERO} THEN SQRT({{0}}) END",
    "log": f"CASE WHEN {{0}} > {ZERO} THEN LN({{0}}) END",
    "log1p": f"CASE WHEN {{0}} > -{UNIT} THEN LN({UNIT} + {{0}}) END",
    "exp": f"CASE WHEN {{0}} < -{of(LARGEST_EXPONENT).text} THEN {ZERO} "
    f"WHEN {{0}} <= {of(LARGEST_EXPONENT).text} THEN EXP({{0}}) END",
    "floor": "FLOOR({0})",
    "where": f"CASE WHEN {{0}} <> {ZERO} THEN {{1}} WHEN {{0}} = {ZERO} THEN {{2}} END",
    "is_missing": f"CASE WHEN {{0}} IS NULL THEN {UNIT} ELSE {ZERO} END",
    "fill": "COALESCE({0}, {1})",
    "_divide": f"CASE WHEN {{1}} <> {ZERO} THEN {{0}} / {{1}} END",
    "_power": f"CASE WHEN {{0}} > {ZERO} OR ({{0}} = {ZERO} AND {{1}} >= {ZERO}) "
    f"OR ({{0}} < {ZERO} AND {{1}} = FLOOR({{1}})) THEN POWER({{0}}, {{1}}) END",
}
# When each comparison holds, and when it fails.
COMPARISONS = {
    "_lt": ("<", ">="),
    "_le": ("<=", ">"),
    "_gt": (">", "<="),
    "_ge": (">=", "<"),
    "_eq": ("=", "<>"),
    "_ne": ("<>", "="),
}


def functions(layers: Layers) -> Mapping[str, Callable[..., Any]]:
    """Twins of config.formulas.COLUMN_FUNCTIONS over SQL."""

    def kept(template: str, *values: Operand) -> Sql:
        parts = [of(value) for value in values]
        expression = template.format(*(part.text for part in parts))
        return layers.keep(Sql(expression, max(part.layer for part in parts)))

    def of_code(operator: str, column: Sql, tag: int) -> Sql:
        if column.tag is None:
            raise LookupError(f"{column.text} has no special codes")
        return kept(f"CASE WHEN {{0}} {operator} {tag} THEN {UNIT} ELSE {ZERO} END", column.tag)

    compared = {
        name: f"CASE WHEN {{0}} {holds} {{1}} THEN {UNIT} WHEN {{0}} {fails} {{1}} THEN {ZERO} END"
        for name, (holds, fails) in COMPARISONS.items()
    }
    return {
        **composed(
            larger=partial(kept, "CASE WHEN {0} >= {1} THEN {0} WHEN {0} < {1} THEN {1} END"),
            smaller=partial(kept, "CASE WHEN {0} <= {1} THEN {0} WHEN {0} > {1} THEN {1} END"),
            add=lambda a, b: of(a) + b,
            truth=partial(kept, f"CASE WHEN {{0}} <> {ZERO} THEN {UNIT} WHEN {{0}} = {ZERO} THEN {ZERO} END"),
        ),
        **{name: partial(kept, template) for name, template in (TEMPLATES | compared).items()},
        "_eq_code": partial(of_code, "="),
        "_ne_code": partial(of_code, "<>"),
    }
