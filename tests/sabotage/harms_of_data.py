"""Sabotages of the data: aliases of protected columns, orders and copies that know the outcome, segments mispriced."""

import numpy as np
import pandas as pd
from declared import AGREEMENT, Sabotage, add_feature, add_gates
from pandas import DataFrame
from trial import FROM_MODEL, FROM_RAW, FROM_SCORER, GAP, Refused, Trial, write

from credit_risk.data.files import SPLITS
from credit_risk.data.writing import read_parquet
from credit_risk.stages import gate
from credit_risk.validator import measure as validator

OF_PDS = ("calibration_slope", "calibration_level", "calibration_bands")
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
MEMBER = {"role": "input_only", "type": "number", "range": [0, 2_000]}


def _by_validator(trial: Trial) -> None:
    """The validator's figures taken and judged too."""
    add_gates(trial, *GATES)
    trial.run(validator, gate)


def _with_member(table: DataFrame) -> DataFrame:
    """Months since the eighteenth birthday, under another name: the age."""
    return table.assign(member_months=(table["age"] - 18) * 12.0)


def alias_for_a_rule(trial: Trial) -> None:
    """The age under another name, which no model reads and one policy rule declines by."""
    write(trial.root, _with_member, gap=GAP)

    def change(tree: object) -> None:
        tree["columns"]["member_months"] = dict(MEMBER)  # type: ignore[index]
        rule = {"name": "new", "where": "member_months < 84", "decision": "decline", "reason": "member for too short"}
        tree["policy"]["rules"].append(rule)  # type: ignore[index]

    trial.edit_config(change)
    trial.run_from_raw()


def alias_as_a_number(trial: Trial) -> None:
    """The same alias among the features."""
    write(trial.root, _with_member, gap=GAP)
    trial.edit_config(add_feature("member_months", {**MEMBER, "role": "feature"}, family=3))
    trial.run_from_raw()


def known_later(trial: Trial) -> None:
    """A feature of which the config itself says that it is known only after the decision."""
    trial.edit_config(lambda tree: tree["columns"]["utilisation"].update(known_at="later"))
    trial.run(gate)


def days_ordered(trial: Trial) -> None:
    """Days of application that follow the outcome, with noise."""

    def change(table: DataFrame) -> DataFrame:
        noise = np.random.default_rng(1).normal(0, 1, len(table))
        order = np.argsort((table["status"] == "bad") + noise, kind="stable")
        return table.iloc[order].assign(applied_on=np.sort(table["applied_on"].to_numpy())).sort_index()

    write(trial.root, change, gap=GAP)
    trial.run_from_raw()


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

    def lower(facts: dict) -> None:  # type: ignore[type-arg]
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


def unread_column(trial: Trial) -> None:
    """A column that nobody reads comes into the file: every row must stay in its part."""
    before = {name: read_parquet(trial.files.outcomes(name))["row"].tolist() for name in SPLITS}
    table = pd.read_csv(trial.raw)
    table.assign(unread=np.arange(len(table))).to_csv(trial.raw, index=False)
    trial.edit_config(lambda tree: tree["columns"].update(unread={"role": "ignore", "why": "nobody reads it"}))
    trial.run(*FROM_RAW[:2])
    after = {name: read_parquet(trial.files.outcomes(name))["row"].tolist() for name in SPLITS}
    if after != before:
        raise Refused("prepare", "rows changed their part for a column that nobody reads")
    trial.run(*FROM_RAW[2:], *FROM_MODEL, *FROM_SCORER)


def as_it_was(trial: Trial) -> None:
    """The untouched lender, with the validator's gates too."""
    _by_validator(trial)


OF_DATA = (
    Sabotage(
        "age under another name, read by a rule alone",
        alias_for_a_rule,
        {"proxies": "x"},
        may=("fairness_age",),
        fresh=True,
    ),
    Sabotage(
        "age as a number among the features", alias_as_a_number, {"proxies": "x"}, may=("fairness_age",), fresh=True
    ),
    Sabotage("feature that is known only later", known_later, {"config": "x"}, quick=True),
    Sabotage("days that know the outcome", days_ordered, {"leak_order": "x"}, may=(*OF_PDS, *AGREEMENT), fresh=True),
    Sabotage("jittered twins", jittered_twins, {"no_twins": "x"}, may=(*OF_PDS, *AGREEMENT), fresh=True),
    Sabotage(
        "segment mispriced", segment_mispriced, {"segments_calibrated": "x"}, may=(*OF_PDS, *AGREEMENT), fresh=True
    ),
    Sabotage(
        "PDs too low for the book",
        pds_too_low,
        {"grades_hold": "x", "book_as_foretold": "x", "calibration_level": "x"},
        may=OF_PDS,
    ),
    Sabotage("validator's figures missing", validator_missing, {"grades_hold": "x"}, quick=True),
    Sabotage("validator's figures of another scorer", validator_of_another, {"stale": "x"}, quick=True),
)
CONTROLS_OF_DATA = (
    Sabotage("untouched, by the validator's gates too", as_it_was, {}, quick=True),
    Sabotage("column that nobody reads", unread_column, {}),
)
