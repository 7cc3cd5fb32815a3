"""The explain stage: on the simulated lender to the end, and its comparisons on models small enough to count."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.testing import assert_allclose, assert_array_equal

import smallest
from credit_risk.config import Config
from credit_risk.config.dotted import lookup
from credit_risk.config.schema import Reasons
from credit_risk.config.section import Share
from credit_risk.data.files import Files
from credit_risk.data.inputs import Matrix
from credit_risk.measures import explanation
from credit_risk.modelling import shap_values
from credit_risk.report import plots_explain
from credit_risk.scoring import reasons
from credit_risk.scoring.background import Background
from credit_risk.scoring.calibration import Calibration
from credit_risk.scoring.model import Boosted, Logistic
from credit_risk.scoring.reasons import Explainer
from credit_risk.scoring.scorer import Scorer
from credit_risk.stages import assemble, explain

PAGE = Path(plots_explain.__file__).parent

FAMILIES = {
    "R01": ("months_late",),
    "R02": ("utilisation",),
    "R03": ("income", "loan_to_income"),
    "R04": ("employment", "existing_customer"),
    "R05": ("term_months", "purpose"),
}


class Settings(Reasons):
    least: Share = 0.1


class WithReasons(Config):
    reasons: Settings


def settings(families: dict[str, tuple[str, ...]], **changes: Any) -> Settings:
    text = {"value": "t", "missing": "m"}
    listed = [{"id": id_, "features": names, "text": text, "prompt": "p"} for id_, names in families.items()]
    asked = {"version": "1", "count": 4, "population": "approved", "within": 0.1, "required": ["months_late"]}
    return Settings.model_validate({**asked, "families": listed, **changes})


def with_reasons(config: Config, **changes: Any) -> WithReasons:
    return WithReasons.model_validate({**config.as_dict(), "reasons": settings(FAMILIES, **changes).model_dump()})


@pytest.fixture(scope="module")
def explained(trained: tuple[Config, Files], tmp_path_factory: pytest.TempPathFactory) -> tuple[WithReasons, Files]:
    """The lender's reports of this stage."""
    files = Files(Path(shutil.copytree(trained[1].root, tmp_path_factory.mktemp("explained") / "root")))
    config = with_reasons(trained[0])
    assemble.run(config, files)
    explain.run(config, files)
    return config, files


@pytest.fixture(scope="module")
def numbers(explained: tuple[WithReasons, Files]) -> dict[str, Any]:
    return dict(json.loads(explained[1].report("explain").read_text()))


def test_the_report_names_the_scorer_it_speaks_of(explained: tuple[WithReasons, Files], numbers: dict[str, Any]):
    assert numbers["scorer"] == Scorer.load(explained[1].scorer).digest


def test_contributions_add_up_to_the_decided_pd(numbers: dict[str, Any]):
    assert 0 <= numbers["additivity"]["largest"] < 1e-9


MEASURES = (
    "reasons.at_best",
    "reasons.not_lower",
    "reasons.in_doubt",
    "reasons.none",
    "reasons.untrue",
    "stability.top_reason",
    "stability.overlap",
    "importance.required",
    "importance.required_least",
    "interventional.top_reason",
    "interventional.correlation",
    "interventional.whole_list",
)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_has_an_interval_around_it(numbers: dict[str, Any], name: str):
    value, low, high = (lookup(numbers, name + end) for end in ("", "_low", "_high"))
    assert value is not None
    assert low is not None
    assert high is not None
    assert low <= value <= high
    assert low >= -1
    assert high <= 1


def test_nothing_guarded_and_nothing_twice(numbers: dict[str, Any]):
    assert numbers["reasons"]["guarded"] == 0
    assert numbers["reasons"]["duplicates"] == 0
    assert 1 <= numbers["reasons"]["mean_count"] <= 4


def test_the_other_way_of_sharing_out_mostly_agrees(numbers: dict[str, Any]):
    assert numbers["interventional"]["method"] == "by coalitions of families"
    assert numbers["interventional"]["correlation"] > 0.9


