"""From raw files to rows that may train, select and test (DVC stage `prepare`)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.config.schema import GUARDED_ROLES
from credit_risk.data import digest, split, tables
from credit_risk.data.files import SPLITS, Files, SplitName
from credit_risk.data.inputs import Inputs, Mask, Matrix, word_of
from credit_risk.data.split import Assignment
from credit_risk.data.writing import write_json, write_parquet
from credit_risk.errors import DataError
from credit_risk.scoring.features import Features

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Book:
    """Applications with a known outcome that a model may be built on."""

    table: pd.DataFrame
    inputs: Matrix
    bad: Mask
    left_out: Mapping[str, int]


def run(config: Config, files: Files) -> None:
    """Take out what the model is not meant for, group and split; inputs, outcomes, protected columns in own tables."""
    raw = tables.read_passed(files.table, config)
    log.info("%s rows read", f"{len(raw):,}")
    book = modelled(config, raw)
    assignment, facts = assign(config, book)
    parts = {name: _summary(book, assignment.part == place) for place, name in enumerate(SPLITS)}
    if empty := [name for name, part in parts.items() if part["goods"] == 0 or part["bads"] == 0]:
        raise DataError(
            f"the {' and '.join(empty)} rows hold no good or no bad account: {parts}. "
            "Use more data, or change the shares under split."
        )
    for place, name in enumerate(SPLITS):
        write_split(config, files, name, book, mask=assignment.part == place, group=assignment.group)
    write_json(
        files.report("preparation"),
        {
            "rows_read": len(raw),
            "left_out": {**book.left_out, **assignment.left_out},
            "split": facts,
            "parts": parts,
            "population": config.outcome.population,
            "outcome": config.outcome.definition,
            "inputs_digest": {source.path: digest.of_file(files.root / source.path) for source in config.data.sources},
            "outputs_digest": {
                f"{kind}/{name}": digest.of_file(getattr(files, kind)(name))
                for kind in ("inputs", "outcomes", "protected")
                for name in SPLITS
            },
        },
    )
    log.info("train, selection, test: %s rows", ", ".join(f"{parts[name]['rows']:,}" for name in SPLITS))


def modelled(config: Config, raw: pd.DataFrame) -> Book:
    """The rows a model may be built on, and how many were left out for which reason.

    Raises DataError for a word in the target column that the config does not know.
    """
    bad = outcome_of(config, raw)
    inputs = Inputs.of(config)
    matrix = inputs.table(raw)
    columns = Features.of(config).columns(matrix)
    reasons = {
        "outcome not known": np.isnan(bad) & ~_indeterminate(config, raw),
        "outcome indeterminate": _indeterminate(config, raw),
        **{
            f"excluded: {exclusion.name} ({exclusion.reason})": config.formula(exclusion.where).holds(columns)
            for exclusion in config.outcome.exclusions
        },
        "cannot be scored under the missing and range policy": inputs.faults(matrix).any,
    }
    left = np.ones(len(raw), dtype=bool)
    counts = {}
    for reason, mask in reasons.items():
        counts[reason] = int((mask & left).sum())
        left &= ~mask
    if not left.any():
        raise DataError(f"no row is left to build a model on: {counts}.")
    # The index stays: it is the row's place in the file, which names a row that has no id.
    return Book(raw[left], matrix[left], bad[left] == 1, counts)


def outcome_of(config: Config, raw: pd.DataFrame) -> Matrix:
    """1 for bad, 0 for good, NaN where the outcome is indeterminate or not known."""
    target = config.only("target")
    words = raw[target].map(word_of, na_action="ignore")
    codes = dict.fromkeys(map(word_of, config.outcome.good), 0.0) | dict.fromkeys(map(word_of, config.outcome.bad), 1.0)
    known = {*codes, *map(word_of, config.outcome.indeterminate)}
    if strange := sorted(set(words.dropna().unique()) - known):
        raise DataError(
            f"{target} holds {', '.join(map(repr, strange[:5]))}; the config knows {', '.join(sorted(known))}. "
            "Say under `outcome:` which of good, bad and indeterminate each value is."
        )
    return np.asarray(words.map(codes).to_numpy(dtype=np.float64, na_value=np.nan))


def _indeterminate(config: Config, raw: pd.DataFrame) -> Mask:
    words = raw[config.only("target")].map(word_of, na_action="ignore")
    return np.asarray(words.isin([word_of(value) for value in config.outcome.indeterminate]))


@dataclass(frozen=True)
class Grouped(Assignment):
    """An assignment with the group of each row, which cross-validation must keep together too."""

    group: split.Labels


def assign(config: Config, book: Book) -> tuple[Grouped, dict[str, Any]]:
    """Give each row its part, and say how that was done."""
    applicant = config.only("applicant")
    keys = split.row_keys(book.inputs)
    group = split.groups(keys, book.table[applicant] if applicant else None)
    shares = (config.split.train, config.split.selection, config.split.test)
    if config.split.by == "random":
        part = split.at_random(group, keys, book.bad, shares, config.split.seed)
        facts = {"by": "random", "out_of_time": False, "why_random": config.split.why_random or "the data has no date"}
        return Grouped(part, {}, group), facts
    date = book.table[config.only("date")]
    embargo = config.outcome.performance_window_months
    assignment, first_test_day = split.by_time(group, keys, book.bad, date, split=config.split, embargo_months=embargo)
    facts = {
        "by": "time",
        "out_of_time": True,
        "first_test_day": str(first_test_day.date()),
        "embargo_months": embargo,
        "dates": {name: _dates(date[assignment.part == place]) for place, name in enumerate(SPLITS)},
    }
    return Grouped(assignment.part, assignment.left_out, group), facts


def write_split(config: Config, files: Files, name: SplitName, book: Book, *, mask: Mask, group: split.Labels) -> None:
    """Write one part in three tables of the same row order: inputs, outcomes, and what the model never sees."""
    table = book.table[mask]
    write_parquet(files.inputs(name), table[list(config.inputs)])
    outcome = {"row": _row_names(config, table), "group": group[mask], "bad": book.bad[mask]}
    if date := config.only("date"):
        outcome["date"] = table[date].to_numpy()
    write_parquet(files.outcomes(name), pd.DataFrame(outcome))
    write_parquet(files.protected(name), table[list(config.named(*GUARDED_ROLES))])


def _row_names(config: Config, table: pd.DataFrame) -> np.ndarray[Any, Any]:
    identifier = config.only("id")
    return (table[identifier] if identifier else pd.Series(table.index)).to_numpy()


def _summary(book: Book, mask: Mask) -> dict[str, Any]:
    bad = book.bad[mask]
    return {
        "rows": len(bad),
        "goods": int((~bad).sum()),
        "bads": int(bad.sum()),
        "bad_rate": float(bad.mean()) if len(bad) else 0.0,
    }


def _dates(date: pd.Series) -> list[str]:
    return [str(date.min().date()), str(date.max().date())]
