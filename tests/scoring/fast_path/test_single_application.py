"""The fast path of a single application: by hand, and to the bit what arrays give for whatever hypothesis draws.

That formulas alone give the bits of columns stands in tests/config/test_formulas.py too.
"""

import copy
import math
import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from math import copysign, inf, isnan, nan
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import smallest
from credit_risk.config import Config
from credit_risk.config.formulas import COLUMN_FUNCTIONS, Coded, Known, parse
from credit_risk.config.tags import tagged
from credit_risk.data.inputs import Matrix
from credit_risk.errors import FormulaError
from credit_risk.scoring import decision
from credit_risk.scoring.background import Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.decision import APPROVE, DECLINE, OUTCOMES, REFER, Decisions
from credit_risk.scoring.fast_path.single_application import FUNCTIONS, holds, margin_of, value_of
from credit_risk.scoring.fast_path.trees_by_row import FEW_ROWS, TreesByRow
from credit_risk.scoring.model import Bins, Boosted, Logistic, RiskModel, Scorecard
from credit_risk.scoring.scorer import Scorer

KNOWN = {"a": None, "b": None}


def value(text: str, a: float, b: float) -> float:
    return value_of(parse(text, KNOWN))({"a": a, "b": b})


def test_a_formula_is_worked_out_by_hand():
    assert value("maximum(a, 0) / b", 3.0, 4.0) == 0.75
    assert value("sum([a > 0, b > 0, a > b])", 3.0, 4.0) == 2.0
    assert value("where(a < b, 10, 20)", 3.0, 4.0) == 10.0


def test_what_is_missing_spreads_and_what_is_not_finite_is_missing():
    assert isnan(value("a > 0", nan, 1.0))
    assert isnan(value("maximum(a, b)", 1.0, nan))
    assert isnan(value("a / b", 1.0, 0.0))
    assert isnan(value("a * b", 1e300, 1e300))
    assert value("fill(a, 7) + is_missing(a)", nan, 1.0) == 8.0


@pytest.mark.parametrize("text", ["maximum(a, b)", "minimum(a, b)", "largest([a, b])", "clip(a, b, b)"])
@pytest.mark.parametrize("zeros", [(0.0, -0.0), (-0.0, 0.0)])
def test_of_two_zeros_it_takes_the_one_that_columns_take(text: str, zeros: tuple[float, float]):
    column = parse(text, KNOWN).evaluate({name: np.array([zero]) for name, zero in zip("ab", zeros, strict=True)})
    assert copysign(1, value(text, *zeros)) == copysign(1, column[0])


def test_a_sum_rounds_after_each_column_as_columns_do():
    assert value("sum([a, b, b])", 1e16, 1.0) == 1e16


@pytest.mark.parametrize("text", ["a ** 2", "log(a)", "a + floor(b)", "exp(a) + sqrt(b)"])
def test_a_function_without_a_twin_is_that_of_columns(text: str):
    formula = parse(text, KNOWN)
    assert not formula.calls <= set(FUNCTIONS)
    value(text, 0.1, 2.0)


def test_every_twin_is_of_a_function_of_columns():
    assert FUNCTIONS.keys() <= COLUMN_FUNCTIONS.keys()


@pytest.mark.parametrize(("answer", "true"), [(1.0, True), (-2.0, True), (0.0, False), (nan, False), (inf, True)])
def test_a_rule_holds_where_it_is_known_to_be_true(answer: float, true: bool):
    assert holds(answer) is true


INCOME = Bins(edges=(10.0, 20.0), woe=(-1.0, 0.1, 0.7), missing=-0.25, by_code=False)
PURPOSE = Bins(edges=(), woe=(0.5, -0.5), missing=0.125, by_code=True)
SCORECARD = Scorecard(columns=(0, 2), bins=(INCOME, PURPOSE), coefficients=(-1.0, -2.0), intercept=-1.5)
LOGISTIC = Logistic(
    columns=(0, 2),
    codes=(-1, 0),
    low=(0.0, 0.0),
    high=(30.0, 1.0),
    fill=(12.0, 0.0),
    centre=(10.0, 0.5),
    scale=(4.0, 0.5),
    coefficients=(-1.0, 0.1),
    intercept=0.3,
)


