"""Formulas of the config as SQL: the functions that formulas call, over SQL text in place of columns.

Everything is DOUBLE PRECISION, as in numpy, and what is missing is NULL; each function says so itself where SQL would
raise or differ. What a function answers is a column of a further layer of the query: no expression stands twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


def functions(layers: Layers) -> Mapping[str, Callable[..., Any]]:
    """Twins of config.formulas.COLUMN_FUNCTIONS over SQL."""

    def kept(template: str, *values: Operand) -> Sql:
        parts = [of(value) for value in values]
        expression = template.format(*(part.text for part in parts))
        return layers.keep(Sql(expression, max(part.layer for part in parts)))

    def comparison(holds: str, fails: str) -> Callable[[Operand, Operand], Sql]:
        yes, no = of(1.0).text, of(0.0).text
        return lambda a, b: kept(
            f"CASE WHEN {{0}} {holds} {{1}} THEN {yes} WHEN {{0}} {fails} {{1}} THEN {no} END", a, b
        )

    def of_code(operator: str) -> Callable[[Sql, int], Sql]:
        def compare(column: Sql, tag: int) -> Sql:
            if column.tag is None:
                raise LookupError(f"{column.text} has no special codes")
            return kept(f"CASE WHEN {{0}} {operator} {tag} THEN {of(1.0).text} ELSE {of(0.0).text} END", column.tag)

        return compare

    unit = of(1.0).text
    zero = of(0.0).text
    return {
        **composed(
            larger=lambda a, b: kept("CASE WHEN {0} >= {1} THEN {0} WHEN {0} < {1} THEN {1} END", a, b),
            smaller=lambda a, b: kept("CASE WHEN {0} <= {1} THEN {0} WHEN {0} > {1} THEN {1} END", a, b),
            add=lambda a, b: of(a) + b,
            truth=lambda a: kept(f"CASE WHEN {{0}} <> {zero} THEN {unit} WHEN {{0}} = {zero} THEN {zero} END", a),
        ),
        "abs": lambda x: kept("ABS({0})", x),
        "sqrt": lambda x: kept(f"CASE WHEN {{0}} >= {zero} THEN SQRT({{0}}) END", x),
        "log": lambda x: kept(f"CASE WHEN {{0}} > {zero} THEN LN({{0}}) END", x),
        "log1p": lambda x: kept(f"CASE WHEN {{0}} > -{unit} THEN LN({unit} + {{0}}) END", x),
        "exp": lambda x: kept(
            f"CASE WHEN {{0}} < -{of(LARGEST_EXPONENT).text} THEN {zero} "
            f"WHEN {{0}} <= {of(LARGEST_EXPONENT).text} THEN EXP({{0}}) END",
            x,
        ),
        "floor": lambda x: kept("FLOOR({0})", x),
        "where": lambda c, yes, no: kept(
            f"CASE WHEN {{0}} <> {zero} THEN {{1}} WHEN {{0}} = {zero} THEN {{2}} END", c, yes, no
        ),
        "is_missing": lambda x: kept(f"CASE WHEN {{0}} IS NULL THEN {unit} ELSE {zero} END", x),
        "fill": lambda x, value: kept("COALESCE({0}, {1})", x, value),
        "_divide": lambda a, b: kept(f"CASE WHEN {{1}} <> {zero} THEN {{0}} / {{1}} END", a, b),
        "_power": lambda a, b: kept(
            f"CASE WHEN {{0}} > {zero} OR ({{0}} = {zero} AND {{1}} >= {zero}) "
            f"OR ({{0}} < {zero} AND {{1}} = FLOOR({{1}})) THEN POWER({{0}}, {{1}}) END",
            a,
            b,
        ),
        "_lt": comparison("<", ">="),
        "_le": comparison("<=", ">"),
        "_gt": comparison(">", "<="),
        "_ge": comparison(">=", "<"),
        "_eq": comparison("=", "<>"),
        "_ne": comparison("<>", "="),
        "_eq_code": of_code("="),
        "_ne_code": of_code("<>"),
    }
