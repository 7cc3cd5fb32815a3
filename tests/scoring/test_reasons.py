"""Reasons: what each feature adds, whom it is compared with, which families are principal, and when to doubt them."""

import json
import math
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import smallest
from credit_risk.config import Config, load
from credit_risk.config.schema import PolicyRule, Reasons
from credit_risk.config.section import Share
from credit_risk.config.tags import tagged
from credit_risk.data.inputs import Matrix
from credit_risk.errors import DataError, ScorerError
from credit_risk.scoring import background as populations
from credit_risk.scoring import reasons
from credit_risk.scoring.background import Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.model import Bins, Boosted, Logistic, RiskModel, Scorecard
from credit_risk.scoring.reasons import Explainer, Explanation

NAMES = ("late", "months", "income")
UNITY = Calibration(0.0, 1.0)


class Settings(Reasons):
    least: Share = 0.0


def settings(*families: tuple[str, ...], count: int = 4, least: float = 0.0, population: str = "all") -> Settings:
    return Settings.model_validate(
        {
            "version": "2",
            "count": count,
            "least": least,
            "population": population,
            "within": 0.1,
            "families": [
                {"id": f"R0{place}", "features": names, "text": f"text {place}", "prompt": f"look at {place}"}
                for place, names in enumerate(families, start=1)
            ],
        }
    )


def linear(*coefficients: float, intercept: float = -1.0) -> Logistic:
    """Margin = intercept + the sum of coefficient times value."""
    n = len(coefficients)
    unbounded = {"low": (-math.inf,) * n, "high": (math.inf,) * n}
    still = {"fill": (0.0,) * n, "centre": (0.0,) * n, "scale": (1.0,) * n}
    return Logistic(tuple(range(n)), (-1,) * n, **unbounded, **still, coefficients=coefficients, intercept=intercept)


def compared_with(mean: tuple[float, ...] = (0, 0, 0), reference: tuple[float, ...] = (0, 0, 0)) -> Background:
    return Background(NAMES, -1.0 + sum(mean), mean, reference, (0.0, 0.0, 0.0), (9.0, 9.0, 9.0), rows=10)


def explainer(
    model: RiskModel, asked: Reasons, background: Background | None = None, directions: tuple[int, ...] = (1, 1, -1)
) -> Explainer:
    signs = {1: "increasing", -1: "decreasing"}
    directed = {name: signs[sign] for name, sign in zip(NAMES, directions, strict=True) if sign}
    config = smallest.config(
        columns={name: {"role": "feature", "type": "number"} for name in NAMES},
        model=smallest.SECTIONS["model"] | {"directions": directed},
    )
    return Explainer.of(config, asked, model, UNITY, background or compared_with())


def why(asked: Explainer, *values: float) -> Explanation:
    return asked.explain(np.array([values], dtype=float)).row(0)


def told(explanation: Explanation) -> list[tuple[str, str | None, float]]:
    return [(reason.id, reason.driver, round(reason.contribution or 0, 9)) for reason in explanation.reasons]


EACH = settings(("late",), ("months",), ("income",))


def test_a_linear_model_adds_coefficient_times_distance_from_the_population():
    asked = explainer(linear(1.0, 2.0, -1.0), EACH, compared_with(mean=(0.5, 1.0, -2.0), reference=(0.5, 0.5, 2)))
    # 3 - 0.5, 2 * 2 - 1, -1 * 1 + 2
    assert told(why(asked, 3, 2, 1)) == [("R02", "months", 3.0), ("R01", "late", 2.5), ("R03", "income", 1.0)]


def test_a_reason_carries_id_version_wording_driver_and_both_values():
    asked = explainer(linear(1.0, 0.0, 0.0), EACH, compared_with(reference=(0.5, 0, 0)))
    (reason,) = why(asked, 3, 0, 0).reasons
    assert reason.as_dict(nulls=False) == {
        "id": "R01",
        "version": "2",
        "text": "text 1",
        "prompt": "look at 1",
        "driver": "late",
        "value": 3.0,
        "reference": 0.5,
        "contribution": 3.0,
    }


def test_contributions_are_summed_with_their_signs_inside_a_family():
    one = settings(("late", "months"), ("income",))
    # 5 - 4 = 1; the driver is what speaks for bad, not what speaks against it
    assert told(why(explainer(linear(1.0, -2.0, 1.0), one), 5, 2, 3)) == [("R02", "income", 3), ("R01", "late", 1)]
    # 5 - 6 = -1 speaks for the applicant
    assert told(why(explainer(linear(1.0, -2.0, 1.0), one), 5, 3, 3)) == [("R02", "income", 3)]


