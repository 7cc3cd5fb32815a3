"""What no single value shows: each check refuses its own fault, at its line, and only that."""

import shutil
from pathlib import Path

import pytest

from credit_risk.config import load
from credit_risk.errors import ConfigError

LENDER = Path(__file__).parents[1] / "lender"
SEX = "sex: {role: protected, type: category, categories: [female, male], why: sex}"
AGE = "age: {role: protected, type: integer, range: [18, 110], why: age}"
TERM = "term_months: {role: feature, type: integer, range: [1, 480]}"
DERIVED = "  loan_to_income: {formula: loan_amount / income, label: loan as share of income}"
EXCLUSION = 'exclusions: [{name: long terms, where: "term_months > 96", reason: product withdrawn}]'
BANDS = "bands: [{name: A, minimum: 560}, {name: B, minimum: 530}, {name: C, minimum: 0}]"
SOURCES = "sources: [{path: data/applications.csv}]"
CONTRACT = "contract: {min_rows: 100, max_duplicates: 0.05}"
RULE = "{name: r, must: income > 0, reason: x}"
GATE = "- {name: monotone, measure: monotone.violations, at_most: 0, exact: true, reason: declared directions hold}"


def edited(tmp_path, *edits):
    shutil.copytree(LENDER, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "credit.yaml"
    text = path.read_text(encoding="utf-8")
    for before, after in edits:
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path, *edits):
    with pytest.raises(ConfigError) as refusal:
        load(edited(tmp_path, *edits))
    return refusal.value.problems


def line_of(text):
    """The line of the untouched file that a text stands in."""
    whole = (LENDER / "credit.yaml").read_text(encoding="utf-8")
    return whole[: whole.index(text)].count("\n") + 1


