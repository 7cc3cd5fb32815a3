"""A group whose outcomes changed alone is named; everybody's change, and chance, are not."""

import numpy as np
import pytest

from credit_risk.data.files import Files
from credit_risk.data.writing import write_json
from credit_risk.validator import champion_groups


def facts(**rates):
    """400 rows a group, with these bad rates."""
    return {f"bad rate of sex: {name}": rate for name, rate in rates.items()} | {
        f"rows of sex: {name}": 400.0 for name in rates
    }


def test_a_group_whose_bads_were_relabelled_is_named():
    before, now = facts(female=0.4, male=0.4), facts(female=0.24, male=0.4)
    # of two groups each is all others of the other
    assert champion_groups.moved(before, now) == ["sex: female", "sex: male"]


def test_a_change_of_everybody_is_no_change_of_a_group():
    assert champion_groups.moved(facts(female=0.2, male=0.3), facts(female=0.3, male=0.42)) == []


@pytest.mark.parametrize("name", ["female", "male"])
def test_the_odds_are_those_of_a_table_that_can_be_counted(name):
    own, others = {"female": (80, 120), "male": (120, 80)}[name]
    counts = champion_groups._counts(facts(female=0.2, male=0.3), f"sex: {name}")
    assert counts == [own + 0.5, 400 - own + 0.5, others + 0.5, 400 - others + 0.5]


def test_chance_alone_moves_a_group_in_at_most_2_of_100_pairs_of_runs():
    random, found = np.random.default_rng(4), 0
    for _ in range(500):
        runs = [facts(**dict(zip("abc", random.binomial(400, 0.25, 3) / 400, strict=True))) for _ in range(2)]
        found += bool(champion_groups.moved(*runs))
    assert found <= 20  # 10 are expected at most


def test_a_group_that_one_run_does_not_know_is_left_out():
    assert champion_groups.moved(facts(female=0.2), facts(female=0.2, male=0.9)) == []


def test_without_a_champion_nothing_is_known(tmp_path):
    files = Files(tmp_path)
    assert not champion_groups.known(champion_groups.facts_before(files))
    write_json(files.parts / "champion" / "reports" / "gate.json", {"facts": {"bad rate": 0.2}})
    assert not champion_groups.known(champion_groups.facts_before(files))
    write_json(files.parts / "champion" / "reports" / "gate.json", {"facts": facts(female=0.2)})
    assert champion_groups.known(champion_groups.facts_before(files))