def test_the_tables_hold_no_applicants_row(explained: tuple[WithReasons, Files]):
    directory = explained[1].reports / "explain"
    tables = {path.stem: pd.read_csv(path) for path in directory.iterdir()}
    assert set(tables) == {"importance", "families", "summary", "dependence", "interactions"}
    shares = tables["importance"]["share"]
    assert_allclose(shares.sum(), 1, rtol=0, atol=0.5e-6 * len(shares))  # six digits of each
    # Families sum with their signs, so they share out less than their features do.
    assert tables["families"]["mean_abs"].sum() <= tables["importance"]["mean_abs"].sum()
    assert set(tables["dependence"]["feature"]) == set(explained[0].features)
    assert tables["dependence"].groupby("feature")["rows"].sum().nunique() == 1
    words = tables["dependence"].query("feature == 'purpose'")["value"]
    assert set(words) <= {"car", "home", "education", "business"}


def test_interactions_on_plain_categories_are_unknown(numbers: dict[str, Any]):
    assert "plain categories" in numbers["unknown"]["interactions"]


def test_the_same_files_give_the_same_bytes(explained: tuple[WithReasons, Files], tmp_path: Path):
    config, files = explained
    again = Files(Path(shutil.copytree(files.root, tmp_path / "again")))
    explain.run(config, again)
    for path in [files.report("explain"), *(files.reports / "explain").iterdir()]:
        assert (again.root / path.relative_to(files.root)).read_bytes() == path.read_bytes(), path.name


def test_without_a_decline_everything_about_declines_is_unknown(trained: tuple[Config, Files], tmp_path: Path):
    files = Files(Path(shutil.copytree(trained[1].root, tmp_path / "root")))
    config = with_reasons(trained[0])
    generous = config.policy.model_copy(update={"refer_within": 0.99})
    generous_config = config.model_copy(update={"policy": generous, "reasons": settings(FAMILIES, population="all")})
    assemble.run(generous_config, files)
    explain.run(generous_config, files)
    found = json.loads(files.report("explain").read_text())
    assert found["rows"]["declined_by_model"] == 0
    for name in ("additivity.largest", "reasons.mean_count", *MEASURES[:7], *MEASURES[-3:]):
        assert lookup(found, name) is None, name
        assert "declines no test row" in found["unknown"][name], name
    assert lookup(found, "importance.required") is not None


def test_no_required_feature_is_unknown_not_good(trained: tuple[Config, Files]):
    config = with_reasons(trained[0], required=())
    unknown: dict[str, str] = {}
    found = explain.required(config, small(np.ones((3, 2)), Calibration(0, 1)).explain(np.ones((3, 2))), unknown)
    assert found == {"required": None, "required_least": None}
    assert unknown["importance.required"] == "reasons.required is empty"


def small(matrix: Matrix, calibration: Calibration, model: Any = None) -> Explainer:
    """Two features, each its own family; by default margin = 2a + 3b - 1."""
    n = 2
    linear = Logistic((0, 1), (-1, -1), (-99.0,) * n, (99.0,) * n, (0.0,) * n, (0.0,) * n, (1.0,) * n, (2.0, 3.0), -1.0)
    background = Background(("a", "b"), -1.0, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (9.0, 9.0), len(matrix))
    families = settings({"R01": ("a",), "R02": ("b",)}, required=())
    config = smallest.config(
        columns={name: {"role": "feature", "type": "number"} for name in "ab"},
        model=smallest.SECTIONS["model"] | {"directions": dict.fromkeys("ab", "increasing")},
    )
    return Explainer.of(config, families, model or linear, calibration, background)


def test_coalitions_of_a_linear_model_give_coefficient_times_distance():
    given, against = np.array([[3.0, 1.0], [0.0, 5.0]]), np.array([[1.0, 0.0], [2.0, 2.0], [0.0, 1.0]])
    found = explanation.by_family(small(given, Calibration(0, 0.5)), given, against)
    # slope * coefficient * (value - mean of the background): means are 1 and 1
    assert_allclose(found, [[0.5 * 2 * 2, 0], [0.5 * 2 * -1, 0.5 * 3 * 4]], atol=1e-12)


