"""A cut-off taken by the economics that it follows from."""

import pytest

from credit_risk.config.schema import Policy
from credit_risk.errors import UsageError
from credit_risk.scoring import decision
from credit_risk.what_if import taking

POLICY = Policy(
    margin=0.2, lgd=0.6, cost=0.04, refer_within=0.02, max_missing=0.5, invalid="refuse",
    scale={"base": 600, "odds": 50, "pdo": 20}, bands=({"name": "A", "minimum": 0},),
)  # fmt: skip


@pytest.mark.parametrize("by", ["margin", "lgd"])
@pytest.mark.parametrize("cut_off", [0.01, 0.15, 0.2, 0.5, 0.78])
def test_the_policy_that_is_taken_has_the_cut_off(cut_off, by):
    new = {name.removeprefix("policy."): value for name, value in taking.values(POLICY, cut_off=cut_off, by=by).items()}
    assert set(new) <= {by}
    assert decision.cut_off(POLICY.model_copy(update=new)) == pytest.approx(cut_off, abs=1e-11)


def test_only_what_changes_is_named():
    assert taking.values(POLICY, cut_off=0.2) == {}
    assert taking.values(POLICY, cut_off=0.2, refer_within=0.02) == {}
    assert taking.values(POLICY, cut_off=0.2, refer_within=0.0) == {"policy.refer_within": 0.0}
    # (0.2 × 0.8 + 0.04) / 0.8
    assert taking.values(POLICY, cut_off=0.2, lgd=0.8) == {"policy.margin": 0.25, "policy.lgd": 0.8}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cut_off": 1.0}, "between 0 and 1"),
        ({"cut_off": 0.9, "by": "lgd"}, "does not cover the cost"),
        ({"cut_off": 0.3, "lgd": 0.5, "by": "lgd"}, "either --lgd, or --by lgd"),
    ],
)
def test_what_cannot_be_taken_is_said(given, says):
    with pytest.raises(UsageError, match=says):
        taking.values(POLICY, **given)
