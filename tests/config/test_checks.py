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
PURPOSE = "features: [term_months, purpose]"
UTILISED = "features: [utilisation]"
SEX_GROUPS = "sex: {groups: {female: [female], male: [male]}}"
YOUNG = "{name: under 25, low: 18, high: 24}"
WOMEN = "{name: women, attribute: sex, group: female, reference: male}"
OLD = "{name: age_62_and_over, attribute: age, group: 62 and over, reference: 25 to 61}"
MODE = "{mode: report, most_auc_lost: 0.01}"
DOUBLED = "{name: odds_doubled, odds: 2}"
NO_SEX = ((f"    {SEX_GROUPS}\n", ""), (f"    - {WOMEN}\n", ""), ("[[sex, age]]", "[]"))
GATE = "- {name: monotone, measure: monotone.violations, at_most: 0, exact: true, reason: declared directions hold}"


def with_column(facts):
    """One more column below sex, which nothing else in the config names."""
    return SEX, f"{SEX}\n  colour: {facts}"


def fairness_without(attributes):
    """The edit that leaves no attribute and nothing that names one."""
    text = (LENDER / "credit.yaml").read_text(encoding="utf-8")
    start, end = text.index("  attributes:\n"), text.index("  min_n: 50")
    contrasts = text[text.index("  contrasts:\n") : text.index("  alternatives: {mode")]
    return (text[start:end], attributes), (contrasts, "  contrasts: []\n")


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
    "input that is known later": (
        (TERM, "term_months: {role: feature, type: integer, range: [1, 480], known_at: later}"),
        "columns.term_months.known_at: an application cannot carry what is known only later",
    ),
    "input of a formula that is known later": (
        (
            "{role: input_only, type: number, range: [1, 10_000_000]}",
            "{role: input_only, type: number, known_at: later}",
        ),
        "columns.loan_amount.known_at: an application cannot carry what is known only later",
    ),
    "input of text": (
        ("{role: input_only, type: number, range: [1, 10_000_000]}", "{role: input_only, type: text}"),
        "columns.loan_amount: an input of the model cannot be of type text",
    ),
    "date that is no date": (
        ("applied_on: {role: date, type: date}", "applied_on: {role: date, type: text}"),
        "columns.applied_on.type: a column of role date needs type date, got text",
    ),
    "weight that no column is": (
        (SOURCES, f"{SOURCES}\n  weight: drawn_at"),
        "data.weight: data.weight is 'drawn_at' and the column of role weight is None: name the same in both",
    ),
    "weight that data does not name": (
        with_column("{role: weight, type: number}"),
        "data.weight: data.weight is None and the column of role weight is 'colour': name the same in both",
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
        with_column("{role: ignore}"),
        "columns.colour: say under `why:` why this column is ignore",
    ),
    "second target": (
        with_column("{role: target}"),
        "columns.status.role: only one column can be the target; 'colour' is it already",
    ),
    "second date": (
        with_column("{role: date, type: date}"),
        "columns.colour.role: only one column can be the date; 'applied_on' is it already",
    ),
    "second id": (
        with_column("{role: id}"),
        "columns.colour.role: only one column can be the id; 'application_id' is it already",
    ),
    "second applicant": (
        with_column("{role: applicant}"),
        "columns.colour.role: only one column can be the applicant; 'applicant_id' is it already",
    ),
    "no target": (
        ("status: {role: target}", "status: {role: ignore, why: none}"),
        "columns: no column has role target; mark the one that holds the outcome",
    ),
    "derived named like a column": (
        (DERIVED, f"{DERIVED}\n  status: {{formula: loan_amount * 2}}"),
        (PURPOSE, "features: [term_months, purpose, status]"),
        "derived.status: a column has this name already; give the derived feature another",
    ),
    "derived from an unknown column": (
        ("formula: loan_amount / income", "formula: loan_amount / incone"),
        "derived.loan_to_income.formula: the formula 'loan_amount / incone' is refused: there is no column 'incone'; "
        "did you mean 'income'?",
    ),
    "derived from a protected column": (
        ("formula: loan_amount / income", "formula: loan_amount / age"),
        "derived.loan_to_income.formula: age is a protected column, and no formula may read it",
    ),
    "derived from the target": (
        ("formula: loan_amount / income", "formula: loan_amount + status"),
        "there is no column 'status'",
    ),
    "derived from a later one": (
        (DERIVED, f"  early: {{formula: loan_to_income * 2}}\n{DERIVED}"),
        (PURPOSE, "features: [term_months, purpose, early]"),
        "derived.early.formula: 'loan_to_income' is derived further down; a formula may read only what stands above it",
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
    "reason family twice": (
        ("{id: R02,", "{id: R01,"),
        "reasons.families.1.id: two families are called R01; a notice could not tell them apart",
    ),
    "family of an unknown feature": (
        (UTILISED, "features: [utilisation, utilization]"),
        "reasons.families.1.features.1: there is no feature 'utilization'; did you mean 'utilisation'?",
    ),
    "family of an input that is no feature": (
        (UTILISED, "features: [utilisation, loan_amount]"),
        "reasons.families.1.features.1: there is no feature 'loan_amount'",
    ),
    "feature in two families": (
        (UTILISED, "features: [utilisation, months_late]"),
        "reasons.families.1.features.1: months_late is in R01 already; one family a feature",
    ),
    "feature twice in a family": (
        (UTILISED, "features: [utilisation, utilisation]"),
        "reasons.families.1.features.1: utilisation is in R02 already; one family a feature",
    ),
    "features in no family": (
        ("features: [employment, existing_customer]", "features: [employment]"),
        "reasons.families: no family holds existing_customer; a decline could not name them",
    ),
    "derived feature in no family": (
        (DERIVED, f"{DERIVED}\n  twice: {{formula: loan_to_income * 2}}"),
        "reasons.families: no family holds twice; a decline could not name them",
    ),
    "unknown required feature": (
        ("required: [months_late, utilisation]", "required: [months_late, utilization]"),
        "reasons.required.1: there is no feature 'utilization'; did you mean 'utilisation'?",
    ),
    "policy rule named like a reason": (
        ("name: very late", "name: R01"),
        "policy.rules.0.name: a reason family is called R01 too; ids are shared",
    ),
    "attribute that is no column": (
        (SEX_GROUPS, f"{SEX_GROUPS}\n    colour: {{}}"),
        "fairness.attributes.colour: colour is no column of role protected or proxy; sex, age are",
    ),
    "attribute that the model reads": (
        (SEX_GROUPS, f"{SEX_GROUPS}\n    purpose: {{}}"),
        "fairness.attributes.purpose: purpose is no column of role protected or proxy; sex, age are",
    ),
    "groups and bands": (
        (SEX_GROUPS, SEX_GROUPS.replace("}}", "}, bands: [{name: a, low: 1, high: 2}]}")),
        "fairness.attributes.sex: a column falls into groups by words or by bands, not by both",
    ),
    "word in two groups": (
        (SEX_GROUPS, "sex: {groups: {female: [female], male: [male, female]}}"),
        "fairness.attributes.sex.groups: female stands in two groups",
    ),
    "age band backwards": (
        (YOUNG, "{name: under 25, low: 24, high: 18}"),
        "fairness.attributes.age.bands.0: the band must go from low to high, got 24 to 18",
    ),
    "age bands that meet": (
        (YOUNG, "{name: under 25, low: 18, high: 25}"),
        "fairness.attributes.age.bands.1: 25 to 61 overlaps a band above it",
    ),
    "age band inside another": (
        (YOUNG, "{name: under 25, low: 70, high: 71}"),
        "fairness.attributes.age.bands.2: 62 and over overlaps a band above it",
    ),
    "age band twice": (
        (YOUNG, "{name: 25 to 61, low: 18, high: 24}"),
        "fairness.attributes.age.bands: two bands have one name",
    ),
    "contrast twice": (
        (OLD, OLD.replace("age_62_and_over", "women")),
        "fairness.contrasts.1.name: two contrasts are called 'women'; a gate could not tell them apart",
    ),
    "contrast of an unknown attribute": (
        (OLD, OLD.replace("attribute: age", "attribute: ages")),
        "fairness.contrasts.1.attribute: there is no attribute 'ages'; did you mean 'age'?",
    ),
    "contrast with itself": (
        (WOMEN, WOMEN.replace("reference: male", "reference: female")),
        "fairness.contrasts.0.reference: female compared with itself is always 1",
    ),
    "contrast of an unknown group": (
        (WOMEN, WOMEN.replace("group: female", "group: femal")),
        "fairness.contrasts.0.group: there is no group of sex 'femal'; did you mean 'female'?",
    ),
    "contrast with an unknown band": (
        (OLD, OLD.replace("reference: 25 to 61", "reference: 25 to 60")),
        "fairness.contrasts.1.reference: there is no group of age '25 to 60'; did you mean '25 to 61'?",
    ),
    "intersection of an unknown attribute": (
        ("[[sex, age]]", "[[sex, age], [age, purpose]]"),
        "fairness.intersections.1: there is no attribute 'purpose'",
    ),
    "intersection with itself": (
        ("[[sex, age]]", "[[sex, sex]]"),
        "fairness.intersections.0: sex crossed with itself says nothing new",
    ),
    "select without a person": (
        (MODE, "{mode: select, most_auc_lost: 0.01}"),
        "fairness.alternatives.sign_off: to select needs a person of the legal department, by first and last name",
    ),
    # of the part: alternatives
    "no word on the search for alternatives": (
        (f"  alternatives: {MODE}\n", ""),
        "fairness.alternatives: say whether a fairer model is searched for: {mode: off, most_auc_lost: 0}",
    ),
    # end of part
    "select signed by one word": (
        (MODE, "{mode: select, sign_off: legal, most_auc_lost: 0.01}"),
        "fairness.alternatives.sign_off: to select needs a person of the legal department, by first and last name",
    ),
    "no attribute and no word why": (
        *fairness_without("  attributes: {}\n"),
        "fairness.attributes: declare the protected columns, or say under `unavailable:` why there are none",
    ),
    "no attribute and an empty why": (
        *fairness_without('  attributes: {}\n  unavailable: ""\n'),
        "fairness.attributes: declare the protected columns, or say under `unavailable:` why there are none",
    ),
    "unavailable although there are attributes": (
        ("  min_n: 50", "  unavailable: not collected\n  min_n: 50"),
        "fairness.unavailable: attributes are declared, so they are not unavailable; take one of the two out",
    ),
    "scenario twice": (
        (DOUBLED, "{name: odds_up_half, odds: 2}"),
        "robustness.scenarios.3.name: two scenarios are called 'odds_up_half'; a report could not tell them apart",
    ),
    "scenario without a change": (
        (DOUBLED, "{name: odds_doubled, odds: 1}"),
        "robustness.scenarios.3: a scenario without columns and with odds of 1 changes nothing",
    ),
    "scenario that says nothing": (
        (DOUBLED, "{name: calm}"),
        "robustness.scenarios.3: a scenario without columns and with odds of 1 changes nothing",
    ),
    "scenario of an unknown column": (
        ('{months_late: "minimum', '{month_late: "minimum'),
        "robustness.scenarios.1.columns.month_late: there is no input 'month_late'; did you mean 'months_late'?",
    ),
    "scenario of a derived feature": (
        (DOUBLED, "{name: dearer, columns: {loan_to_income: loan_to_income * 2}}"),
        "robustness.scenarios.3.columns.loan_to_income: there is no input 'loan_to_income'",
    ),
    "scenario of a protected column": (
        (DOUBLED, "{name: older, columns: {age: income * 2}}"),
        "robustness.scenarios.3.columns.age: there is no input 'age'",
    ),
    "scenario that reads a protected column": (
        (DOUBLED, "{name: older, columns: {income: income - age}}"),
        "robustness.scenarios.3.columns.income: age is a protected column, and no formula may read it",
    ),
    "scenario that does more than arithmetic": (
        (DOUBLED, "{name: older, columns: {income: open(income)}}"),
        "robustness.scenarios.3.columns.income: the formula 'open(income)' is refused: open(…) is not allowed",
    ),
    "attack on an unknown column": (
        ("plausible: {utilisation: 1", "plausible: {utilization: 1"),
        "attacks.plausible.utilization: there is no input 'utilization'; did you mean 'utilisation'?",
    ),
    "attack on a derived feature": (
        ("plausible: {utilisation: 1", "plausible: {loan_to_income: 1"),
        "attacks.plausible.loan_to_income: there is no input 'loan_to_income'",
    ),
    "group of a word that the column cannot hold": (
        (SEX_GROUPS, "sex: {groups: {female: [female, femal], male: [male]}}"),
        "fairness.attributes.sex.groups.female: there is no category of sex 'femal'; did you mean 'female'?",
    ),
    "category in no group": (
        (SEX, SEX.replace("[female, male]", "[female, male, diverse]")),
        "fairness.attributes.sex.groups: no group holds diverse; such applicants would drop out of every comparison",
    ),
    "contrast of a group that no category is": (
        (SEX_GROUPS, "sex: {}"),
        (WOMEN, WOMEN.replace("group: female", "group: femal")),
        "fairness.contrasts.0.group: there is no group of sex 'femal'; did you mean 'female'?",
    ),
    "signed by nobody": (
        (MODE, "{mode: select, sign_off: n/a n/a, most_auc_lost: 0.01}"),
        "fairness.alternatives.sign_off: to select needs a person of the legal department, by first and last name",
    ),
    "gate twice": (
        (GATE, GATE.replace("name: monotone", "name: discrimination")),
        "gates.1.name: two gates are called 'discrimination'; a waiver could not tell them apart",
    ),
    "gate on a contrast that is none": (
        (GATE, GATE.replace("measure: monotone.violations", "measure: fairness.contrasts.womn.ratio")),
        "gates.1.measure: there is no contrast 'womn'; did you mean 'women'?",
    ),
    "gate on an attribute that is none": (
        (GATE, GATE.replace("measure: monotone.violations", "measure: fairness.attributes.sx.ratio")),
        "gates.1.measure: there is no attribute 'sx'; did you mean 'sex'?",
    ),
    "gate on a group of words that is none": (
        (GATE, GATE.replace("measure: monotone.violations", "measure: fairness.attributes.sex.groups.femal.rows")),
        "gates.1.measure: there is no group of sex 'femal'; did you mean 'female'?",
    ),
    "gate on a band of ages that is none": (
        (GATE, GATE.replace("measure: monotone.violations", "measure: fairness.attributes.age.groups.25 to 62.rows")),
        "gates.1.measure: there is no group of age '25 to 62'; did you mean '25 to 61'?",
    ),
    "gate on a scenario that is none": (
        (
            GATE,
            GATE.replace(
                "measure: monotone.violations", "measure: robustness.scenarios.odds_up_halve.held_profit, of: scorecard"
            ),
        ),
        "gates.1.measure: there is no scenario 'odds_up_halve'; did you mean 'odds_up_half'?",
    ),
    "gate on a family that is none": (
        (GATE, GATE.replace("measure: monotone.violations", "measure: explain.reasons.of_family.R1.untrue")),
        "gates.1.measure: there is no family of reasons 'R1'; did you mean 'R01'?",
    ),
    "gate on a model that is none": (
        (GATE, GATE.replace("measure: monotone.violations", "measure: challengers.ligthgbm.auc, of: scorecard")),
        "gates.1.measure: there is no model 'ligthgbm'; did you mean 'lightgbm'?",
    ),
    "gate for a kind of model that is none": (
        (GATE, GATE.replace("at_most: 0, ", "at_most: 0, of: scorcard, ")),
        "gates.1.of: Input should be 'lightgbm' or 'scorecard'; got 'scorcard'; did you mean 'scorecard'?",
    ),
    "gate without a limit": (
        (GATE, GATE.replace("at_most: 0, ", "")),
        "gates.1: a gate without `at_least` or `at_most` cannot fail",
    ),
    "gate with its limits the wrong way round": (
        (GATE, GATE.replace("at_most: 0, ", "at_least: 1.2, at_most: 1.1, ")),
        "gates.1: at_least 1.2 lies above at_most 1.1: nothing could pass; turn them round",
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
    *edits, sentence = CASES[case]
    found = problems(tmp_path, *edits)
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
        ("feature in two families", UTILISED),
        ("features in no family", "families:"),
        ("policy rule named like a reason", "{name: very late"),
        ("word in two groups", SEX_GROUPS),
        ("age bands that meet", "bands: [{name: under 25"),
        ("contrast of an unknown group", WOMEN),
        ("select without a person", MODE),
        ("scenario without a change", DOUBLED),
        ("attack on an unknown column", "plausible: {"),
    ],
)
def test_a_problem_stands_at_its_line(tmp_path, case, place):
    *edits, _ = CASES[case]
    assert problems(tmp_path, *edits)[0].startswith(f"credit.yaml line {line_of(place)}: ")