CASES = {
    "category without categories": (
        (SEX, "sex: {role: protected, type: category, why: sex}"),
        "columns.sex: a column of type category needs `categories: [...]`",
    ),
    "ordered without categories": (
        (TERM, "term_months: {role: feature, type: ordered}"),
        "columns.term_months: a column of type ordered needs `categories: [...]`",
    ),
    "categories of a number": (
        (AGE, "age: {role: protected, type: integer, categories: [a], why: age}"),
        "columns.age.categories: only a category or ordered column has categories; this one is integer",
    ),
    "category twice": (
        ("categories: [female, male]", "categories: [female, male, female]"),
        "columns.sex.categories: a category stands here twice",
    ),
    "range of a category": (
        ("categories: [female, male]", "range: [0, 1], categories: [female, male]"),
        "columns.sex.range: only a number or integer column has a range; this one is category",
    ),
    "range backwards": (
        (TERM, "term_months: {role: feature, type: integer, range: [480, 1]}"),
        "columns.term_months.range: the range must go from low to high, got [480.0, 1.0]",
    ),
    "input of text": (
        ("{role: input_only, type: number, range: [1, 10_000_000]}", "{role: input_only, type: text}"),
        "columns.loan_amount: an input of the model cannot be of type text",
    ),
    "date that is no date": (
        ("applied_on: {role: date, type: date}", "applied_on: {role: date, type: text}"),
        "columns.applied_on.type: a column of role date needs type date, got text",
    ),
    "guarded without why": (
        (SEX, "sex: {role: protected, type: category, categories: [female, male]}"),
        "columns.sex: say under `why:` why this column is protected",
    ),
    "proxy without why": (
        (SEX, "sex: {role: proxy, type: category, categories: [female, male]}"),
        "columns.sex: say under `why:` why this column is proxy",
    ),
    "ignored without why": (
        (SEX, "sex: {role: ignore}"),
        "columns.sex: say under `why:` why this column is ignore",
    ),
    "second target": (
        (SEX, "sex: {role: target}"),
        "columns.status.role: only one column can be the target; 'sex' is it already",
    ),
    "second date": (
        (SEX, "sex: {role: date, type: date}"),
        "columns.sex.role: only one column can be the date; 'applied_on' is it already",
    ),
    "second id": (
        (SEX, "sex: {role: id}"),
        "columns.sex.role: only one column can be the id; 'application_id' is it already",
    ),
    "second applicant": (
        (SEX, "sex: {role: applicant}"),
        "columns.sex.role: only one column can be the applicant; 'applicant_id' is it already",
    ),
    "no target": (
        ("status: {role: target}", "status: {role: ignore, why: none}"),
        "columns: no column has role target; mark the one that holds the outcome",
    ),
    "derived named like a column": (
        (DERIVED, f"{DERIVED}\n  status: {{formula: loan_amount * 2}}"),
        "derived.status: a column has this name already; give the derived feature another",
    ),
    "derived from an unknown column": (
        ("formula: loan_amount / income", "formula: loan_amount / incone"),
        "derived.loan_to_income.formula: the formula 'loan_amount / incone' is refused: there is no column 'incone'; "
        "did you mean 'income'?",
    ),
    "derived from a protected column": (
        ("formula: loan_amount / income", "formula: loan_amount / age"),
        "derived.loan_to_income.formula: the formula 'loan_amount / age' is refused: there is no column 'age'",
    ),
    "derived from the target": (
        ("formula: loan_amount / income", "formula: loan_amount + status"),
        "there is no column 'status'",
    ),
    "derived from a later one": (
        (DERIVED, f"  early: {{formula: loan_to_income * 2}}\n{DERIVED}"),
        "derived.early.formula: the formula 'loan_to_income * 2' is refused: there is no column 'loan_to_income'",
    ),
    "exclusion": (
        ('"term_months > 96"', '"term_month > 96"'),
        "outcome.exclusions.0.where: the formula 'term_month > 96' is refused: there is no column 'term_month'",
    ),
    "contract rule": (
        (CONTRACT, CONTRACT.replace("}", ", rules: [{name: r, must: open(income), reason: x}]}")),
        "contract.rules.0.must: the formula 'open(income)' is refused: open(…) is not allowed",
    ),
    "policy rule": (
        ("where: months_late >= 6", "where: purpose == 'boat'"),
        "policy.rules.0.where: the formula \"purpose == 'boat'\" is refused: purpose has no category 'boat'; "
        "it has 'car', 'home', 'education', 'business'",
    ),
    "direction of no feature": (
        ("directions: {months_late: increasing", "directions: {month_late: increasing"),
        "model.directions.month_late: there is no feature 'month_late'; did you mean 'months_late'?",
    ),
    "direction of an input only": (
        ("directions: {months_late: increasing", "directions: {loan_amount: increasing"),
        "model.directions.loan_amount: there is no feature 'loan_amount'",
    ),
    "direction of plain categories": (
        ("directions: {months_late: increasing", "directions: {purpose: increasing"),
        "model.directions.purpose: plain categories have no order; make the column ordered first",
    ),
    "unknown segment": (
        ("segments: [purpose, utilisation]", "segments: [purpose, utilization]"),
        "evaluation.segments.1: there is no input or derived feature 'utilization'; did you mean 'utilisation'?",
    ),
    "shares": (
        ("train: 0.5, selection", "train: 0.6, selection"),
        "split: train, selection and test must add up to 1, got 1.1",
    ),
    "random although there is a date": (
        ("by: time", "by: random"),
        "split.by: there is a date (applied_on): split by time, or say under `why_random:` why not",
    ),
    "time without a date": (
        ("applied_on: {role: date, type: date}", "applied_on: {role: ignore, why: none}"),
        "split.by: a split by time needs a column of role date; there is none, so write `by: random`",
    ),
    "bad and good": (
        ("good: [good]", "good: [good, bad]"),
        "outcome.good: ['bad'] stands under `bad` too; an outcome is one of them",
    ),
    "bad and indeterminate": (
        ("indeterminate: [indeterminate]", "indeterminate: [bad]"),
        "outcome.indeterminate: ['bad'] stands under `bad` too",
    ),
    "good and indeterminate": (
        ("indeterminate: [indeterminate]", "indeterminate: [good]"),
        "outcome.indeterminate: ['good'] stands under `good` too",
    ),
    "bad rate backwards": (
        ("bad_rate: [0.05, 0.5]", "bad_rate: [0.5, 0.05]"),
        "outcome.bad_rate: the range must go from low to high, got [0.5, 0.05]",
    ),
    "cost above the margin": (
        ("cost: 0.01", "cost: 0.12"),
        "policy.cost: a cost of 0.12 eats the margin of 0.12: nobody is approved",
    ),
    "bands from worst to best": (
        (BANDS, "bands: [{name: C, minimum: 0}, {name: B, minimum: 530}]"),
        "policy.bands: list the bands from best to worst, each minimum once; got [0.0, 530.0]",
    ),
    "band minimum twice": (
        (BANDS, "bands: [{name: B, minimum: 0}, {name: C, minimum: 0}]"),
        "policy.bands: list the bands from best to worst, each minimum once; got [0.0, 0.0]",
    ),
    "contract rule twice": (
        (CONTRACT, CONTRACT.replace("}", f", rules: [{RULE}, {RULE}]}}")),
        "contract.rules.1.name: two rules are called 'r'; no report could tell them apart",
    ),
    "gate twice": (
        (GATE, GATE.replace("name: monotone", "name: discrimination")),
        "gates.1.name: two gates are called 'discrimination'; a waiver could not tell them apart",
    ),
    "gate without a limit": (
        (GATE, GATE.replace("at_most: 0, ", "")),
        "gates.1: a gate without `at_least` or `at_most` cannot fail",
    ),
    "first source joined": (
        (SOURCES, "sources: [{path: data/applications.csv, join_on: application_id}]"),
        "data.sources.0.join_on: the others are joined to the first file; it joins to nothing",
    ),
    "second source not joined": (
        (SOURCES, "sources: [{path: a.csv}, {path: b.csv}]"),
        "data.sources.1: say under `join_on:` by which column b.csv meets a.csv",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_check_refuses_its_own_fault_alone(tmp_path, case):
    edit, sentence = CASES[case]
    found = problems(tmp_path, edit)
    assert len(found) == 1, found
    assert sentence in found[0]
    assert found[0].startswith("credit.yaml line ")


@pytest.mark.parametrize(
    ("case", "place"),
    [
        ("category twice", SEX),
        ("range backwards", TERM),
        ("guarded without why", SEX),
        ("exclusion", EXCLUSION),
        ("derived from an unknown column", DERIVED.strip()),
        ("unknown segment", "evaluation: {"),
        ("shares", "split: {"),
        ("gate twice", GATE),
        ("bands from worst to best", BANDS),
        ("second source not joined", SOURCES),
    ],
)
def test_a_problem_stands_at_its_line(tmp_path, case, place):
    edit, _ = CASES[case]
    assert problems(tmp_path, edit)[0].startswith(f"credit.yaml line {line_of(place)}: ")


def test_the_checks_report_together(tmp_path):
    cases = ["category twice", "shares", "unknown segment", "cost above the margin", "gate twice"]
    found = problems(tmp_path, *(CASES[case][0] for case in cases))
    assert len(found) == len(cases)
    assert all(any(CASES[case][1] in problem for problem in found) for case in cases)


def test_a_model_without_features_reads_nothing(tmp_path):
    path = edited(tmp_path, (DERIVED, "  {}"), ("segments: [purpose, utilisation]", "segments: []"))
    text = path.read_text(encoding="utf-8").replace("role: feature", "role: input_only")
    start, end = text.index("  directions:"), text.index("tune:")
    path.write_text(text[:start] + "  directions: {}\n" + text[end:], encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        load(path)
    assert [problem.split(": ", 1)[1] for problem in refusal.value.problems] == [
        "columns: no column has role feature and nothing is derived; the model would read nothing"
    ]


@pytest.mark.parametrize(("bad", "good"), [("[1]", "[1.0]"), ("[true]", "['true']"), ("[2]", "['2']")])
def test_one_word_of_the_data_cannot_be_bad_and_good(tmp_path, bad, good):
    """1, 1.0 and "1" are one word in a data file, and true is "true"."""
    found = problems(tmp_path, ("bad: [bad]", f"bad: {bad}"), ("good: [good]", f"good: {good}"))
    assert len(found) == 1
    assert "stands under `bad` too" in found[0]


@pytest.mark.parametrize(
    "edits",
    [
        (("by: time", "by: random, why_random: drawn on one day"),),
        (("applied_on: {role: date, type: date}", "applied_on: {role: ignore, why: x}"), ("by: time", "by: random")),
        ((SEX, "sex: {role: ignore, type: category, why: not collected}"),),
        ((DERIVED, f"{DERIVED}\n  twice: {{formula: loan_to_income * 2}}"),),
        ((SOURCES, "sources: [{path: a.csv}, {path: b.csv, join_on: application_id}]"),),
        (("bands: [{name: A, minimum: 560}, {name: B, minimum: 530}, {", "bands: [{"),),
        (
            ("directions: {months_late: increasing", "directions: {employment: decreasing"),
            (", employment: decreasing,", ","),
        ),
        (("train: 0.5, selection: 0.2, test: 0.3", "train: 0.7, selection: 0.2, test: 0.1"),),
    ],
)
def test_what_is_sound_passes(tmp_path, edits):
    assert load(edited(tmp_path, *edits)).version == 1
