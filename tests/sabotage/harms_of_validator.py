"""Sabotages that the validator's figures see: grades, segments, groups, the book, copies with noise."""

from typing import Any

import numpy as np
import pandas as pd
from declared import Sabotage, add_gates, crown
from pandas import DataFrame
from trial import FROM_MODEL, FROM_RAW, FROM_SCORER, GAP, Trial, write

from credit_risk.stages import gate
from credit_risk.validator import measure as validator

GATES = (  # those of docs/validator.md that need no champion
    {"name": "grades_hold", "measure": "validator.grades.least_p", "at_least": 0.02, "exact": True},
    {"name": "segments_calibrated", "measure": "validator.segments.largest_gap", "at_most": 0.69},
    {"name": "groups_calibrated", "measure": "validator.groups.largest_gap", "at_most": 0.35},
    {"name": "book_as_foretold", "measure": "validator.book.bads_ratio", "at_most": 1.2},
    {"name": "no_twins", "measure": "validator.twins.excess", "at_most": 2},
    {
        "name": "points_add_up",
        "measure": "validator.points.largest_difference_from_the_score",
        "at_most": 1e-6,
        "exact": True,
    },
)
GROUPS_AS_BEFORE = {
    "name": "groups_as_before",
    "measure": "validator.champion.groups_moved",
    "at_most": 0,
    "exact": True,
}


def _by_validator(trial: Trial) -> None:
    """The validator's figures taken and judged too."""
    add_gates(trial, *GATES)
    trial.run(validator, gate)


def as_it_was(trial: Trial) -> None:
    """The untouched lender, with the validator's gates too."""
    _by_validator(trial)


def women_relabelled(trial: Trial) -> None:
    """Three in ten of women's bads called good in the data: the model learns it, and every figure of it agrees."""
    crown(trial)
    table = pd.read_csv(trial.raw)
    called_good = (table["status"] == "bad") & (table["sex"] == "female") & (table.index % 10 < 3)
    table.assign(status=table["status"].mask(called_good, "good")).to_csv(trial.raw, index=False)
    add_gates(trial, GROUPS_AS_BEFORE)
    trial.run(*FROM_RAW, *FROM_MODEL, *FROM_SCORER[:-1], validator, gate)


def jittered_twins(trial: Trial) -> None:
    """Each of 8,000 accounts a second time, on another day and with a little noise: equal to nothing."""

    def change(table: DataFrame) -> DataFrame:
        random = np.random.default_rng(1)
        twins = table[table["status"].isin(["good", "bad"])].sample(8_000, random_state=1)
        noise = {
            name: twins[name] * random.normal(1, 0.001, len(twins)) for name in ("income", "loan_amount", "utilisation")
        }
        twins = twins.assign(**noise, applied_on=random.permutation(table["applied_on"].to_numpy())[: len(twins)])
        twins = twins.assign(applicant_id=table["applicant_id"].max() + np.arange(1, len(twins) + 1))
        both = pd.concat([table, twins], ignore_index=True)
        return both.assign(application_id=np.arange(1, len(both) + 1))

    write(trial.root, change, gap=GAP)
    trial.run_from_raw()
    _by_validator(trial)


def segment_mispriced(trial: Trial) -> None:
    """Loans for a business whose true risk has doubled by the time of the test rows, and stands in no feature."""

    def change(table: DataFrame) -> DataFrame:
        late = pd.to_datetime(table["applied_on"]) >= "2023-06-01"
        turned = np.random.default_rng(1).random(len(table)) < 0.25
        worse = late & turned & (table["purpose"] == "business") & (table["status"] == "good")
        return table.assign(status=table["status"].mask(worse, "bad"))

    write(trial.root, change, gap=GAP)
    trial.run_from_raw()
    _by_validator(trial)


def pds_too_low(trial: Trial) -> None:
    """Every PD lower by half a unit of log-odds: the calibration edited by hand."""

    def lower(facts: Any) -> None:
        facts["calibration"]["lightgbm"]["intercept"] -= 0.5

    trial.edit_json(trial.files.model / "training.json", lower)
    trial.run(*FROM_MODEL, *FROM_SCORER[:-1])
    _by_validator(trial)


def validator_missing(trial: Trial) -> None:
    """Gates on the validator's figures, and nobody has taken them."""
    add_gates(trial, *GATES[:1])
    trial.run(gate)


def validator_of_another(trial: Trial) -> None:
    """The validator's figures of another scorer."""
    _by_validator(trial)
    trial.edit_json(trial.files.part("validator"), lambda tree: tree.update(scorer="0" * 64))
    trial.run(gate)


def validator_of_other_settings(trial: Trial) -> None:
    """The validator's figures of other segments than the config's now."""
    _by_validator(trial)
    trial.edit_config(lambda tree: tree["evaluation"].update(segments=[]))
    trial.run(gate)


OF_VALIDATOR = (
    Sabotage(
        "jittered twins",
        jittered_twins,
        {"no_twins": r"FAIL .*\(validator.twins.excess\)"},
        fresh=True,
    ),
    Sabotage(
        "segment mispriced",
        segment_mispriced,
        {"segments_calibrated": r"FAIL .*\(validator.segments.largest_gap\)"},
        may=("calibration_slope", "calibration_level", "grades_hold", "groups_calibrated", "book_as_foretold"),
        fresh=True,
    ),
    Sabotage(
        "PDs too low for the book",
        pds_too_low,
        {
            "grades_hold": r"FAIL",
            "groups_calibrated": r"FAIL",
            "book_as_foretold": r"FAIL",
            "calibration_level": r"FAIL",
        },
    ),
    Sabotage(
        "validator's figures missing",
        validator_missing,
        {"grades_hold": r"FAIL .*`make validator` writes it"},
        quick=True,
    ),
    Sabotage(
        "validator's figures of another scorer",
        validator_of_another,
        {"stale": r"REFUSED reports/parts/validator.json measured another scorer"},
        quick=True,
    ),
    Sabotage(
        "validator's figures under other settings",
        validator_of_other_settings,
        {"altered": r"REFUSED reports/parts/validator.json was not measured on the settings as they are"},
        quick=True,
    ),
    Sabotage(
        "women's bads relabelled",
        women_relabelled,
        {"groups_as_before": r"FAIL .*\(validator.champion.groups_moved\) is [1-9]"},
    ),
)
CONTROLS_OF_VALIDATOR = (Sabotage("untouched, by the validator's gates too", as_it_was, {}, quick=True),)