def test_the_checks_report_together(tmp_path):
    cases = [
        "category twice",
        "shares",
        "unknown segment",
        "cost above the margin",
        "unknown required feature",
        "word in two groups",
        "scenario without a change",
        "attack on an unknown column",
        "gate twice",
    ]
    found = problems(tmp_path, *(CASES[case][0] for case in cases))
    assert len(found) == len(cases)
    assert all(any(CASES[case][-1] in problem for problem in found) for case in cases)


def test_a_model_without_features_reads_nothing(tmp_path):
    path = edited(tmp_path, (DERIVED, "  {}"), ("segments: [purpose, utilisation]", "segments: []"))
    text = path.read_text(encoding="utf-8").replace("role: feature", "role: input_only")
    start, end = text.index("  directions:"), text.index("tune:")
    text = text[:start] + "  directions: {}\n" + text[end:]
    start, end = text.index("  required:"), text.index("fairness:")
    family = "{id: R01, features: [months_late], text: t, prompt: p}"
    path.write_text(f"{text[:start]}  families: [{family}]\n{text[end:]}", encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        load(path)
    assert [problem.split(": ", 1)[1] for problem in refusal.value.problems] == [
        "columns: no column has role feature and nothing is derived; the model would read nothing",
        "reasons.families.0.features.0: there is no feature 'months_late'",
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
        ((SEX, "sex: {role: ignore, type: category, why: not collected}"), *NO_SEX),
        (
            (DERIVED, f"{DERIVED}\n  twice: {{formula: term_months * 2}}"),
            (PURPOSE, "features: [term_months, purpose, twice]"),
        ),
        ((SOURCES, "sources: [{path: a.csv}, {path: b.csv, join_on: application_id}]"),),
        (("bands: [{name: A, minimum: 560}, {name: B, minimum: 530}, {", "bands: [{"),),
        (
            ("directions: {months_late: increasing", "directions: {employment: decreasing"),
            (", employment: decreasing,", ","),
        ),
        (("required: [months_late, utilisation]", "required: [loan_to_income]"),),
        ((SEX, SEX.replace("protected", "proxy")),),
        ((SEX_GROUPS, "sex: {}"),),
        fairness_without("  attributes: {}\n  unavailable: the law of the land forbids to keep them\n"),
        (("[[sex, age]]", "[[sex, age], [age, sex]]"),),
        ((MODE, "{mode: select, sign_off: Ada Lovelace, most_auc_lost: 0.01}"),),
        ((DOUBLED, "{name: both, columns: {income: loan_amount / loan_to_income * 0.9}, odds: 2}"),),
        (("attacks:\n  plausible: {utilisation: 1, purpose: 0.5, loan_amount: 1}\n  budget: 0.5\n  rows: 300\n", ""),),
        (("train: 0.5, selection: 0.2, test: 0.3", "train: 0.7, selection: 0.2, test: 0.1"),),
    ],
)
def test_what_is_sound_passes(tmp_path, edits):
    assert load(edited(tmp_path, *edits)).version == 4


def test_a_gate_on_stability_needs_a_split_by_time(tmp_path):
    stable = GATE.replace("name: monotone, measure: monotone.violations", "name: stable, measure: stability.score_psi")
    both = (GATE, f"{GATE}\n  {stable}")
    load(edited(tmp_path / "time", both))
    random = ("by: time", "by: random, why_random: the dates are those of a system change")
    (problem,) = problems(tmp_path / "random", both, random)
    assert problem.split(": ", 1)[1] == (
        "gates.2.measure: stability is not applicable to a random split, where it cannot fail; "
        "split by time, or take it out"
    )
