"""The figures of the report in words and tables: what is missing is said to be, with the reason."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import pandas as pd

from credit_risk.config import Config
from credit_risk.config.dotted import lookup, value_at
from credit_risk.measures.verdict.gate import LETS_THROUGH, Outcome
from credit_risk.report import plots
from credit_risk.report.artefacts import Cells, read_table
from credit_risk.report.gate_output import contrasts_not_judged, fact_changed, not_needed

Kind = Literal["plain", "percent", "exposure", "count", "text"]
Numbers: TypeAlias = tuple[float | None, float | None, float | None]
NOT_AVAILABLE = "not available"


@dataclass(frozen=True)
class FigureLabel:
    """How the report calls a figure of metrics.json, and how it writes it."""

    name: str
    label: str
    kind: Kind = "plain"


# What each figure means is said in the template.
DECIDED = (  # by all rules and referrals, which challengers do not stand under: no difference is taken
    FigureLabel("final_approval_rate", "Approval rate", "percent"),
    FigureLabel("final_profit_per_application", "Profit per application", "exposure"),
)
HEADLINE = (
    FigureLabel("auc", "AUC"),
    FigureLabel("gini", "Gini"),
    FigureLabel("ks", "KS"),
    FigureLabel("brier", "Brier score"),
    FigureLabel("calibration_slope", "Calibration slope"),
    FigureLabel("calibration_in_the_large", "Calibration level"),
    *DECIDED,
)
FURTHER = (
    FigureLabel("approval_rate", "Approved by PD alone", "percent"),
    FigureLabel("profit_per_application", "Profit by PD alone", "exposure"),
    FigureLabel("average_precision", "PR-AUC"),
    FigureLabel("ece", "Calibration error (ECE)"),
    FigureLabel("bad_rate_of_approved", "Bad rate of the approved", "percent"),
)
KINDS: dict[str, Kind] = {
    **{measure.name: measure.kind for measure in (*HEADLINE, *FURTHER)},
    **dict.fromkeys(("violations", "perturbations", "rows_across_splits", "guarded"), "count"),
    **dict.fromkeys(("duplicates", "scored_by_accident"), "count"),
    **dict.fromkeys(("strongest_share", "marked", "passing_share", "same_kind"), "percent"),
}
# Columns of the tables that are not text under their own name; the others are plain figures.
TEXTS = ("band", "decile", "model", "bin", "segment", "value", "input", "direction")
COUNTS = ("rows", "goods", "bads", "perturbations", "violations", "not_claimed")
HEADINGS = {
    "rows": "Accounts",
    "mean_pd": "Mean PD",
    "bad_rate": "Bad rate",
    "auc": "AUC",
    "perturbations": "Steps tested",
    "not_claimed": "Steps without a claim",
    "largest": "Largest violation (PD)",
}
# What a check is about, by how its measure begins; the last takes what no other claims.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Data", ("leak.", "validation.")),
    ("Ranking", ("test.auc", "test.gini", "test.ks", "selection.", "comparison.")),
    (
        "Calibration",
        ("test.calibration", "test.brier", "bands.", "splits.pooled.calibration", "splits.pooled.largest_gap"),
    ),
    ("Reasons", ("explain.", "monotone.")),
    ("Fairness", ("fairness.",)),
    ("Stability", ("stability.", "splits.", "robustness.")),
    ("Operations", ("",)),
)
ENDS = {"bad_rate": ("low", "high"), "auc": ("auc_low", "auc_high")}


def written(value: float | None, kind: Kind = "plain", *, signed: bool = False, decimals: int | None = None) -> str:
    """A figure as the page writes it: decided here alone."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    sign = "+" if signed else ""
    scale, digits = {"percent": (100, 1), "exposure": (100, 2), "count": (1, 0)}.get(kind, (1, 3))
    digits = (max(digits, 2) if signed and scale == 100 else digits) if decimals is None else decimals
    text = f"{value * scale:{sign},.{digits}f}"
    unit = "" if scale == 1 else " pp" if signed else "%"
    zero = f"{0:.{digits}f}"
    if value and decimals is None and kind == "plain" and not signed and text.lstrip("-") == zero:
        return f"{value:.1e}".replace("-", "−")  # beside a limit of 1e-6, 0.000 says nothing
    return (zero if text.lstrip("+-") == zero else text.replace("-", "−")) + unit


