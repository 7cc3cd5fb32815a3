"""The simulated lender: what its doses do, and that they do nothing else."""

import numpy as np
import pytest
from pandas import DataFrame, DateOffset, Series
from pandas.testing import assert_frame_equal
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from credit_risk.data.simulated_lender import EMPLOYMENT, SimulatedBook, lender, log_odds

# Sign of the change in true PD as the column rises, all else equal: `purpose` has no order, `sex` and `age` no effect.
DIRECTIONS = {
    "income": -1,
    "loan_amount": 1,
    "term_months": 1,
    "utilisation": 1,
    "months_late": 1,
    "employment": -1,
    "existing_customer": -1,
}


def standard_error_of_bads(pd: Series) -> float:
    """Of a bad rate over independent applications with these PDs."""
    return float(np.sqrt((pd * (1 - pd)).sum()) / len(pd))


def known(book: SimulatedBook) -> DataFrame:
    """The applications with every income filled in from the truth."""
    return book.applications.assign(income=book.truth["income"])


def changed_columns(book: SimulatedBook, other: SimulatedBook) -> set[str]:
    return {column for column in book.applications if not book.applications[column].equals(other.applications[column])}


def one_applicant(**changes: object) -> DataFrame:
    plain = {
        "income": 40_000.0,
        "loan_amount": 10_000.0,
        "term_months": 36,
        "utilisation": 0.5,
        "months_late": 1,
        "purpose": "car",
        "employment": "1-4y",
        "existing_customer": False,
    }
    return DataFrame([plain | changes])


def test_the_same_seed_gives_the_same_book_and_another_seed_another():
    first, again, other = lender(500, seed=1), lender(500, seed=1), lender(500, seed=2)
    assert_frame_equal(first.applications, again.applications)
    assert_frame_equal(first.truth, again.truth)
    assert not first.applications["income"].equals(other.applications["income"])


def test_a_book_holds_what_a_lender_holds_and_the_truth_stands_beside_it():
    book = lender(2_000, seed=3)
    assert set(book.applications) == {
        "application_id", "applicant_id", "applied_on", "income", "loan_amount", "term_months", "utilisation",
        "months_late", "purpose", "employment", "existing_customer", "sex", "age", "status",
    }  # fmt: skip
    assert list(book.truth) == ["application_id", "pd", "bad", "booked", "outcome_on", "income", "is_copy"]
    assert book.applications["application_id"].tolist() == list(range(1, 2_001))
    assert book.truth["application_id"].equals(book.applications["application_id"])
    assert set(book.applications["employment"]) == set(EMPLOYMENT)
    assert set(book.applications["status"]) == {"good", "bad", "indeterminate"}
    assert book.applications["months_late"].between(0, 8).all()


def test_a_book_of_one_application_is_possible():
    assert len(lender(1, seed=0, months=1, declined=0.5).applications) == 1


def test_the_realised_bad_rate_is_the_mean_true_pd():
    truth = lender(50_000, seed=4).truth.query("not is_copy")
    assert abs(truth["bad"].mean() - truth["pd"].mean()) < 4 * standard_error_of_bads(truth["pd"])


def test_the_status_is_the_outcome_but_for_a_few_indeterminates():
    book = lender(20_000, seed=4)
    status = book.applications["status"]
    assert 0.01 < (status == "indeterminate").mean() < 0.03
    determinate = status != "indeterminate"
    assert ((status == "bad") == book.truth["bad"])[determinate].all()


@pytest.mark.parametrize("bad_rate", [0.03, 0.17, 0.5])
def test_the_mean_true_pd_is_the_bad_rate_asked_for(bad_rate):
    pd = lender(50_000, seed=5, bad_rate=bad_rate).truth["pd"]
    # The level is solved on a reference population of 200,000, so both samples err.
    assert abs(pd.mean() - bad_rate) < 4 * pd.std() * np.sqrt(1 / 50_000 + 1 / 200_000)


def test_by_default_the_best_possible_auc_is_about_0_78():
    truth = lender(50_000, seed=6).truth
    assert 0.77 < roc_auc_score(truth["bad"], truth["pd"]) < 0.80


