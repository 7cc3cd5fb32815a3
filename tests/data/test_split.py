"""The split: shares, groups, dates and embargo, counted by hand."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from pandas import Series

from credit_risk.config.schema import Split
from credit_risk.data import split
from credit_risk.data.split import OUTSIDE, Labels
from credit_risk.errors import DataError

SHARES = (0.6, 0.2, 0.2)
TIME = Split(by="time", train=0.5, selection=0.2, test=0.3, seed=7)


def keys_of(rows: int) -> NDArray[np.uint64]:
    return split.row_keys(np.arange(rows, dtype=float)[:, None])


def singles(bad: NDArray[np.bool_], seed: int = 1) -> Labels:
    """A split of rows that belong to nobody else."""
    return split.at_random(np.arange(len(bad)), keys_of(len(bad)), bad, SHARES, seed)


def test_equal_rows_have_equal_keys_and_different_rows_do_not():
    keys = split.row_keys(np.array([[1.0, np.nan], [1.0, np.nan], [np.nan, 1.0], [1.0, 2.0]]))
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_the_key_of_a_row_does_not_depend_on_the_rows_around_it():
    rows = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert split.row_keys(rows)[1] == split.row_keys(rows[1:])[0]


def test_an_identity_is_the_same_however_its_column_was_read():
    whole = split.identity_keys(pd.DataFrame({"id": [7, 8, 9]}))
    assert len(set(whole)) == 3
    for other in (Series([7.0, 8.0, 9.0]), Series(["7", "8", "9"]), Series([7, 8, None], dtype="Int64")):
        assert_array_equal(split.identity_keys(pd.DataFrame({"id": other}))[:2], whole[:2])
    text = pd.DataFrame({"id": Series(["7", "8", "9"], dtype="category")})
    assert_array_equal(split.identity_keys(text), whole)


def test_an_identity_of_two_columns_tells_apart_what_one_of_them_does_not():
    table = pd.DataFrame({"person": ["Ann", "Ann", "Bob"], "day": ["1", "2", "1"]})
    assert len(set(split.identity_keys(table))) == 3
    assert len(set(split.identity_keys(table[["person"]]))) == 2


def test_shares_that_large_groups_cannot_meet_are_refused():
    part = np.array([0] * 7 + [1] + [2] * 2)  # of ten rows, 70 %, 10 % and 20 %
    assert split.met(part, SHARES, tolerance=0.1001) == (0.7, 0.1, 0.2)
    with pytest.raises(DataError, match=r"70.0%, 10.0%, 20.0% of the rows, expected 60%, 20%, 20% within 9.0%"):
        split.met(part, SHARES, tolerance=0.09)


def test_equal_rows_are_one_group_without_an_applicant():
    group = split.groups(np.array([5, 9, 5, 1], dtype=np.uint64), None, equal_together=True)
    assert group[0] == group[2]
    assert len(set(group)) == 3


def test_rows_are_linked_through_applicants_and_through_equal_rows():
    # Ann's two rows; her second equals Bob's first; Bob's second equals nobody's: all four are one group.
    keys = np.array([1, 2, 2, 3, 4], dtype=np.uint64)
    group = split.groups(keys, Series(["Ann", "Ann", "Bob", "Bob", "Cyd"]), equal_together=True)
    assert len(set(group[:4])) == 1
    assert group[4] != group[0]


def test_equal_rows_are_other_applicants_unless_they_are_declared_copies():
    keys = np.array([5, 5, 5, 1], dtype=np.uint64)
    assert len(set(split.groups(keys, None, equal_together=False))) == 4
    group = split.groups(keys, Series(["Ann", None, None, "Ann"]), equal_together=False)
    assert group[0] == group[3]
    assert len(set(group)) == 3  # a blank is nobody, so two blanks are not one


def test_what_a_split_removes_is_told_with_its_bad_rate_and_stops_it_beyond_the_declared_share():
    settings = Split(by="time", train=0.5, selection=0.25, test=0.25, seed=1, max_removed=0.4)
    keys = np.arange(40, dtype=np.uint64)
    date, bad = Series(pd.date_range("2024-01-01", periods=40)), np.arange(40) % 2 == 0
    group = np.where(np.arange(40) < 10, 30 + np.arange(40), np.arange(40))  # a third of the past returns in the test
    assignment, _ = split.by_time(group, keys, bad, date, split=settings, embargo_months=0)
    assert assignment.left_out["applicant stands in the test rows"] == 10
    assert assignment.left_out_bad_rate == {"applicant stands in the test rows": 0.5}
    strict = settings.model_copy(update={"max_removed": 0.3})
    with pytest.raises(DataError, match=r"10 of 30 older rows \(bad rate 50.0%.*max_removed allows 30%"):
        split.by_time(group, keys, bad, date, split=strict, embargo_months=0)


def test_rows_without_an_applicant_are_not_taken_for_one_person():
    group = split.groups(np.array([1, 2, 3], dtype=np.uint64), Series([None, None, "Ann"]), equal_together=True)
    assert len(set(group)) == 3


def test_the_shares_are_exact_and_each_part_has_the_same_bad_rate():
    bad = np.arange(100) < 20
    part = singles(bad)
    assert_array_equal(np.bincount(part), [60, 20, 20])
    assert_array_equal(np.bincount(part[bad]), [12, 4, 4])


def test_a_group_is_never_split():
    # 40 groups of 1 to 4 rows.
    group = np.repeat(np.arange(40), np.arange(40) % 4 + 1)
    bad = np.random.default_rng(2).random(len(group)) < 0.3
    part = split.at_random(group, keys_of(len(group)), bad, SHARES, 1)
    assert all(len(set(part[group == one])) == 1 for one in range(40))
    assert set(part) == {0, 1, 2}


def test_the_order_of_the_rows_does_not_matter():
    bad = np.arange(200) % 5 == 0
    keys = keys_of(200)
    group = split.groups(keys, Series(np.arange(200) // 2), equal_together=True)
    part = split.at_random(group, keys, bad, SHARES, 1)
    order = np.random.default_rng(3).permutation(200)
    again = split.groups(keys[order], Series(np.arange(200) // 2).iloc[order], equal_together=True)
    assert_array_equal(split.at_random(again, keys[order], bad[order], SHARES, 1), part[order])


def test_more_rows_move_few_of_the_old_ones():
    before = singles(np.arange(1_000) % 5 == 0)
    after = singles(np.arange(1_010) % 5 == 0)[:1_000]
    # A fresh shuffle would move 56 % of them.
    assert (before != after).mean() < 0.02


def test_another_seed_is_another_split_and_the_same_seed_the_same():
    bad = np.arange(200) % 5 == 0
    assert_array_equal(singles(bad, seed=1), singles(bad, seed=1))
    assert (singles(bad, seed=1) != singles(bad, seed=2)).mean() > 0.3


def test_rows_of_one_class_are_split_too():
    assert_array_equal(np.bincount(singles(np.zeros(10, dtype=bool))), [6, 2, 2])
    assert_array_equal(np.bincount(singles(np.ones(10, dtype=bool))), [6, 2, 2])


def by_time(dates: list[str], group: list[int] | None = None, embargo: int = 12) -> tuple[Labels, dict[str, int], str]:
    rows = len(dates)
    labels = np.arange(rows) if group is None else np.array(group)
    assignment, day = split.by_time(
        labels,
        keys_of(rows),
        np.zeros(rows, dtype=bool),
        Series(pd.to_datetime(dates)),
        split=TIME,
        embargo_months=embargo,
    )
    return assignment.part, dict(assignment.left_out), str(day.date())


OLD = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-05"]
EMBARGO, SEEN = "embargo: outcome not known on the first test day", "applicant stands in the test rows"


def test_the_embargo_is_exact_to_the_day():
    # Of ten rows the last three are the test; a year before the first of them is 2022-05-01.
    dates = [*OLD, "2022-04-30", "2022-05-01", "2023-05-01", "2023-06-01", "2023-07-01"]
    part, left_out, day = by_time(dates)
    assert day == "2023-05-01"
    assert_array_equal(part[7:], [2, 2, 2])
    assert part[5] in (0, 1)
    assert part[6] == OUTSIDE
    assert left_out == {EMBARGO: 1, SEEN: 0}
    # The past is shared 5 to 2: of six rows, four and two.
    assert_array_equal(np.bincount(part[:6]), [4, 2])


def test_the_window_is_counted_in_calendar_months():
    dates = [*OLD, "2023-01-30", "2023-02-01", "2023-05-01", "2023-06-01", "2023-07-01"]
    part, left_out, _ = by_time(dates, embargo=3)
    assert part[5] in (0, 1)
    assert part[6] == OUTSIDE
    assert left_out[EMBARGO] == 1


def test_all_rows_of_the_first_test_day_are_test_rows():
    dates = [*OLD, "2020-01-06", "2023-05-01", "2023-05-01", "2023-05-01", "2023-07-01"]
    part, _, day = by_time(dates)
    assert day == "2023-05-01"
    assert_array_equal(part[6:], [2, 2, 2, 2])


def test_an_applicant_of_the_test_is_taken_out_of_the_past_and_never_out_of_the_test():
    dates = [*OLD, "2020-01-06", "2020-01-07", "2023-05-01", "2023-06-01", "2023-07-01"]
    part, left_out, _ = by_time(dates, group=[0, 1, 2, 3, 4, 5, 9, 7, 8, 9])
    assert part[9] == 2
    assert part[6] == OUTSIDE
    assert left_out == {EMBARGO: 0, SEEN: 1}


def test_the_order_of_the_rows_does_not_matter_for_a_split_by_time():
    dates = [*OLD, "2022-04-30", "2022-05-01", "2023-05-01", "2023-06-01", "2023-07-01"]
    keys, bad = keys_of(10), np.arange(10) % 2 == 0
    order = np.random.default_rng(4).permutation(10)
    date = Series(pd.to_datetime(dates))
    part = split.by_time(np.arange(10), keys, bad, date, split=TIME, embargo_months=12)[0].part
    again = split.by_time(np.arange(10), keys[order], bad[order], date.iloc[order], split=TIME, embargo_months=12)[
        0
    ].part
    assert_array_equal(again, part[order])


def test_a_history_shorter_than_the_embargo_is_refused_with_both_days():
    dates = pd.date_range("2023-01-01", periods=10, freq="D").astype(str).tolist()
    with pytest.raises(DataError, match=r"older than 2022-01-08.*12 months.*first test day 2023-01-08"):
        by_time(dates)


def test_a_row_without_a_date_is_refused():
    with pytest.raises(DataError, match="1 row has no date"):
        by_time([*OLD, "", "2020-01-07", "2023-05-01", "2023-06-01", "2023-07-01"])


def test_the_shuffle_is_splitmix64_so_that_a_new_version_keeps_every_test_row_a_test_row():
    # The published first output of SplitMix64 seeded with 1234567, which adds the constant that our seed counts in.
    assert split._shuffled(np.array([1_234_567], dtype=np.uint64), 1).tolist() == [6_457_827_717_110_365_317]


def test_a_group_belongs_where_its_middle_row_falls():
    # Ten rows as five pairs, each pair one group: middles at 0.1, 0.3, 0.5, 0.7 and 0.9 of the rows.
    group = np.repeat(np.arange(5), 2)
    part = split.at_random(group, keys_of(10), np.zeros(10, dtype=bool), SHARES, 1)
    assert [int((part == place).sum()) for place in range(3)] == [6, 2, 2]