def test_there_are_at_most_count_reasons_and_fewer_rather_than_padding():
    model = linear(1.0, 2.0, 3.0)
    assert [one for one, _, _ in told(why(explainer(model, EACH), 1, 1, 1))] == ["R03", "R02", "R01"]
    two = settings(("late",), ("months",), ("income",), count=2)
    assert [one for one, _, _ in told(why(explainer(model, two), 1, 1, 1))] == ["R03", "R02"]
    assert told(why(explainer(model, EACH), 0, 1, -1)) == [("R02", "months", 2)]


def test_what_carries_less_than_the_least_share_is_no_principal_reason():
    tenth = settings(("late",), ("months",), ("income",), least=0.1)
    assert len(why(explainer(linear(1.0, 8.0, 1.0), tenth), 1, 1, 1).reasons) == 3  # 1 of 10 is a tenth
    assert len(why(explainer(linear(0.9, 8.1, 1.0), tenth), 1, 1, 1).reasons) == 2
    # What speaks for the applicant does not count.
    assert len(why(explainer(linear(1.0, 8.0, -5.0), tenth), 1, 1, 1).reasons) == 2


def test_the_strongest_reason_stands_whatever_its_share():
    most = settings(("late",), ("months",), ("income",), least=0.9)
    assert told(why(explainer(linear(1.0, 1.5, 1.0), most), 1, 1, 1)) == [("R02", "months", 1.5)]


def test_equal_families_stand_in_the_order_of_the_config():
    assert [one for one, _, _ in told(why(explainer(linear(1.0, 1.0, 1.0), EACH), 1, 1, 1))] == ["R01", "R02", "R03"]


def test_a_sound_explanation_is_not_in_doubt():
    found = explainer(linear(1.0, 2.0, -1.0), EACH).explain(np.array([[1.0, 1.0, 0.0]]))
    assert not found.in_doubt[0]
    assert found.row(0).doubt == ""


def test_a_driver_at_its_best_value_is_cited_and_doubted():
    """`late` is 0, as low as it ever was in training, and yet speaks for bad: the population's mean is below it."""
    odd = compared_with(mean=(-1.0, 0.0, 0.0), reference=(0.0, 0.0, 0.0))
    found = explainer(linear(1.0, 2.0, -1.0), EACH, odd).explain(np.array([[0.0, 2.0, 0.0]]))
    assert [reason.id for reason in found.row(0).reasons] == ["R02", "R01"]
    assert_array_equal(found.at_best[0], [False, True, False])
    assert found.in_doubt[0]
    assert "R01 is about late, which stands at its best value (0.0)" in found.row(0).doubt


def test_more_is_better_where_the_direction_says_so_and_nothing_is_best_without_one():
    odd, model = compared_with(mean=(0, 0, -20.0), reference=(0, 0, 10.0)), linear(1.0, 2.0, -1.0)
    row = np.array([[0.0, 0.0, 9.0]])
    assert explainer(model, EACH, odd).explain(row).at_best[0, 0]
    assert not explainer(model, EACH, odd, directions=(1, 1, 0)).explain(row).at_best.any()
    assert not explainer(model, EACH, odd).explain(np.array([[0.0, 0.0, 8.9]])).at_best.any()


def test_a_family_that_the_population_does_not_beat_is_doubted():
    """The mean contribution is 1, the median value 3: whoever stands at 2 is above the mean, and better than 3."""
    odd = compared_with(mean=(1.0, 0.0, 0.0), reference=(3.0, 0.0, 0.0))
    doubt = why(explainer(linear(1.0, 0.0, 0.0), EACH, odd), 2, 0, 0).doubt
    assert doubt == "R01 is about late, but the PD would be no lower with its family at the population's values"
    assert why(explainer(linear(1.0, 0.0, 0.0), EACH, odd), 4, 0, 0).doubt == ""


def test_all_features_of_a_family_are_moved_together():
    one = settings(("late", "months"), ("income",))
    odd = compared_with(mean=(0.0, 1.0, 0.0), reference=(0.0, 5.0, 0.0))
    # late falls by 2, months rises by 4: the PD is higher, though the family speaks for bad by 2 + 1 - 1
    assert "no lower" in why(explainer(linear(1.0, 1.0, 0.0), one, odd), 2, 1, 0).doubt


def test_an_application_that_nothing_speaks_against_is_in_doubt():
    explanation = why(explainer(linear(1.0, 2.0, -1.0), EACH), 0, 0, 5)
    assert explanation == Explanation((), "no family of features speaks against this application")