def test_the_true_pd_is_the_truth_function_of_the_features():
    book = lender(1_000, seed=7, bad_rate=0.1)
    np.testing.assert_allclose(book.truth["pd"], expit(log_odds(known(book), bad_rate=0.1)), rtol=1e-12)


@pytest.mark.parametrize("interaction", [0.0, 1.0])
@pytest.mark.parametrize(("column", "rise"), [
    ("income", lambda income: income + 5_000),
    ("loan_amount", lambda amount: amount + 500),
    ("term_months", lambda term: term + 12),
    ("utilisation", lambda use: use + 0.05),
    ("months_late", lambda months: months + 1),
    ("employment", lambda service: service.map(dict(zip(EMPLOYMENT, EMPLOYMENT[1:] + EMPLOYMENT[-1:], strict=True)))),
    ("existing_customer", lambda _: True),
])  # fmt: skip
def test_the_truth_moves_in_the_stated_direction_for_everybody(column, rise, interaction):
    before = known(lender(3_000, seed=8))
    after = before.assign(**{column: rise(before[column])})
    change = log_odds(after, interaction=interaction) - log_odds(before, interaction=interaction)
    moved = after[column] != before[column]
    assert moved.any()
    assert (np.sign(change[moved]) == DIRECTIONS[column]).all()


def test_the_protected_columns_do_not_enter_the_truth():
    before = known(lender(100, seed=8))
    assert log_odds(before.drop(columns=["sex", "age"])).equals(log_odds(before))


@pytest.mark.parametrize(("interaction", "adds_up"), [(0.0, True), (1.0, False)])
def test_without_the_interaction_the_truth_is_a_sum_of_one_effect_a_column(interaction, adds_up):
    def odds(**changes: object) -> float:
        return log_odds(one_applicant(**changes), interaction=interaction).item()

    late, used, both = odds(months_late=3), odds(utilisation=1.0), odds(months_late=3, utilisation=1.0)
    assert (both - late == pytest.approx(used - odds())) == adds_up


def test_without_a_gap_the_protected_columns_are_unrelated_to_the_true_pd():
    book = lender(50_000, seed=9)
    applications, pd = book.applications, book.truth["pd"]
    women, men = pd[applications["sex"] == "female"], pd[applications["sex"] == "male"]
    assert abs(women.mean() - men.mean()) < 4 * np.sqrt(women.var() / len(women) + men.var() / len(men))
    assert abs(applications["age"].corr(pd)) < 4 / np.sqrt(50_000)


def test_a_gap_raises_each_womans_log_odds_by_itself_and_leaves_men_alone():
    fair, unfair = lender(5_000, seed=10), lender(5_000, seed=10, gap=0.5)
    shift = log_odds(known(unfair)) - log_odds(known(fair))
    female = fair.applications["sex"] == "female"
    np.testing.assert_allclose(shift[female], 0.5, atol=1e-3)  # incomes are whole numbers
    assert (shift[~female] == 0).all()


def test_a_gap_travels_through_income_alone():
    fair, unfair = lender(5_000, seed=10), lender(5_000, seed=10, gap=0.5)
    assert changed_columns(fair, unfair) == {"income", "status"}


def test_miscalibration_raises_the_odds_from_nothing_to_the_dose_and_leaves_the_features_alone():
    calm, worse = (lender(5_000, seed=11, miscalibration=dose, months=3) for dose in (0.0, 0.8))
    assert changed_columns(calm, worse) == {"status"}
    rise = np.log(worse.truth["pd"] / (1 - worse.truth["pd"])) - np.log(calm.truth["pd"] / (1 - calm.truth["pd"]))
    by_month = rise.groupby(calm.applications["applied_on"].dt.month).agg(["min", "max"])
    np.testing.assert_allclose(by_month, [[0.0, 0.0], [0.4, 0.4], [0.8, 0.8]], atol=1e-9)


