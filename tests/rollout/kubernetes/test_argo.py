"""The AnalysisTemplate says what the analysis says: its queries are computed here, on counts of a few lines."""

import math
import re

import pytest

from credit_risk.rollout.evidence.analysis import MEASURES
from credit_risk.rollout.kubernetes import argo
from credit_risk.serving.prometheus import SCORES


@pytest.fixture
def metrics(rollout):
    return {one["name"]: one for one in argo.template(rollout)["spec"]["metrics"]}


def computed(query, counts):
    """A query's value, where each counter has the value that `counts` gives for its metric, label and colour."""

    def value(found):
        name, labels = found[1], found[2]
        colour = "candidate" if "candidate-hash" in labels else "live"
        label = re.search(r',(\w+=~?"[^"]*")', labels)
        return str(counts(name, label[1] if label else "", colour))

    plain = re.sub(r"sum\(increase\((\w+)\{([^}]*(?:\}\}[^}]*)*)\}\[\{\{args.window\}\}\]\)\)", value, query)
    plain = plain.replace(" or vector(0)", "").replace("^", "**")
    return eval(plain, {"__builtins__": {}}, {"sqrt": math.sqrt, "ln": math.log, "abs": abs})


def of_errors(name, label, colour):
    errors = {"candidate": 300, "live": 0}[colour]
    decisions = {"candidate": 700, "live": 10_000}[colour]
    return {"credit_risk_decisions_total": decisions, "credit_risk_problems_total": errors}[name]


def test_every_measure_has_a_metric_that_fails_and_one_that_succeeds(metrics):
    kinds = [name.replace("_", "-") for name in MEASURES]
    assert sorted(metrics) == sorted([f"{kind}-bad" for kind in kinds] + [f"{kind}-good" for kind in kinds])


def test_what_is_not_known_yet_is_inconclusive_and_neither_of_both(metrics):
    good = metrics["error-rate-good"]
    assert good["failureCondition"] == "false"
    assert good["successCondition"] == "len(result) > 0 && result[0] <= 0.02"


def test_too_few_decisions_have_no_result(metrics):
    for one in metrics.values():
        query = one["provider"]["prometheus"]["query"]
        assert query.count("and (sum(increase(credit_risk_decisions_total") == 2
        assert query.count(">= 50)") == 2


def test_interval_and_limits_come_from_the_config(metrics, rollout):
    bad = metrics["error-rate-bad"]
    assert (bad["interval"], bad["count"], bad["failureLimit"]) == ("1s", 5, 0)
    assert "0.05" in metrics["slow-answers-bad"]["provider"]["prometheus"]["query"]


def test_thirty_percent_errors_are_beyond_and_their_bounds_lie_around_the_difference(metrics):
    queries = [metrics[f"error-rate-{kind}"]["provider"]["prometheus"]["query"] for kind in ("bad", "good")]
    low, high = (computed(query.split(" and ")[0], of_errors) for query in queries)
    assert (low + high) / 2 == pytest.approx(0.3)
    assert 0.2 < low < 0.3 < high < 0.4


def test_scores_alike_have_no_index_but_what_chance_adds(metrics):
    def alike(name, label, _):
        if name == "credit_risk_decisions_total":
            return 10_000
        bound = label.split('"')[1]
        return 10_000 if bound == "+Inf" else 10_000 * (SCORES.index(int(float(bound))) + 1) // (len(SCORES) + 1)

    queries = [metrics[f"score-psi-{kind}"]["provider"]["prometheus"]["query"] for kind in ("bad", "good")]
    low, high = (computed(query.split(" and ")[0], alike) for query in queries)
    assert -low == pytest.approx(high, rel=1e-6)
    assert 0 < high < 0.05