def test_a_reviewer_is_prompted_with_the_reasons_and_the_doubt():
    odd = compared_with(mean=(1.0, 0.0, 0.0), reference=(3.0, 0.0, 0.0))
    prompts = why(explainer(linear(1.0, 0.0, 0.0), EACH, odd), 2, 0, 0).prompts
    assert prompts[0] == "look at 1"
    assert "no lower" in prompts[1]


def test_a_policy_rule_states_its_own_reason():
    rule = PolicyRule(name="very late", where="months >= 6", decision="decline", reason="six months late")
    (reason,) = reasons.of_rule(rule, EACH).reasons
    assert (reason.id, reason.version, reason.text) == ("very late", "2", "six months late")
    assert reason.driver is reason.contribution is None


def test_a_category_stands_as_its_word_and_a_gap_too():
    asked = replace(explainer(linear(1.0, 0.0, 0.0), EACH), words=(("car", "boat"), None, None))
    (reason,) = why(asked, 1, 0, 0).reasons
    assert (reason.value, reason.reference) == ("boat", "car")
    assert asked.word(1, math.nan) == "missing"
    assert replace(asked, nulls=True).word(1, math.nan) is None  # as scorers of format 1 have it


STATES = {
    "features": ("late", "months"),
    "text": {"value": "many months late, beside {population}", "missing": "no months stated", "no_record": "no record"},
    "prompt": {"value": "ask about {population}", "no_record": "look for a record"},
    "true_when": {"value": "months > 2", "missing": "is_missing(income)"},
}


def by_state(count: int = 4) -> Explainer:
    """A family whose months may be missing or have no record; each missing month or code adds 9 to the log-odds."""
    families = [{"id": "R01", **STATES}, {"id": "R02", "features": ("income",), "text": "income is low", "prompt": "p"}]
    asked = Settings.model_validate(
        {"version": "3", "count": count, "least": 0, "population": "all", "within": 0.1, "families": families}
    )
    months = {"role": "feature", "type": "number", "missing": "allow", "special": {-9: "no_record"}}
    columns = {"late": {"role": "feature", "type": "boolean"}, "months": months}
    config = smallest.config(columns=columns | {"income": {"role": "feature", "type": "number", "missing": "allow"}})
    # Of months 9 for missing, and 9 for its code; below 1 nothing, from 1 on as much as there are.
    bins = Bins((1.0, 3.0), (0.0, 1.0, 4.0), missing=9.0, by_code=False, special=(9.0,))
    return Explainer.of(config, asked, Scorecard((1,), (bins,), (1.0,), -1.0), UNITY, compared_with())


def said(asked: Explainer, late: float, months: float, income: float) -> Explanation:
    columns = {name: np.array([value]) for name, value in zip(NAMES, (late, months, income), strict=True)}
    matrix = np.array([[late, months, income]])
    return asked.explain(matrix, asked.truth_of(columns, np.array([0]))).row(0)


def test_each_state_of_a_value_has_words_of_its_own():
    (value,) = said(by_state(), 1, 5, 7).reasons
    assert (value.text, value.value) == ("many months late, beside all applications", 5.0)
    assert value.prompt == "ask about all applications"
    (code,) = said(by_state(), 1, tagged(1), 7).reasons
    assert (code.text, code.prompt, code.value) == ("no record", "look for a record", "no_record")
    (missing,) = said(by_state(), 1, math.nan, math.nan).reasons
    assert (missing.text, missing.value) == ("no months stated", "missing")


def test_what_is_not_true_is_never_cited_and_a_person_decides():
    explanation = said(by_state(), 1, 1, 7)  # one month adds to the PD, and is not more than two
    assert not explanation.reasons
    assert explanation.doubt == (
        "R01 is about months (1.0), of which it has nothing to say that is true of this application"
    )
    assert said(by_state(), 1, math.nan, 7).reasons == ()  # its text for a gap is true of a missing income alone


def test_a_state_without_words_is_not_cited_either():
    asked = by_state()
    bare = replace(asked, wording_of=np.where(asked.wording_of == 2, reasons.NO_REASON, asked.wording_of))
    explanation = said(bare, 1, tagged(1), 7)
    assert explanation.reasons == ()
    assert "nothing to say" in explanation.doubt


def test_without_formulas_nothing_is_held_to_be_untrue():
    explained = by_state().explain(np.array([[1.0, 1.0, 7.0]]))
    assert explained.cited[0, 0]
    assert not explained.untrue.any()


def test_a_boolean_stands_in_words_and_in_format_1_as_a_number():
    assert [by_state().word(0, value) for value in (0.0, 1.0)] == ["no", "yes"]


