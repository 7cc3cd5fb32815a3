"""Features that say nothing of a group, something, and all: on data whose answer can be counted or is known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from credit_risk.measures import proxies
from credit_risk.measures.figure import Figure
from credit_risk.measures.proxies import GroupAndRest, ProxyFigures

HOW = {"min_n": 50, "confidence": 0.95, "seed": 3}


def tell(columns, member, applicant=None, plain=()):
    member = np.asarray(member, dtype=bool)
    columns = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    applicant = np.arange(len(member)) if applicant is None else np.asarray(applicant)
    return GroupAndRest(columns, frozenset(plain), member, applicant)


def drawn(rows=2_000, seed=1):
    draw = np.random.default_rng(seed)
    return draw, draw.random(rows) < 0.4


def test_noise_tells_nothing_and_its_interval_holds_one_half():
    draw, member = drawn()
    found = proxies.measure(tell({"a": draw.random(2_000), "b": draw.random(2_000)}, member), **HOW)
    assert found.auc.low < 0.5 < found.auc.high
    assert found.auc.high - found.auc.low < 0.07
    assert found.strongest.low < 0.5 < found.strongest.high


def test_a_copy_with_one_label_in_ten_wrong_has_an_auc_of_nine_tenths_and_is_named():
    draw, member = drawn(6_000)
    copy = member ^ (draw.random(6_000) < 0.1)
    found = proxies.measure(tell({"noise": draw.random(6_000), "copy": copy}, member), **HOW)
    assert found.feature == "copy"
    assert found.strongest.value == pytest.approx(roc_auc_score(member, copy))
    assert found.strongest.low < 0.9 < found.strongest.high
    assert found.auc.low < 0.9 < found.auc.high


@pytest.mark.parametrize("turn", [1, -1])
def test_which_way_round_a_feature_ranks_does_not_matter(turn):
    draw, member = drawn()
    found = proxies.measure(tell({"a": turn * (draw.standard_normal(2_000) + 2 * member)}, member), **HOW)
    assert 0.89 < found.strongest.value < 0.95  # two standard deviations apart: 0.921


def test_the_column_itself_is_told_perfectly_and_fails_any_limit_below_what_so_few_could_show():
    _, member = drawn(300)
    found = proxies.measure(tell({"a": member}, member), **HOW)
    smaller = min(member.sum(), (~member).sum())
    assert found.auc.value == found.strongest.value == 1
    assert found.auc.high == 1
    assert found.auc.low == pytest.approx(0.025 ** (1 / smaller))


def test_a_column_that_is_only_missing_for_one_group_gives_it_away():
    draw, member = drawn()
    found = proxies.measure(tell({"a": np.where(member, np.nan, draw.random(2_000))}, member), **HOW)
    assert found.strongest.value == 1


def test_plain_codes_are_ranked_by_the_group_they_hold_not_by_their_number():
    """Codes 0 and 2 are the group's, 1 and 3 the others': as numbers they tell little, as categories all."""
    draw, member = drawn()
    codes = 2 * draw.integers(0, 2, 2_000) + ~member
    assert proxies.measure(tell({"a": codes}, member, plain=["a"]), **HOW).strongest.value > 0.99
    assert proxies.measure(tell({"a": codes}, member), **HOW).strongest.value < 0.8


def test_a_group_in_the_middle_of_a_feature_is_found_though_its_ranks_say_nothing():
    draw, member = drawn(4_000)
    outside = np.where(draw.random(4_000) < 0.5, draw.uniform(0, 1, 4_000), draw.uniform(2, 3, 4_000))
    found = proxies.measure(tell({"a": np.where(member, draw.uniform(1, 2, 4_000), outside)}, member), **HOW)
    assert found.strongest.value < 0.56
    assert found.auc.value > 0.99


def test_a_category_of_many_codes_is_no_proxy_by_being_remembered():
    """Each row has nearly a code of its own: in the sample it tells the group perfectly, out of fold not at all."""
    draw, member = drawn()
    codes = draw.integers(0, 1_000, 2_000)
    found = proxies.measure(tell({"a": codes}, member, plain=["a"]), **HOW)
    assert found.strongest.value < 0.56


def test_rows_of_one_applicant_are_one_draw():
    draw, member = drawn(500)
    score = draw.standard_normal(500) + member
    once = proxies.area(score, tell({"a": score}, member), 0.95)
    four = tell({"a": np.tile(score, 4)}, np.tile(member, 4), applicant=np.tile(np.arange(500), 4))
    often = proxies.area(np.tile(score, 4), four, 0.95)
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-9)


@pytest.mark.parametrize("members", [0, 49])
def test_a_group_too_small_is_not_known(members):
    member = np.arange(500) < members
    found = proxies.measure(tell({"a": np.arange(500.0)}, member), **HOW)
    assert not found.auc.known
    assert not found.strongest.known
    assert found.feature is None
    assert ("no rows" if members == 0 else "49 rows, and fairness.min_n asks for 50") in found.auc.why


def test_many_rows_are_sampled_by_applicant(monkeypatch):
    monkeypatch.setattr(proxies, "ROWS", 400)
    draw, member = drawn(1_000)
    rows = tell({"a": draw.random(1_000)}, np.repeat(member[:500], 2), applicant=np.repeat(np.arange(500), 2))
    kept = rows.sample(1)
    assert len(kept.member) == 400
    assert (np.bincount(kept.applicant)[np.unique(kept.applicant)] == 2).all()


def test_words_are_a_group_each_where_the_group_and_the_rest_are_large_enough():
    cells = pd.Series(["a"] * 5 + ["b"] * 3 + ["c"])
    groups = proxies.groups_of(cells, min_n=2)
    assert {name: int(member.sum()) for name, member in groups.items()} == {"a": 5, "b": 3}
    assert list(proxies.groups_of(cells, min_n=4)) == ["a"]
    assert list(proxies.groups_of(cells, min_n=5)) == []  # beside 5 rows of a there are 4 others


def test_two_groups_are_one_question_and_numbers_fall_apart_at_their_middle():
    assert list(proxies.groups_of(pd.Series(["a", "b"] * 5), min_n=2)) == ["a"]
    days = pd.Series(pd.date_range("1960-01-01", periods=20))
    (member,) = proxies.groups_of(days, min_n=2).values()
    assert member.tolist() == [False] * 10 + [True] * 10


def told(value, low, high):
    return ProxyFigures(Figure(value, low, high, 100), Figure(value, low, high, 100), "a")


def test_the_largest_takes_the_highest_ends_of_all():
    name, most = proxies.largest({"women": told(0.7, 0.69, 0.71), "old": told(0.65, 0.5, 0.8)})
    assert (name, most.value, most.low, most.high) == ("women", 0.7, 0.69, 0.8)


def test_the_largest_is_not_known_while_one_is_not_or_none_is_declared():
    unknown = ProxyFigures(Figure.unknown(3, "3 rows"), Figure.unknown(3, "3 rows"), None)
    name, most = proxies.largest({"women": told(0.7, 0.69, 0.71), "old": unknown})
    assert (name, most.known, most.why) == (None, False, "old: 3 rows")
    assert proxies.largest({})[1].why == "no contrast is declared, and no guarded column has groups"
