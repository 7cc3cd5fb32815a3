"""Decisions: cut-off, score points, bands and what a policy says, by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from credit_risk.config.columns import Column
from credit_risk.config.schema import Band, Family, Policy, PolicyRule, Reasons, Scale
from credit_risk.data.inputs import Faults, Inputs
from credit_risk.errors import ScorerError
from credit_risk.scoring import decision
from credit_risk.scoring.decision import (
    APPROVE,
    DECLINE,
    NO_RULE,
    REFER,
    REFUSED,
    Codes,
    DecisionReasons,
    Decisions,
    Vocabulary,
)
from credit_risk.scoring.reasons import NO_REASON, Explanation, Explanations, Reason, Wording

NAN, INF = np.nan, np.inf
SCALE = Scale(base=600, odds=50, pdo=20)


def policy(*, margin: float = 0.2, lgd: float = 0.6, cost: float = 0.005, refer_within: float = 0.0) -> Policy:
    return Policy(
        margin=margin,
        lgd=lgd,
        cost=cost,
        refer_within=refer_within,
        max_missing=0.5,
        invalid="refuse",
        scale=SCALE,
        bands=(Band(name="A", minimum=560), Band(name="B", minimum=530), Band(name="C", minimum=500)),
    )


def test_the_cut_off_is_margin_less_cost_over_margin_and_loss():
    assert decision.cut_off(policy()) == 0.195 / 0.8
    assert_allclose(decision.cut_off(policy(margin=0.1, lgd=0.4, cost=0)), 0.2)


def test_an_account_at_the_cut_off_earns_nothing():
    pd = decision.cut_off(policy())
    assert_allclose((1 - pd) * 0.2 - pd * 0.6 - 0.005, 0, atol=1e-15)


def test_no_other_cut_off_earns_more():
    # 999 accounts whose PDs are 0.001 to 0.999, each earning what it is expected to.
    pd = np.arange(1, 1_000) / 1_000
    earned = (1 - pd) * 0.2 - pd * 0.6 - 0.005
    profit = [earned[pd < limit].sum() for limit in np.arange(1_001) / 1_000]
    assert_allclose(np.argmax(profit) / 1_000, decision.cut_off(policy()), atol=0.001)
    assert earned[pd < decision.cut_off(policy())].sum() == max(profit)


def test_the_scale_has_the_offset_and_factor_of_the_text_books():
    assert_allclose(decision.score_terms(SCALE), (487.123, 28.8539), atol=5e-4)


def test_fifty_goods_to_one_bad_are_six_hundred_points_and_twice_the_odds_twenty_more():
    assert_allclose(
        decision.scores(np.array([1 / 51, 1 / 101, 1 / 26, 0.5]), SCALE), [600, 620, 580, 487.1229], atol=1e-4
    )


def test_a_certain_pd_has_an_endless_score_and_an_unknown_one_none():
    assert_array_equal(decision.scores(np.array([0.0, 1.0, NAN]), SCALE), [INF, -INF, NAN])


def test_a_band_begins_with_its_minimum():
    score = np.array([INF, 560, 559.999, 530, 529.999, 500])
    assert_array_equal(decision.bands(score, policy()), [0, 0, 1, 1, 2, 2])


def test_a_score_below_the_last_band_belongs_to_it():
    assert_array_equal(decision.bands(np.array([499.0, -INF]), policy()), [2, 2])


def outcomes(*pd: float, refer_within: float = 0.0) -> Codes:
    # Here the cut-off is exactly a quarter.
    exact = policy(margin=0.25, lgd=0.75, cost=0, refer_within=refer_within)
    assert decision.cut_off(exact) == 0.25
    return decision.outcomes(np.array(pd), exact)


def test_below_the_cut_off_is_approved_and_from_it_on_declined():
    assert_array_equal(outcomes(0.0, 0.2499, 0.25, 0.2501, 1.0), [APPROVE, APPROVE, DECLINE, DECLINE, DECLINE])


def test_within_the_zone_a_person_decides_and_its_ends_belong_to_it():
    got = outcomes(0.1249, 0.125, 0.25, 0.375, 0.3751, refer_within=0.125)
    assert_array_equal(got, [APPROVE, REFER, REFER, REFER, DECLINE])


def test_an_unknown_pd_is_referred_with_and_without_a_zone():
    assert_array_equal(outcomes(NAN), [REFER])
    assert_array_equal(outcomes(NAN, refer_within=0.125), [REFER])


def decisions() -> Decisions:
    """Approved; declined by a rule; refused for a missing income; referred for a ratio that cannot be computed."""
    income = Column(role="feature", type="number")
    of = Inputs(("income",), (income,), 1.0, True)
    inputs = np.array([[1.0], [2], [NAN], [0]])
    return Decisions(
        pd=np.array([0.1, 0.1, NAN, NAN]),
        score=np.array([550.0, 550, NAN, NAN]),
        band=np.array([1, 1, 0, 0], dtype=np.int8),
        outcome=np.array([APPROVE, DECLINE, REFUSED, REFER], dtype=np.int8),
        rule=np.array([NO_RULE, 0, NO_RULE, NO_RULE], dtype=np.int8),
        inputs=inputs,
        faults=of.faults(inputs),
        unseen=np.array([[False], [False], [False], [True]]),
        vocabulary=Vocabulary(of, ("ratio",), ("A", "B", "C"), ("six months late or more",)),
    )


def test_the_table_says_what_was_decided_and_why():
    table = decisions().table()
    assert list(table["decision"]) == ["approve", "decline", "refused", "refer"]
    assert list(table["why"]) == [
        "",
        "six months late or more",
        "income: missing, expected a number",
        "ratio: cannot be computed, and always could be in training",
    ]


def test_who_was_not_scored_has_no_pd_no_score_and_no_band():
    table = decisions().table()
    assert list(table["band"][:2]) == ["B", "B"]
    assert table.loc[2:, ["pd", "score", "band"]].isna().all(axis=None)


def test_approved_is_approve_and_nothing_else():
    assert_array_equal(decisions().approved, [True, False, False, False])
    assert len(decisions()) == 4


def test_one_who_was_scored_has_no_reason_not_to_be():
    assert decisions().why_not_scored(0) == []


def test_a_rule_that_declines_gives_its_reason_although_the_data_have_gaps_too():
    """A decline needs the reason it was made for; a gap in the data did not decide it."""
    gap = decisions()
    gap.rule[3], gap.outcome[3] = 0, DECLINE
    assert gap.table()["why"][3].startswith("six months late or more")


@pytest.mark.parametrize("count", [0, 1])
def test_the_table_of_few_decisions_has_the_same_columns(count: int):
    whole = decisions()
    few = Decisions(
        whole.pd[:count],
        whole.score[:count],
        whole.band[:count],
        whole.outcome[:count],
        whole.rule[:count],
        whole.inputs[:count],
        Faults(
            *(
                mask[:count]
                for mask in (whole.faults.refused, whole.faults.referred, whole.faults.missing, whole.faults.invalid)
            )
        ),
        whole.unseen[:count],
        whole.vocabulary,
    ).table()
    assert len(few) == count
    assert dict(few.dtypes) == dict(whole.table().dtypes)


FAMILIES = (
    Family(id="R01", features=("income",), text="income is low", prompt="look at proof of income"),
    Family(id="R02", features=("late",), text="payments were late", prompt="ask about late payments"),
    Family(id="R03", features=("term",), text="the term is long", prompt="look at the term"),
)
WORDINGS = [Wording(family.id, str(family.text), str(family.prompt), None) for family in FAMILIES]
REASONS = Reasons(version="7", count=2, least=0.1, population="all", within=0.1, families=FAMILIES)
RULES = (PolicyRule(name="very late", where="late > 6", decision="decline", reason="six months late or more"),)


def reasons_of(index: list[int], *families: tuple[int, int]) -> DecisionReasons:
    """The families cited for each explained row, the strongest first; all else that is known of them is left out."""
    family = np.array(families, dtype=np.intp).reshape(-1, 2)
    nothing = np.zeros(family.shape)
    explanations = Explanations(
        matrix=nothing,
        contributions=nothing,
        base=0.0,
        family=family,
        driver=family,
        contribution=nothing,
        wording=family,
        at_best=nothing > 0,
        not_lower=nothing > 0,
        untrue=nothing > 0,
        explainer=SimpleNamespace(wordings=WORDINGS),  # type: ignore[arg-type] - all of it: see test_reasons
    )
    return DecisionReasons(explanations, np.array(index), RULES, REASONS)


def codes(*outcome: int) -> Codes:
    return np.array(outcome, dtype=np.int8)


def test_a_decline_of_the_model_has_its_families_in_their_order_and_equal_lists_are_made_once():
    reasons = reasons_of([-1, 0, 1, 2, 3], (1, 0), (0, 1), (2, NO_REASON), (1, 0))
    rows, texts, which = reasons.declines(codes(APPROVE, DECLINE, DECLINE, DECLINE, DECLINE))
    assert_array_equal(rows, [1, 2, 3, 4])
    assert sorted(texts) == [
        "R01 income is low; R02 payments were late",
        "R02 payments were late; R01 income is low",
        "R03 the term is long",
    ]
    assert [texts[index] for index in which] == [
        "R02 payments were late; R01 income is low",
        "R01 income is low; R02 payments were late",
        "R03 the term is long",
        "R02 payments were late; R01 income is low",
    ]


def test_a_referral_and_a_decline_by_a_rule_have_no_reasons_of_the_model():
    rows, texts, which = reasons_of([0, -1], (1, 0)).declines(codes(REFER, DECLINE))
    assert (len(rows), texts, len(which)) == (0, [], 0)


def test_where_the_model_neither_declines_nor_refers_there_are_no_reasons():
    rows, texts, which = DecisionReasons(None, np.array([-1, -1]), RULES, REASONS).declines(codes(APPROVE, DECLINE))
    assert (len(rows), texts, len(which)) == (0, [], 0)


def test_the_table_has_the_reasons_of_a_decline_beside_rules_and_gaps():
    """The model declines the first; a rule, a missing income and an unknown ratio decide the others as before."""
    outcome = codes(DECLINE, DECLINE, REFUSED, REFER)
    table = replace(decisions(), outcome=outcome, reasons=reasons_of([0, -1, -1, -1], (1, 0))).table()
    assert list(table["why"]) == [
        "R02 payments were late; R01 income is low",
        "six months late or more",
        "income: missing, expected a number",
        "ratio: cannot be computed, and always could be in training",
    ]
    assert list(table["decision"]) == ["decline", "decline", "refused", "refer"]


def test_without_reasons_the_table_has_none_and_is_otherwise_the_same():
    declined = replace(decisions(), outcome=codes(DECLINE, DECLINE, REFUSED, REFER))
    bare, full = declined.table(), replace(declined, reasons=reasons_of([0, -1, -1, -1], (1, 0))).table()
    assert bare["why"][0] == ""
    assert bare[1:].equals(full[1:])
    assert dict(bare.dtypes) == dict(full.dtypes)


def test_a_rule_is_the_whole_explanation_of_what_it_decided():
    one = replace(decisions(), reasons=reasons_of([-1] * 4))
    reason = Reason("very late", "7", "six months late or more", "six months late or more")
    assert one.explanation(1) == Explanation((reason,))
    assert one.explanation(0) == Explanation(())


def test_decisions_without_reasons_explain_nothing_and_say_so():
    with pytest.raises(ScorerError, match="without a background"):
        decisions().explanation(1)