def interval(numbers: Numbers, kind: Kind = "plain", *, signed: bool = False) -> str:
    """A figure as `0.775 (0.761 to 0.789)`; small figures get more decimals, all three the same."""
    value, low, high = numbers
    if value is None:
        return NOT_AVAILABLE
    decimals = _decimals([number for number in numbers if number is not None]) if kind == "plain" else None
    write = partial(written, kind=kind, signed=signed, decimals=decimals)
    if low is None or high is None:
        return f"{write(value)} (interval {NOT_AVAILABLE})"
    inside = [write(end).removesuffix(" pp") for end in (low, high)]
    return f"{write(value)} ({inside[0]} to {inside[1]})"


def _decimals(numbers: Sequence[float]) -> int:
    """Three, or as many as the largest number needs for three significant digits, five at most."""
    largest = max(map(abs, numbers))
    return min(max(2 - math.floor(math.log10(largest)), 3), 5) if largest > 0 else 3


def value_of(
    metrics: Mapping[str, Any], node: str, measure: FigureLabel, *, signed: bool = False
) -> tuple[str, str | None]:
    """A figure with its interval as text, and why it is not known where it is not."""
    name = f"{node}.{measure.name}"
    numbers = lookup(metrics, name), lookup(metrics, f"{name}_low"), lookup(metrics, f"{name}_high")
    why = metrics.get("unknown", {}).get(name) or f"reports/metrics.json does not hold {name}"
    return interval(numbers, measure.kind, signed=signed), why if numbers[0] is None else None


