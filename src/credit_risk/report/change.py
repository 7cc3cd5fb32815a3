"""What a change does to decisions, as Markdown: the run that held its scorer against the base branch's says so.

`change.json` comes from that run, which may be a stranger's: a number is finite or is not shown, text is escaped. What
is missing is said to be missing; nothing is left out because it is not there.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from credit_risk.measures.verdict.wording import HEADLINES
from credit_risk.report.gate_output import cell

MOST_BYTES = 200_000
SOURCES = {
    "own": "the repository's own",
    "lender": "**the simulated lender's**, with its config; nothing here is about your model",
}
DIFFERENCES = ("auc", "ks", "brier", "approval_rate", "profit_per_application")
AT_EQUAL_APPROVALS = {
    "profit_per_application": "profit per application, as many approved",
    "bad_rate_of_approved": "bad rate of the approved, as many approved",
}
SWAPS = ("approved by both", "newly approved", "newly declined", "declined by both")
POINTS = 21  # of a line, which Mermaid spaces evenly


def data(change: Mapping[str, Any]) -> str:
    """On what data the run worked."""
    return f"Data: {SOURCES.get(str(change.get('source')), '**not known**, the run does not say')}."


def approvals(change: Mapping[str, Any]) -> str:
    """Approval rate before and after, and how many applications are decided otherwise: of the same test rows."""
    if change.get("same_scorer") is True:
        return "Approvals: the scorer is the base branch's, bit for bit. **No decision changes.**"
    swaps = _object(change.get("record")).get("swap_set")
    lines = [_object(line) for line in swaps] if isinstance(swaps, list) else []
    rows = {str(line.get("group")): line.get("rows") for line in lines}
    counts = [int(count) for name in SWAPS if (count := number(rows.get(name))) is not None and 0 <= count < 10**12]
    if len(counts) < len(SWAPS) or not sum(counts):
        return f"Approvals: **not known**, {_missing(change)}."
    (both, gained, lost, _), total = counts, sum(counts)
    return (
        f"Approvals: {(both + lost) / total:.1%} before, {(both + gained) / total:.1%} now, of {total:,} test "
        f"applications. **{(gained + lost) / total:.1%} are decided otherwise**: {gained:,} newly approved, "
        f"{lost:,} newly declined."
    )


def differences(change: Mapping[str, Any]) -> list[str]:
    """A row for each figure: candidate minus the base branch's scorer on the same rows, with its paired interval."""
    if change.get("same_scorer") is True:
        return ["The same scorer: every difference is nil."]
    record = _object(change.get("record"))
    comparison = _object(_object(record.get("measures")).get("comparison"))
    if not comparison:
        return [f"**Not known**: {_missing(change)}."]
    own, equal = _object(comparison.get("differences")), _object(comparison.get("equal_approval_rate"))
    lines = ["| candidate minus base | difference | paired interval | reads as |", "|---|---|---|---|"]
    lines += [_row(HEADLINES[name], own, name) for name in DIFFERENCES]
    return lines + [_row(label, equal, name) for name, label in AT_EQUAL_APPROVALS.items()]


def _row(label: str, figures: Mapping[str, Any], name: str) -> str:
    value, low, high = (number(figures.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return f"| {label} | **not known** | | |"
    reads = "within noise" if low <= 0 <= high else "**higher**" if low > 0 else "**lower**"
    return f"| {label} | {value:+.4f} | {low:+.4f} to {high:+.4f} | {reads} |"


def charts(plots: Path) -> list[str]:
    """Calibration and profit as Mermaid draws them; the page of the run has the rest."""
    deciles = _table(plots / "deciles.csv", ("mean_pd", "bad_rate"))
    profit = sorted(_table(plots / "profit.csv", ("cut_off", "profit")))
    lines: list[str] = []
    if deciles:
        pds, rates = zip(*reversed(deciles), strict=True)
        names = ", ".join(f'"{tenth}"' for tenth in range(1, len(deciles) + 1))
        lines += _chart("Bars: bad rate. Line: mean PD", f'"tenths of the test rows, by PD" [{names}]', "share")
        lines += [f"  bar [{_numbers(rates)}]", f"  line [{_numbers(pds)}]", "```", ""]
    if len(profit) > 1:
        first, last = profit[0][0], profit[-1][0]
        steps = [first + (last - first) * step / (POINTS - 1) for step in range(POINTS)]
        values = [max(pair for pair in profit if pair[0] <= step + 1e-12)[1] for step in steps]
        lines += _chart("Profit per application", f'"cut-off" {first:.3f} --> {last:.3f}', "share of the exposure")
        lines += [f"  line [{_numbers(values)}]", "```", ""]
    missing = [name for name, rows in (("calibration", deciles), ("profit", profit)) if not rows]
    return lines + ([f"**Not drawn**, because the run left no table of it: {', '.join(missing)}."] if missing else [])


def _chart(title: str, across: str, up: str) -> list[str]:
    return ["```mermaid", "xychart-beta", f'  title "{title}"', f"  x-axis {across}", f'  y-axis "{up}"']


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def _table(path: Path, columns: tuple[str, str]) -> list[tuple[float, float]]:
    """Two columns of a small table; nothing of one that is not whole."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        return []
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        pairs = [(float(row[columns[0]]), float(row[columns[1]])) for row in rows]
    except (ValueError, KeyError, TypeError, csv.Error):
        return []
    return pairs if all(math.isfinite(value) for pair in pairs for value in pair) else []


def number(value: object) -> float | None:
    """A finite number, or None."""
    return (
        float(value) if isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value) else None
    )


def _missing(change: Mapping[str, Any]) -> str:
    why = change.get("why")
    return cell(why[:1000].rstrip(".")) if isinstance(why, str) and why else "the run left no comparison"


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