def test_nothing_that_there_is_not_stands_as_null_but_in_format_1():
    rule = PolicyRule(name="very late", where="months >= 6", decision="decline", reason="six months late")
    (reason,) = reasons.of_rule(rule, EACH).reasons
    assert set(reason.as_dict(nulls=False)) == {"id", "version", "text", "prompt"}
    assert reason.as_dict(nulls=True)["driver"] is None


def boosted(matrix: Matrix) -> Boosted:
    bad = matrix[:, 0] + matrix[:, 1] * (matrix[:, 2] > 0) > 0.5
    parameters = {"objective": "binary", "num_leaves": 5, "verbosity": -1, "min_child_samples": 5, "num_threads": 1}
    return Boosted.of(lgb.train(parameters, lgb.Dataset(matrix, bad), 10))


def scorecard() -> Scorecard:
    first = Bins(edges=(0.0,), woe=(0.5, -0.5), missing=-0.1, by_code=False)
    second = Bins(edges=(-1.0, 1.0), woe=(0.3, 0.0, -0.4), missing=0.0, by_code=False)
    return Scorecard((0, 2), (first, second), (-1.0, -2.0), 0.3)


def some_rows() -> Matrix:
    matrix = np.random.default_rng(1).normal(size=(400, 3))
    matrix[::7, 0] = np.nan
    return matrix


@pytest.mark.parametrize("kind", ["lightgbm", "scorecard", "logistic"])
def test_rebased_contributions_and_base_add_up_to_the_log_odds(kind: str):
    matrix = some_rows()
    model: RiskModel = {"lightgbm": boosted(matrix), "scorecard": scorecard(), "logistic": linear(1.0, -2.0, 0.5)}[kind]
    calibration = Calibration(0.2, 1.3)
    mean = model.contributions(matrix[:50]).mean(axis=0) * 1.3
    background = Background(NAMES, float(mean.sum() + 0.2), tuple(mean[:-1]), (0, 0, 0), (-9, -9, -9), (9, 9, 9), 50)
    found = replace(explainer(model, EACH, background), calibration=calibration).explain(matrix)
    log_odds = 0.2 + 1.3 * model.margin(matrix)
    assert_allclose(found.contributions.sum(axis=1) + found.base, log_odds, atol=1e-9)
    # The population itself differs from itself by nothing.
    assert_allclose(found.contributions[:50].mean(axis=0), 0, atol=1e-9)


def test_a_logistic_regression_sums_the_columns_of_one_feature():
    model = Logistic((0, 0, 1), (0, 1, -1), (0,) * 3, (9,) * 3, (0,) * 3, (0,) * 3, (1,) * 3, (4.0, 5.0, 2.0), 1.0)
    assert_array_equal(model.contributions(np.array([[1.0, 3.0], [0.0, 0.5]])), [[5, 6, 1], [4, 1, 1]])


def test_a_table_is_explained_like_its_rows():
    matrix = some_rows()
    asked = explainer(boosted(matrix), settings(("late", "income"), ("months",)))
    whole = asked.explain(matrix).rows()
    # Equal to the last bit of each contribution: a replay of the ledger demands it.
    assert whole == [asked.explain(matrix[row : row + 1]).row(0) for row in range(len(matrix))]
    assert len({len(one.reasons) for one in whole}) > 1


def test_a_table_without_rows_has_no_explanations():
    assert asked_of_nothing().rows() == []


def asked_of_nothing() -> reasons.Explanations:
    return explainer(linear(1.0, 2.0, -1.0), EACH).explain(np.empty((0, 3)))


def test_a_background_survives_json_and_counts_by_name():
    background = compared_with(mean=(1.0, 2.0, 3.0), reference=(4.0, math.nan, 6.0))
    raw = json.loads(json.dumps(background.as_dict(), sort_keys=True, allow_nan=False))
    again = Background.from_dict(raw, NAMES)
    assert again.mean == (1.0, 2.0, 3.0)
    assert math.isnan(again.reference[1])
    assert repr(again) == repr(background)
    assert Background.from_dict(raw, NAMES[::-1]).mean == (3.0, 2.0, 1.0)


def test_a_background_of_other_features_is_refused():
    with pytest.raises(ScorerError, match=r"\(age, late differ\)"):
        Background.from_dict(compared_with().as_dict(), ("age", "months", "income"))


@pytest.fixture(scope="module")
def lender() -> Config:
    return load(Path(__file__).parents[1] / "lender" / "credit.yaml")


