"""Derived features and rules as formulas over columns: arithmetic and a few functions, nothing else.

A formula is parsed once, refused at once if it does anything but arithmetic, and then
evaluated by numpy on whole columns, of one row or of ten million, with the same bits.
`bound_to` runs the same formula over other values (as scoring.fast_path does).

A missing input makes the result missing, comparisons included: `where(x > 0, 1, 0)` is
missing where x is. `is_missing` and `fill` are the two ways to speak about what is missing.
A special code is missing too, and has a name: `bureau_age == "no_record"` is 1 or 0 whatever stands there.
A result that is not finite (a division by zero, the logarithm of a negative) is missing.
"""

import ast
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from math import isnan
from types import CodeType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from credit_risk.config.tags import tags
from credit_risk.errors import FormulaError

Column: TypeAlias = NDArray[np.float64]
Columns: TypeAlias = Mapping[str, Column]
Function: TypeAlias = Callable[..., Any]


class Coded(tuple[str, ...]):
    """What the special codes of a column of numbers mean, in the order of their tags (see config.tags)."""

    __slots__ = ()


Known: TypeAlias = tuple[str, ...] | Coded | None

MAX_LENGTH = 2_000  # characters; a longer or deeply nested text can exhaust the parser
MAX_DEPTH = 100


@dataclass(frozen=True)
class Formula:
    """A derived feature or rule that was checked and can be evaluated.

    `inputs` are the columns it reads, in the order of their first use.
    """

    text: str
    inputs: tuple[str, ...]
    _code: CodeType = field(repr=False, compare=False)

    @cached_property
    def _run(self) -> Callable[[Columns], Column]:
        return self.bound_to(COLUMN_FUNCTIONS)

    @property
    def calls(self) -> frozenset[str]:
        """The functions that it calls, by their names in COLUMN_FUNCTIONS."""
        return frozenset(self._run.__code__.co_names)

    def bound_to(self, functions: Mapping[str, Callable[..., Any]]) -> Callable[[Mapping[str, Any]], Any]:
        """The formula over other values than columns: `functions` has a twin of each that it calls."""
        return eval(self._code, {"__builtins__": {}, **functions})  # type: ignore[no-any-return]  # noqa: S307 - only what _Translator built

    def evaluate(self, columns: Columns) -> Column:
        """One value a row; NaN where an input is missing or the result is not finite."""
        with np.errstate(all="ignore"):
            return self._known(columns)

    def _known(self, columns: Columns) -> Column:
        result = self._run(columns)
        return np.where(np.isfinite(result), result, np.nan)

    def holds(self, columns: Columns) -> NDArray[np.bool_]:
        """True where the formula is known to be true: a missing answer does not hold."""
        result = self.evaluate(columns)
        holds: NDArray[np.bool_] = (result != 0) & ~np.isnan(result)
        return holds


def extend(columns: dict[str, Column], formulas: Mapping[str, Formula]) -> None:
    """Add each formula's values to the columns, in order: a formula may name those above it."""
    with np.errstate(all="ignore"):  # once for all of them: for a single application this is what costs most
        for name, formula in formulas.items():
            columns[name] = formula._known(columns)


