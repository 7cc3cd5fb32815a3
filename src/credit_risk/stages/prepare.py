"""From raw files to rows that may train, select and test (DVC stage `prepare`)."""

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.columns import GUARDED_ROLES
from credit_risk.data import digest, split
from credit_risk.data.files import SPLITS, Files, SplitName
from credit_risk.data.inputs import Mask
from credit_risk.data.reading import tables
from credit_risk.data.split import Assignment
from credit_risk.data.writing import write_json, write_parquet
from credit_risk.errors import DataError
from credit_risk.modelling import training_record
from credit_risk.modelling.accounts import WEIGHTS, Accounts, modelled, outcome_words

log = logging.getLogger(__name__)


def run(config: Config, files: Files) -> None:
    """Take out what the model is not meant for, group and split; inputs, outcomes, protected columns in own tables."""
    raw = tables.read_passed(files.table, config)
    log.info("%s rows read", f"{len(raw):,}")
    accounts = modelled(config, raw)
    assignment, facts = assign(config, accounts)
    parts = {name: _summary(accounts.bad[assignment.part == part]) for part, name in enumerate(SPLITS)}
    if empty := [name for name, part in parts.items() if part["goods"] == 0 or part["bads"] == 0]:
        raise DataError(
            f"the {' and '.join(empty)} rows hold no good or no bad account: {parts}. "
            "Use more data, or change the shares under split."
        )
    for part, name in enumerate(SPLITS):
        write_split(config, files, name, accounts, mask=assignment.part == part, group=assignment.group)
    write_json(
        files.report("preparation"),
        {
            "rows_read": len(raw),
            "left_out": {**accounts.left_out, **assignment.left_out},
            "left_out_bad_rate": {**accounts.left_out_bad_rate, **assignment.left_out_bad_rate},
            "population_bad_rate": population_bad_rate(accounts),
            "outcome_words": outcome_words(config, raw),
            "split": facts,
            "parts": parts,
            "population": config.outcome.population,
            "outcome": config.outcome.definition,
            "settings": training_record.preparation(config),
            "inputs_digest": {source.path: digest.of_file(files.root / source.path) for source in config.data.sources},
            "outputs_digest": {
                f"{kind}/{name}": digest.of_file(getattr(files, kind)(name))
                for kind in ("inputs", "outcomes", "protected")
                for name in SPLITS
            },
        },
    )
    for why, rows in [each for each in {**accounts.left_out, **assignment.left_out}.items() if each[1]]:
        log.info("left out: %s rows, %s", f"{rows:,}", why)
    log.info("train, selection, test: %s rows", ", ".join(f"{parts[name]['rows']:,}" for name in SPLITS))


def population_bad_rate(accounts: Accounts) -> float | None:
    """The bad rate that weights or a declared rate make of the rows; None where each row stands for one account."""
    weight = accounts.weights.population
    return None if (weight == weight[0]).all() else float(np.average(accounts.bad, weights=weight))


@dataclass(frozen=True)
class Grouped(Assignment):
    """An assignment with the group of each row, which cross-validation must keep together too."""

    group: split.Labels = field(kw_only=True)


def assign(config: Config, accounts: Accounts) -> tuple[Grouped, dict[str, Any]]:
    """Give each row its part, and say how that was done."""
    keys, group = accounts.identity(config), accounts.applicants(config)
    shares = (config.split.train, config.split.selection, config.split.test)
    if config.split.by == "random":
        part = split.at_random(group, keys, accounts.bad, shares, config.split.seed)
        facts = {
            "by": "random",
            "out_of_time": False,
            "why_random": config.split.why_random or "the data has no date",
            "seed": config.split.seed,
            "identity": list(config.identity),
            "shares": dict(zip(SPLITS, split.met(part, shares, config.split.tolerance), strict=True)),
        }
        return Grouped(part, {}, {}, group=group), facts
    date = accounts.table[config.only("date")]
    embargo = config.outcome.performance_window_months
    assignment, first_test_day = split.by_time(
        group, keys, accounts.bad, date, split=config.split, embargo_months=embargo
    )
    develop = config.split.train + config.split.selection
    past = assignment.part[(assignment.part == 0) | (assignment.part == 1)]
    of_past = (config.split.train / develop, config.split.selection / develop)
    facts = {
        "by": "time",
        "out_of_time": True,
        "first_test_day": str(first_test_day.date()),
        "embargo_months": embargo,
        "seed": config.split.seed,
        "identity": list(config.identity),
        "shares_of_the_past": dict(zip(SPLITS, split.met(past, of_past, config.split.tolerance), strict=False)),
        "dates": {name: _dates(date[assignment.part == part]) for part, name in enumerate(SPLITS)},
    }
    return Grouped(assignment.part, assignment.left_out, assignment.left_out_bad_rate, group=group), facts


def write_split(
    config: Config, files: Files, name: SplitName, accounts: Accounts, *, mask: Mask, group: split.Labels
) -> None:
    """Write one part in three tables of the same row order: inputs, outcomes, and what the model never sees."""
    table = accounts.table[mask]
    write_parquet(files.inputs(name), table[list(config.inputs)])
    outcome = {
        "row": _row_names(config, table),
        "key": accounts.identity(config)[mask],
        "file_row": table.index.to_numpy(),
        "group": group[mask],
        "bad": accounts.bad[mask],
    }
    if date := config.only("date"):
        outcome["date"] = table[date].to_numpy()
    if config.data.weight or config.outcome.population_bad_rate:
        weights = accounts.weights.take(mask)
        outcome |= dict(zip(WEIGHTS, (weights.drawn, weights.population), strict=True))
    write_parquet(files.outcomes(name), pd.DataFrame(outcome))
    write_parquet(files.protected(name), table[list(config.named(*GUARDED_ROLES))])


def _row_names(config: Config, table: pd.DataFrame) -> np.ndarray[Any, Any]:
    identifier = config.only("id")
    return (table[identifier] if identifier else pd.Series(table.index)).to_numpy()


def _summary(bad: Mask) -> dict[str, Any]:
    return {
        "rows": len(bad),
        "goods": int((~bad).sum()),
        "bads": int(bad.sum()),
        "bad_rate": float(bad.mean()) if len(bad) else 0.0,
    }


def _dates(date: pd.Series) -> list[str]:
    return [str(date.min().date()), str(date.max().date())]