def test_drift_raises_credit_use_in_later_months_and_keeps_the_truth_function():
    calm, drifting = (lender(5_000, seed=12, drift=dose, months=3) for dose in (0.0, 0.5))
    assert changed_columns(calm, drifting) == {"utilisation", "months_late", "status"}
    rise = drifting.applications["utilisation"] - calm.applications["utilisation"]
    first, middle, last = rise.groupby(calm.applications["applied_on"].dt.month).mean()
    assert first == 0 < middle < last
    np.testing.assert_allclose(drifting.truth["pd"], expit(log_odds(known(drifting))), rtol=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_the_share_of_missing_incomes_is_as_asked_and_nothing_else_changes(missing):
    book, full = lender(20_000, seed=13, missing=missing), lender(20_000, seed=13, missing=0)
    is_missing = book.applications["income"].isna()
    assert abs(is_missing.mean() - missing) <= 4 * np.sqrt(missing * (1 - missing) / 20_000)
    assert_frame_equal(book.truth, full.truth)
    assert_frame_equal(book.applications.drop(columns="income"), full.applications.drop(columns="income"))
    assert not book.applications.drop(columns="income").isna().any(axis=None)


def test_selection_hides_the_outcomes_of_the_declined_and_of_nobody_else():
    book, whole = lender(20_000, seed=14, declined=0.25), lender(20_000, seed=14)
    booked = book.truth["booked"]
    assert 1 - booked.mean() == pytest.approx(0.25, abs=0.01)
    assert book.applications["status"].isna().equals(~booked)
    assert book.applications["status"][booked].equals(whole.applications["status"][booked])
    assert book.truth["bad"].equals(whole.truth["bad"])


def test_the_declined_are_riskier_but_some_are_safer_than_some_booked():
    truth = lender(20_000, seed=14, declined=0.25).truth
    declined, booked = truth["pd"][~truth["booked"]], truth["pd"][truth["booked"]]
    assert declined.mean() > 1.5 * booked.mean()
    assert declined.min() < booked.median()


def test_without_selection_everybody_is_booked():
    book = lender(1_000, seed=14)
    assert book.truth["booked"].all()
    assert book.applications["status"].notna().all()


def test_dates_rise_over_the_months_asked_and_outcomes_follow_a_year_later():
    book = lender(5_000, seed=15, months=24)
    applied = book.applications["applied_on"]
    assert applied.is_monotonic_increasing
    assert applied.dt.to_period("M").nunique() == 24
    assert (book.truth["outcome_on"] == applied + DateOffset(months=12)).all()


def test_copies_repeat_the_row_above_under_ids_of_their_own():
    book = lender(20_000, seed=16)
    is_copy = book.truth["is_copy"]
    features = book.applications.drop(columns=["application_id", "applicant_id"])
    assert 0.005 < is_copy.mean() < 0.015
    rows = np.flatnonzero(is_copy)
    assert_frame_equal(features.take(rows).reset_index(drop=True), features.take(rows - 1).reset_index(drop=True))
    assert not features[~is_copy].duplicated().any()
    copied_ids = book.applications["applicant_id"][is_copy]
    assert (book.applications["applicant_id"].value_counts()[copied_ids] == 1).all()


def test_some_applicants_apply_twice_and_stay_the_same_person():
    applications = lender(20_000, seed=17, missing=0).applications
    by_applicant = applications.groupby("applicant_id")
    assert by_applicant.size().max() == 2
    assert 0.06 < (by_applicant["application_id"].transform("size") == 2).mean() < 0.1
    assert (by_applicant[["sex", "age", "employment", "income"]].nunique() == 1).all(axis=None)
    assert by_applicant["loan_amount"].nunique().max() == 2


@pytest.mark.parametrize(("asked", "sentence"), [
    ({"n": 0}, "asked for n=0; it must lie between 1 and 100000000"),
    ({"missing": 2}, "asked for missing=2; it must lie between 0 and 1"),
    ({"bad_rate": 0}, "asked for bad_rate=0; it must lie between 0.001 and 0.999"),
    ({"declined": 1}, "asked for declined=1; it must lie between 0 and 0.99"),
    ({"interaction": -1}, "asked for interaction=-1; it must lie between 0 and 1"),
    ({"months": 0}, "asked for months=0; it must lie between 1 and 600"),
    ({"gap": float("nan")}, "asked for gap=nan; it must lie between -3 and 3"),
])  # fmt: skip
def test_nonsense_is_refused_with_a_sentence(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        lender(**{"n": 10, "seed": 0} | asked)