def of_lender(config: Config) -> tuple[Matrix, Logistic, Settings]:
    """Ten rows whose every feature is the row's number, a model of the first feature, one family."""
    n = len(config.features)
    matrix = np.repeat(np.arange(10.0)[:, None], n, axis=1)
    matrix[:, config.features.index("purpose")] = [0, 1, 1, 2, 2, 2, 3, 3, 0, 0]
    return matrix, linear(1.0, *[0.0] * (n - 1), intercept=0.0), settings(config.features, population="approved")


def test_the_population_is_who_just_passes(lender: Config):
    matrix, model, asked = of_lender(lender)
    pd = np.array([0.05, 0.1, 0.12, 0.15, 0.19, 0.199, 0.2, 0.3, 0.4, np.nan])
    assert list(populations.population(asked, pd, 0.2)) == [1, 2, 3, 4, 5]
    found = Background.of(lender, asked, model, UNITY, matrix=matrix, pd=pd, cut_off=0.2)
    assert (found.rows, found.mean[0], found.reference[0]) == (5, 3.0, 3.0)
    assert found.base == 3.0
    assert (found.lowest[0], found.highest[0]) == (0.0, 9.0)
    # 1 1 2 2 2 among the five: the most common purpose, not the middle one
    assert found.reference[lender.features.index("purpose")] == 2.0


def test_all_rows_with_a_pd_can_be_the_population(lender: Config):
    matrix, model, asked = of_lender(lender)
    everybody = asked.model_copy(update={"population": "all"})
    found = Background.of(
        lender, everybody, model, UNITY, matrix=matrix, pd=np.array([0.5] * 9 + [np.nan]), cut_off=0.2
    )
    assert (found.rows, found.mean[0]) == (9, 4.0)


def test_a_reference_value_is_one_that_occurs_and_a_column_of_gaps_has_none(lender: Config):
    matrix, model, asked = of_lender(lender)
    matrix[:, 1] = np.nan
    found = Background.of(lender, asked, model, UNITY, matrix=matrix[:4], pd=np.full(4, 0.15), cut_off=0.2)
    assert found.reference[0] == 1.0  # of 0 1 2 3
    assert math.isnan(found.reference[1])
    assert math.isnan(found.lowest[1])


def test_a_population_without_anybody_is_refused_with_the_way_out(lender: Config):
    matrix, model, asked = of_lender(lender)
    with pytest.raises(DataError, match=r"no training row has a PD from 0.1000 up to the cut-off of 0.2000.*Widen"):
        Background.of(lender, asked, model, UNITY, matrix=matrix, pd=np.full(10, 0.5), cut_off=0.2)


def test_a_large_population_is_thinned_evenly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(populations, "POPULATION_ROWS", 3)
    assert list(populations.population(settings(("late",)), np.full(11, 0.1), 0.2)) == [0, 5, 10]


def test_directions_follow_the_config(lender: Config):
    found = dict(zip(lender.features, lender.directions, strict=True))
    assert (found["months_late"], found["income"], found["purpose"]) == (1, -1, 0)


@pytest.mark.parametrize(
    ("values", "added", "is_plain", "expected"),
    [
        ([0, 0, 0, 1, 1], [0.5, 0.5, 0.5, -0.75, -0.75], True, 1.0),  # the most common one speaks against the applicant
        ([0, 0, 0, 1, 1], [-0.5, -0.5, -0.5, 0.75, 0.75], True, 0.0),
        ([2, 2, 2, 2], [0.1, 0.1, 0.1, 0.1], True, 2.0),
        ([1, 5, 5, 9], [-3, 1, 1, 1], False, 1.0),  # the middle adds 1, the mean is 0
        ([1, 2, 3], [-1, 0, 1], False, 2.0),
        ([1, math.nan, 3], [-1, 0, 1], False, 1.0),
    ],
)
def test_the_value_that_a_reason_compares_with_speaks_against_nobody(values, added, is_plain, expected):
    assert populations._typical(np.array(values, float), np.array(added, float), is_plain) == expected


def test_a_decline_about_the_most_common_category_has_a_reason_that_holds(lender: Config):
    """Three of five share a bad category: moved to it the PD would be no lower, moved to the other it is."""
    matrix = np.zeros((5, len(lender.features)))
    place = lender.features.index("purpose")
    matrix[:, place] = [1, 1, 1, 0, 0]
    model = linear(*[1.0 if one == place else 0.0 for one in range(matrix.shape[1])], intercept=0.0)
    asked = settings(lender.features, population="all")
    found = Background.of(lender, asked, model, UNITY, matrix=matrix, pd=np.full(5, 0.1), cut_off=0.2)
    assert found.reference[place] == 0.0
    explained = Explainer.of(lender, asked, model, UNITY, found).explain(matrix[:1])
    assert explained.cited[0, 0]
    assert not explained.in_doubt[0]