def test_coalitions_agree_with_the_shap_library_on_trees():
    matrix = np.random.default_rng(2).normal(size=(500, 2))
    bad = matrix[:, 0] * matrix[:, 1] > 0
    parameters = {"objective": "binary", "num_leaves": 6, "verbosity": -1, "num_threads": 1}
    model = Boosted.of(lgb.train(parameters, lgb.Dataset(matrix, bad), 12))
    asked = small(matrix, Calibration(0.1, 1.2), model)
    given, against = matrix[:9], matrix[100:130]
    assert_allclose(
        shap_values.by_feature(asked, given, against), explanation.by_family(asked, given, against), atol=1e-6
    )


def test_reasons_that_are_not_true_are_counted_by_family(trained: tuple[Config, Files]):
    config, files = trained
    scorer = Scorer.load(files.scorer)
    test = explain.read_part(config, files, scorer, "test")
    rows = np.flatnonzero(test.declines)

    def untrue(*wordings: int) -> dict[str, Any]:
        def is_true(wording: int) -> Any:
            return np.full(len(rows), wording not in wordings)

        return explain.checks(config, "reasons", scorer.explainer.explain(test.declined, is_true), test.matrix, {})

    assert untrue()["untrue"] == 0
    first = untrue(0)  # the first family's text is true of nobody
    assert first["of_family"]["R01"]["untrue"] == first["of_family"]["R01"]["principal"] > 0
    assert first["untrue"] == first["of_family"]["R01"]["principal"] / len(rows)
    assert first["in_doubt"] >= first["untrue"]
    assert first["mean_count"] < untrue()["mean_count"]
    every = untrue(*range(len(scorer.explainer.wordings)))
    assert (every["none"], every["mean_count"]) == (1, 0)


def test_a_text_that_is_true_of_those_whom_its_family_speaks_for_is_told(trained: tuple[Config, Files]):
    config, files = trained
    scorer = Scorer.load(files.scorer)
    test = explain.read_part(config, files, scorer, "test")
    chosen = explain.sampled(config, test)
    overall = scorer.explainer.explain(test.matrix[chosen])
    sound = scorer.explainer.truth_of(test.columns, chosen)
    assert explain.wording_doubts(config, overall, sound) == {"doubts": 0, "sentences": []}
    turned = explain.wording_doubts(config, overall, lambda wording: ~sound(wording))
    assert turned["doubts"] > 0
    assert "is true of applicants whom the family speaks for" in turned["sentences"][0]
    without_effect = replace(overall, contributions=np.zeros_like(overall.contributions))
    assert explain.wording_doubts(config, without_effect, sound)["doubts"] == 0  # what is never cited tells nothing


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_orders_of_a_model_that_adds_up_are_exact_whatever_is_drawn(seed):
    given, against = np.array([[3.0, 1.0], [0.0, 5.0]]), np.array([[1.0, 0.0], [2.0, 2.0], [0.0, 1.0]])
    asked = small(given, Calibration(0, 0.5))
    found = explanation.by_family_drawn(asked, given, against, orders=1, seed=seed)
    assert_allclose(found, explanation.by_family(asked, given, against), atol=1e-12)


def test_orders_of_two_families_are_both_of_them_and_so_exact_for_trees():
    matrix = np.random.default_rng(2).normal(size=(500, 2))
    parameters = {"objective": "binary", "num_leaves": 6, "verbosity": -1, "num_threads": 1}
    model = Boosted.of(lgb.train(parameters, lgb.Dataset(matrix, matrix[:, 0] * matrix[:, 1] > 0), 12))
    asked = small(matrix, Calibration(0.1, 1.2), model)
    given, against = matrix[:9], matrix[100:130]
    drawn = explanation.by_family_drawn(asked, given, against, orders=1, seed=3)
    assert_allclose(drawn, explanation.by_family(asked, given, against), atol=1e-9)


def doubtless(driver: list[list[int]], matrix: Matrix, explainer: Explainer) -> reasons.Explanations:
    """Explanations whose own checks found nothing, as a scorer that was tampered with would give them."""
    places = np.array(driver)
    never = np.zeros(places.shape, dtype=bool)
    added = np.ones(places.shape)
    family = np.where(places >= 0, 0, -1)
    return reasons.Explanations(
        matrix,
        np.zeros_like(matrix),
        0.0,
        family,
        places,
        added,
        wording=family,
        at_best=never,
        not_lower=never,
        untrue=never,
        explainer=explainer,
    )


