"""Formulas: what they compute, how what is missing spreads, and all that they refuse."""

import struct
from contextlib import suppress
from time import monotonic

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_risk.config.formulas import _ALLOWED, MAX_LENGTH, parse
from credit_risk.errors import FormulaError
from credit_risk.scoring.fast_path.single_application import value_of  # part: fast-path

NAN = np.nan
KNOWN = {"a": None, "b": None, "g": ("low", "high"), "two words": None, "col": None, "__class__": None}


def evaluate(text, **columns):
    """The values of a formula over literal columns."""
    return parse(text, KNOWN).evaluate({name: np.array(values, dtype=float) for name, values in columns.items()})


def same(got, expected):
    np.testing.assert_array_equal(got, np.array(expected, dtype=float))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", [5, 7]),
        ("a - b", [3, 1]),
        ("a * b", [4, 12]),
        ("a / b", [4, 4 / 3]),
        ("a ** b", [4, 64]),
        ("-a", [-4, -4]),
        ("+a", [4, 4]),
        ("a - b * 2", [2, -2]),
        ("(a - b) * 2", [6, 2]),
        ("2 ** 3 ** 1 + 0 * a", [8, 8]),
        ("a < b", [0, 0]),
        ("a <= 4", [1, 1]),
        ("b > 2", [0, 1]),
        ("b >= 1", [1, 1]),
        ("b == 3", [0, 1]),
        ("b != 3", [1, 0]),
        ("0 < b < 3", [1, 0]),
        ("b > 2 and a > 0", [0, 1]),
        ("b > 2 or a > 9", [0, 1]),
        ("not b > 2", [1, 0]),
        ("not a", [0, 0]),
        ("abs(b - a)", [3, 1]),
        ("sqrt(a)", [2, 2]),
        ("log(b / b)", [0, 0]),
        ("log1p(a - a)", [0, 0]),
        ("exp(a - a)", [1, 1]),
        ("floor(b / 2)", [0, 1]),
        ("maximum(a, b, 3.5)", [4, 4]),
        ("minimum(a, b, 2)", [1, 2]),
        ("clip(b, 2, 9)", [2, 3]),
        ("where(b > 2, a, 0)", [0, 4]),
        ("fill(b, 9)", [1, 3]),
        ("is_missing(b)", [0, 0]),
        ("sum([a, b, 1])", [6, 8]),
        ("mean([a, b])", [2.5, 3.5]),
        ("largest([a, b])", [4, 4]),
        ("smallest([a, b])", [1, 3]),
        ("sum([b])", [1, 3]),
    ],
)
def test_arithmetic(text, expected):
    same(evaluate(text, a=[4, 4], b=[1, 3]), expected)


@pytest.mark.parametrize(
    "text",
    [
        *["a + 1", "1 - a", "a * 0", "a / 2", "2 / a", "-a", "a ** 2", "2 ** a"],
        *["a < 1", "a <= 1", "a > 1", "a >= 1", "a == 1", "a != 1", "a == a", "0 < a < 2"],
        *["a and 1", "a and 0", "a or 1", "a or 0", "not a"],
        *["where(a > 0, 1, 0)", "where(a, 1, 0)", "where(1, a, 0)", "fill(a, a)"],
        *["abs(a)", "sqrt(a)", "log(a)", "log1p(a)", "exp(a)", "floor(a)", "clip(a, 0, 1)", "clip(1, a, 2)"],
        *["maximum(a, 1)", "minimum(1, a)", "sum([a, 1])", "mean([1, a])", "largest([a, 1])", "smallest([1, a])"],
    ],
)
def test_a_missing_input_makes_the_result_missing(text):
    assert np.isnan(evaluate(text, a=[NAN])).all()
    assert np.isfinite(evaluate(text, a=[1])).all()


@pytest.mark.parametrize("text", ["a ** 0", "1 ** a"])
def test_a_power_that_ignores_its_input_is_missing_all_the_same(text):
    """In numpy a missing value to the power of 0 is 1."""
    same(evaluate(text, a=[NAN, 2]), [NAN, 1])


def test_the_branch_not_taken_may_be_missing():
    same(evaluate("where(b > 0, b, a)", a=[NAN, 5], b=[1, -1]), [1, 5])


def test_is_missing_and_fill_speak_about_what_is_missing():
    same(evaluate("is_missing(a)", a=[NAN, 0]), [1, 0])
    same(evaluate("fill(a, -1)", a=[NAN, 0]), [-1, 0])
    same(evaluate("fill(a, b)", a=[NAN, 0], b=[7, 7]), [7, 0])
    same(evaluate("is_missing(a) and b > 0", a=[NAN, 0], b=[1, 1]), [1, 0])


