"""A drafted floor: the draft's own limits, as a file that the gate reads."""

from pathlib import Path

from credit_risk.config import floor, load
from credit_risk.fork.drafting import floor_draft

LENDER = Path(__file__).parents[2] / "lender" / "credit.yaml"


def drafted(tmp_path: Path, config_text: str) -> floor.Floor:
    path = tmp_path / "gate_floor.yaml"
    path.write_text(floor_draft.text(config_text), encoding="utf-8")
    return floor.read(path)


def test_a_config_stands_at_the_floor_that_was_drafted_for_it_but_for_contrasts_without_a_gate(tmp_path):
    text = LENDER.read_text(encoding="utf-8")
    least = drafted(tmp_path, text)
    assert (least.least_confidence, least.least_group, least.least_bands, least.out_of_time) == (0.9, 50, 3, True)
    assert [(check.measure, check.waivable) for check in least.checks] == [
        ("test.auc", True),
        ("monotone.violations", False),
    ]
    assert [looser.message.split(" is declared")[0] for looser in floor.below(load(LENDER), least)] == [
        "women",
        "age_62_and_over",
    ]


def test_what_speaks_of_two_models_or_of_the_machine_is_no_floor_of_this_model(tmp_path):
    gates = "  - {name: fast, measure: latency.approve.ratio, at_most: 30, reason: a test}\n"
    gates += "  - {name: other, measure: comparison.differences.auc, at_least: 0, reason: a test}\n"
    least = drafted(tmp_path, LENDER.read_text(encoding="utf-8") + gates)
    assert [check.measure for check in least.checks] == ["test.auc", "monotone.violations"]
