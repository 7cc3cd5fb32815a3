"""The promotion gate: measurements in, a verdict for each check out. Nothing passes by being absent.

A check passes when the whole interval lies inside its limits, fails when the whole interval lies
outside, and otherwise says CANNOT SAY. FAIL and CANNOT SAY both block.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from credit_risk.config.schema import Gate
from credit_risk.measures.dotted import lookup, numbers
from credit_risk.measures.figure import ENDS
from credit_risk.measures.wording import named

Verdict = Literal["PASS", "FAIL", "CANNOT SAY"]


@dataclass(frozen=True)
class Check:
    """The verdict of one gate, with what it was reached on and one sentence for people."""

    gate: Gate
    verdict: Verdict
    value: float | None
    low: float | None
    high: float | None
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        return {**self.gate.model_dump(), "verdict": self.verdict, "sentence": self.sentence} | {
            "value": self.value,
            "low": self.low,
            "high": self.high,
        }


def decide(
    gates: Sequence[Gate],
    measures: Mapping[str, Any],
    unknown: Mapping[str, str],
    absent: Mapping[str, str] = MappingProxyType({}),
) -> list[Check]:
    """One check for each gate.

    measures: nested by name, with `NAME_low` and `NAME_high` beside each NAME that has an interval.
    unknown: why a measure has no value, by its full name.
    absent: what makes the measures of a report that is not there, by the first part of their names.
    """
    return [_check(gate, measures, unknown.get(gate.measure), absent.get(gate.measure.split(".")[0])) for gate in gates]


def applicable(gates: Sequence[Gate], kind: str | None) -> tuple[list[Gate], list[dict[str, str]]]:
    """The gates that this kind of candidate is held against, and the others, each with the sentence why not.

    A gate that is left out has no verdict: it is neither passed nor waived. For a kind that is not known none is.
    """
    others = [gate for gate in gates if kind is not None and gate.of not in (None, kind)]
    sentences = [
        {
            "name": gate.name,
            "of": str(gate.of),
            "sentence": f"{gate.name} does not apply: it judges a {gate.of} candidate, and this one is a {kind}.",
        }
        for gate in others
    ]
    return [gate for gate in gates if gate not in others], sentences


def overall(checks: Sequence[Check]) -> Verdict:
    """PASS only if there are checks and every one passes; FAIL if any fails."""
    verdicts = {check.verdict for check in checks}
    if "FAIL" in verdicts or not checks:
        return "FAIL"
    return "CANNOT SAY" if "CANNOT SAY" in verdicts else "PASS"


def _check(gate: Gate, measures: Mapping[str, Any], why_unknown: str | None, absent: str | None) -> Check:
    value = lookup(measures, gate.measure)
    if gate.exact:
        low = high = value
    else:
        low, high = (lookup(measures, gate.measure + end) for end in ENDS)
    verdict, finding = _verdict(gate, value, low, high, why_unknown)
    if value is None and not why_unknown and (near := nearest(gate.measure, measures)):
        finding += f" (did you mean {near}?)"
    elif value is None and not why_unknown and absent:
        finding += f": {absent}"
    advice = f": {gate.advice}" if gate.advice and verdict != "PASS" else ""
    return Check(gate, verdict, value, low, high, f"{named(gate)} {finding}{advice}.")


def verdict_on(gate: Gate, value: float | None, low: float | None, high: float | None) -> Verdict:
    """The verdict that follows from a figure and its interval alone."""
    return _verdict(gate, value, low, high, None)[0]


def nearest(measure: str, measures: Mapping[str, Any]) -> str | None:
    """The measure among those that were taken whose name is most like this one; None if none is like it."""
    others = [name for name, _ in numbers(measures) if not name.endswith(ENDS) and not name.startswith(measure)]
    near = difflib.get_close_matches(measure, others, 1, 0.8)
    return near[0] if near else None


def _verdict(
    gate: Gate, value: float | None, low: float | None, high: float | None, why_unknown: str | None
) -> tuple[Verdict, str]:
    if value is None and why_unknown:
        return "CANNOT SAY", f"is not known: {why_unknown.rstrip('.')}"
    if value is None:
        return "FAIL", "was not measured, and a missing measure does not pass"
    if low is None or high is None:
        return "CANNOT SAY", f"is {value:.4g} but has no interval, so chance cannot be told from merit"
    if low > high:
        return "FAIL", f"has an interval upside down, {low:.4g} to {high:.4g}, and cannot be judged"
    return _against_limits(gate, value, low, high)


def _against_limits(gate: Gate, value: float, low: float, high: float) -> tuple[Verdict, str]:
    observed = f"is {value:.4g}" if low == high else f"is {value:.4g} ({low:.4g} to {high:.4g})"
    at_least = -math.inf if gate.at_least is None else gate.at_least
    at_most = math.inf if gate.at_most is None else gate.at_most
    if at_least <= min(low, value) and max(high, value) <= at_most:
        return "PASS", f"{observed}, inside {_limits(gate)}"
    if high < at_least or low > at_most:
        return "FAIL", f"{observed}, outside {_limits(gate)}"
    return "CANNOT SAY", f"{observed} and straddles {_limits(gate)}: more rows would narrow the interval"


def _limits(gate: Gate) -> str:
    if gate.at_least is None:
        return f"the limit of at most {gate.at_most:g}"
    if gate.at_most is None:
        return f"the limit of at least {gate.at_least:g}"
    return f"the limits {gate.at_least:g} to {gate.at_most:g}"
