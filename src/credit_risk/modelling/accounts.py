"""Which applications a model may be built or measured on: those whose outcome is known, and good or bad."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from credit_risk.config import Config
from credit_risk.data import split
from credit_risk.data.files import Files, SplitName
from credit_risk.data.inputs import Inputs, Mask, Matrix, word_of
from credit_risk.data.writing import read_parquet
from credit_risk.errors import DataError
from credit_risk.scoring.features import Features


def read_inputs(config: Config, files: Files, name: SplitName) -> Matrix:
    """The applications of a split as numbers: (rows, inputs), see data.inputs."""
    return Inputs.of(config).table(read_parquet(files.inputs(name)))


@dataclass(frozen=True, eq=False)
class Accounts:
    """Applications with a known outcome.

    table: as read, its index the row in the file. inputs: (rows, inputs), see data.inputs. bad: (rows,).
    left_out: how many rows of the file are not here, by reason.
    """

    table: pd.DataFrame
    inputs: Matrix
    bad: Mask
    left_out: Mapping[str, int]

    @cached_property
    def keys(self) -> split.Keys:
        """Equal for rows that are equal in every input."""
        return split.row_keys(self.inputs)

    def applicants(self, config: Config) -> split.Labels:
        """The group of each row: one applicant's rows belong together, and copies if the config declares them."""
        applicant = config.only("applicant")
        return split.groups(
            self.keys,
            self.table[applicant] if applicant else None,
            equal_together=config.split.equal_rows == "together",
        )

    def take(self, rows: Mask) -> "Accounts":
        return replace(self, table=self.table[rows], inputs=self.inputs[rows], bad=self.bad[rows])


def modelled(config: Config, raw: pd.DataFrame) -> Accounts:
    """The rows a model may be built on, and how many were left out for which reason.

    Raises DataError for a word in the target column that the config does not know.
    """
    bad = outcome_of(config, raw)
    inputs = Inputs.of(config)
    matrix = inputs.table(raw)
    columns = Features.of(config).columns(matrix) if config.outcome.exclusions else {}
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
    # The index stays: it is the number of the row in the file, which names a row that has no id.
    return Accounts(raw[left], matrix[left], bad[left] == 1, counts)


def outcome_words(config: Config, raw: pd.DataFrame) -> list[dict[str, object]]:
    """Every word of the target column, how many rows say it, and what it became; a cell without a word is null."""
    words = raw[config.only("target")].map(word_of, na_action="ignore")
    meanings = {
        word_of(word): meaning
        for meaning in ("bad", "good", "indeterminate")
        for word in getattr(config.outcome, meaning)
    }
    counted: list[dict[str, object]] = [
        {"word": str(word), "rows": int(rows), "became": meanings.get(str(word), "refused")}
        for word, rows in words.value_counts().items()
    ]
    missing = int(words.isna().sum())
    if missing:
        counted.append({"word": None, "rows": missing, "became": "not known"})
    return counted


def outcome_of(config: Config, raw: pd.DataFrame) -> Matrix:
    """1 for bad, 0 for good, NaN where the outcome is indeterminate or not known; (rows,)."""
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
