"""Sabotages of the data: aliases of protected columns, orders that know the outcome, what is known only later."""

from typing import Any

import numpy as np
import pandas as pd
from declared import Sabotage, add_feature, put_wordings_on_record
from pandas import DataFrame
from trial import FROM_MODEL, FROM_RAW, FROM_SCORER, GAP, Refused, Trial, write

from credit_risk.data.files import SPLITS
from credit_risk.data.writing import read_parquet
from credit_risk.stages import gate

OF_PDS = ("calibration_slope", "calibration_level", "calibration_bands")
MEMBER = {"role": "input_only", "type": "number", "range": [0, 2_000]}


def _with_member(table: DataFrame) -> DataFrame:
    """Months since the eighteenth birthday, under another name: the age."""
    return table.assign(member_months=(table["age"] - 18) * 12.0)


def alias_for_a_rule(trial: Trial) -> None:
    """The age under another name, which no model reads and one policy rule declines by."""
    write(trial.root, _with_member, gap=GAP)

    def change(tree: Any) -> None:
        tree["columns"]["member_months"] = dict(MEMBER)
        rule = {"name": "new", "where": "member_months < 84", "decision": "decline", "reason": "member for too short"}
        tree["policy"]["rules"].append(rule)

    trial.edit_config(change)
    put_wordings_on_record(trial)
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


OF_DATA = (
    Sabotage(
        "age under another name, read by a rule alone",
        alias_for_a_rule,
        {"proxies": r"FAIL .*fairness.proxy_largest.auc.* outside"},
        may=("fairness_age",),
        fresh=True,
    ),
    Sabotage(
        "age as a number among the features",
        alias_as_a_number,
        {"proxies": r"FAIL .*fairness.proxy_largest.auc.* outside"},
        may=("fairness_age",),
        fresh=True,
    ),
    Sabotage(
        "feature that is known only later",
        known_later,
        {"config": r"REFUSED .*columns.utilisation.known_at"},
        quick=True,
    ),
    Sabotage(
        "days that know the outcome",
        days_ordered,
        {"leak_order": r"FAIL .*\(leak.order\) of applied_on .* outside"},
        # Other days are other test rows, among which LightGBM's lead over points that are fitted together is uncertain.
        may=("beats_scorecard", "calibration_level", "calibration_bands", "stability", "reasons_interventional"),
        fresh=True,
    ),
)
CONTROLS_OF_DATA = (Sabotage("column that nobody reads", unread_column, {}),)
