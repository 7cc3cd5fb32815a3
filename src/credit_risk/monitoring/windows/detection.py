"""Small steady changes in single decisions, noticed within days: ADWIN on each decision's answer, without the seasons.

ADWIN (Bifet and Gavaldà 2007; river's) keeps a window of what it saw and drops its older part as soon as the two differ
by more than chance allows at `delta`. Decisions come as counts by day, spread evenly over the day: what it learns of a
change is the day on which it was noticed, and never who was decided.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from credit_risk.monitoring.records.frozen_store import Record
from credit_risk.monitoring.settings import Detection
from credit_risk.monitoring.windows.drift_windows import DriftVerdict
from credit_risk.monitoring.windows.freezing import DECISIONS

SERIES = ("approve", "refer", "refused", "low score")
DAYS = 396  # looked back on: a year, and the month that runs
RECENT = 31  # a change that was noticed in so many days makes a series OUT
FEWEST = 1000  # decisions of a series without which nothing is said
NOT_INSTALLED = "the detector is not installed: pip install 'credit-risk[monitoring]'"

Days = dict[date, Counter[str]]


def measure(windows: Iterable[Record], scorer: str, settings: Detection, as_of: date) -> dict[str, Any]:
    """The changes in one scorer's decisions until a day, by series, and whether the last one is recent."""
    try:
        from river.drift import ADWIN  # noqa: F401, PLC0415  (an extra of this part)
    except ImportError:
        return {"verdict": "CANNOT SAY", "why": NOT_INSTALLED, "series": {}}
    counts = days(windows, scorer, as_of)
    series = {name: _series(counts, name, settings, as_of) for name in SERIES}
    verdicts = {each["verdict"] for each in series.values()}
    verdict = "OUT" if "OUT" in verdicts else "IN" if "IN" in verdicts else "CANNOT SAY"
    return {"delta": settings.delta, "verdict": verdict, "why": "", "series": series}


def days(windows: Iterable[Record], scorer: str, as_of: date) -> Days:
    """Decisions of one scorer by day, of the last DAYS until a day."""
    counts: Days = {}
    for record in windows:
        if record["scorer"] != scorer:
            continue
        for day, by_name in record.get("days", {}).items():
            at = date.fromisoformat(day)
            if as_of - timedelta(days=DAYS) < at <= as_of:
                counts.setdefault(at, Counter()).update(by_name)
    return dict(sorted(counts.items()))


def changes(counts: Mapping[date, Counter[str]], name: str, settings: Detection) -> list[dict[str, Any]]:
    """Each change of a share that was noticed: on which day, and what it was before and from then until the next.

    Every decision counts as 1 or 0, less what its season is above or below the whole: decisions of a Monday, say.
    """
    from river.drift import ADWIN  # noqa: PLC0415

    seasons = _seasons(counts, name, settings)
    detector = ADWIN(delta=settings.delta)  # type: ignore[no-untyped-call]
    noticed: list[dict[str, Any]] = []
    for day, of_day in counts.items():
        shift, rows = seasons[season_of(day, settings)], of_day[base_of(name)]
        before, changed = detector.estimation, False
        for position in range(rows):
            answer = (position + 1) * of_day[name] // rows - position * of_day[name] // rows
            detector.update(answer - shift)  # type: ignore[no-untyped-call]
            changed = changed or detector.drift_detected
        if changed:
            noticed.append({"noticed_on": day.isoformat(), "before": before})
        if noticed:
            noticed[-1]["after"] = detector.estimation
    return noticed


def base_of(name: str) -> str:
    """Of which decisions a series is a share: scores of those that were scored, the rest of all."""
    return "scored" if name == "low score" else DECISIONS


def _series(counts: Mapping[date, Counter[str]], name: str, settings: Detection, as_of: date) -> dict[str, Any]:
    rows = sum(of_day[base_of(name)] for of_day in counts.values())
    if rows < FEWEST:
        return {"n": rows, "changes": [], "verdict": "CANNOT SAY", "why": f"{rows} decisions, {FEWEST} are needed"}
    noticed = changes(counts, name, settings)
    since = (as_of - timedelta(days=RECENT)).isoformat()
    verdict: DriftVerdict = "OUT" if any(each["noticed_on"] > since for each in noticed) else "IN"
    return {"n": rows, "changes": noticed, "verdict": verdict, "why": ""}


def season_of(day: date, settings: Detection) -> tuple[int, ...]:
    """The season of a day, as a key: its weekday and third of the month, as far as these count, or a holiday."""
    if day in settings.holidays:
        return (-1,)
    of_day = {"weekday": day.weekday(), "third_of_month": min((day.day - 1) // 10, 2)}
    return tuple(of_day[name] for name in settings.seasons)


def _seasons(counts: Mapping[date, Counter[str]], name: str, settings: Detection) -> dict[Sequence[int], float]:
    """By season, how far its share lies above that of all days."""
    sums: dict[Sequence[int], Counter[str]] = {}
    for day, of_day in counts.items():
        sums.setdefault(season_of(day, settings), Counter()).update(of_day)
    whole = sum(sums.values(), Counter[str]())
    level = whole[name] / max(whole[base_of(name)], 1)
    return {season: (of[name] / of[base_of(name)] - level) if of[base_of(name)] else 0.0 for season, of in sums.items()}
