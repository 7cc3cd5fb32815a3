"""The first config: what stands in it can be read off the data, and it is valid once everything is decided."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from pandas import DataFrame

from credit_risk.config import load
from credit_risk.config.formulas import parse
from credit_risk.config.open_decisions import DECISIONS
from credit_risk.data.reading.tables import no_progress, read_sources
from credit_risk.errors import ConfigError
from credit_risk.fork.drafting import draft, protected_groups, reason_families
from credit_risk.fork.drafting.draft import Facts
from credit_risk.fork.drafting.profile import Profile
from credit_risk.fork.drafting.profiling import profiles
from credit_risk.fork.reading import dialects, raw_texts
from credit_risk.measures import fairness

N = 1_000
RANDOM = np.random.default_rng(3)
BAD = np.arange(N) % 5 == 0
FACTS = Facts(
    name="lender",
    path="data/loans.csv",
    delimiter=";",
    encoding="cp1252",
    missing=("", "NA"),
    max_bytes=10_000,
    rows=N,
    bad=("bad",),
    good=("good",),
    indeterminate=(),
    bad_rate=0.2,
    duplicates=0.01,
)
MODEL = """\
learning_rate: 0.05
num_leaves: 7
max_depth: 5
min_child_samples: 10
reg_alpha: 0.0
reg_lambda: 5.0
colsample_bytree: 0.6
subsample: 0.8
monotone_constraints_method: intermediate
"""


def columns(**more):
    """A lender with a plain name, names that YAML could take for something else, and a sex."""
    table = {
        "income": RANDOM.integers(1000, 9000, N).astype(str),
        "no": np.where(np.arange(N) % 3, "a: b", "#c"),
        "months late": np.where(BAD, 1 + np.arange(N) // 5 % 5, np.arange(N) % 6).astype(str),
        "rate_1": RANDOM.integers(0, 99, N).astype(str),
        "rate_2": RANDOM.integers(0, 99, N).astype(str),
        "sex": np.where(np.arange(N) % 2, "m", "f"),
        "status": np.where(BAD, "bad", "good"),
    }
    return DataFrame({**table, **more}, dtype="str")


def found(table=None, **told):
    return profiles(
        columns() if table is None else table, BAD, np.ones(N, bool), {"status": "target", **told}, ("", "NA")
    )


def loaded(tmp_path, text):
    (tmp_path / "credit.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "model.yaml").write_text(MODEL, encoding="utf-8")
    return load(tmp_path / "credit.yaml")


ANSWERS = {
    "project.legal_basis": "consent",
    "outcome.definition": "90 days late",
    "outcome.favourable": "the loan is paid out",
    "outcome.performance_window_months": 12,
    "outcome.population": "all",
    "policy.margin": 0.2,
    "policy.lgd": 0.6,
    "policy.cost": 0.01,
}


def test_with_every_decision_the_draft_is_a_config(tmp_path):
    config = loaded(tmp_path, draft.text(FACTS, found(sex="protected"), ANSWERS, accept=False))
    assert config.suggested == ()
    assert (config.project.name, config.data.delimiter, config.data.missing) == ("lender", ";", ("", "NA"))
    assert (config.outcome.bad, config.outcome.good, config.outcome.population) == (("bad",), ("good",), "all")
    assert (config.policy.margin, config.policy.lgd, config.policy.cost) == (0.2, 0.6, 0.01)
    assert config.features == ("income", "no", "months late", "rate_1", "rate_2")
    assert config.columns["no"].categories == ("#c", "a: b")
    assert config.model.directions == {"months late": "increasing"}
    assert config.split.by == "random"
    assert [one.name for one in config.fairness.contrasts] == ["sex_m"]
    assert "fairness_sex_m" in [gate.name for gate in config.gates]


def test_what_nobody_decided_is_refused_with_its_line_and_its_question(tmp_path):
    text = draft.text(FACTS, found(), {}, accept=False)
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text)
    asked = [one for one in DECISIONS if one.path != "fairness.unavailable"]
    assert len(refused.value.problems) == len(asked) + 1, "one more is the sex, which its name alone suggests"
    line = next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith("  margin:"))
    assert refused.value.problems[-1] == (
        f"credit.yaml line {line + 2}: policy.cost: not decided yet: what it costs to open any account, as a share "
        "of the exposure. Write the answer in the place of ???, a number without quotes"
    )
    assert any(
        "columns.sex.why: not decided yet: whether the column's role is right" in one for one in refused.value.problems
    )


def test_without_protected_columns_the_reason_has_to_be_said(tmp_path):
    table = columns().drop(columns="sex")
    with pytest.raises(ConfigError, match=r"fairness\.unavailable: not decided yet: why there is no protected column"):
        loaded(tmp_path, draft.text(FACTS, found(table), ANSWERS, accept=False))
    said = ANSWERS | {"fairness.unavailable": "the law forbids to keep them"}
    config = loaded(tmp_path, draft.text(FACTS, found(table), said, accept=False))
    assert config.fairness.unavailable == "the law forbids to keep them"
    assert not [gate.name for gate in config.gates if gate.name.startswith(("fairness", "proxies"))]


def test_bands_lie_around_the_score_of_the_mean_odds(tmp_path):
    # 50 goods to a bad is 600 points, and each halving of the odds 20 fewer: 1.5625 to one is 500.
    assert draft.bands(1 / 2.5625) == [("A", 540), ("B", 520), ("C", 500), ("D", 480), ("E", 0)]
    config = loaded(tmp_path, draft.text(FACTS, found(sex="protected"), ANSWERS, accept=False))
    assert (config.policy.scale.base, config.policy.scale.odds, config.policy.scale.pdo) == (600, 50, 20)


def test_the_two_columns_that_rank_best_are_the_segments(tmp_path):
    profiled = found(sex="protected")
    config = loaded(tmp_path, draft.text(FACTS, profiled, ANSWERS, accept=False))
    best = sorted((one for one in profiled if one.role == "feature"), key=lambda one: one.gini)[-2:]
    assert sorted(config.evaluation.segments) == sorted(one.name for one in best)


def test_only_a_role_that_has_to_be_confirmed_is_marked_as_proposed():
    told = draft.text(FACTS, found(sex="protected"), ANSWERS, accept=True)
    assert "proposed:" not in told
    assert "# proposed: sex, as its name says" in draft.text(FACTS, found(), ANSWERS, accept=True)


def test_suggestions_are_listed_where_they_were_taken(tmp_path):
    config = loaded(tmp_path, draft.text(FACTS, found(), {"policy.lgd": 0.4}, accept=True))
    assert config.suggested == (
        "project.legal_basis", "outcome.definition", "outcome.favourable", "outcome.performance_window_months",
        "outcome.population", "policy.margin", "policy.cost", "columns.sex.why",
    )  # fmt: skip
    assert config.policy.lgd == 0.4
    assert config.notice.startswith("TRIAL: nobody has decided project.legal_basis")


def test_the_suggested_cut_off_lies_at_the_bad_rate():
    policy = {key: draft.suggestions(FACTS)[f"policy.{key}"] for key in ("margin", "lgd", "cost")}
    assert (policy["margin"] - policy["cost"]) / (policy["margin"] + policy["lgd"]) == 0.2


def test_columns_that_are_numbered_alike_share_a_reason():
    families = reason_families.families([one for one in found() if one.role == "feature"])
    assert [one["features"] for one in families] == [["income"], ["no"], ["months late"], ["rate_1", "rate_2"]]
    assert [one["id"] for one in families] == ["R01", "R02", "R03", "R04"]
    assert families[2]["text"] == "Months late is high compared with {population}"
    assert families[3]["text"] == "Rate, compared with {population}"


@pytest.mark.weekly
def test_five_hundred_columns_make_a_config(tmp_path):
    wide = {f"x{n}y": RANDOM.integers(0, 90 + n, N).astype(str) for n in range(500)}
    config = loaded(tmp_path, draft.text(FACTS, found(columns(**wide), sex="protected"), ANSWERS, accept=False))
    assert len(config.features) == 505
    assert config.reasons.families[-1].id == "R504"


def protected(name, kind, span=None, **groups):
    return Profile(name, kind, "protected", 0.0, why="a test", range=span, groups=groups)


def test_small_groups_of_a_protected_column_are_put_together():
    groups = protected_groups.groups_of(protected("origin", "category", a=500, b=29, c=1, d=60))
    assert [(one["name"], one["rows"]) for one in groups] == [("a", 500), ("d", 60), ("others", 30)]
    assert groups[2]["words"] == ["b", "c"]


def test_an_age_falls_into_the_bands_of_law_and_house_policy():
    groups = protected_groups.groups_of(
        protected("age", "integer", (18, 110), **{str(age): 2 for age in range(20, 70)})
    )
    assert [tuple(one.values()) for one in groups] == [
        ("under 25", 18, 24, 10),
        ("25 to 61", 25, 61, 74),
        ("62 and over", 62, 110, 16),
    ]


def test_a_code_among_ages_has_a_group_of_its_own():
    ages = {str(age): 2 for age in (-1, *range(20, 70), 999)}
    groups = protected_groups.groups_of(protected("age", "integer", (-1, 999), **ages))
    assert [tuple(one.values()) for one in groups[3:]] == [("below 0", -1, -1, 2), ("above 120", 121, 999, 2)]
    assert groups[2]["high"] == 120


def test_another_number_falls_into_thirds_that_hold_its_whole_range():
    groups = protected_groups.groups_of(protected("children", "number", (0, 20), **{str(n / 2): 10 for n in range(12)}))
    assert [one["rows"] for one in groups] == [40, 40, 40]
    assert [one["name"] for one in groups] == ["up to 1.5", "above 1.5 to 3.5", "above 3.5"]
    assert (groups[0]["low"], groups[-1]["high"]) == (0, 20)
    assert all(one["high"] < next_["low"] for one, next_ in pairwise(groups))


def test_a_year_of_birth_is_no_age():
    years = {str(year): 10 for year in range(1960, 1972)}
    groups = protected_groups.groups_of(protected("birth_year", "integer", (0, 4000), **years))
    assert [(one["low"], one["high"]) for one in groups] == [(0, 1963), (1964, 1967), (1968, 4000)]


def test_a_number_that_is_mostly_its_highest_falls_into_two_groups():
    few = {str(n): 1 for n in range(11)}
    groups = protected_groups.groups_of(protected("score", "integer", (0, 50), **few, **{"50": 89}))
    assert [(one["name"], one["rows"]) for one in groups] == [("up to 10", 11), ("above 10", 89)]


def test_a_cell_that_is_no_number_makes_no_group():
    ages = {str(age): 2 for age in range(20, 70)} | {"unknown": 1}
    assert sum(one["rows"] for one in protected_groups.groups_of(protected("age", "integer", (18, 110), **ages))) == 100


PROTECTED = {
    "foreign_worker": np.where(np.arange(N) % 3, "yes", "no"),
    "gender": np.where(np.arange(N) % 2, "1.50", "0.50"),
    "nationality": np.where(np.arange(N) % 2, "01", "2"),
    "birth_year": 1950 + np.arange(N) % 50,
    "age": np.where(np.arange(N) % 100, 18 + np.arange(N) % 60, 999),
}


@pytest.mark.parametrize("name", PROTECTED)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_value_of_a_protected_column_belongs_to_a_group_of_the_draft(tmp_path, name, kind):
    """The words of the draft against those that the pipeline reads from the same file by that draft."""
    path = tmp_path / f"loans.{kind}"
    table = columns().drop(columns="sex").assign(**{name: PROTECTED[name]})
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    facts = replace(FACTS, path=path.name, delimiter=",", encoding="utf-8", max_bytes=1_000_000)
    texts = raw_texts.texts(path, dialects.dialect(path), no_progress)
    text = draft.text(facts, found(texts), ANSWERS, accept=True)
    config = loaded(tmp_path, text)
    values = read_sources(config, tmp_path)[name]
    grouping = fairness.grouped(name, values, config.fairness.attributes[name])
    assert np.bincount(grouping.code, minlength=2).min() > 0, "each group holds somebody"


def test_a_low_bad_rate_still_makes_a_margin_and_limits_that_hold_it(tmp_path):
    facts = replace(FACTS, bad_rate=0.00004)
    assert draft.suggestions(facts)["policy.margin"] == 0.00002
    config = loaded(tmp_path, draft.text(facts, found(sex="protected"), {}, accept=True))
    assert config.outcome.bad_rate == (0.00002, 0.00008)


def test_groups_whose_names_have_no_latin_letter_keep_apart():
    one = protected("性别", "category", 男=300, 女=200, 他=100)
    contrasts = protected_groups.contrasts([(one, protected_groups.groups_of(one))])
    assert [each["group"] for each in contrasts] == ["女", "他"]
    assert len({each["name"] for each in contrasts}) == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("two words", "two words"),
        ("yes", '"yes"'),
        ("No", '"No"'),
        ("1", '"1"'),
        ("a: b", '"a: b"'),
        ("ends ", '"ends "'),
        ("Einkommen (€)", '"Einkommen (€)"'),
        (10_000, "10_000"),
        (2.0, "2"),
        (0.5, "0.5"),
        (True, "true"),
        (["a", 1], "[a, 1]"),
        ({"a b": "?"}, '{a b: "?"}'),
    ],
)
def test_a_value_is_written_so_that_yaml_reads_it_back(value, text):
    assert draft.flow(value) == text


def test_a_stress_makes_the_strongest_directed_number_a_fifth_worse():
    assert draft.stress([one for one in found() if one.role == "feature"]) == {
        "months late": 'clip(floor(col["months late"] * 1.2 + 0.5), 0, 10)'
    }
    assert draft.stress([one for one in found() if one.name == "no"]) is None


@pytest.mark.parametrize("name", ["class", "not", "None", "a b"])
def test_a_column_whose_name_is_a_word_of_the_language_is_named_as_any_can_be(name):
    assert reason_families.flow_name(name) == f'col["{name}"]'
    assert parse(f"{reason_families.flow_name(name)} * 2", {name: None}).inputs == (name,)


@pytest.mark.parametrize(
    ("values", "rows", "rises", "worse_from"),
    [
        ([0, 1, 2], [10, 60, 30], True, 1.0),  # the middle row has a 1
        ([0, 1, 2], [10, 60, 30], False, 1.0),
        ([0, 1, 2], [70, 20, 10], True, 1.0),  # most have the best: "is high" is true of none of them
        ([0, 1, 2], [5, 5, 90], False, 1.0),
        ([3], [9], True, 3.0),
    ],
)
def test_a_text_is_true_of_the_worse_half_and_never_of_those_with_the_best_value(values, rows, rises, worse_from):
    assert reason_families._worse_from(np.array(values, dtype=float), np.array(rows), rises=rises) == worse_from
