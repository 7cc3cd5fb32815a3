"""How the decisions hold under stress, and whether anything is scored by accident (DVC stage `robustness`)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.schema import Robustness, Scenario
from credit_risk.data.files import Files
from credit_risk.data.inputs import Inputs, Mask, Matrix
from credit_risk.data.writing import write_figures
from credit_risk.measures import stress
from credit_risk.measures.figure import Figure, flat, reported
from credit_risk.measures.intervals import mean
from credit_risk.measures.stress import Injection
from credit_risk.modelling import evidence
from credit_risk.modelling.scored_split import RowsUnderTest
from credit_risk.scoring.decision import Decisions
from credit_risk.scoring.scorer import Scorer

Numbers = dict[str, Any]
Unknown = dict[str, str]

SCENARIO_COLUMNS = ("approval_rate", "mean_pd", "expected_loss", "expected_profit", "held_loss", "held_profit", "flips")


def run(config: Config, files: Files) -> None:
    """Write reports/robustness.json and the tables in reports/robustness/."""
    settings, tested = config.robustness, RowsUnderTest.read(config, files)
    unknown: Unknown = {}
    scenarios, migrations = under_stress(settings, tested, unknown)
    some = tested.drawn(settings.rows)
    missing = injected(some, stress.gaps(Inputs.of(config), some.inputs))
    invalid = injected(some, stress.nonsense(Inputs.of(config), some.inputs))
    baseline: Numbers = flat(_level(tested, tested.before))
    random = at_random(settings, some, unknown)
    numbers: Numbers = {
        "scorer": tested.scorer.digest,
        "rows": len(tested.inputs),
        "injected_rows": len(some.inputs),
        "baseline": baseline,
        "scenarios": scenarios,
        "missing": {**_counts("missing", missing, unknown, random), **_allowed(missing, unknown), "random": random},
        "invalid": _counts("invalid", invalid, unknown, {}),
        "unknown": unknown,
    }
    folder = files.reports / "robustness"
    write_figures(folder / "scenarios.csv", scenario_table(baseline, scenarios))
    write_figures(folder / "migration.csv", migrations)
    write_figures(folder / "missing.csv", missing)
    write_figures(folder / "invalid.csv", invalid)
    evidence.write(files, "robustness", numbers)


def under_stress(
    settings: Robustness, tested: RowsUnderTest, unknown: Unknown
) -> tuple[dict[str, Numbers], pd.DataFrame]:
    """The figures of each scenario by name, and who moved from which decision to which."""
    figures: dict[str, Numbers] = {}
    migrations = []
    for scenario in settings.scenarios:
        inputs = stress.stressed(tested.config, scenario, tested.inputs)
        after = harsher(tested.scorer, scenario).decide_inputs(inputs)
        path = f"scenarios.{scenario.name}"
        changed = _differ(inputs, tested.inputs) if scenario.odds == 1 else ~np.isnan(tested.before.pd)
        figures[scenario.name] = {
            **reported(path, _changes(tested, after), unknown),
            "not_scored": int((~np.isnan(tested.before.pd) & np.isnan(after.pd)).sum()),
            "changed": int(changed.sum()),
        }
        if not changed.any():
            gone = dict.fromkeys(name for name in figures[scenario.name] if name not in ("not_scored", "changed"))
            figures[scenario.name] |= gone
            unknown |= {f"{path}.{name}": "the stress changes no test row" for name in gone}
        migrations.append(stress.migration(tested.before, after).assign(scenario=scenario.name))
    return figures, pd.concat(migrations, ignore_index=True)[["scenario", "before", "after", "rows"]]


def _changes(tested: RowsUnderTest, after: Decisions) -> dict[str, Figure]:
    policy, confidence = tested.config.policy, tested.config.evaluation.confidence
    changes = stress.change(tested.before, after, policy, tested.applicant, confidence=confidence)
    return _because("no test row has a PD under this stress", {**_level(tested, after), **changes})


def harsher(scorer: Scorer, scenario: Scenario) -> Scorer:
    """The scorer with the odds of bad multiplied for everybody; policy, rules and refusals stay as they are."""
    calibration = scorer.calibration
    return replace(scorer, calibration=replace(calibration, intercept=calibration.intercept + log(scenario.odds)))


def injected(tested: RowsUnderTest, injections: Iterable[Injection]) -> pd.DataFrame:
    """One line an injection (see stress.judged)."""
    decide = tested.scorer.decide_inputs
    return pd.DataFrame([stress.judged(injection, tested.before, decide) for injection in injections])


def at_random(settings: Robustness, tested: RowsUnderTest, unknown: Unknown) -> Numbers:
    """A share of all cells blanked at random: what may still be scored, and how far the PDs then move."""
    inputs, confidence = Inputs.of(tested.config), tested.config.evaluation.confidence
    blank = stress.random_gaps(tested.inputs, settings.missing_share, tested.config.evaluation.seed)
    after = tested.scorer.decide_inputs(np.where(blank, np.nan, tested.inputs))
    refuse = (blank & inputs.refuse_missing).any(axis=1)
    refer = (blank & inputs.refer_missing).any(axis=1)
    accident = (refuse & stress.by_accident("refuse", after)) | (refer & stress.by_accident("refer", after))
    both = ~np.isnan(tested.before.pd) & ~np.isnan(after.pd) & blank.any(axis=1)
    shift = mean(np.abs(after.pd - tested.before.pd)[both], tested.applicant[both], confidence=confidence)
    return {
        "share": settings.missing_share,
        "rows_with_a_gap": int(blank.any(axis=1).sum()),
        "must_not_score": int((refuse | refer).sum()),
        "scored": int(both.sum()),
        "scored_by_accident": int(accident.sum()),
        **reported("missing.random", _because("no row with a gap has a PD", {"pd_shift": shift}), unknown),
    }


def scenario_table(baseline: Numbers, scenarios: Mapping[str, Numbers]) -> pd.DataFrame:
    """One line a scenario, the unstressed rows first, for the page and its pictures."""
    ends = ("", "_low", "_high")
    open_accounts = {
        f"held_{what}{end}": baseline[f"expected_{what}{end}"] for what in ("loss", "profit") for end in ends
    }
    lines = [{"scenario": "as it is", **baseline, **open_accounts, "flips": 0.0}]
    lines += [{"scenario": name, **numbers} for name, numbers in scenarios.items()]
    names = [name + end for name in SCENARIO_COLUMNS for end in ends]
    return pd.DataFrame(lines).reindex(columns=["scenario", *names, "not_scored"])


def _counts(path: str, table: pd.DataFrame, unknown: Unknown, random: Numbers) -> Numbers:
    """How many injected rows no model may score, and how many were all the same; not known if there were none."""
    guarded = table[table["policy"] != "allow"]
    rows = int(guarded["rows"].sum()) + random.get("must_not_score", 0)
    if not rows:
        unknown[f"{path}.scored_by_accident"] = "every input may be missing, so no row had to stay without a PD"
    accidents = int(guarded["by_accident"].sum()) + random.get("scored_by_accident", 0)
    return {"injected": rows, "scored_by_accident": accidents if rows else None}


def _allowed(table: pd.DataFrame, unknown: Unknown) -> Numbers:
    """How far leaving out an input that may be missing moves the PDs, and the decisions it would win."""
    allowed = table[(table["policy"] == "allow") & (table["scored"] > 0)]
    if allowed.empty:
        why = "no input that may be missing is scored when it is"
        unknown.update(dict.fromkeys(("missing.largest_pd_shift", "missing.largest_share_won"), why))
        return {"largest_pd_shift": None, "largest_share_won": None}
    won = allowed["won"] / (allowed["rows"] - allowed["approved_before"]).clip(lower=1)
    return {
        "largest_pd_shift": float(allowed["pd_shift"].max()),
        "largest_pd_shift_input": str(allowed["input"].to_numpy()[allowed["pd_shift"].argmax()]),
        "largest_share_won": float(won.max()),
        "largest_share_won_input": str(allowed["input"].to_numpy()[won.argmax()]),
    }


def _level(tested: RowsUnderTest, decisions: Decisions) -> dict[str, Figure]:
    confidence = tested.config.evaluation.confidence
    return stress.level(decisions, tested.config.policy, tested.applicant, confidence=confidence)


def _because(why: str, figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """The same figures; those of no row at all get the reason why there is none."""
    return {name: figure if figure.known else replace(figure, why=why) for name, figure in figures.items()}


def _differ(before: Matrix, after: Matrix) -> Mask:
    return np.asarray(~((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1))