def verdict(config: Config, gate: Mapping[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The gate's word with its checks. Whatever speaks against a PASS takes it away and is shown as a doubt."""
    checks = [_check(check) for check in gate.get("checks", [])]
    word, doubts = gate.get("verdict"), _doubts(config, gate, checks, metrics) if gate else []
    if word in LETS_THROUGH and doubts:
        word = "CANNOT SAY"
    word = word if word in get_args(Outcome) else NOT_AVAILABLE
    ranked = sorted((check for check in checks if check["distance"] is not None), key=itemgetter("distance"))
    return {
        "word": word,
        "checks": checks,
        "nearest": ranked[:3],
        "groups": [name for name, _ in GROUPS],
        "doubts": doubts,
        "waivers": gate.get("waivers", []),
        "not_needed": [not_needed(waiver) for waiver in gate.get("waivers_not_needed", [])],
        "recommended": gate.get("recommended"),
        "not_applicable": [str(skipped.get("sentence", "")) for skipped in gate.get("not_applicable", [])],
        "not_judged": [str(contrast.get("sentence", "")) for contrast in gate.get("not_judged", [])],
        "unjudged": contrasts_not_judged(gate),
        "changed": gate.get("changed") or {},
        "facts_changed": [fact_changed(each) for each in (gate.get("changed") or {}).get("facts", [])],
    }


def _doubts(
    config: Config, gate: Mapping[str, Any], checks: Sequence[Mapping[str, Any]], metrics: Mapping[str, Any]
) -> list[str]:
    """What speaks against a PASS: what the gate found stale, another scorer's figures, gates that it did not judge."""
    doubts = list(gate.get("stale", []))
    digest = gate.get("digests", {}).get("scorer")
    if digest is None or digest != metrics.get("scorer"):
        doubts.append("the verdict and the figures on this page speak about different scorers")
    judged = {check["key"] for check in checks}
    declared = [each.name for each in config.own_gates if each.of in (None, gate.get("kind"))]
    doubts += [f"the gate {name} was not judged" for name in declared if name not in judged]
    waived = {waiver["check"] for waiver in gate.get("waivers", [])}
    passes = gate.get("verdict") in LETS_THROUGH
    if passes and any(check["verdict"] != "PASS" and check["key"] not in waived for check in checks):
        doubts.append("the record says PASS although a check does not")
    return doubts


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    measure = str(check.get("measure", ""))
    kind = KINDS.get(measure.rsplit(".", 1)[-1], "plain")
    value, low, high = (check.get(key) for key in ("value", "low", "high"))
    exact = value is not None and low == high == value
    limits = {end: _limit(check[end], kind) for end in ("at_least", "at_most") if check.get(end) is not None}
    distance = distance_to_limit(check)
    size = f"{written(distance[0], decimals=2)} " if distance and math.isfinite(distance[0]) else ""
    single_limit = " ".join(f"{end.replace('_', ' ')} {limit}" for end, limit in limits.items())
    return {
        "key": check.get("name"),
        "name": str(check.get("name", "")).replace("_", " ").capitalize(),
        "measure": measure,
        "group": next(name for name, starts in GROUPS if measure.startswith(starts)),
        "observed": written(value, kind) if exact else interval((value, low, high), kind),
        "limits": " to ".join(limits.values()) if len(limits) == 2 else single_limit or NOT_AVAILABLE,
        "distance": distance,
        "stands": size + distance[1] if distance else NOT_AVAILABLE,
        "verdict": check.get("verdict") if check.get("verdict") in ("PASS", "FAIL", "CANNOT SAY") else NOT_AVAILABLE,
        "sentence": check.get("sentence") or "",
        "reason": check.get("reason") or "",
    }


def distance_to_limit(check: Mapping[str, Any]) -> tuple[float, str] | None:
    """How far inside its limits a check's interval ends, and in what: 0 on a limit, negative beyond; see docs/gates.md.

    In half-widths of the interval. Where it has no width: in half the span of two limits, or in a single limit's size.
    None where it is not known, and where a limit of 0, which is no unit, is kept.
    """
    value, low, high = (check.get(key) for key in ("value", "low", "high"))
    if value is None or low is None or high is None or low > high:
        return None
    ends = {"at_least": min(low, value), "at_most": max(high, value)}
    limits = {name: check[name] for name in ends if check.get(name) is not None}
    rooms = [ends[name] - limit if name == "at_least" else limit - ends[name] for name, limit in limits.items()]
    unit, word = (high - low) / 2, "half-widths"
    if not unit and len(limits) == 2:
        unit, word = (limits["at_most"] - limits["at_least"]) / 2, "of half the span"
    elif not unit:
        unit, word = abs(sum(limits.values())), "of the limit"
    if unit > 0 and rooms:
        return min(rooms) / unit, word
    return (-math.inf, "beyond a limit of 0") if min(rooms, default=0) < 0 else None


def _limit(value: float, kind: Kind) -> str:
    """A limit as the config states it, not with more decimals than were meant."""
    return f"{value * 100:g}%" if kind == "percent" else f"{value:g}".replace("-", "−")


def model_label(kind: object) -> str:
    """What people call a kind of model."""
    return plots.MODELS[kind][0] if isinstance(kind, str) and kind in plots.MODELS else NOT_AVAILABLE


def rivals(metrics: Mapping[str, Any]) -> list[str]:
    """The candidate's challengers, the one that could have been chosen first."""
    return [kind for kind in plots.MODELS if kind in metrics.get("challengers", {})]


def comparison(metrics: Mapping[str, Any], selection: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Candidate and challengers side by side, the candidate minus each, and what the selection rows chose by."""
    kinds = rivals(metrics)
    metrics = {**metrics, "selection": {"scorecard": selection.get("scorecard", {})}}
    nodes = ("test", *(f"challengers.{kind}" for kind in kinds))
    differences = (*(f"differences.{kind}" for kind in kinds), "selection.scorecard")
    return [
        {
            "label": measure.label,
            "values": [value_of(metrics, node, measure)[0] for node in nodes],
            "differences": [value_of(metrics, node, measure, signed=True)[0] for node in differences],
            "telling": [_clear(metrics, f"{node}.{measure.name}") for node in differences],
        }
        for measure in (*HEADLINE, *FURTHER)
        if measure not in DECIDED
    ]


def _clear(metrics: Mapping[str, Any], name: str) -> bool:
    """Whether a difference's interval leaves out 0."""
    low, high = lookup(metrics, f"{name}_low"), lookup(metrics, f"{name}_high")
    return low is not None and high is not None and (low > 0 or high < 0)


def leak(metrics: Mapping[str, Any]) -> dict[str, str]:
    """How near one feature alone comes to the model, and rows that stand in more than one split."""
    leak_numbers = metrics.get("leak", {})
    return {
        "share": written(lookup(leak_numbers, "strongest_share"), "percent"),
        "gini": written(lookup(leak_numbers, "strongest_gini")),
        "feature": str(leak_numbers.get("strongest_feature") or ""),
        "across": written(lookup(leak_numbers, "rows_across_splits"), "count"),
        "marked": written(lookup(leak_numbers, "marked"), "percent"),
        "marked_feature": str(leak_numbers.get("marked_feature") or ""),
    }


def unused(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The features that the candidate does not read though they tell something, what it misses most first."""
    features = value_at(metrics, "unused.features")
    return {"count": written(None if features is None else len(features), "count"), "features": features or []}


def monotone(metrics: Mapping[str, Any]) -> dict[str, str]:
    """How often the PD went against a declared direction on raw inputs, and what the test could not reach."""
    numbers = {
        name: lookup(metrics, f"monotone.{name}") for name in ("violations", "perturbations", "untested_features")
    }
    counts = {name: written(value, "count") for name, value in numbers.items()}
    return counts | {"largest": written(lookup(metrics, "monotone.largest"), decimals=5)}


def steps(preparation: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How many rows each step of the preparation left, down to what the splits hold."""
    if not preparation:
        return []
    read, left, rates = preparation["rows_read"], preparation["left_out"], preparation.get("left_out_bad_rate", {})
    kept = sum(part["rows"] for part in preparation["parts"].values())
    lines = [
        ("Rows read", written(read, "count")),
        *(
            (f"Left out: {why}{f', {rates[why]:.1%} bad' if why in rates else ''}", written(-n, "count"))
            for why, n in left.items()
        ),
    ]
    gone = sum(left.values())
    if read - gone != kept:
        lines.append(("Rows that no step accounts for", written(read - gone - kept, "count")))
    return [*lines, ("Rows in train, selection and test", written(kept, "count"))]


def digests(gate: Mapping[str, Any], preparation: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What this page speaks about, by SHA-256."""
    names = {
        "scorer": "Scorer (models/scorer)",
        "challenger": "Challenger (models/challenger)",
        "data": "Prepared rows",
        "config": "Config (configs/*.yaml)",
        "code": "Code that makes and judges a scorer",
    }
    of_gate = gate.get("digests", {})
    known = [(label, str(of_gate.get(name) or NOT_AVAILABLE)) for name, label in names.items()]
    known += [(names.get(name, name), str(value)) for name, value in of_gate.items() if name not in names]
    return known + [(f"Source {path}", str(value)) for path, value in preparation.get("inputs_digest", {}).items()]


def labels(config: Config) -> dict[str, str]:
    """What people call each model, column and feature."""
    named: Mapping[str, Any] = {**config.columns, **config.derived}
    models = {name: label for name, (label, _, _) in plots.MODELS.items()}
    return models | {name: _capital(declared.label or name.replace("_", " ")) for name, declared in named.items()}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def table_of(path: Path, names: Mapping[str, str]) -> Cells:
    """A CSV as headings and cells for the page; a rate and its ends become one cell."""
    table, why = read_table(path, ())
    if table is None:
        return {"missing": why, "headings": [], "rows": []}
    for column in {"segment", "input", "model"} & set(table):
        table[column] = [names.get(name, name) for name in table[column]]
    ends = {end for name, pair in ENDS.items() if name in table for end in pair}
    kinds = {name: _kind(name) for name in map(str, table) if name not in ends}
    headings = [(_heading(name, set(map(str, table))), kind != "text") for name, kind in kinds.items()]
    rows = [
        [(_cell(row, name, kind), kind != "text") for name, kind in kinds.items()] for row in table.to_dict("records")
    ]
    return {"missing": "", "headings": headings, "rows": rows}


def _heading(name: str, columns: set[str]) -> str:
    heading = HEADINGS.get(name, _capital(name.replace("_", " ")))
    return f"{heading} (interval)" if name in ENDS and set(ENDS[name]) <= columns else heading


def _kind(column: str) -> Kind:
    if column in TEXTS or column in COUNTS:
        return "text" if column in TEXTS else "count"
    return "percent" if column.startswith("cumulative") or column in ("mean_pd", "bad_rate") else "plain"


def _cell(row: Mapping[Any, Any], name: str, kind: Kind) -> str:
    value = row[name]
    if kind == "text" or isinstance(value, str):
        return NOT_AVAILABLE if pd.isna(value) else str(value)
    if name in ENDS and set(ENDS[name]) <= set(row):
        low, high = (_number(row[end]) for end in ENDS[name])
        return interval((_number(value), low, high), kind)
    return written(float(value), kind)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