def parse(text: str, known: Mapping[str, Known]) -> Formula:
    """Check a formula and make it ready to evaluate.

    known: the columns it may name; a category column comes with its categories, whose codes stand in the data (see
    data.inputs), a column of numbers with what its special codes mean, as `Coded`, any other with None.
    Raises FormulaError with what was got, what is allowed and the nearest known name.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula has {len(text)} characters; {MAX_LENGTH} are allowed. Split it in two.")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # ValueError: half a character, a null byte
        raise FormulaError(f"{text!r} is not a formula: {getattr(error, 'msg', 'too deeply nested')}.") from None
    if _depth(tree) > MAX_DEPTH:
        raise FormulaError(f"the formula {text!r} is nested deeper than {MAX_DEPTH} levels. Split it, or use sum([…]).")
    translator = _Translator(text, known)
    body = translator.visit(tree.body)
    if not translator.inputs:
        raise FormulaError(f"{text!r} names no column; a formula must depend on the application.")
    parameter = ast.arguments([], [ast.arg("columns")], None, [], [], None, [])
    function = ast.fix_missing_locations(ast.Expression(ast.Lambda(parameter, body)))
    return Formula(text, tuple(translator.inputs), compile(function, "<formula>", "eval"))


class _Translator(ast.NodeTransformer):
    """Rewrites a parsed formula into calls on columns; whatever is not listed here is refused."""

    def __init__(self, text: str, known: Mapping[str, Known]) -> None:
        self.text = text
        self.known = known
        self.inputs: dict[str, None] = {}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        raise self._refusal(f"{type(node).__name__} is not allowed; use arithmetic, comparisons and {_names()}")

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self._refusal(f"{node.value!r} is not a number")
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._refusal("it holds what is not a number that fits: the largest is about 1.8e308")
        return ast.Constant(number)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._column(node.id)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        match node:
            case ast.Subscript(value=ast.Name(id="col"), slice=ast.Constant(value=str(name))):
                return self._column(name)
            case _:
                raise self._refusal('the only subscript is col["column name"]')

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return _call("_not", operand)
        if isinstance(node.op, ast.USub | ast.UAdd):
            return ast.UnaryOp(node.op, operand)
        raise self._refusal("~ is not allowed; write not")

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow):
            raise self._refusal(f"{type(node.op).__name__} is not allowed; use + - * / **, and, or, not")
        left, right = self.visit(node.left), self.visit(node.right)
        # Division and power of two plain numbers would raise in Python where a column gives missing.
        if isinstance(node.op, ast.Div):
            if isinstance(right, ast.Constant) and right.value == 0:
                raise self._refusal("it divides by 0, which is always missing")
            return _call("_divide", left, right)
        if isinstance(node.op, ast.Pow):
            return _call("_power", left, right)
        return ast.BinOp(left, node.op, right)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        return _call("_and" if isinstance(node.op, ast.And) else "_or", *map(self.visit, node.values))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        sides = [node.left, *node.comparators]
        pairs = [self._comparison(*three) for three in zip(sides, node.ops, sides[1:], strict=False)]
        return pairs[0] if len(pairs) == 1 else _call("_and", *pairs)

    def _comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
        name = _COMPARISONS.get(type(operator))
        if name is None:
            raise self._refusal(f"{type(operator).__name__} is not allowed; use < <= > >= == !=")
        if _is_text(right):
            column, code = self._category(left, operator, right)
            coded = isinstance(self.known[str(_column_name(left))], Coded)
            return _call(f"{name}_code" if coded else name, column, code)
        if _is_text(left):
            raise self._refusal("write the column first and the category second")
        return _call(name, self.visit(left), self.visit(right))

    def _category(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> tuple[ast.expr, ast.expr]:
        """A comparison of a category column with one of its categories, as a comparison of codes."""
        name = _column_name(left)
        categories = self.known.get(name) if name is not None else None
        category = right.value  # type: ignore[attr-defined]
        if name is None or categories is None:
            raise self._refusal(f"{category!r} can only be compared with a category column")
        if not isinstance(operator, ast.Eq | ast.NotEq):
            raise self._refusal("categories are compared with == or !=")
        if category not in categories:
            kind = "special code" if isinstance(categories, Coded) else "category"
            raise self._refusal(f"{name} has no {kind} {category!r}; it has {', '.join(map(repr, categories))}")
        self.inputs[name] = None
        code = categories.index(category)
        return _column(name), ast.Constant(code + 1 if isinstance(categories, Coded) else float(code))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in _FUNCTIONS or node.keywords:
            near = difflib.get_close_matches(name or "", _FUNCTIONS.keys() - {name}, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; use {_names()}"
            raise self._refusal(f"{ast.unparse(node.func)}(…) is not allowed{hint}")
        low, high, takes_list = _ARITY[name]
        arguments = node.args
        if name == "is_missing" and len(arguments) == 1 and (column := _column_name(arguments[0])) in self.known:
            return _call(name, self._cell(str(column)))  # of a category too
        if takes_list:
            if len(arguments) != 1 or not isinstance(arguments[0], ast.List) or not arguments[0].elts:
                raise self._refusal(f"{name} takes one list, as in {name}([a, b, c])")
            arguments = arguments[0].elts
        elif not low <= len(arguments) <= high:
            raise self._refusal(f"{name} takes {low if low == high else f'{low} or more'} values, got {len(arguments)}")
        return _call(name, *map(self.visit, arguments))

    def _column(self, name: str) -> ast.expr:
        if name not in self.known:
            near = difflib.get_close_matches(name, self.known, 1)
            raise self._refusal(f"there is no column {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        if self.known[name] is not None and not isinstance(self.known[name], Coded):
            raise self._refusal(f"{name} is a category: it can only be compared with one, as in {name} == 'x'")
        return self._cell(name)

    def _cell(self, name: str) -> ast.expr:
        self.inputs[name] = None
        return _column(name)

    def _refusal(self, why: str) -> FormulaError:
        return FormulaError(f"the formula {self.text!r} is refused: {why}{'' if why.endswith('?') else '.'}")


def _depth(tree: ast.AST) -> int:
    """How deep a parsed text is nested, counted without recursion."""
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _column_name(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=ast.Name(id="col"), slice=ast.Constant(value=str(name))):
            return name
        case _:
            return None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _column(name: str) -> ast.expr:
    return ast.Subscript(ast.Name("columns", ast.Load()), ast.Constant(name), ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _finite(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, missing where a value is (numpy takes NaN ** 0 for 1) or where its answer is not finite.

    At once and not at the end: infinity would pass `> 1` and be capped by `minimum` into a number that looks sound.
    """

    def run(*values: Any) -> Any:
        result = function(*values)
        return np.where(reduce(np.logical_or, map(np.isnan, values), ~np.isfinite(result)), np.nan, result)

    return run