def test_the_best_value_is_taken_from_the_training_rows_not_from_the_scorer(trained: tuple[Config, Files]):
    train, matrix = np.array([[1.0, 0.0], [5.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 2.0]])
    found = doubtless([[0, -1], [0, -1]], matrix, small(matrix, Calibration(0, 1)))
    numbers = explain.checks(with_reasons(trained[0]), "reasons", found, train, {})
    assert (numbers["at_best"], numbers["in_doubt"], numbers["none"], numbers["mean_count"]) == (0.5, 0.5, 0.0, 1.0)
    assert numbers["at_best_low"] < 0.1
    assert numbers["at_best_high"] > 0.9


def test_a_protected_driver_and_a_repeated_reason_are_counted(trained: tuple[Config, Files]):
    matrix = np.full((3, 2), 2.0)
    asked = small(matrix, Calibration(0, 1))
    asked = replace(asked, background=replace(asked.background, features=("sex", "b")))
    found = doubtless([[0, 1], [1, -1], [1, -1]], matrix, asked)
    numbers = explain.checks(with_reasons(trained[0]), "reasons", found, np.zeros((1, 2)), {})
    assert (numbers["guarded"], numbers["duplicates"]) == (1, 1)


def test_overlap_is_what_both_lists_have_of_what_either_has():
    assert explanation.overlap(np.array([1, 2, -1]), np.array([2, 3, 1])) == 2 / 3
    assert explanation.overlap(np.array([-1, -1]), np.array([-1, -1])) == 1.0
    assert explain._has_twice(np.array([1, 2, 1]))


def test_the_correlation_from_sums_is_pearsons():
    x, y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])
    sums = np.array([3, x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum()])
    assert_allclose(explanation.correlation(sums), np.corrcoef(x, y)[0, 1])


def test_the_pictures_are_drawn_and_a_missing_table_is_named(explained: tuple[WithReasons, Files], tmp_path: Path):
    drawn = plots_explain.figures(*explained)
    assert len(drawn["dependence"]) == plots_explain.DEPENDENCE
    for picture in (drawn["families"], drawn["importance"], drawn["summary"], *drawn["dependence"]):
        assert picture.svg.startswith("<svg"), picture.name
    assert drawn["interactions"].missing == "reports/explain/interactions.csv has no rows"
    nothing = plots_explain.figures(explained[0], Files(tmp_path))
    assert nothing["summary"].missing == "reports/explain/summary.csv was not written"
    assert nothing["dependence"][0].svg is None


def test_the_part_of_the_page_shows_every_figure_or_says_why_not(
    explained: tuple[WithReasons, Files], numbers: dict[str, Any]
):
    pictures = plots_explain.figures(*explained)
    page = rendered(explained, pictures, numbers, "")
    assert page.count("<svg") == 3 + plots_explain.DEPENDENCE
    assert "interactions.csv has no rows" in page
    assert "plain categories" in page
    assert "not available" not in page
    assert "was not written" in rendered(explained, pictures, {}, "reports/explain.json was not written")
    unknown = {**numbers, "stability": {"top_reason": None, "overlap": None}}
    assert rendered(explained, pictures, unknown, "").count("not available") == 2


def rendered(
    explained: tuple[WithReasons, Files], pictures: dict[str, Any], numbers: dict[str, Any], missing: str
) -> str:
    """The partial with the two macros that the page gives it."""
    config, _ = explained
    environment = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(
        "{% macro absent(why) %}<p>{{ why }}</p>{% endmacro %}"
        "{% macro figure(picture, note='') %}{{ picture.svg or picture.missing }}{% endmacro %}"
        "{% include 'page_explain.html.j2' %}"
    )
    explanation = {
        "numbers": numbers,
        "missing": missing,
        "stale": False,
        "pictures": pictures,
        "wordings": {family.id: config.reasons.wordings(family) for family in config.reasons.families},
        "compared_with": config.reasons.compared_with,
        "version": config.reasons.version,
    }
    return page.render(explanation=explanation)


def test_a_resampled_figure_of_one_value_has_no_width(trained: tuple[Config, Files]):
    sums = np.column_stack([np.ones(50), np.full(50, 2.0)])
    half = explain.of_sums(with_reasons(trained[0]), sums, explanation.ratio)
    assert_array_equal([half.value, half.low, half.high], [0.5, 0.5, 0.5])
