"""Where the second opinion is another one, it is said."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from second_opinion import BINS, differing

SAID = {"A: Jeffreys p": 0.03, "AUC": 0.78, "Hosmer-Lemeshow p": 0.5}


def test_what_agrees_within_rounding_is_no_difference():
    assert differing(SAID, SAID) == []
    assert differing(SAID, SAID | {"AUC": 0.78 * (1 + 5e-5), "Hosmer-Lemeshow p": 0.5 + BINS / 2}) == []


def test_another_figure_a_missing_one_and_one_too_many_are_named():
    assert differing(SAID, SAID | {"AUC": 0.7805}) == ["AUC"]
    assert differing(SAID, SAID | {"A: Jeffreys p": 0.031, "Hosmer-Lemeshow p": 0.6}) == [
        "A: Jeffreys p",
        "Hosmer-Lemeshow p",
    ]
    assert differing(SAID, {"AUC": 0.78}) == ["A: Jeffreys p", "Hosmer-Lemeshow p"]
    assert differing({"AUC": 0.78}, SAID) == ["A: Jeffreys p", "Hosmer-Lemeshow p"]