def _compare(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """1 where the comparison is true, 0 where it is false, missing where either side is."""

    def compare(a: Any, b: Any) -> Any:
        # Most comparisons are with a plain number, which is not missing.
        missing = np.isnan(a) if type(b) is float and not isnan(b) else np.isnan(a) | np.isnan(b)
        return np.where(missing, np.nan, operator(a, b))

    return compare


def _where(condition: Any, yes: Any, no: Any) -> Any:
    return np.where(np.isnan(condition), np.nan, np.where(condition != 0, yes, no))


def _truth(value: Any) -> Any:
    return np.where(np.isnan(value), np.nan, value != 0)


def composed(*, larger: Function, smaller: Function, add: Function, truth: Function) -> dict[str, Function]:
    """The functions that are made of others, by the names that formulas call them by.

    larger, smaller, add: of two values. truth: 1 or 0, missing for what is missing. Whether they work on columns or on
    plain numbers, what is composed of them does the same steps in the same order, and so gives the same bits.
    """

    def largest(*values: Any) -> Any:
        return reduce(larger, values)

    def smallest(*values: Any) -> Any:
        return reduce(smaller, values)

    def total(*values: Any) -> Any:
        # One after the other: numpy's own sum over an axis adds in an order that depends on the row count, and
        # Python's carries along what rounding loses.
        return reduce(add, values)

    return {
        "maximum": largest,
        "minimum": smallest,
        "largest": largest,
        "smallest": smallest,
        "clip": lambda x, low, high: smaller(larger(x, low), high),
        "sum": total,
        "mean": lambda *values: total(*values) / len(values),
        "_not": lambda a: 1.0 - truth(a),
        "_and": lambda *values: smallest(*map(truth, values)),
        "_or": lambda *values: largest(*map(truth, values)),
    }


_COMPOSED = composed(larger=np.maximum, smaller=np.minimum, add=np.add, truth=_truth)

# What a formula may call, with the fewest and most values; the last flag marks those that take a list of columns.
_ALLOWED: dict[str, tuple[Callable[..., Any], int, int, bool]] = {
    "abs": (np.abs, 1, 1, False),
    "sqrt": (np.sqrt, 1, 1, False),
    "log": (_finite(np.log), 1, 1, False),
    "log1p": (_finite(np.log1p), 1, 1, False),
    "exp": (_finite(np.exp), 1, 1, False),
    "floor": (np.floor, 1, 1, False),
    "maximum": (_COMPOSED["maximum"], 2, 99, False),
    "minimum": (_COMPOSED["minimum"], 2, 99, False),
    "clip": (_COMPOSED["clip"], 3, 3, False),
    "where": (_where, 3, 3, False),
    "is_missing": (lambda x: np.isnan(x).astype(np.float64), 1, 1, False),
    "fill": (lambda x, value: np.where(np.isnan(x), value, x), 2, 2, False),
    "sum": (_COMPOSED["sum"], 1, 999, True),
    "mean": (_COMPOSED["mean"], 1, 999, True),
    "largest": (_COMPOSED["largest"], 1, 999, True),
    "smallest": (_COMPOSED["smallest"], 1, 999, True),
}
_FUNCTIONS = {name: function for name, (function, *_) in _ALLOWED.items()}
_ARITY = {name: arity for name, (_, *arity) in _ALLOWED.items()}
_OPERATORS: dict[str, Callable[..., Any]] = {
    "_divide": _finite(np.divide),
    "_power": _finite(np.power),
    **{name: _COMPOSED[name] for name in ("_not", "_and", "_or")},
    "_lt": _compare(np.less),
    "_le": _compare(np.less_equal),
    "_gt": _compare(np.greater),
    "_ge": _compare(np.greater_equal),
    "_eq": _compare(np.equal),
    "_ne": _compare(np.not_equal),
    "_eq_code": lambda x, tag: (tags(x) == tag).astype(np.float64),
    "_ne_code": lambda x, tag: (tags(x) != tag).astype(np.float64),
}
COLUMN_FUNCTIONS = {**_FUNCTIONS, **_OPERATORS}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "_lt",
    ast.LtE: "_le",
    ast.Gt: "_gt",
    ast.GtE: "_ge",
    ast.Eq: "_eq",
    ast.NotEq: "_ne",
}


def _names() -> str:
    return ", ".join(sorted(_ALLOWED))