@cache
def trees(features: int, seed: int = 1) -> Boosted:
    random = np.random.default_rng(seed)
    matrix = random.normal(0, 5, size=(300, features))
    matrix[random.random(matrix.shape) < 0.1] = nan
    bad = random.random(300) < 1 / (1 + np.exp(-np.nan_to_num(matrix[:, 0])))
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1, "num_leaves": 6}
    return Boosted.of(lgb.train(parameters, lgb.Dataset(matrix, bad), num_boost_round=5))


def test_codes_are_guarded_groups_by_the_twins_of_the_formulas_too():
    known = {"a": Coded(("no_record", "not_applicable")), "b": None}
    for text, expected in (('a == "no_record"', 1.0), ('a != "no_record"', 0.0), ('a == "not_applicable"', 0.0)):
        formula = parse(text, known)
        assert formula.calls <= set(FUNCTIONS)
        assert value_of(formula)({"a": tagged(1), "b": 0.0}) == expected
        assert formula.evaluate({"a": np.array([tagged(1)])})[0] == expected
    assert isnan(value_of(parse("a + 1", known))({"a": tagged(1)}))


def rows(count: int = 600) -> Matrix:
    """Rows with a number, a number that nothing reads, and the code of one of two categories; some missing."""
    random = np.random.default_rng(2)
    matrix = np.column_stack([random.normal(15, 8, (count, 2)), random.integers(0, 2, count)])
    matrix[random.random((count, 3)) < 0.1] = nan
    return matrix


@pytest.mark.parametrize("kind", ["lightgbm", "scorecard", "logistic"])
def test_a_single_row_gets_the_bits_it_gets_in_a_table(kind: str):
    model: RiskModel = {"lightgbm": trees(3), "scorecard": SCORECARD, "logistic": LOGISTIC}[kind]
    odd = [[10.0, 0.0, 1.0], [20.0, -0.0, 2.0], [nan, nan, nan], [1e300, -1e300, -1.0], [5e-324, 1e-36, 0.5]]
    matrix = np.vstack([rows(), odd])
    assert np.array(list(map(margin_of(model), matrix.tolist()))).tobytes() == model.margin(matrix).tobytes()


def test_a_single_row_gets_the_contributions_it_gets_in_a_table():
    assert TreesByRow(trees(3)).contributions(rows()).tobytes() == trees(3).contributions(rows()).tobytes()


def test_no_rows_have_no_margins_and_no_contributions():
    for model in (trees(3), TreesByRow(trees(3)), SCORECARD, LOGISTIC):
        assert model.margin(rows()[:0]).shape == (0,)
        assert model.contributions(rows()[:0]).shape == (0, 4)


def test_a_row_of_another_length_is_refused_and_not_filled_up():
    for row in ([1.0, 2.0], [1.0, 2.0, 3.0, 4.0]):
        with pytest.raises(ValueError, match=f"a row of {len(row)} features was given to a model of 3"):
            margin_of(trees(3))(row)


def test_trees_prepared_for_single_rows_can_be_copied_and_sent_to_another_process():
    row, by_row = rows(1)[0].tolist(), TreesByRow(trees(3))
    margin = by_row.margin_of(row)
    for again in (copy.deepcopy(by_row), pickle.loads(pickle.dumps(by_row))):
        assert again.margin_of(row) == margin


def test_threads_that_share_the_trees_get_their_own_rows_margin():
    many, margin = rows().tolist() * 5, margin_of(trees(3))
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(margin, many)) == [margin(row) for row in many]


WORDS = ("car", "home", "boat")
CODES = {-99: "no_record", -98: "not_applicable", -97: "no_record"}
NUMERIC = ("number", "integer", "boolean")