@pytest.mark.parametrize("text", ["b / a", "0 / a", "log(a)", "log(a - 1)", "sqrt(a - 1)", "exp(b * 1000)", "a ** -1"])
def test_a_result_that_is_no_number_is_missing(text):
    assert np.isnan(evaluate(text, a=[0], b=[5])).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b / a > 1", NAN),
        ("where(b / a > 1, 1, 0)", NAN),
        ("is_missing(b / a)", 1),
        ("fill(b / a, -1)", -1),
        ("minimum(b / a, 9)", NAN),
        ("clip(b / a, 0, 9)", NAN),
        ("b / (b / a)", NAN),
        ("exp(log(a))", NAN),
        ("is_missing(a ** -1)", 1),
    ],
)
def test_a_division_by_zero_is_missing_inside_a_formula_too(text, expected):
    """Infinity must not be capped into a number that looks sound: 5 / 0 is not "at most 9"."""
    same(evaluate(text, a=[0], b=[5]), [expected])


def test_a_rule_holds_only_where_it_is_known_to_be_true():
    holds = parse("a > 1", KNOWN).holds({"a": np.array([0.0, 2.0, NAN])})
    assert holds.dtype == bool
    assert holds.tolist() == [False, True, False]


def test_a_category_is_compared_by_name_and_stands_as_its_code():
    same(evaluate("g == 'low'", g=[0, 1, NAN]), [1, 0, NAN])
    same(evaluate("g != 'low'", g=[0, 1, NAN]), [0, 1, NAN])
    same(evaluate("where(g == 'high', a, 0)", g=[0, 1, NAN], a=[5, 5, 5]), [0, 5, NAN])
    same(evaluate("not g == 'high'", g=[0, 1]), [1, 0])


def test_col_names_a_column_that_python_could_not():
    same(evaluate('col["two words"] + 1', **{"two words": [1]}), [2])
    same(evaluate("col['two words'] / col['two words']", **{"two words": [2]}), [1])
    same(evaluate("col + 1", col=[1]), [2])
    same(evaluate('col["__class__"] + 1', __class__=[1]), [2])
    categories = {"how it is": ("x", "y")}
    same(parse('col["how it is"] == "y"', categories).evaluate({"how it is": np.array([0.0, 1.0])}), [0, 1])


def test_inputs_are_the_columns_read_in_the_order_of_their_first_use():
    assert parse("b + a * b + is_missing(g == 'low')", KNOWN).inputs == ("b", "a", "g")


def test_a_column_may_have_the_name_of_a_function_or_of_our_own_parameter():
    known = {"sum": None, "columns": None}
    columns = {"sum": np.array([1.0]), "columns": np.array([2.0])}
    same(parse("sum([sum, columns])", known).evaluate(columns), [3])


def test_evaluating_leaves_the_columns_as_they_were():
    a = np.array([1.0, NAN, 0.0])
    for text in ("fill(a, 0)", "a", "+a", "where(a > 0, a, 1)"):
        result = parse(text, KNOWN).evaluate({"a": a})
        result[:] = 99
    same(a, [1, NAN, 0])


