"""The promotion gate: measurements in, a verdict for each check out. Nothing passes by being absent.

A check passes when the whole interval lies inside its limits, fails when the whole interval lies
outside, and otherwise says CANNOT SAY. FAIL and CANNOT SAY both block.
"""

import difflib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from credit_risk.config.dotted import lookup, numbers, value_at
from credit_risk.config.schema import Gate
from credit_risk.measures.figure import ENDS
from credit_risk.measures.verdict.wording import named

Verdict = Literal["PASS", "FAIL", "CANNOT SAY"]  # on a check
WITH_WAIVERS: Final = "PASS WITH WAIVERS"
Outcome = Literal["PASS", "PASS WITH WAIVERS", "FAIL", "CANNOT SAY"]  # of all checks together
LETS_THROUGH: tuple[Outcome, ...] = ("PASS", WITH_WAIVERS)
ABOUT = {  # what a measure of the worst of several is of
    "leak.strongest_share": "leak.strongest_feature",
    "leak.marked": "leak.marked_feature",
    "leak.order": "leak.order_of",
    "leak.encoded": "leak.encoded_features",
    "unused.marginal": "unused.feature",
    "bands.largest_gap": "bands.worst",
    "stability.csi_largest": "stability.csi_largest_input",
}

ROWS_OF = {"selection": "selection.rows.selection", "splits": "splits.rows.all"}  # other measures are of the test rows


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


def overall(checks: Sequence[Check], waived: Collection[str] = ()) -> Outcome:
    """PASS only if there are checks and every one passes; FAIL if any fails.

    waived: the checks, by name, that a waiver lets pass. A pass that needs one is another than a pass, and at least one
    check must pass by itself.
    """
    verdicts = {check.verdict for check in checks if check.gate.name not in waived}
    if "FAIL" in verdicts or not verdicts:
        return "FAIL"
    if "CANNOT SAY" in verdicts:
        return "CANNOT SAY"
    return WITH_WAIVERS if any(check.verdict != "PASS" for check in checks) else "PASS"


def _check(gate: Gate, measures: Mapping[str, Any], why_unknown: str | None, absent: str | None) -> Check:
    value = lookup(measures, gate.measure)
    if gate.exact:
        low = high = value
    else:
        low, high = (lookup(measures, gate.measure + end) for end in ENDS)
    rows = lookup(measures, ROWS_OF.get(gate.measure.split(".")[0], "rows.test"))
    verdict, finding = _verdict(gate, (value, low, high), why_unknown, rows)
    if gate.measure in ABOUT and (of_what := value_at(measures, ABOUT[gate.measure])):
        finding = f"of {of_what} {finding}"
    if value is None and not why_unknown and (near := nearest(gate.measure, dict(numbers(measures)))):
        finding += f" (did you mean {near}?)"
    elif value is None and not why_unknown and absent:
        finding += f": {absent}"
    advice = f": {gate.advice}" if gate.advice and verdict != "PASS" else ""
    return Check(gate, verdict, value, low, high, f"{named(gate)} {finding}{advice}.")


def verdict_on(gate: Gate, value: float | None, low: float | None, high: float | None) -> Verdict:
    """The verdict that follows from a figure and its interval alone."""
    figures = {"value": value, "low": low, "high": high}  # read as measured ones are: what is no number is not there
    return _verdict(gate, (lookup(figures, "value"), lookup(figures, "low"), lookup(figures, "high")), None, None)[0]


def nearest(measure: str, known: Iterable[str]) -> str | None:
    """The measure among the known ones whose name is most like this one; None if none is like it."""
    others = [name for name in known if not name.endswith(ENDS) and not name.startswith(measure)]
    near = difflib.get_close_matches(measure, others, 1, 0.8)
    return near[0] if near else None


def _verdict(
    gate: Gate, figure: tuple[float | None, float | None, float | None], why_unknown: str | None, rows: float | None
) -> tuple[Verdict, str]:
    value, low, high = figure
    if value is None and why_unknown:
        return "CANNOT SAY", f"is not known: {why_unknown.rstrip('.')}"
    if value is None:
        return "FAIL", "was not measured, and a missing measure does not pass"
    if low is None or high is None:
        return "CANNOT SAY", f"is {value:.4g} but has no interval, so it may be chance"
    if low > high:
        return "FAIL", f"has an interval upside down, {low:.4g} to {high:.4g}, and cannot be judged"
    return _against_limits(gate, value, low, high, rows)


def _against_limits(gate: Gate, value: float, low: float, high: float, rows: float | None) -> tuple[Verdict, str]:
    observed = f"is {value:.4g}" if low == high else f"is {value:.4g} ({low:.4g} to {high:.4g})"
    at_least = -math.inf if gate.at_least is None else gate.at_least
    at_most = math.inf if gate.at_most is None else gate.at_most
    if at_least <= min(low, value) and max(high, value) <= at_most:
        return "PASS", f"{observed}, inside {_limits(gate)}"
    if high < at_least or low > at_most:
        return "FAIL", f"{observed}, outside {_limits(gate)}"
    crossed = [limit for limit in (at_least, at_most) if low <= limit <= high]
    times = max((_times_as_many(value, (low, high), limit) for limit in crossed), default=math.inf)
    needed = "no number of rows"
    if math.isfinite(times):
        more = f"{times * rows:,.0f} rows in the place of {rows:,.0f}" if rows else f"{times:.1f} times as many rows"
        needed = f"about {more}"
    return "CANNOT SAY", f"{observed} and straddles {_limits(gate)}: {needed} would settle it if the figure stays"


def _times_as_many(value: float, ends: tuple[float, float], limit: float) -> float:
    """How many times as many rows bring the end beyond the limit back to it, if the figure stays.

    A share's interval is Wilson's, known by both its ends standing for one number of rows: z² L (1 - L) / (L - p)² rows
    have their end at L, exactly. Other intervals shrink with the root of the rows. Infinite for a figure at its limit.
    """
    if value == limit:
        return math.inf
    end = ends[0] if limit < value else ends[1]

    def share_rows(its_end: float) -> float:  # in units of z²
        return its_end * (1 - its_end) / (its_end - value) ** 2 if 0 < its_end < 1 and its_end != value else 0.0

    both = [share_rows(each) for each in ends if each not in (0, 1)]
    if 0 <= value <= 1 and 0 < limit < 1 and both and max(both) <= 1.001 * min(both) and min(both) > 0:
        return share_rows(limit) / both[0]  # equal for both ends; one at 0 or 1 says nothing
    return ((end - value) / (limit - value)) ** 2


def _limits(gate: Gate) -> str:
    if gate.at_least is None:
        return f"the limit of at most {gate.at_most:g}"
    if gate.at_most is None:
        return f"the limit of at least {gate.at_least:g}"
    return f"the limits {gate.at_least:g} to {gate.at_most:g}"
