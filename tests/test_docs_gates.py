"""What docs/gates.md shows can be used as it stands: its gate is one, its waiver counts, and each picture is there."""

import re
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from credit_risk.config.schema import Gate
from credit_risk.measures.verdict import gate, waiver
from credit_risk.measures.verdict.waiver import Waiver, WaiverRefused

DOCS = Path(__file__).parents[1] / "docs"
SHOWN = ("fairness", "explain", "robustness")


@pytest.fixture(scope="module")
def examples():
    """The gate and the waiver that the page shows."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "gates.md").read_text(encoding="utf-8"), re.M | re.S)
    (one,), facts = (YAML(typ="safe", pure=True).load(block) for block in blocks)
    return Gate.model_validate(one), Waiver.model_validate(facts)


def judged(one, low, high):
    figures = {"under_25": {"ratio": (low + high) / 2, "ratio_low": low, "ratio_high": high}}
    return gate.decide([one], {"fairness": {"contrasts": figures}}, {})


def test_the_waiver_lets_the_gate_of_the_page_pass_where_it_straddles_its_limit(examples):
    one, given = examples
    checks = judged(one, 0.75, 0.9)
    assert checks[0].verdict == "CANNOT SAY"
    asked = {"gates": [one.name], "scorer": given.scorer, "today": date(2026, 12, 1)}
    (waived,) = waiver.apply(checks, [given], **asked)
    assert (waived.check.gate.name, waived.waiver.person) == (one.name, given.person)
    assert waiver.apply(checks, [given], **asked | {"scorer": "another"}) == []


@pytest.mark.parametrize("today", [date(2027, 4, 1), date(2026, 3, 29)])
def test_the_waiver_does_not_count_after_its_last_day_nor_more_than_a_year_before(examples, today):
    one, given = examples
    with pytest.raises(WaiverRefused, match="expire"):
        waiver.apply(judged(one, 0.75, 0.9), [given], gates=[one.name], scorer="5c", today=today)


@pytest.mark.parametrize("page", SHOWN)
def test_every_picture_is_shown_on_the_page_of_its_stage_and_no_other_is_named(page):
    named = set(re.findall(r"\]\(pictures/([^)]+)\)", (DOCS / f"{page}.md").read_text(encoding="utf-8")))
    assert named
    assert named == {path.name for path in (DOCS / "pictures").glob(f"{page}-*.svg")}


def test_pictures_stand_for_themselves():
    for path in (DOCS / "pictures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        assert "var(--" not in text