@st.composite
def columns(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Two to five inputs of any type, the first a feature and a number, so that formulas can compute."""
    drawn: dict[str, dict[str, Any]] = {}
    for name in "abcde"[: draw(st.integers(2, 5))]:
        first = name == "a"
        kind = "number" if first else draw(st.sampled_from([*NUMERIC, "category", "ordered"]))
        role = "feature" if first else draw(st.sampled_from(["feature", "feature", "input_only"]))
        drawn[name] = {"role": role, "type": kind, "missing": draw(st.sampled_from(["allow", "refer", "refuse"]))}
        if kind in ("category", "ordered"):
            drawn[name]["categories"] = WORDS[: draw(st.integers(1, 3))]
            continue
        if draw(st.booleans()):
            drawn[name]["special"] = CODES
        if kind != "boolean" and draw(st.booleans()):
            low = draw(st.integers(-10, 5))
            drawn[name]["range"] = (low, low + draw(st.integers(0, 40)))
    return drawn


INFIX = [f"({{}} {sign} {{}})" for sign in ("+", "-", "*", "/", "**", "<", "<=", ">", ">=", "==", "!=", "and", "or")]
CALLED = ["abs({})", "is_missing({})", "(not {})", "(-{})", "sqrt({})", "log({})", "log1p({})", "exp({})", "floor({})"]
CALLED += ["maximum({}, {})", "minimum({}, {}, {})", "fill({}, {})", "where({}, {}, {})", "clip({}, {}, {})"]
CALLED += ["sum([{}, {}, {}])", "mean([{}, {}])", "largest([{}, {}])", "smallest([{}, {}, {}])"]


def formulas(known: dict[str, Known]) -> st.SearchStrategy[str]:
    """Formulas that the config takes, over these columns (with their categories or codes, None for a number)."""
    numbers = [name for name, categories in known.items() if categories is None or isinstance(categories, Coded)]
    words = [f"({name} == {word!r})" for name, categories in known.items() for word in categories or ()]
    leaf = st.sampled_from([*numbers, *numbers, *words, "0", "1", "0.1", "2.5", "1e9"])
    every = st.recursive(
        leaf,
        lambda part: st.tuples(st.sampled_from([*INFIX, *INFIX, *CALLED]), part, part, part).map(
            lambda drawn: drawn[0].format(*drawn[1:])
        ),
        max_leaves=6,
    )
    return every.filter(lambda text: is_formula(text, known))


def is_formula(text: str, known: dict[str, Known]) -> bool:
    try:
        parse(text, known)
    except FormulaError:  # it names no column, or divides by 0
        return False
    return True


def coded(column: dict[str, Any]) -> Coded | None:
    return Coded(dict.fromkeys(column["special"].values())) if "special" in column else None


@st.composite
def families(draw: st.DrawFn, index: int, features: list[str], wheres: st.SearchStrategy[str]) -> dict[str, Any]:
    """A family with one text or one by state, and formulas by which they are true."""
    texts = {state: f"{state} {index}" for state in ("value", "missing", "no_record", "not_applicable")}
    fewer = {state: texts[state] for state in draw(st.sampled_from([("value",), ("value", "missing"), tuple(texts)]))}
    true_when = draw(st.none() | wheres | st.fixed_dictionaries({"value": wheres, "missing": wheres}))
    return {"id": f"R0{index}", "features": features, "text": fewer, "prompt": f"p {index}", "true_when": true_when}


@st.composite
def configs(draw: st.DrawFn) -> Config:
    inputs = draw(columns())
    known = {name: column.get("categories") or coded(column) for name, column in inputs.items()}
    derived = {}
    for name in ("first", "second")[: draw(st.integers(0, 2))]:
        derived[name] = {"formula": draw(formulas(known))}
        known[name] = None
    wheres = st.sampled_from(["a > 0", "a <= 1", "a < 1e9"]) | formulas(known)
    rules = [
        {"name": f"rule {index}", "where": draw(wheres), "decision": outcome, "reason": "as the policy says"}
        for index, outcome in enumerate(draw(st.lists(st.sampled_from(["refer", "decline"]), max_size=3)))
    ]
    features = [name for name, column in inputs.items() if column["role"] == "feature"] + list(derived)
    ordered = [name for name in features if name in derived or inputs[name]["type"] != "category"]
    directions = dict.fromkeys(ordered[: draw(st.integers(0, 3))], "increasing")
    cut = draw(st.integers(1, len(features)))
    parts = [part for part in (features[:cut], features[cut:]) if part]
    exclusions = [
        {"name": f"exclusion {index}", "where": where, "reason": "another policy"}
        for index, where in enumerate(draw(st.lists(wheres, max_size=2)) if draw(st.integers(0, 3)) == 0 else [])
    ]
    policy = {
        "margin": draw(st.sampled_from([0.05, 0.6, 5])),
        "refer_within": draw(st.sampled_from([0, 1e-20, 0.05, 0.3])),
        "max_missing": draw(st.sampled_from([0, 0.4, 1])),
        "invalid": draw(st.sampled_from(["refuse", "refer"])),
        "bands": [
            {"name": f"band {minimum}", "minimum": minimum} for minimum in (560, 500, 470)[: draw(st.integers(1, 3))]
        ],
        "rules": rules,
    }
    return smallest.config(
        columns=inputs,
        derived=derived,
        model=smallest.SECTIONS["model"] | {"directions": directions},
        policy=smallest.SECTIONS["policy"] | policy,
        outcome=smallest.SECTIONS["outcome"] | {"exclusions": exclusions},
        reasons=smallest.SECTIONS["reasons"]
        | {
            "count": draw(st.integers(1, 2)),
            "least": draw(st.sampled_from([0, 0.1, 0.9])),
            "families": [draw(families(index, part, wheres)) for index, part in enumerate(parts, start=1)],
        },
    )


@st.composite
def models(draw: st.DrawFn, config: Config) -> RiskModel:
    count = len(config.features)
    weights = st.lists(st.floats(-2, 2), min_size=4, max_size=4)
    number = st.floats(-5, 5)
    kind = draw(st.sampled_from(["lightgbm", "lightgbm", "scorecard", "logistic"]))
    if kind == "lightgbm":
        return replace(trees(count + len(config.levels), draw(st.integers(1, 3))), levels=config.levels)
    if kind == "logistic":
        numbers = lambda: tuple(draw(number) for _ in range(count))  # noqa: E731 - drawn three times
        low, codes = numbers(), tuple(draw(st.sampled_from([-1, -1, 0, 1])) for _ in range(count))
        scale = tuple(draw(st.floats(0.5, 5)) for _ in range(count))
        high = tuple(value + 10 for value in low)
        return Logistic(tuple(range(count)), codes, low, high, numbers(), low, scale, numbers(), draw(number))
    bins = []
    for name in config.features:
        if config.categories(name):
            woe = tuple(draw(weights)[: draw(st.integers(1, 3))])  # a category may be unknown to the bins
            bins.append(Bins((), woe, draw(number), by_code=True))
        else:
            edges = tuple(sorted(draw(st.lists(st.integers(-5, 5).map(float), min_size=3, max_size=3, unique=True))))
            special = tuple(draw(number) for _ in config.meanings(name))
            bins.append(Bins(edges, tuple(draw(weights)), draw(number), by_code=False, special=special))
    return Scorecard(tuple(range(count)), tuple(bins), tuple(draw(number) for _ in bins), draw(number))


@st.composite
def scorers(draw: st.DrawFn) -> Scorer:
    config = draw(configs())
    random, count = np.random.default_rng(draw(st.integers(0, 99))), len(config.features)
    seen = count + len(config.levels)
    drawn = {
        name: tuple(np.rint(random.normal(0, spread, count) * 4) / 4)
        for name, spread in {"mean": 0.3, "reference": 1.0, "lowest": 3.0, "highest": 3.0}.items()
    }
    drawn["reference"] = tuple(
        0.0 if config.categories(name) else value
        for name, value in zip(config.features, drawn["reference"], strict=True)
    )
    background = Background(config.features, -1.0, **drawn, rows=10)
    return Scorer(
        config=config,
        model=draw(models(config)),
        calibration=Calibration(draw(st.floats(-2, 2)), draw(st.sampled_from([0.1, 1.0, 2.0, 40.0]))),
        seen_missing=tuple(draw(st.lists(st.booleans(), min_size=seen, max_size=seen))),
        reference={},
        background=background,
        digest="",
    )


EXTREME = st.sampled_from([0, -0.0, 5e-324, -5e-324, 1e308, -1e308, inf, -inf, nan, 2.0**53, 10**400])
NO_SOUND_VALUE = st.sampled_from([None, None, "yacht", "", "1", True, 24.5, 3, -1, [], {}]) | EXTREME


@st.composite
def applications(draw: st.DrawFn, config: Config) -> dict[str, Any]:
    """Most cells are sound, some at the ends of a range, extreme, out of range, of another type, or not there."""
    drawn = {}
    for name in config.inputs:
        column = config.columns[name]
        low, high = column.range or (-20, 20)
        sound = {
            "number": st.floats(low, high) | st.sampled_from([low, high]),
            "integer": st.integers(int(low), int(high)),
            "boolean": st.booleans(),
        }
        cell = sound[column.type] if column.type in NUMERIC else st.sampled_from(column.categories or ())
        codes = [st.sampled_from([-99, -98.0, -97])] * 3 if column.special else []
        drawn[name] = draw(st.one_of(*[cell] * 14, *codes, EXTREME, NO_SOUND_VALUE))
    return drawn


def bits(decisions: Decisions, row: int) -> dict[str, Any]:
    """Every field of one row of decisions, in a form in which equal means equal to the bit."""
    explained = decisions.reasons and decisions.reasons.index[row]
    own = {name: getattr(decisions, name) for name in ("pd", "score", "band", "outcome", "rule", "inputs", "unseen")}
    own |= {f"faults.{name}": mask for name, mask in vars(decisions.faults).items()}
    if decisions.reasons and explained is not None and explained >= 0:
        explanations = vars(decisions.reasons.explanations)
        own |= {f"reasons.{name}": part for name, part in explanations.items() if isinstance(part, np.ndarray)}
    of_row = {name: part[explained if name.startswith("reasons.") else row] for name, part in own.items()}
    return {name: (part.dtype, part.shape, part.tobytes()) for name, part in of_row.items()} | {
        "vocabulary": (decisions.vocabulary.features, decisions.vocabulary.bands, decisions.vocabulary.rules),
        "has reasons": decisions.reasons is not None,
        "explanation": repr(decisions.explanation(row)) if decisions.reasons else None,
        "record": repr(decisions.record(row)),
        "table": repr(decisions.table().iloc[row].to_list()),
    }


@pytest.mark.slow
@pytest.mark.parametrize("examples", [25, pytest.param(500, marks=pytest.mark.weekly)])
def test_both_paths_decide_whatever_is_drawn_to_the_bit_alike(examples: int):
    seen: Counter[str] = Counter()

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def alike(data: st.DataObject) -> None:
        scorer = data.draw(scorers())
        drawn = [data.draw(applications(scorer.config)) for _ in range(4)]
        inputs = np.vstack([scorer._inputs.single_row(application) for application in drawn])
        table = np.vstack([inputs, inputs[::-1]])
        assert len(table) > FEW_ROWS  # so that LightGBM predicts it as a table
        for reasons in (True, False):
            by_columns = scorer._decide_columns(table, reasons=reasons)
            for row in range(len(inputs)):
                single = scorer._single.decide(inputs[row : row + 1], reasons=reasons)
                seen["left to columns" if single is None else "decided"] += 1
                for alone in (single, scorer.decide_inputs(inputs[row : row + 1], reasons=reasons)):
                    if alone is not None:
                        assert bits(alone, 0) == bits(by_columns, row)
                if single is not None:
                    seen[f"{OUTCOMES[single.outcome[0]]}{' by a rule' * bool(single.rule[0] >= 0)}"] += 1
                    seen["with reasons"] += bool(single.reasons and single.record()["reasons"])
                    seen["with a doubt"] += bool(single.reasons and single.explanation(0).doubt)

    # Until each of these was drawn, so that something is proved about it: a rare one may need more than one turn. Each
    # turn has a seed of its own, since hypothesis draws the same ones again where CI is set.
    kinds = {"approve", "refer", "decline", "refer by a rule", "decline by a rule", "with reasons", "with a doubt"}
    kinds |= {"decided", "left to columns"}
    turns = 0
    while kinds - set(+seen):
        turns += 1
        assert turns <= max(20, 1_500 // examples), f"never drawn: {kinds - set(+seen)}"
        seed(turns)(alike)()


SOUND = {
    "employment": "4-7y",
    "income": 40_000.0,
    "purpose": "car",
    "loan_amount": 10_000.0,
    "term_months": 24,
    "utilisation": 0.3,
    "months_late": 0,
    "existing_customer": True,
}


def test_what_is_sound_is_decided_and_all_else_left_to_columns(trained: tuple[Config, Any]):
    scorer = Scorer.load(trained[1].scorer)

    def decided(**changes: Any) -> Decisions | None:
        return scorer._single.decide(scorer._inputs.single_row({**SOUND, **changes}), reasons=True)

    assert decided() is not None
    assert decided(term_months=24.5) is None
    assert decided(months_late=-1) is None
    assert decided(purpose="yacht") is None
    assert decided(loan_amount=None) is None


LIMIT = (0.2 - 0.005) / 0.8


class Straight(Calibration):
    """A calibration whose PD is the margin itself."""

    def pd(self, margin: Matrix | float) -> Matrix:
        return np.asarray(margin)


@given(
    pd=st.floats(0, 1, exclude_min=True, exclude_max=True) | st.sampled_from([LIMIT, LIMIT - 0.02, LIMIT + 0.02]),
    refer_within=st.sampled_from([0.0, 1e-20, 0.02]),
)
def test_a_single_pd_gets_what_it_gets_in_a_table(pd: float, refer_within: float):
    """At the cut-off, at the ends of the zone of referral, and where a score is exactly the least of a band."""
    column = np.array([0.5, pd, 0.1])
    section = smallest.SECTIONS["policy"] | {"lgd": 0.6, "cost": 0.005, "refer_within": refer_within}
    scale = smallest.config(columns={}).policy.scale
    minima = [float(decision.scores(np.array([at]), scale)[0]) for at in (0.05, pd, 0.9)]
    section["bands"] = [{"name": str(least), "minimum": least} for least in sorted(set(minima), reverse=True)]
    config = smallest.config(columns={"a": {"role": "feature", "type": "number"}}, policy=section)
    scorer = Scorer(config, SCORECARD, Straight(0, 1), (True,), {}, None, "")
    decided = replace(scorer._single, margin=lambda _: pd).decide(np.array([[1.0]]), reasons=True)
    assert decided is not None
    score = decision.scores(column, scale)
    assert decided.score.tobytes() == score[1:2].tobytes()
    assert decided.band[0] == decision.bands(score, config.policy)[1]
    assert decided.outcome[0] == decision.outcomes(column, config.policy)[1]
    assert decided.outcome[0] in (APPROVE, REFER, DECLINE)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_pd_of_exactly_0_or_1_is_left_to_columns(certain: float):
    config = smallest.config(columns={"a": {"role": "feature", "type": "number"}})
    scorer = Scorer(config, SCORECARD, Straight(0, 1), (True,), {}, None, "")
    assert replace(scorer._single, margin=lambda _: certain).decide(np.array([[1.0]]), reasons=True) is None
    assert math.isinf(decision.scores(np.array([certain]), config.policy.scale)[0])