REFUSED = {
    "attribute": ("a.real", "Attribute is not allowed"),
    "dunder attribute": ("a.__class__", "Attribute is not allowed"),
    "dunder name": ("__builtins__", "there is no column '__builtins__'"),
    "import": ("__import__('os')", "__import__(…) is not allowed"),
    "unknown call": ("eval(a)", "eval(…) is not allowed; use abs, clip, exp"),
    "misspelt call": ("maximun(a, b)", "maximun(…) is not allowed; did you mean maximum?"),
    "division by zero": ("a / 0", "it divides by 0, which is always missing"),
    "division by zero with a point": ("a / 0.0", "it divides by 0"),
    "our own operator": ("_divide(a, b)", "_divide(…) is not allowed"),
    "method": ("a.sum()", "a.sum(…) is not allowed"),
    "call of a call": ("abs(a)(b)", "abs(a)(…) is not allowed"),
    "function as value": ("abs + a", "there is no column 'abs'"),
    "lambda": ("lambda: a", "Lambda is not allowed"),
    "called lambda": ("(lambda x: x)(a)", "is not allowed"),
    "list comprehension": ("[x for x in a]", "ListComp is not allowed"),
    "generator": ("sum(x for x in a)", "sum takes one list"),
    "comprehension in a list function": ("sum([x for x in a])", "sum takes one list"),
    "set comprehension": ("{x for x in a}", "SetComp is not allowed"),
    "dict comprehension": ("{x: x for x in a}", "DictComp is not allowed"),
    "string": ("'a'", "'a' is not a number"),
    "string added": ("a + 'x'", "'x' is not a number"),
    "bytes": ("a + b'x'", "is not a number"),
    "f-string": ("f'{a}'", "JoinedStr is not allowed"),
    "bool": ("a + True", "True is not a number"),
    "none": ("a == None", "None is not a number"),
    "complex": ("a + 1j", "1j is not a number"),
    "ellipsis": ("a + ...", "Ellipsis is not a number"),
    "keyword": ("abs(x=a)", "abs"),
    "keywords": ("maximum(a, b, **a)", "maximum"),
    "starred": ("maximum(*a, b)", "Starred is not allowed"),
    "starred in a list": ("sum([*a])", "Starred is not allowed"),
    "walrus": ("(x := a)", "NamedExpr is not allowed"),
    "conditional": ("a if b else 0", "IfExp is not allowed"),
    "tuple": ("a, b", "Tuple is not allowed"),
    "bare list": ("[a, b]", "List is not allowed"),
    "set": ("{a}", "Set is not allowed"),
    "dict": ("{1: a}", "Dict is not allowed"),
    "await": ("await a", "Await is not allowed"),
    "subscript": ("a[0]", 'the only subscript is col["column name"]'),
    "col of a name": ("col[a]", 'the only subscript is col["column name"]'),
    "col of col": ('col["a"]["b"]', 'the only subscript is col["column name"]'),
    "slice": ("a[1:2]", "the only subscript"),
    "floor division": ("a // b", "FloorDiv is not allowed"),
    "modulo": ("a % b", "Mod is not allowed"),
    "matrix product": ("a @ b", "MatMult is not allowed"),
    "shift": ("a << 1", "LShift is not allowed"),
    "bit and": ("a & b", "BitAnd is not allowed"),
    "invert": ("~a", "write not"),
    "is": ("a is b", "Is is not allowed"),
    "in": ("a in b", "In is not allowed"),
    "no column": ("1 + 2", "names no column"),
    "no column but categories": ("1 == 2", "names no column"),
    "too few": ("clip(a, 1)", "clip takes 3 values, got 2"),
    "too many": ("abs(a, b)", "abs takes 1 values, got 2"),
    "one of many": ("maximum(a)", "maximum takes 2 or more values, got 1"),
    "no list": ("sum(a, b)", "sum takes one list, as in sum([a, b, c])"),
    "empty list": ("mean([])", "mean takes one list"),
    "category as number": ("g + 1", "g is a category: it can only be compared with one"),
    "category as code": ("g == 1", "g is a category"),
    "category by order": ("g > 'low'", "categories are compared with == or !="),
    "unknown category": ("g == 'middle'", "g has no category 'middle'; it has 'low', 'high'"),
    "category second": ("'low' == g", "write the column first and the category second"),
    "category of numbers": ("a == 'low'", "'low' can only be compared with a category column"),
    "category of an expression": ("a + 1 == 'low'", "can only be compared with a category column"),
    "statement": ("a = 1", "is not a formula"),
    "two statements": ("a; b", "is not a formula"),
    "two lines": ("a\nb", "is not a formula"),
    "empty": ("", "is not a formula"),
    "blank": ("  ", "is not a formula"),
    "comment": ("# a", "is not a formula"),
    "unbalanced": ("(a", "is not a formula"),
    "null byte": ("a + \0", "is not a formula"),
    "half a character": ("a + '\ud800'", "is not a formula"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_but_arithmetic_is_refused_with_its_reason(case):
    text, why = REFUSED[case]
    with pytest.raises(FormulaError) as refusal:
        parse(text, KNOWN)
    assert why in str(refusal.value)


def test_an_unknown_column_is_refused_with_the_nearest_name():
    known = {"income": None, "loan amount": None}
    with pytest.raises(FormulaError, match=r"there is no column 'incone'; did you mean 'income'\?$"):
        parse("incone / 2", known)
    with pytest.raises(FormulaError, match=r"there is no column 'loan_amount'; did you mean 'loan amount'\?$"):
        parse("loan_amount / 2", known)
    with pytest.raises(FormulaError, match=r"there is no column 'zzz'\.$"):
        parse("zzz / 2", known)


BOMBS = {
    "minus": "-" * 1_900 + "a",
    "not": "not " * 499 + "a",
    "sum": "a" + " + a" * 499,
    "power": "a" + "**a" * 600,
    "brackets": "(" * 900 + "a" + ")" * 900,
    "calls": "abs(" * 390 + "a" + ")" * 390,
    "comparisons": "a" + "<a" * 900,
    "subscripts": "a" + "[0]" * 600,
    "attributes": "a" + ".a" * 900,
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_deep_formula_is_evaluated_or_refused_and_nothing_else(case):
    start = monotonic()
    with suppress(FormulaError):
        assert parse(BOMBS[case], KNOWN).evaluate({"a": np.array([1.0])}).shape == (1,)
    assert monotonic() - start < 5


def test_a_long_formula_is_refused_before_it_is_parsed():
    just = "a" + "+1" * ((MAX_LENGTH - 1) // 2)
    assert len(just) <= MAX_LENGTH
    with pytest.raises(FormulaError, match="a formula has 2001 characters; 2000 are allowed"):
        parse("a" + "1" * MAX_LENGTH, KNOWN)


@pytest.mark.parametrize(
    "text", ["9**9**9 + a", "a * 10**400", "a + 9**9**9**9", "a + (-1)**0.5", "a + 1 / (1 - 1)", "2**2000 + a"]
)
def test_arithmetic_on_plain_numbers_neither_hangs_nor_raises(text):
    start = monotonic()
    same(evaluate(text, a=[1]), [NAN])
    assert monotonic() - start < 1


@pytest.mark.parametrize("number", ["1" + "0" * 400, "0x" + "f" * 300, "1e999"])
def test_a_number_beyond_float_is_refused(number):
    with pytest.raises(FormulaError, match="is not a number that fits"):
        parse(f"a + {number}", KNOWN)


EVERY_FUNCTION = [
    "a + b * 2 - 1",
    "a / b",
    "a ** 2",
    "abs(a) ** 0.37",
    "abs(a) ** b",
    "0.1 + a + 0.2",
    "-a",
    "abs(a)",
    "sqrt(abs(a))",
    "log(abs(a))",
    "log1p(abs(b))",
    "exp(b / 100)",
    "floor(a / 3)",
    "maximum(a, b, 0)",
    "minimum(a, b, 0)",
    "clip(a, -1, b)",
    "where(a > b, a, b / 3)",
    "is_missing(a) + 0.1 * b",
    "fill(a, b)",
    "sum([a, b, c, 0.1, a, b, c, 0.2, a])",
    "mean([a, b, c])",
    "largest([a, b, c])",
    "smallest([a, b, c])",
    "(a > 0 and b > 0) or not c > 1",
    "0 < a <= b",
    "a == b",
    "a != b",
    "g == 'high'",
    "exp(log1p(abs(a)) / 7) * sqrt(abs(b)) + mean([a, b]) / fill(c, 1)",
]

numbers = st.one_of(
    st.floats(-1e6, 1e6),
    st.floats(allow_nan=True, allow_infinity=False),
    st.integers(-3, 3).map(float),
    st.just(NAN),
)


def test_the_property_below_covers_every_function():
    assert {name for name in _ALLOWED if not any(f"{name}(" in text for text in EVERY_FUNCTION)} == set()


@settings(max_examples=300)
@given(
    text=st.sampled_from(EVERY_FUNCTION),
    row=st.tuples(numbers, numbers, numbers, st.sampled_from([0.0, 1.0, NAN])),
    place=st.integers(1, 70).flatmap(lambda length: st.tuples(st.just(length), st.integers(0, length - 1))),
    seed=st.integers(0, 2**32 - 1),
    layout=st.sampled_from(["column by column", "row by row"]),
)
def test_one_application_gets_the_bits_it_gets_in_a_table(text, row, place, seed, layout):
    length, place = place
    table = np.random.default_rng(seed).normal(0, 1e3, (length, 4))
    table[:, 3] = table[:, 3] > 0
    table[place] = row
    if layout == "column by column":
        table = np.asfortranarray(table)
    formula = parse(text, {"a": None, "b": None, "c": None, "g": ("low", "high")})
    many = formula.evaluate({name: table[:, index] for index, name in enumerate("abcg")})
    one = formula.evaluate({name: np.array([value]) for name, value in zip("abcg", row, strict=True)})
    assert many.shape == (length,)
    assert one.shape == (1,)
    assert struct.pack("<d", many[place]) == struct.pack("<d", one[0])
    plain = value_of(formula)(dict(zip("abcg", row, strict=True)))  # part: fast-path
    assert struct.pack("<d", many[place]) == struct.pack("<d", plain)  # part: fast-path
