"""The same analysis as an Argo Rollouts AnalysisTemplate: one YAML says what a good candidate is, here and there.

Prometheus cannot invert the mixture of `sequential`, so its bounds are those of a normal mixture with the same alarms
(Johari, Pekelis and Walsh 2022): close to exact from `least` decisions on, and not before. Argo counts over the window
that the Rollout gives, not since the step began; give it one as long as the step.
"""

from typing import Any

from scipy.special import chdtri

from credit_risk.rollout.evidence.analysis import COLOURS, SHARES, part
from credit_risk.rollout.settings import Analysis, Rollout
from credit_risk.serving.prometheus import SCORES

WINDOW = "{{args.window}}"
HASHES = {"candidate": "{{args.candidate-hash}}", "live": "{{args.live-hash}}"}


def template(rollout: Rollout, name: str = "credit-risk") -> dict[str, Any]:
    """The manifest. Arguments: candidate-hash and live-hash (pod template hashes), window, prometheus (its address).

    Each measure is two metrics: NAME-bad fails the analysis when it is proved, NAME-good succeeds when that is proved
    and is inconclusive before, which pauses the Rollout.
    """
    metrics = [metric for share in SHARES for metric in _metrics(share.name, *_share(share.name, rollout), rollout)]
    metrics += _metrics("score_psi", *_psi(rollout), rollout)
    arguments = [{"name": argument} for argument in ("candidate-hash", "live-hash", "window", "prometheus")]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name},
        "spec": {"args": arguments, "metrics": metrics},
    }


def _metrics(name: str, low: str, high: str, rollout: Rollout) -> list[dict[str, Any]]:
    analysis, kind = rollout.analysis, name.replace("_", "-")
    tolerance = getattr(analysis.tolerances, name)
    count = max(1, round(rollout.step_s / analysis.interval_s))
    shared = {"interval": f"{analysis.interval_s:g}s", "count": count, "failureLimit": 0}
    bad, good = (_enough(query, analysis.least) for query in (low, high))
    return [
        {
            "name": f"{kind}-bad",
            **shared,
            "failureCondition": f"len(result) > 0 && result[0] > {tolerance:g}",
            "successCondition": f"len(result) == 0 || result[0] <= {tolerance:g}",
            "provider": _prometheus(bad),
        },
        {
            "name": f"{kind}-good",
            **shared,
            "failureCondition": "false",
            "successCondition": f"len(result) > 0 && result[0] <= {tolerance:g}",
            "inconclusiveLimit": count - 1,
            "provider": _prometheus(good),
        },
    ]


def _prometheus(query: str) -> dict[str, Any]:
    return {"prometheus": {"address": "{{args.prometheus}}", "query": query}}


def _enough(query: str, least: int) -> str:
    """No result, which is inconclusive, before each colour has `least` decisions."""
    return " and ".join([f"({query})", *(f"({_decisions(colour)} >= {least})" for colour in HASHES)])


def _share(name: str, rollout: Rollout) -> tuple[str, str]:
    """The lower and upper bound of the difference; for a measure that may move neither way, of its size."""
    analysis = rollout.analysis
    counts = {colour: _counts(name, colour, analysis) for colour in HASHES}
    (hits, trials), (live_hits, live_trials) = counts["candidate"], counts["live"]
    difference = f"{hits} / {trials} - {live_hits} / {live_trials}"
    if name == "approval_rate":
        difference = f"abs({difference})"
    variance = f"({_variance(hits, trials)} + {_variance(live_hits, live_trials)})"
    alpha = COLOURS * part(analysis, len(rollout.steps))
    spread = getattr(analysis.tolerances, name) ** 2
    width = (
        f"sqrt({variance} * ({variance} + {spread:.6g}) / {spread:.6g} * "
        f"(2 * ln({1 / alpha:.6g}) + ln(({variance} + {spread:.6g}) / {variance})))"
    )
    return f"{difference} - {width}", f"{difference} + {width}"


def _variance(hits: str, trials: str) -> str:
    """Of a share, with half a hit and half a miss added: no share is ever certain."""
    return f"({hits} + 0.5) * ({trials} - {hits} + 0.5) / ({trials} + 1) ^ 3"


def _counts(name: str, colour: str, analysis: Analysis) -> tuple[str, str]:
    decisions = _decisions(colour)
    failed, refused = (
        _zero(_count("credit_risk_problems_total", colour, status)) for status in ('status=~"5.."', 'status="422"')
    )
    bound = f'le="{analysis.slow_above_ms / 1e3:g}"'
    fast = _count("credit_risk_latency_seconds_bucket", colour, bound)
    hits, trials = {
        "error_rate": (failed, f"({decisions} + {failed})"),
        "slow_answers": (f"({decisions} - {fast})", decisions),
        "refused_inputs": (refused, f"({decisions} + {refused})"),
        "missing_inputs": (_zero(_count("credit_risk_decisions_lacking_inputs_total", colour)), decisions),
        "approval_rate": (_zero(_count("credit_risk_decisions_total", colour, 'outcome="approve"')), decisions),
    }[name]
    return hits, trials


def _psi(rollout: Rollout) -> tuple[str, str]:
    """The index between the colours' scores, less and more what chance adds at these alarms over all looks."""
    analysis, edges = rollout.analysis, [f"{edge:.1f}" for edge in SCORES] + ["+Inf"]
    terms = []
    for index, edge in enumerate(edges):
        shares = [_bin(colour, edge, edges[index - 1] if index else None) for colour in HASHES]
        terms.append(f"({shares[0]} - {shares[1]}) * ln({shares[0]} / {shares[1]})")
    looks = max(1, round(rollout.step_s / analysis.interval_s))
    alpha = COLOURS * part(analysis, len(rollout.steps)) / looks
    chance = f"{chdtri(len(edges) - 1, alpha):.6g} * (1 / {_decisions('candidate')} + 1 / {_decisions('live')})"
    psi = " + ".join(terms)
    return f"{psi} - {chance}", f"{psi} + {chance}"


def _bin(colour: str, edge: str, below: str | None) -> str:
    """The share of a score band; half a score is added, so that an empty band is no infinity."""
    upto = _zero(_count("credit_risk_score_bucket", colour, f'le="{edge}"'))
    label = f'le="{below}"'
    under = f" - {_zero(_count('credit_risk_score_bucket', colour, label))}" if below else ""
    return f"(({upto}{under} + 0.5) / ({_decisions(colour)} + 0.5))"


def _decisions(colour: str) -> str:
    return _count("credit_risk_decisions_total", colour)


def _count(metric: str, colour: str, label: str = "") -> str:
    labels = ",".join([f'rollouts_pod_template_hash="{HASHES[colour]}"', *([label] if label else [])])
    return f"sum(increase({metric}{{{labels}}}[{WINDOW}]))"


def _zero(count: str) -> str:
    """A counter that nothing has ever touched is no series: its count is 0."""
    return f"({count} or vector(0))"
