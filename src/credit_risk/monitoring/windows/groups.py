"""Live decisions by protected group: counts that hold no person, and the comparisons that the config declares.

Only frozen records have groups, as only `windows freeze` may read what applicants said of themselves. A group of fewer
decisions than the smallest cell stands with those whose group is not known.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pandas as pd

from credit_risk.config import Config
from credit_risk.config.fairness import Contrast, Fairness
from credit_risk.ledger.ledger import Ledger
from credit_risk.ledger.sealing import master_key
from credit_risk.measures import fairness
from credit_risk.measures.figure import Figure
from credit_risk.measures.intervals import proportion
from credit_risk.measures.verdict.gate import verdict_on
from credit_risk.monitoring.protected import protected_store
from credit_risk.monitoring.records.frozen_store import Record
from credit_risk.monitoring.windows.drift_windows import DriftVerdict, worst

NOT_SHOWN = "not known, or too few"
NO_GROUPS = (
    "no protected attribute was recorded when these months were frozen: whether groups are decided alike is not known"
)
VERDICTS: Mapping[str, DriftVerdict] = {"PASS": "IN", "FAIL": "OUT", "CANNOT SAY": "CANNOT SAY"}

AttributesOf = Callable[[Sequence[bytes]], Mapping[bytes, Mapping[str, str]]]
Groups = dict[str, dict[str, Counter[str]]]
"""By attribute and group, how many were decided how."""


class GroupCounting:
    """Counts decisions by protected group. attributes_of: what persons said of themselves, by the ledger's digest."""

    def __init__(self, settings: Fairness, attributes_of: AttributesOf) -> None:
        self._settings, self._attributes_of = settings, attributes_of
        self._groups: dict[tuple[str, str], Groups] = {}

    def add(self, decisions: Sequence[tuple[tuple[str, str], str, bytes | None]]) -> None:
        """Count decisions: each the month and scorer, what was decided, and the person's digest (None if erased)."""
        subjects = {subject for *_, subject in decisions if subject is not None}
        attributes = self._attributes_of(sorted(subjects))
        answers = [attributes.get(subject, {}) if subject is not None else {} for *_, subject in decisions]
        for name, attribute in self._settings.attributes.items():
            values = pd.Series([answer.get(name) for answer in answers], dtype=object)
            grouping = fairness.grouped(name, values, attribute)
            for (whose, outcome, _), code in zip(decisions, grouping.code, strict=True):
                of_attribute = self._groups.setdefault(whose, {}).setdefault(name, {})
                of_attribute.setdefault(grouping.names[code], Counter())[outcome] += 1

    def record(self, whose: tuple[str, str], smallest: int) -> dict[str, dict[str, dict[str, int]]]:
        """The counts of a month and scorer as a record holds them."""
        of_window = self._groups.get(whose, {})
        return {
            name: {group: dict(sorted(counts.items())) for group, counts in sorted(merged(of, smallest).items())}
            for name, of in of_window.items()
        }


@contextmanager
def counting(
    ledger: Ledger, settings: Fairness, environ: Mapping[str, str], *, busy_timeout_s: float
) -> Iterator[GroupCounting | None]:
    """Counting by what is recorded beside a ledger; None where nothing is, which is a lawful state.

    Raises LedgerRefused where attributes are recorded and their key is not given: decisions are counted once, so their
    groups would be lost.
    """
    if not protected_store.anything_recorded(ledger, busy_timeout_s=busy_timeout_s):
        yield None
        return
    key = master_key(environ, variable=protected_store.VARIABLE)
    with protected_store.ProtectedAttributes(ledger, key, busy_timeout_s=busy_timeout_s) as store:
        store.forget_erased()
        yield GroupCounting(settings, store.of_subjects)


def merged(groups: Mapping[str, Counter[str]], smallest: int) -> dict[str, Counter[str]]:
    """Groups, those too small and those not known as one, which takes in more until it is not too small itself."""
    shown = {name: counts for name, counts in groups.items() if name != fairness.NOT_KNOWN}
    rest = Counter(groups.get(fairness.NOT_KNOWN, Counter()))
    for name in sorted(shown, key=lambda name: shown[name].total()):
        if shown[name].total() < smallest or 0 < rest.total() < smallest:
            rest += shown.pop(name)
    return shown | ({NOT_SHOWN: rest} if rest else {})


def measure(windows: Iterable[Record], config: Config) -> dict[str, Any]:
    """Approval rates by group over these records, and the declared contrasts against the limits of their gates.

    verdict: IN where the ratio's interval lies within the limits, OUT where it lies outside. Decisions count as
    independent, those of one person too. Without groups: CANNOT SAY, and why.
    """
    counted = _added_up(windows)
    if not counted:
        return {"verdict": "CANNOT SAY", "why": NO_GROUPS, "attributes": {}, "contrasts": []}
    rates = {
        name: {group: _approvals(counts, config) for group, counts in groups.items()}
        for name, groups in counted.items()
    }
    contrasts = [_contrast(each, rates, config) for each in config.fairness.contrasts]
    return {
        "verdict": worst(each["verdict"] for each in contrasts),
        "why": "" if contrasts else "no contrast is declared",
        "attributes": {
            name: {group: asdict(figure) for group, figure in groups.items()} for name, groups in rates.items()
        },
        "contrasts": contrasts,
    }


def _added_up(windows: Iterable[Record]) -> Groups:
    added: Groups = {}
    for record in windows:
        for name, groups in (record.get("groups") or {}).items():
            for group, counts in groups.items():
                added.setdefault(name, {}).setdefault(group, Counter()).update(counts)
    return added


def _approvals(counts: Counter[str], config: Config) -> Figure:
    approved = counts["approve"] + (counts["refer"] if config.fairness.refer_counts_as == "approve" else 0)
    if counts.total() < config.fairness.min_n:
        return Figure.unknown(counts.total(), fairness.too_few(counts.total(), config.fairness.min_n))
    return proportion(approved, counts.total(), confidence=config.evaluation.confidence)


def _contrast(declared: Contrast, rates: Mapping[str, Mapping[str, Figure]], config: Config) -> dict[str, Any]:
    of_attribute = rates.get(declared.attribute, {})
    nobody = Figure.unknown(0, "nobody of this group is shown")
    sides = {name: of_attribute.get(name, nobody) for name in (declared.group, declared.reference)}
    group, reference = sides[declared.group], sides[declared.reference]
    if why := "; ".join(f"{name}: {side.why}" for name, side in sides.items() if not side.known):
        figure = Figure.unknown(group.n + reference.n, why)
    else:
        figure = fairness.ratio(group, reference)
    gate = next((gate for gate in config.gates if gate.measure == f"fairness.contrasts.{declared.name}.ratio"), None)
    verdict: DriftVerdict = "CANNOT SAY"
    if gate is not None and figure.has_interval:
        verdict = VERDICTS[verdict_on(gate, figure.value, figure.low, figure.high)]
    return {
        "name": declared.name,
        "group": declared.group,
        "reference": declared.reference,
        "ratio": asdict(figure),
        "limits": None if gate is None else [gate.at_least, gate.at_most],
        "verdict": verdict,
    }
